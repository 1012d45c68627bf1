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
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from xentara_nb.simulator.config.configuration import FILES, Configuration, from_documents
from xentara_nb.simulator.model.model import Model

USERS: Mapping[str, str] = MappingProxyType(
    {"viewer": "viewer-demo", "operator": "operator-demo", "engineer": "engineer-demo"}
)
"""The demo users and their passwords."""

DEFAULT_USER = "engineer"

POLICY = Path(__file__).with_name("demo_plant") / "policy.toml"
"""A write policy for the demo plant, with limits and steps."""

_FOLDER = resources.files(__package__) / "demo_plant"

Json = dict[str, Any]
"""The content of a JSON file."""


def documents() -> dict[str, Json]:
    """Return the five files of the demo plant's configuration by their names.

    Written into a folder, they are a configuration like any other, to start an own one from.
    """
    return {name: json.loads((_FOLDER / name).read_text(encoding="utf-8")) for name in FILES}


def write_documents(folder: Path) -> None:
    """Write the five files into a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_bytes((_FOLDER / name).read_bytes())


@cache
def configuration() -> Configuration:
    """Return the demo plant's configuration: the same one each time, for it is not changed."""
    return from_documents(documents())


def security_for(own: Model) -> Configuration:
    """Return a configuration in which the demo users log in to another model.

    It is not known which of its elements are set points, so operators may write everything there.
    """
    content = {**documents(), "model.json": {}}
    for entry in content["security.json"]["ACL"]["entries"]:
        if entry["role"] == "Operator":
            entry["allow"].append("write")
    return replace(from_documents(content), model=own)
