"""What forms need to know of a client."""

from __future__ import annotations

from xentara_nb.client import Client
from xentara_nb.writes.guards import check_client


def read_only(client: Client) -> bool:
    """Return whether nothing may be changed through a client, here or by the environment."""
    return check_client(client.read_only) is not None
