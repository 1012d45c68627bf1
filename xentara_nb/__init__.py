"""Explore a Xentara automation server from a notebook, and change values without fear.

>>> import xentara_nb
>>> with xentara_nb.simulate() as plant, plant.connect() as client:
...     inventory = client.inventory()
>>> inventory.columns.tolist()[:3]
['primary_key', 'element_uuid', 'category']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import xentara_nb.tables.accessor  # noqa: F401 - registers df.xentara

if TYPE_CHECKING:
    from xentara_nb._version import __version__
    from xentara_nb.client import Client, connect
    from xentara_nb.errors import XentaraError
    from xentara_nb.simulator import simulate
    from xentara_nb.tables.files import read_inventory
    from xentara_nb.writes.policy import WritePolicy
    from xentara_nb.writes.records import read_journal

# What is loaded when it is first used: the simulator is an extra, and does not need the client. To
# know the version, Python looks for it among all that is installed.
_HOMES = {
    "Client": "xentara_nb.client",
    "WritePolicy": "xentara_nb.writes.policy",
    "XentaraError": "xentara_nb.errors",
    "__version__": "xentara_nb._version",
    "connect": "xentara_nb.client",
    "read_inventory": "xentara_nb.tables.files",
    "read_journal": "xentara_nb.writes.records",
    "simulate": "xentara_nb.simulator",
}

__all__ = [
    "Client",
    "WritePolicy",
    "XentaraError",
    "__version__",
    "connect",
    "read_inventory",
    "read_journal",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
