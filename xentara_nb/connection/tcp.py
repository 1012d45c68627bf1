"""A TCP connection to one of the addresses of a host, within a deadline."""

from __future__ import annotations

import socket
from typing import Any

from xentara_nb.connection.address import Address
from xentara_nb.connection.deadline import Deadline
from xentara_nb.errors import ServerUnreachableError


def open_socket(address: Address, deadline: Deadline) -> socket.socket:
    """Connect to the first of a host's addresses that answers.

    Raises a ServerUnreachableError or DeadlineError if none does.
    """
    try:
        choices = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ServerUnreachableError(
            f"there is no host {address.host!r} ({_reason(error)}): check the name"
        ) from None
    timed_out, reason = False, "it has no address"
    for left in range(len(choices), 0, -1):
        try:
            # One that never answers must leave some time for the others.
            return _connected(choices[-left], deadline.remaining / left)
        except OSError as error:
            timed_out, reason = isinstance(error, TimeoutError), _reason(error)
    if timed_out:
        raise deadline.error(f"no server answered at {address.netloc}")
    raise ServerUnreachableError(
        f"no server answers at {address.netloc} ({reason}): check that the server runs, its "
        "httpServer.port, and the firewall"
    )


def _connected(choice: tuple[Any, ...], seconds: float) -> socket.socket:
    family, kind, protocol, _, where = choice
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(seconds or 1e-6)
        sock.connect(where)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A server that vanishes is noticed within a minute, also by a client that only listens.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):  # not every system has each of them
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    except BaseException:
        sock.close()
        raise
    return sock


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
