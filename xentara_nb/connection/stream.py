"""The bytes between here and the server, for one thread that reads and others that write.

A :class:`Stream` does its TLS in memory, so that one thread can wait for bytes while another
sends: OpenSSL does not let two threads work on one connection at the same time.
"""

from __future__ import annotations

import os
import select
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from xentara_nb.connection.deadline import Deadline
from xentara_nb.locking import Lock

READ_SLICE = 0.5
"""How long one read of the socket waits before it looks whether to go on, in seconds.

Finite also because only with a time-out does Python's socket wait by itself: so two of them can
share one connection, the reading and the writing end, each with its own time-out.
"""

_CHUNK = 1 << 16
_SHORT = 1.0  # seconds, for what the network takes at once


class SendError(OSError):
    """Sending failed: whether any byte may have gone out, and whether only time was missing."""

    def __init__(self, message: str, *, sent: bool = False, timed_out: bool = False) -> None:
        super().__init__(message)
        self.sent = sent
        self.timed_out = timed_out


class Stream:
    """A connection to a server, over a socket that it owns from now on.

    Until :meth:`established` is called, all must be read by the deadline. Without a context the
    bytes go in the clear. Raises an OSError, the socket closed, if the TLS handshake fails.

    :attr:`behind` is set by who stops reading for a moment: something may come that is not seen
    then. It is False again when all of that was taken.
    """

    def __init__(
        self,
        sock: socket.socket,
        deadline: Deadline,
        context: ssl.SSLContext | None = None,
        server_name: str | None = None,
    ) -> None:
        self._in = self._out = sock
        self._tls: ssl.SSLObject | None = None
        self._tls_lock = Lock()
        self._write_lock = Lock()
        self._sending = False
        self._incomplete = False  # a part of a message may be out, and not the rest
        self._torn = False  # what was decrypted may have been lost
        self.behind = False
        # The garbage collector may end a connection in the very thread that ends it.
        self._close_lock = Lock()
        self._read_deadline: Deadline | None = deadline
        self._on_idle: Callable[[], None] = _go_on
        self._received = 0
        self._received_at = time.monotonic()
        self._process = os.getpid()
        try:
            self._out = sock.dup()
            if context is not None:
                self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
                self._tls = context.wrap_bio(
                    self._incoming, self._outgoing, server_hostname=server_name
                )
                self._handshake(self._tls, deadline)
        except BaseException:
            self.close()
            raise

    def _handshake(self, tls: ssl.SSLObject, deadline: Deadline) -> None:
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._send_all(b"", deadline)
                if not self._receive():
                    raise ssl.SSLEOFError(8, "the connection was closed") from None
            except ssl.SSLError:
                with suppress(OSError):  # the alert with the reason, for the server
                    self._send_all(b"", deadline)
                raise
            else:
                self._send_all(b"", deadline)
                return

    @property
    def received(self) -> int:
        """How many bytes have come from the network so far."""
        return self._received

    @property
    def silence(self) -> float:
        """For how long none has come, in seconds."""
        return max(time.monotonic() - self._received_at, 0.0)

    @property
    def sending(self) -> bool:
        """Whether a message is on its way out at this moment."""
        return self._sending

    def established(self, on_idle: Callable[[], None] | None = None) -> None:
        """Lift the deadline on reading: from now on a reader waits as long as it takes.

        ``on_idle`` is called now and then while nothing comes; what it raises ends the reading.
        """
        self._on_idle = on_idle or _go_on
        self._read_deadline = None

    def recv(self, size: int) -> bytes:
        """Return some bytes, none at the end of the connection."""
        if self._tls is None:
            return self._receive(size)
        if self._torn:
            raise OSError("an interrupt came in the middle of reading")
        while True:
            try:
                with self._tls_lock:
                    # To ask in vain, which is an exception, takes longer than reading a message.
                    if self._incoming.pending or self._incoming.eof or self._tls.pending():
                        return self._tls.read(size)
            except ssl.SSLWantReadError:
                pass
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            if self._outgoing.pending:
                # A server that has closed may have sent data before.
                with suppress(OSError):
                    self.send_now(b"")
            self._receive()

    @property
    def buffered(self) -> bool:
        """Whether something was received that was not read yet, or the next read fails."""
        if self._tls is None:
            return False
        with self._tls_lock:
            return self._torn or bool(self._incoming.pending or self._tls.pending())

    def wait(self, seconds: float) -> bool:
        """Wait for the network, and return whether something has come from it, or the end.

        Takes nothing; what is :attr:`buffered` does not count.
        """
        try:
            if not hasattr(select, "poll"):  # on Windows
                return bool(select.select([self._in], [], [], seconds)[0])
            waiting = select.poll()  # of its own, for a signal handler may wait as well
            waiting.register(self._in, select.POLLIN)
            return bool(waiting.poll(seconds * 1000))
        except (OSError, ValueError):  # the stream is closed
            return False

    def recv_into(self, pieces: list[bytes], size: int) -> None:
        """Put what has come at the end of a list, if anything can be read of it already.

        For a thread that may be interrupted, behind :meth:`wait`: the bytes are here, or there, and
        the connection ends if that is not certain.
        """
        if self._tls is None:
            received = self._in.recv
            # In C alone: behind a call an interrupt would lose what it has returned.
            next(map(pieces.append, map(received, (size,))))
            self._received += len(pieces[-1])
            self._received_at = time.monotonic()
            return
        with self._tls_lock:
            self._received += next(map(self._incoming.write, map(self._in.recv, (_CHUNK,))))
            self._received_at = time.monotonic()
            self._take_decrypted(self._tls, pieces, size)

    def _take_decrypted(self, tls: ssl.SSLObject, pieces: list[bytes], size: int) -> None:
        try:
            self._torn = True
            with suppress(ssl.SSLError):  # the next one who reads meets it again
                pieces.append(tls.read(size))
            self._torn = False
        finally:
            if self._torn:
                self.abort()

    def _receive(self, size: int = _CHUNK) -> bytes:
        """Return the next bytes from the network, none at its end."""
        while True:
            deadline = self._read_deadline
            if deadline is not None and deadline.passed:  # also while bytes keep coming
                raise TimeoutError("the time is up")
            if self.behind and not self.wait(0):
                self.behind = False
            seconds = READ_SLICE if deadline is None else deadline.remaining or 1e-6
            if seconds != self._in.gettimeout():  # to set it is a call of the system
                self._in.settimeout(seconds)
            try:
                data = self._in.recv(size)
            except TimeoutError:
                if deadline is None:
                    self._on_idle()
                continue
            if data:
                self._received += len(data)
                self._received_at = time.monotonic()
            if self._tls is not None:
                with self._tls_lock:
                    if data:
                        self._incoming.write(data)
                    else:
                        self._incoming.write_eof()
            return data

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Send all of the bytes; messages of several threads go one after the other.

        Raises a SendError if they were not taken in time, or the connection has ended. It has
        ended now: what comes after a part of a message cannot be read. Raises a TimeoutError, with
        nothing changed, if other threads send all the time, or this one is within a message.
        """
        seconds = deadline.remaining
        try:
            if not self._write_lock.acquire(timeout=seconds):
                raise TimeoutError("other threads are sending all the time")
            self._send_or_abort(data, deadline)
        finally:
            # Without any call of Python code, in which an interrupt could come before it is done.
            try:
                self._write_lock.release()
            except RuntimeError:  # another thread has it
                pass

    def send_now(self, data: bytes) -> bool:
        """Send a few bytes if that needs no waiting, and return whether they went out.

        The thread that reads must not wait for one that writes: that one may be waiting for a
        server which itself waits for us to read.
        """
        try:
            if not self._write_lock.acquire(blocking=False) or not self.can_send():
                return False
            self._send_or_abort(data, Deadline(_SHORT))
        finally:
            try:
                self._write_lock.release()
            except RuntimeError:
                pass
        return True

    def can_send(self) -> bool:
        """Return whether the network takes some bytes at once."""
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._out, selectors.EVENT_WRITE)
                return bool(selector.select(0))
        except ValueError:  # the stream is closed
            return False

    def _send_or_abort(self, data: bytes, deadline: Deadline) -> None:
        if self._sending:  # in this very thread: this is a signal handler, or a finalizer
            raise TimeoutError("this thread is sending already")
        if self._incomplete:
            raise SendError("a message before it went out in part only")
        try:
            self._sending = self._incomplete = True
            self._send_all(data, deadline)
            self._incomplete = False
        finally:
            self._sending = False
            if self._incomplete:
                self.abort()

    def _send_all(self, data: bytes, deadline: Deadline) -> None:
        sent = False
        try:
            for piece in self._pieces(data):
                rest = memoryview(piece)
                while rest:
                    self._out.settimeout(deadline.remaining or 1e-6)
                    rest = rest[self._out.send(rest) :]
                    sent = True
        except OSError as error:
            raise SendError(
                error.strerror or str(error),
                sent=sent,
                timed_out=isinstance(error, TimeoutError),
            ) from None

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        """Give the bytes for the network; of no data, what TLS itself has to send."""
        if self._tls is None:
            yield data
        elif not data:
            with self._tls_lock:
                piece = self._outgoing.read()
            yield piece
        else:
            rest = memoryview(data)
            while rest:
                with self._tls_lock:
                    rest = rest[self._tls.write(rest[:_CHUNK]) :]
                    piece = self._outgoing.read()
                yield piece

    def certificate(self) -> bytes:
        """Return the server's certificate (DER); empty without TLS."""
        der = None if self._tls is None else self._tls.getpeercert(binary_form=True)
        return der or b""

    def certificate_fields(self) -> dict[str, object]:
        """Return the fields of the server's certificate, when it was verified."""
        fields = None if self._tls is None else self._tls.getpeercert()
        return dict(fields or {})

    def abort(self) -> None:
        """End the connection at once; wakes up the threads that wait in it."""
        # In a forked child this is the connection of its parent, which goes on with it.
        if self._process == os.getpid():
            with self._close_lock, suppress(OSError):
                self._in.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection and give its file descriptors back; for the thread that reads."""
        self.abort()
        # A thread that is sending has been woken up. It must be done with the descriptors, for
        # their numbers go to the next sockets.
        try:
            self._write_lock.acquire(timeout=_SHORT)
            with self._close_lock:
                self._in.close()
                self._out.close()
        finally:
            try:
                self._write_lock.release()
            except RuntimeError:
                pass


def _go_on() -> None:
    """Do nothing: a reader that has nothing to look after."""
