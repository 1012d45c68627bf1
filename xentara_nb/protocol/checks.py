"""Checks of what came over the network: right type, or a :class:`ProtocolError` that says what.

``bool`` is a kind of ``int`` in Python and is not one in CBOR, so every check for an integer
refuses booleans. Both ends use these checks: a client for answers, a server for parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

import cbor2

from xentara_nb.protocol.cbor import LongItem
from xentara_nb.protocol.cost import is_dear, memory_and_size
from xentara_nb.protocol.errors import ProtocolError, ServerError, server_error
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.protocol.values import (
    INT_MAX,
    INT_MIN,
    Alternative,
    AttributeId,
    TimePoint,
    Value,
)

T = TypeVar("T")

_NAMES: dict[type, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a floating point number",
    str: "a text",
    bytes: "a byte string",
    list: "an array",
    tuple: "an array",
    dict: "a map",
    UUID: "a UUID",
    TimePoint: "a time stamp",
    Alternative: "an alternative",
    type(None): "null",
    type(cbor2.undefined): "undefined",
    cbor2.CBORSimpleValue: "a simple value",
}
NO_KEYS = frozenset({bool, float})
"""The types of no key: Python takes 1.0 and True for the key 1, the protocol does not."""


def describe(value: object) -> str:
    """Say what kind of thing a value is, in the words of CBOR."""
    if isinstance(value, cbor2.CBORTag):
        return f"something with tag {value.tag}"
    if isinstance(value, Enum):  # the item of an answer that has none
        return str(value.value)
    if isinstance(value, LongItem):
        return _NAMES[dict if value.is_map else list]
    return _NAMES.get(type(value), f"a {type(value).__name__}")


def wrong(what: str, expected: str, value: object) -> ProtocolError:
    """Return the error for a value of the wrong kind."""
    return ProtocolError(f"{what} must be {expected}, not {describe(value)}")


def as_int(value: object, what: str) -> int:
    """Return an integer that fits 64 bits, signed or unsigned."""
    if type(value) is not int:
        raise wrong(what, "an integer", value)
    if not INT_MIN <= value <= INT_MAX:  # CBOR also has negative ones of 65 bits
        raise ProtocolError(f"{what} must be an integer that fits 64 bits")
    return value


def as_unsigned(value: object, what: str) -> int:
    """Return an integer that is not negative."""
    number = as_int(value, what)
    if number < 0:
        raise ProtocolError(f"{what} must not be negative")
    return number


def _of_type(kind: type[T], expected: str) -> Callable[[object, str], T]:
    def check(value: object, what: str) -> T:
        if type(value) is not kind:
            raise wrong(what, expected, value)
        return value

    return check


as_text = _of_type(str, "a text")
as_bool = _of_type(bool, "a boolean")
as_bytes = _of_type(bytes, "a byte string")
as_uuid = _of_type(UUID, "a UUID (tag 37)")
as_time_point = _of_type(TimePoint, "a time stamp (tag 1001)")
as_list: Callable[[object, str], list[Any]] = _of_type(list, "an array")
"""These return a value that is of exactly their type."""


def as_attribute_id(value: object, what: str) -> AttributeId:
    """Return the id of an attribute: an integer or a UUID."""
    if type(value) is UUID or (type(value) is int and value >= 0):
        return value
    raise wrong(what, "an integer from 0 up or a UUID (tag 37)", value)


def as_map(value: object, what: str) -> dict[Any, Any]:
    """Return a map without keys that only Python takes for integers."""
    if isinstance(value, LongItem) and value.is_map:
        value = value.whole()
    if type(value) is not dict:
        raise wrong(what, "a map", value)
    if not NO_KEYS.isdisjoint(map(type, value)):
        raise _wrong_key(what)
    return value


def member(mapping: Mapping[Any, Any], key: int, what: str, check: Callable[[Any, str], T]) -> T:
    """Return what a map holds under a key that must be there, when it passes a check."""
    if key not in mapping:
        raise ProtocolError(f"{what} (key {key}) is missing")
    return check(mapping[key], what)


_VALUES = (int, float, bool, str, UUID, TimePoint)


def as_value(value: object, what: str) -> Value:
    """Return a value that an attribute can hold, or raise."""
    if type(value) is int:
        return as_int(value, what)
    if type(value) in _VALUES:
        return value  # type: ignore[return-value]  # one of the types of Value
    raise wrong(what, "a boolean, number, text, UUID or time stamp", value)


def error_from(content: object, what: str) -> ServerError:
    """Read an error as it stands in error packets and in failed attributes."""
    content = as_map(content, what)
    code = member(content, 0, f"the code of {what}", as_int)
    text = content.get(1)
    if text is not None:
        text = as_text(text, f"the message of {what}")
    return server_error(code, text)


def error_item(error: ServerError) -> dict[int, object]:
    """Return the map that stands for an error on the wire."""
    return {0: int(error.code), 1: error.text}


def items_of(content: object, what: str) -> Iterable[Any]:
    """Return the items of an array, long or not; raises if it is none."""
    if isinstance(content, LongItem) and not content.is_map:
        return content
    return as_list(content, what)


def members_of(
    content: object, what: str, key: int, read: Callable[[Any], Any]
) -> Mapping[Any, Any]:
    """Return a map, long or not, with what is under a key read, if it is there.

    Of a long one only the keys that are small numbers are kept.
    """
    if not isinstance(content, LongItem):
        found = as_map(content, what)
        return {**found, key: read(found[key])} if key in found else found
    members: dict[int, Any] = {}
    for each, value in _pairs(content, what):
        if type(each) is int and 0 <= each < _MEMBERS:
            if each in members:
                raise ProtocolError(f"the key {each} is in {what} twice")
            members[each] = read(value) if each == key else value
    return members


_MEMBERS = 24


def _pairs(content: object, what: str) -> Iterable[tuple[Any, Any]]:
    """Return the keys and values of a map, long or not."""
    if isinstance(content, LongItem) and content.is_map:
        return _checked_pairs(content, what)
    return as_map(content, what).items()


def _checked_pairs(content: LongItem, what: str) -> Iterator[tuple[Any, Any]]:
    for key, value in content.pairs():
        if type(key) in NO_KEYS:
            raise _wrong_key(what)
        yield key, value


def _wrong_key(what: str) -> ProtocolError:
    return ProtocolError(f"{what} must not have boolean or floating point keys")


def values_from(
    content: object, what: str, wanted: Collection[AttributeId] = ()
) -> dict[AttributeId, Any]:
    """Read a map of attribute ids to values or errors, as in read answers and events.

    Those that were not ``wanted`` are left out, if any are. Values of a kind that the protocol does
    not have are kept as they are, unless all those of the map take far more memory than their
    bytes: events are kept by the million.
    """
    values: dict[AttributeId, Any] = {}
    memory = size = count = 0
    for key, alternative in _pairs(content, what):
        key = as_attribute_id(key, f"an attribute id in {what}")
        if type(alternative) is not Alternative or alternative.number > 1:
            name = attribute_text(key)
            raise wrong(f"{name} in {what}", "a value (tag 121) or an error (122)", alternative)
        if wanted and key not in wanted:
            continue
        count += 1
        if alternative.number == 0:
            value = values[key] = alternative.value
            if type(value) not in _VALUES:
                more = memory_and_size(value)
                memory, size = memory + more[0], size + more[1]
                if is_dear(memory, size):
                    name = attribute_text(key)
                    raise ProtocolError(f"{name} in {what} takes far more memory than its bytes")
        else:
            name = attribute_text(key)
            values[key] = error_from(alternative.value, f"the error of {name} in {what}")
    if count > len(values):
        raise ProtocolError(f"an attribute is in {what} twice")
    return values


def values_item(values: Mapping[AttributeId, Value | ServerError]) -> dict[Any, Alternative]:
    """Return the map that :func:`values_from` reads."""
    return {
        key: Alternative(1, error_item(value))
        if isinstance(value, ServerError)
        else Alternative(0, value)
        for key, value in values.items()
    }


def attribute_text(attribute_id: AttributeId) -> str:
    """Name an attribute in a message."""
    try:
        return f"attribute {Attribute(attribute_id).attribute_name!r}"  # type: ignore[arg-type]  # a UUID raises too
    except ValueError:
        return f"attribute {attribute_id}"
