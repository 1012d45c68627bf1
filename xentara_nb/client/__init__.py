"""The client: one method for every command of the manual, answers as DataFrames."""

from __future__ import annotations

from xentara_nb.client.client import Client
from xentara_nb.client.connecting import connect

__all__ = ["Client", "connect"]
