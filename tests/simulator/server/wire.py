"""Connections made by hand: TLS sockets, and the bytes of an upgrade request."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from tests.simulator.conftest import basic
from xentara_nb.simulator import Simulator

ENGINEER = basic("engineer", "engineer-demo")


def tls(simulator: Simulator, *, buffer: int | None = None, **options: Any) -> ssl.SSLSocket:
    """Return a TLS connection, with options of its context, and a receive buffer of its own."""
    context = ssl.create_default_context(cafile=simulator.ca_file)
    for name, value in options.items():
        setattr(context, name, value)
    plain = socket.create_connection(("127.0.0.1", simulator.port), timeout=10)
    try:
        if buffer is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        return context.wrap_socket(plain, server_hostname="127.0.0.1")
    except BaseException:
        plain.close()
        raise


def upgrade_request(path: str = "/api/ws", *headers: str, upgrade: bool = True) -> bytes:
    """Return the bytes of an upgrade request."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if upgrade:
        lines += [
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
            "Sec-WebSocket-Version: 13",
        ]
    return "\r\n".join([*lines, "", ""]).encode()
