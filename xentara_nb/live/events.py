"""Many events decoded together, as arrays: those of one shape have their values in one place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from xentara_nb.live.history import Array
from xentara_nb.protocol.cbor import uuid_from
from xentara_nb.protocol.codec.events import COUNT_AT, ELEMENT_AT, TIME_AT, VALUE_GAP
from xentara_nb.protocol.values import AttributeId
from xentara_nb.tables.references import canonical

_BYTES_16 = np.dtype("S16")
_TIME_HEAD = 9  # the bytes before the nanoseconds of a time stamp


class EventValues(NamedTuple):
    """Values of one attribute, each of some element, in the order in which they came.

    ``elements`` holds UUIDs as 16 bytes; ``times`` the nanoseconds of the events. ``values`` are of
    dtype float64, bool, int64, uint64 or datetime64[ns].
    """

    attribute_id: AttributeId
    elements: Array
    times: Array
    values: Array


class _Part(NamedTuple):
    """Values of one attribute, from events of one shape; ``order`` is where they stood."""

    order: Array
    elements: Array
    times: Array
    values: Array


# The forms of values: the kind, the dtype of what follows the first byte, and what that may be.
_FORMS: dict[str, tuple[str, str, list[int]]] = {
    "double": ("f", ">f8", [0xFB]),
    "single": ("f", ">f4", [0xFA]),
    "half": ("f", ">f2", [0xF9]),
    "boolean": ("b", "", [0xF4, 0xF5]),
    "small": ("i", "", [*range(0x18), *range(0x20, 0x38)]),
    "u1": ("i", "u1", [0x18]),
    "u2": ("i", ">u2", [0x19]),
    "u4": ("i", ">u4", [0x1A]),
    "u8": ("i", ">u8", [0x1B]),
    "n1": ("i", "u1", [0x38]),
    "n2": ("i", ">u2", [0x39]),
    "n4": ("i", ">u4", [0x3A]),
    "n8": ("i", ">u8", [0x3B]),
    "time": ("M", ">i8", [0xD9]),
}
_NAMES = list(_FORMS)
_FIRST = np.zeros(256, dtype=np.uint8)
for _number, (_, _, _firsts) in enumerate(_FORMS.values()):
    _FIRST[_firsts] = _number


def decode_events(events: Sequence[bytes]) -> list[EventValues]:
    """Decode events, each as :func:`xentara_nb.protocol.codec.events.split_events` gives it."""
    sizes = np.fromiter(map(len, events), np.intp, len(events))
    parts: defaultdict[tuple[AttributeId, str], list[_Part]] = defaultdict(list)
    for size, rows in _groups(sizes):
        some = events if len(rows) == len(events) else [events[row] for row in rows.tolist()]
        block = np.frombuffer(b"".join(some), dtype=np.uint8).reshape(-1, int(size))
        times = _field(block, TIME_AT, ">i8").astype(np.int64)
        elements = _field(block, ELEMENT_AT, _BYTES_16)
        for count, chosen in _groups(block[:, COUNT_AT]):
            _decode(
                parts,
                block[chosen],
                int(count) - 0xA0,
                _Part(rows[chosen], elements[chosen], times[chosen], times[:0]),
            )
    return [_joined(attribute_id, each) for (attribute_id, _), each in parts.items()]


def _decode(
    parts: defaultdict[tuple[AttributeId, str], list[_Part]],
    block: Array,
    count: int,
    frame: _Part,
    at: int = COUNT_AT + 1,
) -> None:
    """Decode the values of events that have their next attribute id in the same place.

    Of the frame, its values do not count: they are those of the attribute before.
    """
    for first, of_id in _groups(block[:, at]):
        if first == 0xD8:
            ids: Iterator[tuple[AttributeId, Array, int]] = (
                # Zeros at the end are not given back by an array of bytes.
                (uuid_from(bytes(found).ljust(16, b"\0")), of_id[rows], 19)
                for found, rows in _groups(_field(block[of_id], at + 3, _BYTES_16))
            )
        else:
            ids = iter([(int(first), of_id, 1)])
        for attribute_id, rows, size in ids:
            start = at + size + VALUE_GAP
            for form, chosen in _groups(_FIRST[block[rows, start]]):
                found = rows[chosen]
                kind, dtype, _ = _FORMS[_NAMES[int(form)]]
                values, width = _values(block[found], start, _NAMES[int(form)], dtype)
                part = _Part(frame.order[found], frame.elements[found], frame.times[found], values)
                parts[canonical(attribute_id), kind].append(part)
                if count > 1:
                    _decode(parts, block[found], count - 1, part, start + width)


def _values(block: Array, at: int, form: str, dtype: str) -> tuple[Array, int]:
    """Return the values that stand in one place, in one form; and how many bytes they take."""
    first = block[:, at]
    if form == "boolean":
        return first == 0xF5, 1
    if form == "small":
        small = first.astype(np.int64)
        return np.where(small < 0x18, small, 0x1F - small), 1
    if form == "time":
        nanoseconds = _field(block, at + _TIME_HEAD, dtype).astype(np.int64)
        return nanoseconds.view("datetime64[ns]"), _TIME_HEAD + 8
    numbers = _field(block, at + 1, dtype)
    width = 1 + numbers.itemsize
    if form in ("double", "single", "half"):
        return numbers.astype(np.float64), width
    if form == "u8" and len(numbers) and numbers.max() >= 1 << 63:
        return numbers.astype(np.uint64), width
    integers = numbers.astype(np.int64)
    return (-1 - integers if form.startswith("n") else integers), width


def _joined(attribute_id: AttributeId, parts: list[_Part]) -> EventValues:
    if len(parts) == 1:
        _, elements, times, values = parts[0]
        return EventValues(attribute_id, elements, times, values)
    columns = list(zip(*parts, strict=True))
    order = np.argsort(np.concatenate(columns[0]), kind="stable")
    kinds = {values.dtype for values in columns[3]}
    if len(kinds) == 1:
        joined = np.concatenate(columns[3])
    else:  # integers that fit 64 bits with a sign, and such that do not: numpy would make floats
        joined = np.concatenate([values.astype(object) for values in columns[3]])
    elements, times = (np.concatenate(columns[at])[order] for at in (1, 2))
    return EventValues(attribute_id, elements, times, joined[order])


def _field(block: Array, at: int, dtype: Any) -> Array:
    """Return what stands in one place of each row, as one array."""
    dtype = np.dtype(dtype)
    column: Array = np.ascontiguousarray(block[:, at : at + dtype.itemsize]).view(dtype)[:, 0]
    return column


def _groups(keys: Array) -> Iterator[tuple[Any, Array]]:
    """Give each distinct key, and the rows that have it, in their order."""
    if not len(keys):
        return
    if (keys == keys[0]).all():
        yield keys[0], np.arange(len(keys))
        return
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    for rows in np.split(order, starts):
        yield keys[rows[0]], rows
