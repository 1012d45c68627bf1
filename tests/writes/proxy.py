"""A proxy that ends the TLS of a simulator, and breaks a connection at any byte.

Its client side speaks plain WebSocket, so a byte that is counted is a byte of the protocol.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from types import TracebackType
from typing import Self

UP, DOWN = "up", "down"
"""To the server, and from it."""


class Proxy:
    """Forwards every connection to a simulator on this computer.

    Attributes
    ----------
    passed : dict
        How many bytes have gone in each direction since the last :meth:`arm` or :meth:`count`.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self._lock = threading.Lock()
        self._armed: tuple[str, int] | None = None
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self.passed = {UP: 0, DOWN: 0}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopping = False
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping = True
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname(), timeout=5).close()
        self._acceptor.join(5)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    @property
    def url(self) -> str:
        """Where to connect to."""
        return f"ws://127.0.0.1:{self._listener.getsockname()[1]}/api/ws"

    def count(self) -> None:
        """Begin to count, and break nothing."""
        with self._lock:
            self._armed = None
            self.passed = {UP: 0, DOWN: 0}

    def arm(self, direction: str, after: int) -> None:
        """Let so many bytes more go in a direction, and then break the connection."""
        with self._lock:
            self._armed = (direction, after)
            self.passed = {UP: 0, DOWN: 0}

    def cut(self) -> None:
        """Break all connections now."""
        with self._lock:
            sockets, self._sockets = self._sockets, []
        for sock in sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            if self._stopping:
                near.close()
                return
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.settimeout(None)
            far = self._context.wrap_socket(raw)
            with self._lock:
                self._sockets += [near, far]
            for source, target, direction in ((near, far, UP), (far, near, DOWN)):
                thread = threading.Thread(
                    target=self._pump, args=(source, target, direction), daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, target: socket.socket, direction: str) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                with self._lock:
                    allowed = len(data)
                    if self._armed is not None and self._armed[0] == direction:
                        allowed = self._armed[1] - self.passed[direction]
                    self.passed[direction] += len(data)
                if allowed < len(data):
                    if allowed > 0:
                        target.sendall(data[:allowed])
                    with self._lock:
                        self._armed = None
                    self.cut()
                    return
                target.sendall(data)
        for sock in (source, target):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
