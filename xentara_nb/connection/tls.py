"""TLS to the server, its certificate checked before anything secret is sent."""

from __future__ import annotations

import _thread
import hashlib
import hmac
import os
import re
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from xentara_nb.connection.address import ANSWERED_BEFORE, Address
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.stream import Stream
from xentara_nb.errors import (
    CertificateChangedError,
    CertificateNotTrustedError,
    NotTlsError,
    OptionError,
    ServerUnreachableError,
)
from xentara_nb.latch import Latch
from xentara_nb.paths import read_file
from xentara_nb.protocol.sharing import shared
from xentara_nb.protocol.text import pasted, safe

_NOT_GIVEN = "its fingerprint is not the one that was given"
_NOT_REMEMBERED = "its fingerprint is not the one that was trusted before"
# What OpenSSL says of a certificate that none of those in the CA file has signed.
_NO_ISSUER = {7, 18, 19, 20, 21}  # X509_V_ERR_CERT_SIGNATURE_FAILURE, ..._SELF_SIGNED_CERT, ...
_PEM_END = b"-----END CERTIFICATE-----"
_MAX_CA_FILE = 16 << 20  # bytes; all authorities of a system take less than one MB
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which Python's ssl does not name

GRACE = 0.25
"""How long a thread that connects has after its deadline to say why it took too long, in seconds.

It may not come back at all: looking up a name has no time-out.
"""


@dataclass(frozen=True, slots=True)
class Trust:
    """What makes a server's certificate trusted.

    A PEM or DER file with the certificates to trust instead of the system's; or the SHA-256 of the
    one certificate to trust, with any name and dates, which was given now or is remembered.
    """

    ca_file: str | os.PathLike[str] | None = None
    fingerprint: str | None = None
    remembered: bool = False

    def __post_init__(self) -> None:
        if self.fingerprint is not None:
            object.__setattr__(self, "fingerprint", normal_fingerprint(self.fingerprint))
        if self.ca_file is not None:
            # Read again for each connection: a chdir in between must not mean another file.
            object.__setattr__(self, "ca_file", os.path.abspath(os.path.expanduser(self.ca_file)))


def normal_fingerprint(text: str) -> str:
    """Return a fingerprint as ``AB:CD:...``; OptionError if it is no SHA-256 in hexadecimal."""
    # As browsers, openssl and this library show it: "SHA256 Fingerprint=AB:CD...".
    digits = re.sub(r"(?i)^sha-?256(\s*fingerprint)?\s*[:=]?", "", pasted(text))
    # Windows shows pairs with blanks, and copies an invisible mark with them.
    digits = "".join(c for c in digits if c.isprintable() and c not in " :-").upper()
    if not re.fullmatch(r"[0-9A-F]{64}", digits):
        known = {40: ", as a SHA-1 has", 32: ", as an MD5 has"}.get(len(digits), "")
        raise OptionError(
            "a fingerprint is the SHA-256 of a certificate, 64 hexadecimal digits with or "
            f"without colons; this one has {len(digits)}{known}"
        )
    return ":".join(digits[i : i + 2] for i in range(0, 64, 2))


def fingerprint_of(der: bytes) -> str:
    """Return the SHA-256 of a certificate as ``AB:CD:...``."""
    return normal_fingerprint(hashlib.sha256(der).hexdigest())


def certificate_der(data: bytes) -> bytes | None:
    """Return the first certificate of a PEM or DER file in DER form, None if there is none."""
    begin, end = data.find(b"-----BEGIN CERTIFICATE-----"), data.find(_PEM_END)
    if 0 <= begin < end:
        text = data[begin : end + len(_PEM_END)].decode("ascii", "replace")
        # What is no base64 comes out as something that is no certificate.
        with suppress(ValueError):
            data = ssl.PEM_cert_to_DER_cert(text)
    # A sequence whose length takes two bytes, as that of every certificate does.
    return data if data[:2] == b"\x30\x82" else None


class OpeningSocket:
    """The socket that is being connected, for another thread that wants it to end."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._aborted = False

    def begin(self, sock: socket.socket) -> None:
        """Take the socket that is about to be connected; raises OSError if it is to end already."""
        self._socket = sock
        if self._aborted:
            raise OSError("it was given up")

    def abort(self) -> None:
        """Wake up the thread that connects."""
        self._aborted = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def open_stream(
    address: Address,
    trust: Trust,
    deadline: Deadline,
    opening: OpeningSocket | None = None,
    *,
    answered_before: bool = False,
) -> Stream:
    """Connect, and check the server's certificate before anything is sent.

    ``answered_before`` says that the server there did answer this client some time ago.
    Raises a ServerUnreachableError, NotTlsError, CertificateNotTrustedError or DeadlineError if
    there is no such server, or none to be trusted; an OptionError if the CA file cannot be used.
    """
    before = answered_before
    if not address.tls:
        return Stream(open_socket(address, deadline, opening, answered_before=before), deadline)
    context = _context(trust)
    sock = open_socket(address, deadline, opening, answered_before=before)
    try:
        stream = Stream(sock, deadline, context, address.host)
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message or str(error)
        unsigned = trust.ca_file is not None and error.verify_code in _NO_ISSUER
        if unsigned:
            reason = f"no certificate in {str(trust.ca_file)!r} vouches for it ({reason})"
        raise _not_trusted(address, deadline, reason, trust, changed=unsigned) from None
    except TimeoutError:
        raise deadline.error(f"{address.netloc} did not complete the TLS handshake") from None
    except (ssl.SSLError, OSError) as error:
        check = "check the port; Xentara answers with TLS at its httpServer.port"
        raise NotTlsError(
            f"{address.netloc} does not speak TLS, or no version that can be trusted "
            f"({_reason(error)}): {ANSWERED_BEFORE if before else check}"
        ) from None
    if trust.fingerprint is not None:
        found = fingerprint_of(stream.certificate())
        if not hmac.compare_digest(found, trust.fingerprint):
            stream.close()
            reason = _NOT_REMEMBERED if trust.remembered else _NOT_GIVEN
            raise _not_trusted(address, deadline, reason, trust)
    return stream


def check_server(address: Address, trust: Trust, deadline: Deadline) -> None:
    """Find out whether there is a server that is trusted; raises as :func:`open_stream` does."""
    done = Latch()
    errors: list[BaseException] = []

    def check() -> None:
        try:
            open_stream(address, trust, deadline, opening).close()
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    opening = OpeningSocket()
    try:
        # In a thread that is never interrupted, so that no socket is left open.
        _thread.start_new_thread(check, ())
        if not done.wait(deadline.remaining + GRACE):
            raise deadline.error(f"{address.netloc} was not reached")
    finally:
        opening.abort()
    for error in errors:
        raise error


def open_socket(
    address: Address,
    deadline: Deadline,
    opening: OpeningSocket | None = None,
    *,
    answered_before: bool = False,
) -> socket.socket:
    """Connect to the first of a host's addresses that answers.

    ``answered_before`` says that one did answer this client some time ago.
    Raises a ServerUnreachableError or DeadlineError if none does.
    """
    try:
        choices = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _no_host(address, error, answered_before) from None
    timed_out, reason = False, "it has no address"
    for left in range(len(choices), 0, -1):
        try:
            # One that never answers must leave some time for the others.
            return _connected(choices[-left], deadline.remaining / left, opening)
        except OSError as error:
            timed_out, reason = isinstance(error, TimeoutError), _reason(error)
    if timed_out:
        raise deadline.error(f"no server answered at {address.netloc}")
    port = "" if answered_before else ", its httpServer.port,"
    raise ServerUnreachableError(
        f"no server answers at {address.netloc} ({reason}): check that the server runs{port} and "
        "the firewall"
    )


def _no_host(address: Address, error: Exception, answered_before: bool) -> ServerUnreachableError:
    """Return the error for a name that has no address, or of which that is not known."""
    again = getattr(socket, "EAI_AGAIN", None)  # the name service itself did not answer
    if not answered_before and getattr(error, "errno", None) != again:
        text = f"there is no host {address.host!r} ({_reason(error)}): check the name"
    else:
        known = " was found before, so the name is right, and now" if answered_before else ""
        text = (
            f"the host {address.host!r}{known} cannot be looked up ({_reason(error)}): check the "
            "network of this computer, such as its VPN and its name server (DNS)"
        )
    return ServerUnreachableError(text)


def _connected(
    choice: tuple[Any, ...], seconds: float, opening: OpeningSocket | None
) -> socket.socket:
    family, kind, protocol, _, where = choice
    sock = socket.socket(family, kind, protocol)
    try:
        if opening is not None:
            opening.begin(sock)
        sock.settimeout(seconds or 1e-6)
        sock.connect(where)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _keep_alive(sock)
    except BaseException:
        sock.close()
        raise
    return sock


def _keep_alive(sock: socket.socket) -> None:
    """Notice within a minute that a server has vanished, also while nothing is sent."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):  # not every system has each of them
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def check_ca_file(trust: Trust) -> None:
    """Raise an OptionError if the CA file cannot be used."""
    if trust.ca_file is not None:
        _context(trust)


def _context(trust: Trust) -> ssl.SSLContext:
    try:
        data = None if trust.ca_file is None else read_file(trust.ca_file, _MAX_CA_FILE)
        # For all servers of a fleet that trust the same: it takes a quarter of the time to connect.
        made_of = data, trust.fingerprint is not None
        return shared("TLS contexts", made_of, len(data or b""), lambda: _made(trust, data))
    except OptionError as error:
        raise OptionError(f"the CA file cannot be used: {error}") from None
    except ssl.SSLError:
        raise OptionError(
            f"the CA file {str(trust.ca_file)!r} cannot be used: it holds no certificate in PEM or "
            "DER form, or a broken one"
        ) from None
    except OSError as error:
        raise OptionError(
            f"the CA file {str(trust.ca_file)!r} cannot be used: {_reason(error)}"
        ) from None


def _made(trust: Trust, data: bytes | None) -> ssl.SSLContext:
    if data is None and trust.fingerprint is not None:
        # No authority is asked: it takes longer to load those of the system than to connect.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    elif data is None:
        context = ssl.create_default_context()
    elif b"-----BEGIN" in data:
        context = ssl.create_default_context(cafile=trust.ca_file)
    else:
        context = ssl.create_default_context(cadata=data or b"none")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A server could ask for it in the middle of a message, and sending would have to wait for it.
    context.options |= ssl.OP_NO_RENEGOTIATION
    # Every Python verifies the same, where the defaults differ since 3.13: each certificate in the
    # file or the system's store is trusted, authority or not, and plant authorities, which rarely
    # keep all of RFC 5280, need not keep it to the letter.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if trust.fingerprint is not None:
        # The one certificate is known by its fingerprint, which is compared before a byte is
        # sent: neither its signer nor its name can add to that.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _out_of_date(fields: dict[str, Any]) -> str | None:
    """Return what OpenSSL would say of a certificate whose time is not now."""
    with suppress(KeyError, ValueError):
        if ssl.cert_time_to_seconds(fields["notAfter"]) < time.time():
            return "certificate has expired"
        if ssl.cert_time_to_seconds(fields["notBefore"]) > time.time():
            return "certificate is not yet valid"
    return None


def _not_trusted(
    address: Address, deadline: Deadline, reason: str, trust: Trust, *, changed: bool = False
) -> CertificateNotTrustedError:
    """Return an error that shows the certificate, which is fetched once more for that.

    Where it was said which is trusted, no line says how to trust this one.
    """
    expected = trust.fingerprint
    changed = changed or expected is not None
    der, fields = _shown_certificate(address, deadline)
    fingerprint = fingerprint_of(der) if der else "not known"
    subject, issuer = _name(fields.get("subject")), _name(fields.get("issuer"))
    not_before = str(fields.get("notBefore", "not known"))
    not_after = str(fields.get("notAfter", "not known"))
    self_signed = subject == issuer and bool(fields)
    if self_signed:
        issuer = "itself (self-signed)"
    date = _out_of_date(fields)
    if date and date not in reason:  # OpenSSL names one reason alone
        reason = f"{reason}; {date}"
    if not changed:
        title = f"the certificate of {address.netloc} is not trusted: {reason}"
    else:
        title = (
            f"THE CERTIFICATE OF {address.netloc} IS NOT THE ONE THAT IS TRUSTED: {reason}. It was "
            "renewed, or someone stands between you and the server. Nothing secret was sent"
        )
    lines = [
        title,
        f"  subject:     {subject}",
        f"  issuer:      {issuer}",
        f"  valid:       {not_before} to {not_after}",
        f"  fingerprint: {fingerprint} (SHA-256)",
    ]
    if expected is not None:
        lines.append(f"  trusted:     {expected} (SHA-256)")
    if changed:
        lines.append(
            "Do not log in. Ask the server's administrator, over another way than this network, "
            "whether and why it has changed."
        )
        if expected is None and not self_signed:
            lines.append(
                "Where its issuer is an authority below one in that file, it need not have changed:"
                " the server then has to send that authority's certificate as well."
            )
        if trust.remembered:
            lines.append(
                "When that is known, take the old one out of your trusted certificates with "
                f'xentara_nb.widgets.LoginForm.forget_certificate("{address.netloc}").'
            )
    elif trust.ca_file is not None and der not in _certificates_in(trust.ca_file):
        lines.append("Ask the server's administrator for a certificate that is in order.")
    elif der:
        lines += [
            "If this is the fingerprint that the server's administrator gives you, trust it with",
            f'  xentara_nb.connect("{address.url}", fingerprint="{fingerprint}")',
            "or name the file of the authority that signed it with ca_file=...",
        ]
    kind = CertificateChangedError if changed else CertificateNotTrustedError
    return kind(
        "\n".join(lines),
        subject=subject,
        issuer=issuer,
        not_before=not_before,
        not_after=not_after,
        fingerprint=fingerprint,
        reason=reason,
    )


def _certificates_in(path: str | os.PathLike[str]) -> list[bytes]:
    """Return the certificates of a CA file in DER form, as far as it can be read."""
    with suppress(OSError, OptionError):
        *parts, rest = read_file(path, _MAX_CA_FILE).split(_PEM_END)
        parts = [part + _PEM_END for part in parts] or [rest]
        return [der for part in parts if (der := certificate_der(part)) is not None]
    return []


def valid_until(address: Address, deadline: Deadline) -> int | None:
    """Return until when the certificate that a server shows is valid, in seconds since 1970.

    The certificate is not checked. None if that cannot be found out.
    """
    _, fields = _shown_certificate(address, deadline)
    with suppress(KeyError, ValueError):
        return ssl.cert_time_to_seconds(fields["notAfter"])
    return None


def _shown_certificate(address: Address, deadline: Deadline) -> tuple[bytes, dict[str, Any]]:
    """Return the certificate that a server shows, in DER form, and its fields; it is not checked.

    What cannot be found out is empty.
    """
    der, fields = b"", dict[str, Any]()
    with suppress(OSError, ssl.SSLError, ServerUnreachableError, TimeoutError):
        der = _fetch(address, deadline, None).certificate()
        fields = _fetch(address, deadline, der).certificate_fields()
    return der, fields


def _fetch(address: Address, deadline: Deadline, der: bytes | None) -> Stream:
    """Do the TLS handshake and nothing else, trusting only the certificate that is given.

    Python gives the fields of a certificate only when it could verify it, so they are fetched with
    the certificate itself as its own authority, at any date.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if der is not None:
        context.load_verify_locations(cadata=der)
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    stream = Stream(open_socket(address, deadline), deadline, context, address.host)
    stream.close()
    return stream


def _reason(error: Exception) -> str:
    """Return what happened, without the numbers and source lines of OpenSSL."""
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return str(reason).replace("_", " ").lower() if isinstance(error, ssl.SSLError) else str(reason)


def _name(field: object) -> str:
    """Return a distinguished name as ``commonName=..., organizationName=...``."""
    if not isinstance(field, tuple):
        return "not known"
    pairs = [f"{key}={value}" for part in field for key, value in part]
    return safe(", ".join(pairs)[:300]) or "without a name"
