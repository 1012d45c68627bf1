"""The demo plant: a small bottling works with its water treatment, about 200 elements.

It is made of the same files as a real configuration and goes through the same checks. Three users
can log in; their passwords are public, for they open nothing else:

========  =============  =======================================================
user      password       may
========  =============  =======================================================
viewer    viewer-demo    read
operator  operator-demo  read, and write set points, recipes and commands
engineer  engineer-demo  read and write everything, suspend, resume and shut down
========  =============  =======================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from xentara_nb.simulator.config.configuration import Configuration, from_documents
from xentara_nb.simulator.model.model import Model

USERS: Mapping[str, str] = MappingProxyType(
    {"viewer": "viewer-demo", "operator": "operator-demo", "engineer": "engineer-demo"}
)
"""The demo users and their passwords."""

DEFAULT_USER = "engineer"

_MODEL = resources.files(__package__) / "demo_model.json"
_VIEWER = "cb65d5b8-10fe-5303-bb91-a552d02c19ce"
_OPERATOR = "fad608fe-fa63-5fbf-9e21-140fa86587a7"
_ENGINEER = "d4fc7e05-c4b7-59ce-b495-bbd4c0e53b5b"

Json = dict[str, Any]
"""The content of a JSON file."""


def documents() -> dict[str, Json]:
    """Return the five files of the demo plant's configuration by their names.

    Written into a folder, they are a configuration like any other, to start an own one from.
    """
    return {
        **_log_in(operators_write=False),
        "model.json": json.loads(_MODEL.read_text(encoding="utf-8")),
    }


def write_documents(folder: Path) -> None:
    """Write the five files into a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in _log_in(operators_write=False).items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (folder / "model.json").write_bytes(_MODEL.read_bytes())


def configuration() -> Configuration:
    """Return the demo plant's configuration."""
    return from_documents(documents())


def security_for(own: Model) -> Configuration:
    """Return a configuration in which the demo users log in to another model.

    It is not known which of its elements are set points, so operators may write everything there.
    """
    found = from_documents({**_log_in(operators_write=True), "model.json": {}})
    return Configuration(own, found.server, found.users, found.security)


def _log_in(*, operators_write: bool) -> dict[str, Json]:
    read = ["websocket.connect", "read"]
    return {
        "config.json": {
            "httpServer": {
                "port": 8080,
                "authentication": {"realm": "Xentara", "schemes": ["Basic"]},
            }
        },
        "users.json": {
            "users": [
                {"userName": "viewer", "UUID": _VIEWER, "roles": ["Viewer"]},
                {"userName": "operator", "UUID": _OPERATOR, "roles": ["Operator"]},
                {"userName": "engineer", "UUID": _ENGINEER, "roles": ["Engineer"]},
            ]
        },
        "passwords.json": {
            _VIEWER: "$6$xentara.viewer$CXr/JajY7mzTTBDu4V8k4TFUVibiFSS34e1MhUf0fNp4IhDUpMyK5."
            "WSpLsOviHLIkgHwIgpwDoFWJpAKnocl0",
            _OPERATOR: "$6$xentara.operator$RG0oLTJt7OSxD1DeNJaIZpcXi/SgoCj9Ahdroj6u6mVFXo0vHY9"
            "MFhtcR1qETFLl0PFupDLd3CGk0CA4D0uDD0",
            _ENGINEER: "$6$xentara.engineer$WwpuxrnQadzaOGnQyNsc239nAN9kDhi3sWjBucTMcaDlob88Fei"
            "8jb3vgBx28ZyIj5L113e2CnmjddyyTkN700",
        },
        "security.json": {
            "roles": [
                {"name": "Viewer", "UUID": "5c7144da-83dc-5862-8d47-6f56e6329a48"},
                {"name": "Operator", "UUID": "c17a4948-5cd2-5178-9a0e-5be56a815991"},
                {"name": "Engineer", "UUID": "6f099f3d-f0b5-5441-abc8-001890caebfc"},
            ],
            "ACL": {
                "inherit": False,
                "entries": [
                    {"role": "Viewer", "allow": read},
                    {"role": "Operator", "allow": [*read, "write"] if operators_write else read},
                    {"role": "Engineer", "allow": [*read, "write", "suspend", "shutdown"]},
                ],
            },
        },
    }
