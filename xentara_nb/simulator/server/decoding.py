"""The requests in a message, each by itself: what is wrong with one must not cost the others.

Well-formed CBOR can still hold what makes no sense: a UUID of fifteen bytes, the same key twice, a
text that is no UTF-8, arrays in arrays a hundred deep. The decoder refuses all of the message then;
here it is taken apart, so that every request gets its own answer under its own id.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from time import thread_time
from typing import Any

import cbor2

from xentara_nb.protocol import cbor
from xentara_nb.protocol.codec.heads import ARRAY, head
from xentara_nb.protocol.errors import (
    InvalidParameterError,
    InvalidRequestError,
    ParseError,
    ProtocolError,
)
from xentara_nb.protocol.packets import UNREADABLE_ID, Failure, Request, decode_requests
from xentara_nb.simulator.server.limits import DEFAULT_LIMITS, Limits

# RFC 8949, 3.4.6: "this is CBOR", with which some encoders begin everything.
_SELF_DESCRIBED = bytes.fromhex("d9d9f7")
_MAX_SIZE = 256 * 1024  # bytes that are taken apart; it is slow, and others are waiting
_NULL, _ENDLESS, _BREAK = b"\xf6", 31, 0xFF
# Takes every tag, with any content.
_ANY_TAG: defaultdict[int, Callable[[Any, bool], object]] = defaultdict(
    lambda: lambda content, immutable: None
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRequest(Request):
    """A command whose parameters cannot be read.

    What comes first, such as the missing hello or a command that there is not, is answered first.
    """

    error: InvalidParameterError


def read_requests(message: bytes, limits: Limits = DEFAULT_LIMITS) -> list[Request | Failure]:
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
    problem = limits.message_problem(message)
    if problem is not None:
        return [Failure(UNREADABLE_ID, InvalidRequestError(f"invalid request: {problem}"))]
    began = thread_time()
    requests = decode_requests(message)
    # What takes long to be decoded takes several times that long to be taken apart.
    too_much = len(message) > _MAX_SIZE or thread_time() - began > cbor.MAX_SECONDS / 10
    if too_much or not any(map(_is_broken, requests)):
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
    readable, problem = [head(ARRAY, len(fields))], ""
    for field in fields:
        try:
            cbor.decode(b"\x81\x81" + field)  # as deep in arrays as it is in a message
            readable.append(field)
        except ProtocolError as error:
            # Without what was said of the message around it.
            problem = str(error).partition("CBOR: ")[2] or str(error)
            readable.append(_NULL)
    (found,) = decode_requests(b"\x81" + b"".join(readable))
    if not isinstance(found, Failure):
        return found
    if not isinstance(found.error, InvalidParameterError):
        return Failure(found.message_id, request.error)
    reason = InvalidParameterError(f"invalid parameter: {problem}") if problem else found.error
    return BrokenRequest(found.message_id, cbor.decode(fields[2]), error=reason)


def _items(data: bytes) -> list[bytes] | None:
    """Return the items of the array that the data are; None if they are none, or not CBOR."""
    major, low = divmod(data[0], 32) if data else (0, 0)
    if major != ARRAY or 28 <= low < _ENDLESS:
        return None
    size = 1 << low - 24 if 24 <= low < 28 else 0
    count = int.from_bytes(data[1 : 1 + size], "big") if size else low
    items: list[bytes] = []
    at = 1 + size
    stream = io.BytesIO(data)
    stream.seek(at)
    # Only to see where each item ends, so nothing in it is too strange.
    decoder = cbor2.CBORDecoder(stream, semantic_decoders=_ANY_TAG, str_errors="replace")
    try:
        while data[at] != _BREAK if low == _ENDLESS else len(items) < count:
            decoder.decode()
            items.append(data[at : stream.tell()])
            at = stream.tell()
    except Exception:  # it is not well-formed, and the decoder has many ways to say so
        return None
    at += low == _ENDLESS
    return items if at == len(data) else None
