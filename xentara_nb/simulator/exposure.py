"""Whether other computers can reach a simulator, for the demo's passwords are documented."""

from __future__ import annotations

import ipaddress
import socket


class ExposedWarning(UserWarning):
    """Other computers can reach a simulator whose passwords are documented for everyone."""


def exposure(host: str) -> str | None:
    """Return a warning if other computers can reach what listens on a host, None if they cannot."""
    if _is_loopback(host):
        return None
    return (
        f"other computers can reach this simulator at {host or 'any address'}, and the passwords "
        "of the demo's users are documented for everyone. Let it run only where you trust the "
        "network, or give it a configuration with users of your own."
    )


def _is_loopback(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host or None, None, flags=socket.AI_PASSIVE)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(item[4][0])).is_loopback for item in found)
