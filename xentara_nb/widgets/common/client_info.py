"""What forms need to know of a client and that it has no public word for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from xentara_nb.writes.guards import check_client

if TYPE_CHECKING:
    from xentara_nb.client import Client


def read_only(client: Client) -> bool:
    """Return whether nothing may be changed through a client, also by the environment's word."""
    return check_client(client.read_only) is not None


def have_children(client: Client, elements: Sequence[UUID]) -> list[bool]:
    """Return for each element whether there is something below it; True where that is not known."""
    return client.has_children(elements)
