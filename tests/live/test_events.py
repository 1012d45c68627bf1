"""Events decoded as arrays: exactly what the generic decoder gives."""

from __future__ import annotations

import math
import struct
from typing import Any
from uuid import UUID

import numpy as np
from hypothesis import given

from tests.protocol.codec.test_events import CUSTOM, TRAP, USUAL, changes, message
from xentara_nb.live.events import decode_events
from xentara_nb.protocol.codec.events import split_events
from xentara_nb.protocol.commands import DataChange
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.protocol.values import TimePoint
from xentara_nb.tables.references import canonical

NOW = 1_704_107_471_111_587_983
KINDS: dict[type, Any] = {bool: "b", int: "i", float: "f", TimePoint: "t"}


def decoded(found: list[DataChange]) -> list[Any]:
    events = split_events(message(found))
    assert events is not None
    return decode_events(events)


def python(value: Any) -> Any:
    """Return a value of an array as the generic decoder has it; NaN as its name."""
    if isinstance(value, np.datetime64):
        return TimePoint(int(value.astype(np.int64)))
    value = value.item() if isinstance(value, np.generic) else value
    return "NaN" if value != value else value


@given(changes(USUAL))
def test_the_same_as_the_generic_decoder(found: list[DataChange]) -> None:
    expected: dict[Any, list[Any]] = {}
    for change in found:
        for attribute_id, value in change.values.items():
            key = change.element_uuid, canonical(attribute_id), KINDS[type(value)]
            entry = change.time_stamp.nanoseconds, "NaN" if value != value else value
            expected.setdefault(key, []).append(entry)

    got: dict[Any, list[Any]] = {}
    for attribute_id, elements, times, values in decoded(found):
        for element, time, value in zip(elements, times.tolist(), values, strict=True):
            uuid = UUID(bytes=bytes(element).ljust(16, b"\0"))
            value = python(value)
            kind = "f" if value == "NaN" else KINDS[type(value)]
            got.setdefault((uuid, attribute_id, kind), []).append((time, value))
    assert got == expected


def test_values_of_one_attribute_in_several_forms_stay_in_their_order() -> None:
    # A double, a half and a single float, and integers where a browser sent the value.
    numbers = [0.1, 1.5, 65536.5, -0.0, math.inf]
    found = [DataChange(TimePoint(NOW + at), CUSTOM, {11: each}) for at, each in enumerate(numbers)]
    (one,) = decoded(found)

    assert one.attribute_id == Attribute.VALUE
    assert struct.pack("5d", *one.values) == struct.pack("5d", *numbers)
    assert (one.times - NOW).tolist() == [0, 1, 2, 3, 4]


def test_integers_that_no_type_of_numpy_holds_together() -> None:
    numbers = [-1, (1 << 64) - 1, 0]
    found = [DataChange(TimePoint(NOW + at), TRAP, {11: each}) for at, each in enumerate(numbers)]
    (one,) = decoded(found)

    assert one.values.tolist() == numbers


def test_an_attribute_is_known_by_its_integer_and_its_uuid() -> None:
    found = [
        DataChange(TimePoint(NOW), CUSTOM, {Attribute.VALUE.uuid: 0.5}),
        DataChange(TimePoint(NOW + 1), CUSTOM, {11: 1.5}),
    ]
    (one,) = decoded(found)

    assert one.values.tolist() == [0.5, 1.5]
