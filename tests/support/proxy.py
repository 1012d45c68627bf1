"""A proxy that ends the TLS of a simulator, and breaks a connection at any byte.

Its client side speaks plain WebSocket, so a byte that is counted is a byte of the protocol.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from typing import Self

from tests.support.listener import Listener

UP, DOWN = "up", "down"
"""To the server, and from it."""


class Proxy:
    """Forwards every connection to a simulator on this computer.

    Parameters
    ----------
    port : int
        The simulator's port.
    own_port : int, optional
        Where to listen; left out, at any port that is free.

    Attributes
    ----------
    passed : dict
        How many bytes have gone in each direction since the last :meth:`arm` or :meth:`disarm`.
    broke : bool
        Whether the connection was broken since the last :meth:`arm`.
    """

    def __init__(self, port: int, own_port: int = 0) -> None:
        self._target = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self._lock = threading.Lock()
        self._armed: tuple[str, int] | None = None
        self._pairs: list[tuple[socket.socket, ssl.SSLSocket]] = []
        self._frozen: dict[socket.socket, tuple[str, ...]] = {}
        self.passed = {UP: 0, DOWN: 0}
        self.broke = False
        self._listener = Listener(self._forward, own_port)

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.stop()
        self.cut()
        self._listener.join()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._listener.port

    @property
    def url(self) -> str:
        """Where to connect to."""
        return f"ws://127.0.0.1:{self.port}/api/ws"

    def disarm(self) -> None:
        """Break nothing any more."""
        with self._lock:
            self._armed = None
            self.passed = {UP: 0, DOWN: 0}

    def arm(self, direction: str, after: int) -> None:
        """Let so many bytes more go in a direction, and then break the connection."""
        with self._lock:
            self._armed = (direction, after)
            self.broke = False
            self.passed = {UP: 0, DOWN: 0}

    def cut(self) -> None:
        """Break all connections now."""
        with self._lock:
            for pair in self._pairs:
                for sock in pair:
                    with contextlib.suppress(OSError):
                        # That of the bare socket: the one of TLS would go on in the clear.
                        socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def freeze(self, *directions: str) -> None:
        """Lose what comes on the connections that there are, as a router does that forgets them."""
        with self._lock:
            self._frozen.update((near, directions or (UP, DOWN)) for near, _ in self._pairs)

    def _forward(self, near: socket.socket) -> None:
        """Forward one connection: in one thread, for TLS is not for two of them at once."""
        with near, socket.create_connection(("127.0.0.1", self._target), timeout=10) as raw:
            for sock in (near, raw):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._context.wrap_socket(raw) as far:
                with self._lock:
                    self._pairs.append((near, far))
                try:
                    with contextlib.suppress(OSError):
                        self._pump(near, far)
                finally:
                    with self._lock:
                        self._pairs.remove((near, far))

    def _pump(self, near: socket.socket, far: ssl.SSLSocket) -> None:
        while True:
            ready = [far] if far.pending() else select.select([near, far], [], [])[0]
            for source in ready:
                target, direction = (far, UP) if source is near else (near, DOWN)
                source.setblocking(False)  # TLS may have something to say that is no data
                try:
                    data = source.recv(1 << 16)
                except ssl.SSLWantReadError:
                    continue
                finally:
                    source.setblocking(True)
                if not data:
                    return
                if direction in self._frozen.get(near, ()):
                    continue
                allowed = self._allowed(len(data), direction)
                target.sendall(data[:allowed])
                if allowed < len(data):
                    return

    def _allowed(self, size: int, direction: str) -> int:
        """Return how many of some bytes still go through."""
        with self._lock:
            allowed = size
            if self._armed is not None and self._armed[0] == direction:
                allowed = max(0, min(size, self._armed[1] - self.passed[direction]))
            self.passed[direction] += size
            if allowed < size:
                self._armed = None
                self.broke = True
            return allowed
