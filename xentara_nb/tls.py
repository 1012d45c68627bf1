"""The bytes between here and the server: TLS, checked before anything secret is sent.

A :class:`Stream` does its TLS in memory, so that one thread can wait for bytes while another
sends: OpenSSL does not let two threads work on one connection at the same time.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass

from xentara_nb.address import Address
from xentara_nb.deadline import Deadline
from xentara_nb.errors import (
    AddressError,
    CertificateNotTrustedError,
    NotTlsError,
    ServerUnreachableError,
)

_CHUNK = 1 << 16
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which Python's ssl does not name
# Long, but finite: with a time-out Python's socket waits by itself and two of them can share one
# connection, the reading and the writing end, each with its own.
_READ_SLICE = 3600.0


@dataclass(frozen=True, slots=True)
class Trust:
    """What makes a server's certificate trusted.

    Parameters
    ----------
    ca_file : path, optional
        A PEM file with the certificates to trust instead of the system's.
    fingerprint : str, optional
        The SHA-256 of the one certificate to trust, whatever name it has.
    """

    ca_file: str | os.PathLike[str] | None = None
    fingerprint: str | None = None

    def __post_init__(self) -> None:
        if self.fingerprint is not None:
            object.__setattr__(self, "fingerprint", normal_fingerprint(self.fingerprint))


def normal_fingerprint(text: str) -> str:
    """Return a fingerprint as ``AB:CD:...``.

    Raises
    ------
    AddressError
        If the text is not a SHA-256 in hexadecimal.
    """
    digits = re.sub(r"[\s:-]", "", re.sub(r"(?i)^sha-?256[:=]?", "", text.strip())).upper()
    if not re.fullmatch(r"[0-9A-F]{64}", digits):
        raise AddressError(
            "a fingerprint is the SHA-256 of a certificate, 64 hexadecimal digits with or "
            f"without colons; this one has {len(digits)}"
        )
    return ":".join(digits[i : i + 2] for i in range(0, 64, 2))


def fingerprint_of(der: bytes) -> str:
    """Return the SHA-256 of a certificate as ``AB:CD:...``."""
    return normal_fingerprint(hashlib.sha256(der).hexdigest())


class Stream:
    """A connection to a server, with the face of a socket, for one reader and many writers.

    Parameters
    ----------
    sock : socket.socket
        A connected socket; the stream owns it from now on.
    context : ssl.SSLContext, optional
        Left out, the bytes go in the clear.
    server_name : str, optional
        The name that the certificate must have.
    deadline : Deadline
        By when the TLS handshake must be done.
    """

    def __init__(
        self,
        sock: socket.socket,
        deadline: Deadline,
        context: ssl.SSLContext | None = None,
        server_name: str | None = None,
    ) -> None:
        self._in = sock
        self._out = sock.dup()
        self._tls: ssl.SSLObject | None = None
        self._tls_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._read_deadline: Deadline | None = deadline
        self.send_timeout = deadline.seconds
        self._in.settimeout(_READ_SLICE)
        if context is not None:
            self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = context.wrap_bio(
                self._incoming, self._outgoing, server_hostname=server_name
            )
            try:
                self._handshake(self._tls)
            except BaseException:
                self.close()
                raise

    def _handshake(self, tls: ssl.SSLObject) -> None:
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._send_outgoing()
                if not self._receive():
                    raise ssl.SSLEOFError(8, "the connection was closed") from None
            except ssl.SSLError:
                with suppress(OSError):  # the alert that tells the server why
                    self._send_outgoing()
                raise
            else:
                self._send_outgoing()
                return

    def established(self) -> None:
        """Lift the deadline on reading: from now on a reader waits as long as it takes."""
        self._read_deadline = None

    def _receive(self, size: int = _CHUNK) -> bytes:
        """Return the next bytes from the network, none at its end."""
        while True:
            deadline = self._read_deadline
            self._in.settimeout(_READ_SLICE if deadline is None else deadline.remaining or 1e-6)
            try:
                data = self._in.recv(size)
            except TimeoutError:
                if deadline is not None and deadline.passed:
                    raise
                continue
            if self._tls is not None:
                with self._tls_lock:
                    if data:
                        self._incoming.write(data)
                    else:
                        self._incoming.write_eof()
            return data

    def recv(self, size: int) -> bytes:
        """Return some bytes, none at the end of the connection."""
        if self._tls is None:
            return self._receive(size)
        while True:
            try:
                with self._tls_lock:
                    return self._tls.read(size)
            except ssl.SSLWantReadError:
                self._send_if_free()
                self._receive()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def send(self, data: bytes) -> int:
        """Send all of the bytes.

        Raises
        ------
        TimeoutError
            If the network did not take them in :attr:`send_timeout` seconds. Some may have gone
            out, so this connection is finished.
        """
        with self._write_lock:
            if self._tls is None:
                self._out.settimeout(self.send_timeout)
                self._out.sendall(data)
            else:
                with self._tls_lock:
                    self._tls.write(data)
                self._send_outgoing()
        return len(data)

    def _send_outgoing(self) -> None:
        with self._tls_lock:
            data = self._outgoing.read()
        if data:
            self._out.settimeout(self.send_timeout)
            self._out.sendall(data)

    def _send_if_free(self) -> None:
        """Send what TLS itself has to say; a writer who is at it will send it along."""
        if self._outgoing.pending and self._write_lock.acquire(blocking=False):
            try:
                self._send_outgoing()
            finally:
                self._write_lock.release()

    def certificate(self) -> bytes:
        """Return the server's certificate (DER); empty without TLS."""
        der = None if self._tls is None else self._tls.getpeercert(binary_form=True)
        return der or b""

    def certificate_fields(self) -> dict[str, object]:
        """Return the fields of the server's certificate, when it was verified."""
        fields = None if self._tls is None else self._tls.getpeercert()
        return dict(fields or {})

    def gettimeout(self) -> float | None:
        """Return None: waiting is bounded by deadlines here, not by the socket."""
        return None

    def settimeout(self, timeout: float | None) -> None:
        """Do nothing, see :meth:`gettimeout`."""

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._in.fileno()

    def abort(self) -> None:
        """End the connection at once; wakes up whoever waits in it."""
        with suppress(OSError):
            self._in.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection and give its file descriptors back."""
        self.abort()
        self._in.close()
        self._out.close()


def open_stream(address: Address, trust: Trust, deadline: Deadline) -> Stream:
    """Connect, and check the server's certificate before anything is said.

    Raises
    ------
    ServerUnreachableError, NotTlsError, CertificateNotTrustedError, DeadlineError
        What went wrong, in words.
    AddressError
        If the CA file cannot be used.
    """
    if not address.tls:
        return Stream(_open_socket(address, deadline), deadline)
    context = _context(trust)
    sock = _open_socket(address, deadline)
    try:
        stream = Stream(sock, deadline, context, address.host)
    except ssl.SSLCertVerificationError as error:
        raise _not_trusted(address, deadline, error.verify_message or str(error)) from None
    except TimeoutError:
        raise deadline.error(f"{address.netloc} did not complete the TLS handshake") from None
    except (ssl.SSLError, OSError) as error:
        raise NotTlsError(_not_tls_text(address, error)) from None
    if trust.fingerprint is not None:
        found = fingerprint_of(stream.certificate())
        if not hmac.compare_digest(found, trust.fingerprint):
            stream.close()
            raise _not_trusted(address, deadline, "its fingerprint is not the one that was given")
    return stream


def _open_socket(address: Address, deadline: Deadline) -> socket.socket:
    try:
        sock = socket.create_connection(
            (address.host, address.port), timeout=deadline.remaining or 1e-6
        )
    except TimeoutError:
        raise deadline.error(f"nobody answered at {address.netloc}") from None
    except socket.gaierror as error:
        raise ServerUnreachableError(
            f"there is no host {address.host!r} ({error.strerror}): check the name"
        ) from None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ServerUnreachableError(
            f"nobody answers at {address.netloc} ({reason}): check that the server runs, its "
            "httpServer.port, and the firewall"
        ) from None
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return sock


def _context(trust: Trust) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=trust.ca_file)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or "it holds no certificate in PEM form"
        raise AddressError(f"the CA file {str(trust.ca_file)!r} cannot be used: {reason}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if trust.fingerprint is not None:
        # The one certificate is known by its fingerprint, which is compared before a byte is
        # sent: neither its signer nor its name can add to that.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _not_tls_text(address: Address, error: Exception) -> str:
    reason = getattr(error, "reason", None) or str(error)
    return (
        f"{address.netloc} does not speak TLS, or no version that can be trusted ({reason}): "
        "check the port; Xentara answers with TLS at its httpServer.port"
    )


def _not_trusted(address: Address, deadline: Deadline, reason: str) -> CertificateNotTrustedError:
    """Look at the certificate once more, without saying anything, to tell the user what it is."""
    der, fields = b"", dict[str, object]()
    with suppress(OSError, ssl.SSLError, ServerUnreachableError, TimeoutError):
        der = _look(address, deadline, None).certificate()
        fields = _look(address, deadline, der).certificate_fields()
    fingerprint = fingerprint_of(der) if der else "not known"
    subject, issuer = _name(fields.get("subject")), _name(fields.get("issuer"))
    not_before = str(fields.get("notBefore", "not known"))
    not_after = str(fields.get("notAfter", "not known"))
    if subject == issuer and fields:
        issuer = "itself (self-signed)"
    lines = [
        f"the certificate of {address.netloc} is not trusted: {reason}",
        f"  subject:     {subject}",
        f"  issuer:      {issuer}",
        f"  valid:       {not_before} to {not_after}",
        f"  fingerprint: {fingerprint} (SHA-256)",
    ]
    if der:
        lines += [
            "If this is the fingerprint that the server's administrator gives you, trust it with",
            f'  xentara_nb.connect("{address.url}", fingerprint="{fingerprint}")',
            "or name the file of the authority that signed it with ca_file=...",
        ]
    return CertificateNotTrustedError(
        "\n".join(lines),
        subject=subject,
        issuer=issuer,
        not_before=not_before,
        not_after=not_after,
        fingerprint=fingerprint,
        reason=reason,
    )


def _look(address: Address, deadline: Deadline, der: bytes | None) -> Stream:
    """Shake hands only, trusting nothing but the certificate that was seen before.

    Python gives the fields of a certificate only when it could verify it, so the second look
    takes the certificate itself as its own authority, whatever its dates.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if der is not None:
        context.load_verify_locations(cadata=der)
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    stream = Stream(_open_socket(address, deadline), deadline, context, address.host)
    stream.close()
    return stream


def _name(field: object) -> str:
    """Return a distinguished name as ``commonName=..., organizationName=...``."""
    if not isinstance(field, tuple):
        return "not known"
    pairs = [f"{key}={value}" for part in field for key, value in part]
    text = "".join(c if c.isprintable() else " " for c in ", ".join(pairs))
    return text[:300] or "without a name"
