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
from pathlib import Path
from types import MappingProxyType

from xentara_nb.simulator.config.configuration import Configuration, from_documents
from xentara_nb.simulator.config.demo_plant import Json, model, stable_uuid
from xentara_nb.simulator.model.model import Model

USERS: Mapping[str, str] = MappingProxyType(
    {"viewer": "viewer-demo", "operator": "operator-demo", "engineer": "engineer-demo"}
)
"""The demo users and their passwords."""

DEFAULT_USER = "engineer"

_HASHES = {
    "viewer": "$6$xentara.viewer$CXr/JajY7mzTTBDu4V8k4TFUVibiFSS34e1MhUf0fNp4IhDUpMyK5.WSpLsO"
    "viHLIkgHwIgpwDoFWJpAKnocl0",
    "operator": "$6$xentara.operator$RG0oLTJt7OSxD1DeNJaIZpcXi/SgoCj9Ahdroj6u6mVFXo0vHY9MFhtc"
    "R1qETFLl0PFupDLd3CGk0CA4D0uDD0",
    "engineer": "$6$xentara.engineer$WwpuxrnQadzaOGnQyNsc239nAN9kDhi3sWjBucTMcaDlob88Fei8jb3v"
    "gBx28ZyIj5L113e2CnmjddyyTkN700",
}
_ROLES = {"viewer": "Viewer", "operator": "Operator", "engineer": "Engineer"}


def documents() -> dict[str, Json]:
    """Return the five files of the demo plant's configuration by their names.

    Written into a folder, they are a configuration like any other, to start an own one from.
    """
    return {**_log_in(operators_write=False), "model.json": model()}


def write_documents(folder: Path) -> None:
    """Write the five files into a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in documents().items():
        text = json.dumps(content, indent=2, ensure_ascii=False)
        (folder / name).write_text(text + "\n", encoding="utf-8")


def configuration() -> Configuration:
    """Return the demo plant's configuration."""
    return from_documents(documents())


def security_for(own: Model) -> Configuration:
    """Return a configuration in which the demo users log in to another model.

    Which of its elements are set points nobody knows, so there operators may write everything.
    """
    found = from_documents({**_log_in(operators_write=True), "model.json": {}})
    return Configuration(own, found.server, found.users, found.security)


def _log_in(*, operators_write: bool) -> dict[str, Json]:
    seen = ["websocket.connect", "read"]
    allowed = {
        "Viewer": seen,
        "Operator": [*seen, "write"] if operators_write else seen,
        "Engineer": [*seen, "write", "suspend", "shutdown"],
    }
    return {
        "config.json": {
            "httpServer": {
                "port": 8080,
                "authentication": {"realm": "Xentara", "schemes": ["Basic"]},
            }
        },
        "users.json": {
            "users": [
                {"userName": name, "UUID": stable_uuid("user", name), "roles": [_ROLES[name]]}
                for name in USERS
            ]
        },
        "passwords.json": {stable_uuid("user", name): _HASHES[name] for name in USERS},
        "security.json": {
            "roles": [
                {"name": role, "UUID": stable_uuid("role", role)} for role in _ROLES.values()
            ],
            "ACL": {
                "inherit": False,
                "entries": [{"role": role, "allow": names} for role, names in allowed.items()],
            },
        },
    }
