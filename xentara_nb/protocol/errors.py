"""The errors that the protocol itself can give.

A server's error has a class for each code, below :class:`ServerError`, in the order of the manual.
A code that this version does not know is a plain :class:`ServerError` with that code.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from xentara_nb.protocol.text import safe, safe_lines


class XentaraError(Exception):
    """The root of every error that this library raises on purpose.

    Attributes
    ----------
    advice : str
        What to do about errors of this kind. The message says it of the case at hand.
    """

    advice: ClassVar[str] = "Do what the message says: it names what is wrong, and where."

    def __str__(self) -> str:
        # It may hold what a server said.
        return safe_lines(super().__str__())


class ProtocolError(XentaraError):
    """Bytes or values that are not what the protocol says they should be."""

    advice = (
        "Check that the address is that of a Xentara server, with nothing in between that changes "
        "what it sends; then report it, with the server's version."
    )


class ServerError(XentaraError):
    """An error that the server answered.

    Parameters
    ----------
    text : str, optional
        The server's own text. Left out, the manual's is shown.
    code : int, optional
        The code, for errors that have no class of their own.
    context : str, optional
        What was being done, such as ``write to Plant.Line 1.Set point (value)``.
    offer : str, optional
        What may have been meant instead, such as ``; did you mean 'Plant.Line 1.Set point'?``.

    Attributes
    ----------
    code : int
        The error code of the manual.
    text : str
        The server's text, or the manual's when the server gave none.
    advice : str
        What to do about it.
    """

    default_code: ClassVar[int] = 0
    default_text: ClassVar[str] = "unknown Xentara error"
    advice: ClassVar[str] = (
        "This version of the library does not know the code; the server's documentation does."
    )

    def __init__(
        self,
        text: str | None = None,
        *,
        code: int | None = None,
        context: str | None = None,
        offer: str = "",
    ) -> None:
        self.code = self.default_code if code is None else code
        self.server_text = text
        self.context = context
        self.offer = offer
        super().__init__(text)

    @property
    def text(self) -> str:
        """The server's text, or the manual's when the server gave none."""
        return self.server_text or self.default_text

    def __str__(self) -> str:
        where = f"{safe(self.context)}: " if self.context else ""
        offer = f"{safe(self.offer)}{'' if self.offer.endswith('?') else '.'}"
        return f"{where}{one_line(self.text)} ({self.code}){offer} {self.advice}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({one_line(self.text)!r}, code={self.code})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ServerError):
            return NotImplemented
        return (type(self), self.code, self.server_text) == (
            type(other),
            other.code,
            other.server_text,
        )

    def __hash__(self) -> int:
        return hash((type(self), self.code, self.server_text))

    def __reduce__(self) -> tuple[object, ...]:
        make = partial(type(self), self.server_text, code=self.code, context=self.context)
        return partial(make, offer=self.offer), ()

    def within(self, context: str) -> ServerError:
        """Return the same error, saying what was being done."""
        return type(self)(self.server_text, code=self.code, context=context, offer=self.offer)

    def offering(self, offer: str) -> ServerError:
        """Return the same error, saying what may have been meant instead."""
        return type(self)(self.server_text, code=self.code, context=self.context, offer=offer)


def result_of(answer: Any, what: str) -> Any:
    """Return what a command gave; raise the error if the server answered one."""
    if isinstance(answer, ServerError):
        raise answer.within(what)
    return answer


def one_line(text: str, limit: int = 500) -> str:
    """Shorten what a server says and make it safe to show: it is not trusted."""
    return safe(text) if len(text) <= limit else f"{safe(text[:limit])}…"


class ParseError(ServerError):
    """The server could not read the request (-32700)."""

    default_code = -32700
    default_text = "payload not well formed"
    advice = "The client and the server do not agree on the protocol; please report it."


class InternalError(ServerError):
    """The server failed inside (-32603)."""

    default_code = -32603
    default_text = "internal server error"
    advice = "Look at the server's log."


class InvalidParameterError(ServerError):
    """A parameter of the command is missing or wrong (-32602)."""

    default_code = -32602
    default_text = "invalid parameter"
    advice = "Check the ids and options of the call."


class CommandNotFoundError(ServerError):
    """The server does not know the command (-32601)."""

    default_code = -32601
    default_text = "command not found"
    advice = "The server is of a version without this command."


class InvalidRequestError(ServerError):
    """The packet is not a valid request (-32600)."""

    default_code = -32600
    default_text = "invalid request"
    advice = "The client and the server do not agree on the protocol; please report it."


class MissingClientHelloError(ServerError):
    """A command came before the client's hello (-32000)."""

    default_code = -32000
    default_text = "missing client hello request"
    advice = "Connect again; the hello is the first command of every connection."


class DuplicateClientHelloError(ServerError):
    """A connection said hello twice (-32001)."""

    default_code = -32001
    default_text = "duplicate client hello request"
    advice = "The connection has said hello already; go on with the next command."


class UnknownElementError(ServerError):
    """The model has no such element (-32100)."""

    default_code = -32100
    default_text = "unknown element"
    advice = "Check the primary key or UUID; take a fresh inventory if the model has changed."


class MissingAttributeError(ServerError):
    """The element has no such attribute (-32101)."""

    default_code = -32101
    default_text = "missing attribute"
    advice = "Look at client.meta_data(element) for the attributes that it has."


class AccessDeniedError(ServerError):
    """The user does not have the right, or could not log in (-32102)."""

    default_code = -32102
    default_text = "access denied"
    advice = "Log in as a user with the right, or have it granted in the server's access control."


class ReadOnlyError(ServerError):
    """The attribute cannot be written (-32103)."""

    default_code = -32103
    default_text = "value is read only"
    advice = "Choose a row of inventory.xentara.writable()."


class WriteOnlyError(ServerError):
    """The attribute cannot be read (-32104)."""

    default_code = -32104
    default_text = "value is write only"
    advice = "It can only be written; read what the device reports back instead."


class ValueOutOfRangeError(ServerError):
    """The value does not fit the attribute's data type (-32105)."""

    default_code = -32105
    default_text = "value is out of range"
    advice = "Send a value that fits the attribute's data type."


class TypeMismatchError(ServerError):
    """The value cannot be converted to the attribute's data type (-32106)."""

    default_code = -32106
    default_text = "value cannot be converted to requested type"
    advice = "Send a value of the attribute's data type."


class IllegalValueError(ServerError):
    """The attribute does not allow this value (-32107)."""

    default_code = -32107
    default_text = "value supplied is not valid"
    advice = "The element's documentation says which values it takes."


class ReadError(ServerError):
    """The device could not be read (-32108)."""

    default_code = -32108
    default_text = "read error"
    advice = "Look at the device and its quality attribute."


class WriteError(ServerError):
    """The device could not be written (-32109)."""

    default_code = -32109
    default_text = "write error"
    advice = "Look at the device and its error attribute, and read the value before another try."


class UnknownSubscriptionIdError(ServerError):
    """There is no such subscription on this connection (-32110)."""

    default_code = -32110
    default_text = "unknown subscription Id"
    advice = "It has ended already, or belongs to another connection."


class UnknownSessionIdError(ServerError):
    """There is no such sub-session on this connection (-32111)."""

    default_code = -32111
    default_text = "unknown session Id"
    advice = "It has been closed, or ended with its connection; log in again."


class InvalidStageChangeRequestError(ServerError):
    """The operational stage cannot change like that now (-32112)."""

    default_code = -32112
    default_text = "invalid stage change request"
    advice = "Look at client.get_stage(); only an operational server can be suspended."


ERRORS_BY_CODE: dict[int, type[ServerError]] = {
    kind.default_code: kind for kind in ServerError.__subclasses__()
}
"""The class of every error code that this version knows."""


def server_error(code: int, text: str | None = None) -> ServerError:
    """Return the error for a code, in its own class where there is one.

    Examples
    --------
    >>> server_error(-32103)
    ReadOnlyError('value is read only', code=-32103)
    """
    return ERRORS_BY_CODE.get(code, ServerError)(text, code=code)
