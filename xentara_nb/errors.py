"""Every error of the library, in one tree.

::

    XentaraError
    ├── ProtocolError                  the server sent what the protocol does not allow
    ├── ServerError                    the server answered an error: one class for each code,
    │                                  listed in xentara_nb.protocol.errors
    ├── ConnectError                   no connection was made
    │   ├── AddressError                  the address cannot be used (also a ValueError)
    │   ├── ServerUnreachableError        no server answers there
    │   ├── NotTlsError                   something answers, not with TLS
    │   ├── CertificateNotTrustedError    the certificate is not known
    │   │   └── CertificateChangedError      it is another one than the one that is trusted
    │   ├── LoginError                    user, password or token are wrong (401)
    │   ├── ConnectionForbiddenError      the user may not connect (403)
    │   ├── PathNotFoundError             the server has no WebSocket at that path (404)
    │   └── NotXentaraError               something else answers there
    ├── ConnectionLostError            the connection ended
    ├── DeadlineError                  no answer in time (also a TimeoutError)
    ├── NotFoundError                  no such element or attribute here (also a LookupError)
    │   └── AmbiguousError                a name or id that means more than one of them
    ├── WriteRefusedError              nothing was sent (also a ValueError)
    │   └── PolicyError                   the write policy cannot be used
    ├── WriteOutcomeUnknownError       it was sent, and whether it took effect is not known
    ├── WriteDiffersError              the server accepted it, and the value read back is another
    ├── OptionError                    an argument or setting cannot be used (also a ValueError)
    ├── OutputExistsError              the file exists already (also a FileExistsError)
    ├── RecordingError                 a recording cannot be written or read (also an OSError)
    ├── InventoryFileError             a file that is no inventory (also a ValueError)
    └── MissingExtraError              an optional package is not installed (also an ImportError)

Examples
--------
>>> try:
...     raise AddressError("'http://x' is no address of a Xentara server")
... except XentaraError as error:
...     print(error)
'http://x' is no address of a Xentara server
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from xentara_nb.protocol.errors import ProtocolError, ServerError, XentaraError


class ConnectError(XentaraError):
    """No connection was made."""

    advice = "Look at the kind of the error: each step of connecting has its own."


class AddressError(ConnectError, ValueError):
    """The address cannot be used."""

    advice = "Write host, host:port or wss://host:port/api/ws."


class ServerUnreachableError(ConnectError):
    """No server answers at the address."""

    advice = "Check host and port, that the server runs, and that no firewall is in between."


class NotTlsError(ConnectError):
    """Something answers at the address, but not with TLS, or with a version that is too old."""

    advice = "Check the port: a Xentara server speaks TLS, version 1.2 or later."


class CertificateNotTrustedError(ConnectError):
    """The server's certificate is not trusted.

    Attributes
    ----------
    subject, issuer : str
        The owner that the certificate names, and its signer.
    not_before, not_after : str
        The time in which it is valid.
    fingerprint : str
        The SHA-256 of the certificate, in pairs of hexadecimal digits.
    reason : str
        Why it is not trusted.
    """

    advice = (
        "Compare the fingerprint with that of the server, on a way that you trust; then "
        "connect with fingerprint= or ca_file=."
    )

    def __init__(
        self,
        message: str,
        *,
        subject: str,
        issuer: str,
        not_before: str,
        not_after: str,
        fingerprint: str,
        reason: str,
    ) -> None:
        super().__init__(message)
        self.subject = subject
        self.issuer = issuer
        self.not_before = not_before
        self.not_after = not_after
        self.fingerprint = fingerprint
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are copied with their positional arguments alone.
        return partial(type(self), **vars(self)), self.args


class CertificateChangedError(CertificateNotTrustedError):
    """The server has another certificate than the one that is trusted for it.

    It was renewed, or someone stands between you and the server.
    """

    advice = (
        "Ask who runs the server whether the certificate was renewed, and trust the new one "
        "only then."
    )


class LoginError(ConnectError):
    """The server does not accept the user, password or token (HTTP 401)."""

    advice = (
        "Check user and password, or take a fresh token. Many failed tries may lock an account."
    )


class ConnectionForbiddenError(ConnectError):
    """The user lacks the right to connect, ``websocket.connect`` (HTTP 403)."""

    advice = "Have the right websocket.connect granted in the server's access control."


class PathNotFoundError(ConnectError):
    """The server has no WebSocket at the path (HTTP 404)."""

    advice = "Check the path behind host and port: mostly it is /api/ws."


class NotXentaraError(ConnectError):
    """What answers at the address is not a Xentara server."""

    advice = "Check host, port and path: another service, or a proxy, answers there."


class _NoAnswerError(XentaraError):
    def __init__(self, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class ConnectionLostError(_NoAnswerError):
    """The connection ended before the answer came, or had ended before the call.

    Attributes
    ----------
    sent : bool
        Whether any byte of the request may have reached the server.
    """

    advice = (
        "Call again: the next call opens a fresh connection. What was sent (error.sent) may "
        "have taken effect."
    )


class DeadlineError(_NoAnswerError, TimeoutError):
    """The answer did not come in time.

    Attributes
    ----------
    sent : bool
        Whether any byte of the request may have reached the server.
    """

    advice = "Call again with a longer timeout=. What was sent (error.sent) may have taken effect."


class NotFoundError(XentaraError, LookupError):
    """There is no such element or attribute."""

    advice = "Take one of the names that the message offers, or look into client.inventory()."


class AmbiguousError(NotFoundError):
    """What was given means more than one element or attribute; nothing was read or written."""

    advice = "Give the UUID of the element, or the id of the attribute, in place of the name."


class WriteRefusedError(XentaraError, ValueError):
    """The write was refused here, and nothing was sent."""

    advice = (
        "Change the value, the row, the policy or the rights that the message names, and plan "
        "again. Nothing was sent."
    )


class PolicyError(WriteRefusedError):
    """The write policy cannot be used: the message names the file, where in it, and a fix."""

    advice = (
        "Correct the policy file at the place that the message names. Nothing is written "
        "without it."
    )


class _WriteError(XentaraError):
    def __init__(self, message: str, *, result: Any = None) -> None:
        super().__init__(message)
        self.result = result


class WriteOutcomeUnknownError(_WriteError):
    """The write was sent and its answer was lost: it may have taken effect, or not.

    It is never sent again. Read the value to see whether it took effect.

    Attributes
    ----------
    result : WriteResult or None
        The record of the write; ``result.resolve()`` reads the value.
    """

    advice = "Do not write again before you know: error.result.resolve() reads the value."


class WriteDiffersError(_WriteError):
    """The server accepted the write, and the value read back is another one.

    Attributes
    ----------
    result : WriteResult or None
        The record of the write.
    """

    advice = (
        "Look at the device: whether it follows slowly (verify_within=), roughly "
        "(tolerance=), with another point (verify_on=), or not at all."
    )


class OptionError(XentaraError, ValueError):
    """An argument, an environment variable or a file that it names cannot be used.

    Nothing was sent. The message says which one, and what can be given instead.
    """

    advice = "Correct the argument, variable or file that the message names. Nothing was sent."


class OutputExistsError(XentaraError, FileExistsError):
    """The file that was to be written exists already, and was left as it is."""

    advice = "Choose another name, or move the file away."


class RecordingError(XentaraError, OSError):
    """A recording cannot be written or read. What was written before is complete."""

    advice = (
        "Free the disk, or choose another folder; then record into the same folder again to go on."
    )


class InventoryFileError(XentaraError, ValueError):
    """A file that should hold an inventory does not."""

    advice = (
        "Take a file that to_file or to_csv has written, or correct the line that the message "
        "names."
    )


class MissingExtraError(XentaraError, ImportError):
    """A package of an optional extra is not installed."""

    advice = "Install the extra that the message names, such as: pip install 'xentara_nb[lab]'"


@contextmanager
def requiring(what: str, extra: str) -> Iterator[None]:
    """Say of a package that cannot be imported what needs it, and the extra that it belongs to."""
    try:
        yield
    except ImportError as error:
        package = (error.name or extra).partition(".")[0]
        raise MissingExtraError(
            f"{what} the package {package}: run pip install 'xentara_nb[{extra}]'"
        ) from error


__all__ = [
    "AddressError",
    "AmbiguousError",
    "CertificateChangedError",
    "CertificateNotTrustedError",
    "ConnectError",
    "ConnectionForbiddenError",
    "ConnectionLostError",
    "DeadlineError",
    "InventoryFileError",
    "LoginError",
    "MissingExtraError",
    "NotFoundError",
    "NotTlsError",
    "NotXentaraError",
    "OptionError",
    "OutputExistsError",
    "PathNotFoundError",
    "PolicyError",
    "ProtocolError",
    "RecordingError",
    "ServerError",
    "ServerUnreachableError",
    "WriteDiffersError",
    "WriteOutcomeUnknownError",
    "WriteRefusedError",
    "XentaraError",
]
