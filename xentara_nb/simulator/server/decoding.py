"""The requests in a message, each by itself: what is wrong with one must not cost the others.

Well-formed CBOR can still hold what makes no sense: a UUID of fifteen bytes, the same key twice, a
text that is no UTF-8, arrays in arrays a hundred deep. The decoder refuses all of the message then;
here it is taken apart, so that every request gets its own answer under its own id.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from xentara_nb.protocol import cbor
from xentara_nb.protocol.checks import as_int
from xentara_nb.protocol.errors import (
    InvalidParameterError,
    ParseError,
    ProtocolError,
    ServerError,
)
from xentara_nb.protocol.identifiers import PacketType
from xentara_nb.protocol.packets import UNREADABLE_ID, Failure, Request, decode_requests

# RFC 8949, 3.4.6: "this is CBOR", with which some encoders begin everything.
_SELF_DESCRIBED = bytes.fromhex("d9d9f7")
_MAX_SIZE = 256 * 1024  # bytes that are taken apart; it is slow, and others are waiting
_BREAK = 0xFF
_BYTES, _TEXT, _ARRAY, _MAP, _TAG = 2, 3, 4, 5, 6
_ANY, _VALUE, _KEY = -1, -2, -3  # what comes next in a container without a length
_ENDLESS = 31
_SIZES = {24: 1, 25: 2, 26: 4, 27: 8}


@dataclass(frozen=True, slots=True)
class BrokenRequest(Request):
    """A command whose parameters cannot be read.

    What comes first, such as the missing hello or a command that there is not, is answered first.
    """

    error: ServerError = field(default_factory=InvalidParameterError)


def read_requests(message: bytes) -> list[Request | Failure]:
    """Return what a message asks for; what cannot be read becomes the error to answer.

    Nothing that a client sends makes this raise.

    Examples
    --------
    >>> first, second = read_requests(bytes.fromhex("8283000108840002040a"))
    >>> first
    Request(message_id=1, opcode=8, parameters=None)
    >>> second.message_id, second.error.text
    (2, 'the parameters must be a map, not an integer')
    """
    message = message.removeprefix(_SELF_DESCRIBED)
    requests = decode_requests(message)
    if len(message) > _MAX_SIZE or not any(map(_is_broken, requests)):
        return requests
    packets = _items(message)
    return requests if packets is None else [_request(packet) for packet in packets]


def _is_broken(request: Request | Failure) -> bool:
    """Whether there may be a command behind an error."""
    if isinstance(request, Request):
        return False
    unread = request.message_id == UNREADABLE_ID and isinstance(request.error, ParseError)
    return unread or isinstance(request.error, InvalidParameterError)


def _request(packet: bytes) -> Request | Failure:
    (request,) = decode_requests(b"\x81" + packet)
    fields = _items(packet)
    if not isinstance(request, Failure) or not _is_broken(request) or fields is None:
        return request
    message_id = UNREADABLE_ID
    try:
        # The id first, so that an error of the others can be answered under it.
        message_id = as_int(cbor.decode(fields[1]), "the message id")
        kind = as_int(cbor.decode(fields[0]), "the packet type")
        opcode = as_int(cbor.decode(fields[2]), "the opcode")
    except (IndexError, ProtocolError):
        return Failure(message_id, request.error)
    if kind != PacketType.REQUEST or len(fields) != 4:
        return Failure(message_id, request.error)
    if isinstance(request.error, InvalidParameterError):
        return BrokenRequest(message_id, opcode, None, request.error)
    reason = "they cannot be read"
    try:
        cbor.decode(fields[3])
    except ProtocolError as error:
        reason = _reason(error)
    return BrokenRequest(
        message_id, opcode, None, InvalidParameterError(f"invalid parameter: {reason}")
    )


def _reason(error: ProtocolError) -> str:
    """Return what is wrong, without what was said of the message around it."""
    text = str(error)
    return text.partition("CBOR: ")[2] or text


def _items(data: bytes) -> list[bytes] | None:
    """Return the items of the array that the data are; None if they are none, or not CBOR."""
    try:
        major, count, at = _head(data, 0)
        if major != _ARRAY:
            return None
        items: list[bytes] = []
        while len(items) < count if count >= 0 else data[at] != _BREAK:
            end = item_end(data, at)
            items.append(data[at:end])
            at = end
        at += count < 0
    except (IndexError, ValueError):
        return None
    return items if at == len(data) else None


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Return major type and number of the item that begins here, and where its content begins.

    The number is -1 where the length is indefinite.
    """
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    if low < 24:
        return major, low, at
    if low == _ENDLESS and major in (_BYTES, _TEXT, _ARRAY, _MAP):
        return major, -1, at
    if low not in _SIZES:
        raise ValueError("a reserved length, or a break where none belongs")
    end = at + _SIZES[low]
    if end > len(data):
        raise ValueError("the data end too early")
    return major, int.from_bytes(data[at:end], "big"), end


def item_end(data: bytes, at: int) -> int:
    """Return where the CBOR item that begins at a place ends.

    Arrays in arrays are no recursion here, however deep they are.

    Raises
    ------
    ValueError, IndexError
        If it is not well-formed.

    Examples
    --------
    >>> item_end(bytes.fromhex("820118646161"), 0)
    4
    """
    # How many items each container around still wants, or one of the three for those without end.
    wanted = [1]
    while wanted:
        if wanted[-1] == 0:
            wanted.pop()
            continue
        if wanted[-1] < 0 and data[at] == _BREAK:
            if wanted.pop() == _VALUE:
                raise ValueError("a key without its value")
            at += 1
            continue
        if wanted[-1] in (_KEY, _VALUE):
            wanted[-1] = _VALUE if wanted[-1] == _KEY else _KEY
        elif wanted[-1] > 0:
            wanted[-1] -= 1
        major, number, at = _head(data, at)
        if major in (_BYTES, _TEXT):
            at = _string_end(data, at, major, number)
        elif major == _TAG:
            wanted.append(1)
        elif major == _ARRAY:
            wanted.append(number if number >= 0 else _ANY)
        elif major == _MAP:
            wanted.append(2 * number if number >= 0 else _KEY)
    return at


def _string_end(data: bytes, at: int, major: int, size: int) -> int:
    if size >= 0:
        if at + size > len(data):
            raise ValueError("the data end too early")
        return at + size
    while data[at] != _BREAK:
        kind, size, at = _head(data, at)
        if kind != major or size < 0:
            raise ValueError("a piece of a string must be a string of the same kind")
        at = _string_end(data, at, major, size)
    return at + 1
