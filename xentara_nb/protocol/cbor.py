"""CBOR as this protocol uses it: one data item in, one out, nothing else let through.

The bytes come from the network and are not trusted. What cbor2 would turn into something
surprising (shared references that make cycles, dates, regular expressions, numbers of a million
digits...) stays an opaque :class:`cbor2.CBORTag`, so that a newer server may put it where this
version does not look, and nowhere else.
"""

from __future__ import annotations

import io
import math
import re
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, partial
from time import thread_time
from typing import Any, NamedTuple, NoReturn
from uuid import UUID, SafeUUID

import cbor2

from xentara_nb.protocol import cost
from xentara_nb.protocol.errors import ProtocolError, one_line
from xentara_nb.protocol.text import UNSENDABLE
from xentara_nb.protocol.values import INT_MAX, INT_MIN, Alternative, TimePoint

QUICK = 64 * 1024
"""Up to this size, in bytes, a message is decoded within milliseconds."""

MAX_SECONDS = 5.0
"""How long decoding a large message may take, in seconds of the processor, ..."""

SLOWEST = 10e-6
"""... and for each of its bytes: some fifty times as long as usual."""

MAX_DEPTH = 40
"""How deep containers may be nested. The protocol's own need is about ten."""

_EXPONENTS = {-9: 1, -6: 1_000, -3: 1_000_000}
_TAG_EPOCH, _TAG_DECIMAL, _TAG_UUID, _TAG_TIME = 1, 4, 37, 1001
_TAG_ALTERNATIVES = (121, 122, 123)
# Every tag that cbor2 gives a meaning of its own and that the protocol does not use by itself.
_OPAQUE_TAGS = (
    *(0, 2, 3, _TAG_DECIMAL, 5, 25, 28, 29, 30, 35, 36, 43, 52, 54, 100),
    *(256, 258, 260, 261, 1004, 43000, 55799),
)
# Types that cbor2 has a form for, and the protocol none.
_REFUSED_TYPES = (Decimal, Fraction, complex, datetime, date, set, frozenset)

_stopped: ContextVar[Callable[[], bool] | None] = ContextVar("stopped", default=None)


@contextmanager
def stoppable(stopped: Callable[[], bool] | None) -> Iterator[None]:
    """Ask in this context, while decoding, whether to stop; a ProtocolError is raised then."""
    token = _stopped.set(stopped)
    try:
        yield
    finally:
        _stopped.reset(token)


def _check_stopped(stopped: Callable[[], bool] | None) -> None:
    if stopped is not None and stopped():
        raise ProtocolError("decoding was stopped")


class Encoded(NamedTuple):
    """One data item that is encoded already, to be put into a larger one as it is.

    What is sent again and again, such as the attribute list of a type of element, is encoded once.
    """

    data: bytes


def decode(data: bytes, always: int | None = None) -> Any:
    """Decode exactly one CBOR data item.

    Raises a ProtocolError if it is truncated, followed by other bytes, nested deeper than
    :data:`MAX_DEPTH`, would take far more memory than its bytes (see :mod:`.cost`; ``always`` is
    what it may take in any case, :data:`.cost.ALWAYS` if left out) or far too long, or holds a UUID
    or time stamp that is none.
    """
    item, end = _decode_at(data, 0, MAX_DEPTH, cost.ALWAYS if always is None else always)
    check_end(data, end)
    return item


def iterate_array(data: bytes, depth: int = 1) -> Iterator[Any]:
    """Decode the items of an array one by one as they are asked for.

    So not all of them need to exist at the same time. The array, which stands at ``depth``, is all
    of the data. Raises a ProtocolError if there is none, and where it gives an item that
    :func:`decode` would refuse.
    """
    array = LongItem(data, 0, depth)
    if array.is_map:
        raise ProtocolError("a map where an array must be")
    yield from array
    check_end(data, array.end())


class LongItem:
    """An array or a map within some bytes, which is decoded item by item, and once.

    Of a map the items are keys and values by turns. Where it is ``nested``, its large arrays and
    maps come as long items, too, as deep as the protocol has any: each must be gone through before
    the next item is asked for, or it is passed over. Raises a ProtocolError if there is neither at
    that place, and where it gives an item that :func:`decode` would refuse; but who goes through a
    map must see whether a key is there twice.
    """

    def __init__(self, data: bytes, start: int, depth: int, *, nested: bool = False) -> None:
        head = _HEAD.match(data, start)
        if head is None:
            raise ProtocolError(f"the message of {len(data)} bytes holds no array there")
        self.is_map = data[start] >= _FIRST_MAP
        self._data, self._start, self._depth, self._nested = data, start, depth, nested
        self._items = self._decode(head)
        self._end = 0

    def __iter__(self) -> Iterator[Any]:
        return self._items

    def pairs(self) -> Iterator[tuple[Any, Any]]:
        """Give the keys of a map with their values."""
        return zip(self._items, self._items, strict=True)

    def whole(self) -> Any:
        """Decode all of it at once; what was given before is given once more."""
        depth = MAX_DEPTH - self._depth + 1
        item, self._end = _decode_at(self._data, self._start, depth, cost.ALWAYS)
        self._items = iter(())
        return item

    def end(self) -> int:
        """Pass over what is left, and return where it ends."""
        for _ in self._items:
            pass
        if not self._end:  # it was found to be wrong before, and that may have been caught
            raise ProtocolError(f"the message of {len(self._data)} bytes is not well-formed CBOR")
        return self._end

    def _decode(self, head: re.Match[bytes]) -> Iterator[Any]:
        data, first, number = self._data, head[0][0] & 0x1F, head[0][1:]
        left = None if first == _ENDLESS else int.from_bytes(number, "big") if number else first
        if left is not None and self.is_map:
            left *= 2
        at = window = head.end()
        always, size = cost.ALWAYS, cost.small(cost.ALWAYS)
        limit = _Limit(at)
        stream: io.BytesIO | None = None
        count = 0
        while data[at : at + 1] != b"\xff" if left is None else count < left:
            if stream is None:
                # What is small needs no look at its cost, and no item is the beginning of another.
                window, stream = at, io.BytesIO(data[at : at + size])
                decoder = _decoder(stream, MAX_DEPTH - self._depth)
                limit.check(at)
            try:
                item = decoder.decode()
                at = window + stream.tell()
            except Exception:  # it is cut off, too large or wrong
                stream = None
                if at > window:
                    continue
                if self._nested and self._depth < _DEEPEST_LONG and _HEAD.match(data, at):
                    part = LongItem(data, at, self._depth + 1, nested=True)
                    yield part
                    at = part.end()
                    count += 1
                    continue
                item, at = _decode_at(data, at, MAX_DEPTH - self._depth, always)
            count += 1
            yield item
        if self.is_map and count % 2:
            raise ProtocolError("a map has a key without a value")
        self._end = at + (left is None)


# An array or a map: what it is, and how many items it has.
_HEAD = re.compile(
    rb"[\x80-\x97\x9f\xa0-\xb7\xbf]|[\x98\xb8].|[\x99\xb9]..|[\x9a\xba].{4}|[\x9b\xbb].{8}",
    re.DOTALL,
)
_FIRST_MAP, _ENDLESS = 0xA0, 31
_DEEPEST_LONG = 4  # in a message, a packet and the item of an answer: an attribute list


def _decode_at(data: bytes, start: int, depth: int, always: int) -> tuple[Any, int]:
    """Return the item that begins at a place, and where it ends."""
    _check_stopped(_stopped.get())
    is_small = len(data) - start <= cost.small(always)
    stream = io.BytesIO(data) if is_small else _LimitedBytes(data, start, always)
    stream.seek(start)
    try:
        return _decoder(stream, depth).decode(), stream.tell()
    # Any error of the decoder is caused by the bytes: no input may look like a bug.
    except Exception as error:
        raise ProtocolError(
            f"the message of {len(data)} bytes is not well-formed CBOR: {_reason(error)}"
        ) from None


def _decoder(stream: io.BytesIO, depth: int) -> cbor2.CBORDecoder:
    return cbor2.CBORDecoder(
        stream, semantic_decoders=_DECODERS, max_depth=depth, allow_duplicate_keys=False
    )


def check_end(data: bytes, end: int) -> None:
    """Raise a ProtocolError if something follows an item that ends there."""
    if left := len(data) - end:
        raise ProtocolError(f"{left} bytes follow the CBOR item of {end} bytes")


class _Limit:
    """How long decoding may take, in time of the processor.

    Keys can be chosen to have the same hash: that of a UUID, for one, is its number modulo a prime.
    A map of these takes time with the square of its size.
    """

    def __init__(self, start: int) -> None:
        self._start = start
        self._began = thread_time()
        self._stopped = _stopped.get()

    def check(self, at: int) -> None:
        """Raise a ProtocolError if it took too long to come to this place, or is to stop."""
        _check_stopped(self._stopped)
        if thread_time() - self._began > MAX_SECONDS + SLOWEST * (at - self._start):
            raise ProtocolError("a message takes far too long to decode")


class _LimitedBytes(io.BytesIO):
    """The bytes of a large item, whose cost is known before the decoder sees them."""

    # The decoder holds all other threads up until it asks for more bytes.

    def __init__(self, data: bytes, start: int, always: int) -> None:
        super().__init__(data)
        self._cost = cost.Cost(data, start, always)
        self._limit = _Limit(start)

    def read(self, size: int | None = -1) -> bytes:
        at = self.tell()
        self._limit.check(at)
        self._cost.advance(at + size if size is not None and size >= 0 else sys.maxsize)
        return super().read(size)


def encode(item: object) -> bytes:
    """Encode one data item; floats in their shortest exact form, map keys in the given order.

    Raises a ProtocolError if it holds a type that the protocol has no form for, or an integer that
    fits neither 64 bits signed nor unsigned.
    """
    try:
        return cbor2.dumps(item, encoders=_ENCODERS)
    except (cbor2.CBOREncodeError, ValueError, OverflowError, RecursionError) as error:
        raise ProtocolError(f"this cannot be sent: {_reason(error)}") from None


def _reason(error: BaseException) -> str:
    """Return the innermost cause: cbor2 wraps one error for every level of nesting.

    It may repeat what stands in the message, so it is kept short.
    """
    while error.__cause__ is not None and str(error.__cause__):
        error = error.__cause__
    if isinstance(error, UnicodeEncodeError):
        return f"a text {UNSENDABLE}"
    return one_line(str(error), 200) or type(error).__name__


def _decode_alternative(number: int, content: object, immutable: bool) -> object:
    return Alternative(number, content)


def _decode_opaque(tag: int, content: object, immutable: bool) -> object:
    return cbor2.CBORTag(tag, content)


def _decode_uuid(content: object, immutable: bool) -> UUID:
    # cbor2 leaves the check to an assertion of the uuid module.
    if type(content) is not bytes or len(content) != 16:
        raise ValueError("a UUID (tag 37) must hold a byte string of 16 bytes")
    return _shared_uuid(content)


def uuid_from(content: bytes) -> UUID:
    """Return the UUID of 16 bytes."""
    # What UUID(bytes=content) does, without its checks of the five other ways to make one: these
    # take as long as decoding all the rest of an element.
    uuid = _new(UUID)
    _set(uuid, "int", int.from_bytes(content))
    _set(uuid, "is_safe", _UNKNOWN)
    return uuid


_new, _set, _UNKNOWN = object.__new__, object.__setattr__, SafeUUID.unknown
_shared_uuid = lru_cache(maxsize=1024)(uuid_from)  # the ids of attributes come again and again


def _decode_time(content: object, immutable: bool) -> TimePoint:
    """Read a time stamp, in every form that the protocol allows and in no other."""
    if not isinstance(content, Mapping):  # in a key, or inside an unknown tag, it is no dict
        raise ValueError("a time stamp (tag 1001) must hold a map")
    keys = {key for key in content if type(key) is int and key >= 0}
    if keys == {4}:
        fraction = content[4]
        if not isinstance(fraction, cbor2.CBORTag) or fraction.tag != _TAG_DECIMAL:
            raise ValueError("key 4 of a time stamp must hold a decimal fraction (tag 4)")
        match fraction.value:
            case [int(exponent), mantissa] if exponent in _EXPONENTS and type(mantissa) is int:
                return TimePoint(mantissa * _EXPONENTS[exponent])
        raise ValueError("the decimal fraction of a time stamp must be [-9, -6 or -3, integer]")
    if keys == {1}:
        return _decode_seconds(content[1], immutable)
    raise ValueError("a time stamp must have either key 4 or key 1")


def _decode_seconds(content: object, immutable: bool) -> TimePoint:
    """Read seconds since 1970; infinities are never and for ever."""
    if isinstance(content, bool) or not isinstance(content, int | float):
        raise ValueError("the seconds of a time stamp must be a number")
    if isinstance(content, int):
        return TimePoint(content * 1_000_000_000)
    if math.isnan(content):
        raise ValueError("a time stamp cannot be NaN")
    if math.isinf(content):
        return TimePoint.FOREVER if content > 0 else TimePoint.NEVER
    return TimePoint(round(content * 1e9))


def shortest_float(value: float) -> bytes:
    """Return a float in the shortest of CBOR's three forms that holds it exactly."""
    if math.isnan(value):
        return b"\xf9\x7e\x00"
    for head, form in ((b"\xf9", ">e"), (b"\xfa", ">f")):
        try:
            packed = struct.pack(form, value)
        except OverflowError:
            continue
        if struct.unpack(form, packed)[0] == value:
            return head + packed
    return b"\xfb" + struct.pack(">d", value)


def _encode_int(encoder: cbor2.CBOREncoder, value: int) -> None:
    # cbor2 would make a big number (tag 2) of it, which no end of this protocol takes.
    if not INT_MIN <= value <= INT_MAX:
        raise ValueError("an integer of more than 64 bits")
    encoder.encode_int(value)


def _encode_time(encoder: cbor2.CBOREncoder, value: TimePoint) -> None:
    if value.is_finite:
        content: object = {4: cbor2.CBORTag(_TAG_DECIMAL, [-9, value.nanoseconds])}
    else:
        content = {1: math.inf if value.nanoseconds > 0 else -math.inf}
    encoder.encode(cbor2.CBORTag(_TAG_TIME, content))


def _encode_alternative(encoder: cbor2.CBOREncoder, value: Alternative) -> None:
    if value.number not in (0, 1, 2):
        raise ValueError(f"there is no alternative {value.number}")
    encoder.encode(cbor2.CBORTag(_TAG_ALTERNATIVES[value.number], value.value))


def _refuse(encoder: cbor2.CBOREncoder, value: object) -> NoReturn:
    raise ValueError(f"the protocol has no form for a {type(value).__name__}")


_DECODERS: dict[int, Any] = {
    **{tag: partial(_decode_opaque, tag) for tag in _OPAQUE_TAGS},
    **{tag: partial(_decode_alternative, number) for number, tag in enumerate(_TAG_ALTERNATIVES)},
    _TAG_TIME: _decode_time,
    _TAG_EPOCH: _decode_seconds,
    _TAG_UUID: _decode_uuid,
}
_ENCODERS: dict[Any, Any] = {
    int: _encode_int,
    float: lambda encoder, value: encoder.write(shortest_float(value)),
    TimePoint: _encode_time,
    Alternative: _encode_alternative,
    Encoded: lambda encoder, value: encoder.write(value.data),
    **dict.fromkeys(_REFUSED_TYPES, _refuse),
}
