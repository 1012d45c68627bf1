"""What listens on this computer, and serves each connection in a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

PATIENCE = 30.0
"""How long something waits for a client, in seconds. Nothing in a good test comes near it."""


class Listener:
    """Listens on 127.0.0.1 from :meth:`start` to :meth:`stop`."""

    def __init__(self, serve: Callable[[socket.socket], object], port: int = 0) -> None:
        self._serve = serve
        self._threads: list[threading.Thread] = []
        self.stopping = False
        self.socket = socket.create_server(("127.0.0.1", port))
        self.port: int = self.socket.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    def start(self) -> None:
        """Accept connections from now on."""
        self._acceptor.start()

    def stop(self) -> None:
        """Accept no more of them."""
        self.stopping = True
        with contextlib.suppress(OSError):  # wakes up the acceptor
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
        self._acceptor.join(PATIENCE)
        self.socket.close()

    def join(self) -> None:
        """Wait until all connections have been served."""
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a connection does not end"

    def _accept(self) -> None:
        while True:
            sock, _ = self.socket.accept()
            if self.stopping:
                sock.close()
                return
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()
