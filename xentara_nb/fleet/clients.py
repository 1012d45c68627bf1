"""The clients of a fleet: one for each server, connected when it is asked for, and kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xentara_nb.client.client import Client
from xentara_nb.connection.deadline import deadline_of_call
from xentara_nb.errors import ConnectionLostError
from xentara_nb.fleet.servers import Server
from xentara_nb.locking import Lock


class Clients:
    """The clients of some servers. Safe from several threads.

    ``options`` are those of :meth:`Server.connect`.
    """

    def __init__(self, servers: Iterable[Server], **options: Any) -> None:
        self._servers = {server.name: server for server in servers}
        self._options = options
        self._clients: dict[str, Client] = {}
        self._connecting = {name: Lock() for name in self._servers}
        self._closed = False

    def get(self, name: str) -> Client:
        """Return the client of a server, a fresh one if there is none or it was closed.

        Raises a ConnectionLostError if all were closed, and as :meth:`Server.connect` does.
        """
        server, lock = self._servers[name], self._connecting[name]
        deadline = deadline_of_call(server.timeout)
        seconds = deadline.remaining
        try:
            if not lock.acquire(timeout=seconds):
                raise deadline.error(f"another thread has not reached {server.address}")
            if self._closed:
                raise _closed()
            client = self._clients.get(name)
            if client is None or client.closed:
                client = self._clients[name] = server.connect(**self._options)
        finally:
            # Without any call of Python code, in which an interrupt could come before it is done.
            try:
                lock.release()
            except RuntimeError:  # another thread has it
                pass
        if self._closed:  # meanwhile, by another thread
            client.close()
            raise _closed()
        return client

    def close(self) -> None:
        """Close all of them for good."""
        self._closed = True
        for client in list(self._clients.values()):
            client.close()


def _closed() -> ConnectionLostError:
    return ConnectionLostError("this fleet is closed: make a new one")
