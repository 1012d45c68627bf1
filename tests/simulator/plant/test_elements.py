"""Running elements: attributes, what writing does, and which changes watchers see."""

from __future__ import annotations

import math
from collections.abc import Sequence
from uuid import UUID

import pytest

from xentara_nb.protocol.errors import (
    IllegalValueError,
    MissingAttributeError,
    ReadOnlyError,
    TypeMismatchError,
    ValueOutOfRangeError,
    WriteOnlyError,
)
from xentara_nb.protocol.identifiers import Access, Attribute, Category, DataType
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.plant.attributes import (
    UNITS,
    attribute_uuid,
    table,
    table_and_values,
    well_known,
)
from xentara_nb.simulator.plant.elements import (
    NO_LIMITS,
    DeviceLimits,
    Element,
    Identity,
    Kind,
    Point,
    Register,
)

UUID_1 = UUID(int=1)
IDENTITY = Identity(Kind(Category.DATA_POINT, "register", "data point"), UUID_1, "A.B", "B")
T1, T2 = TimePoint(1), TimePoint(2)


def _register() -> Register:
    infos = (
        well_known(Attribute.VALUE, DataType.FLOAT_64, Access.READ_AND_WRITE),
        *map(well_known, Register.ATTRIBUTES),
    )
    return Register(IDENTITY, *table_and_values(infos, value=1.5))


def _point(access: Access = Access.READ_AND_WRITE, limits: DeviceLimits = NO_LIMITS) -> Point:
    infos = (
        well_known(Attribute.VALUE, DataType.UNSIGNED_INTEGER_8, access),
        *map(well_known, (Attribute.UPDATE_TIME, Attribute.CHANGE_TIME, Attribute.WRITE_TIME)),
        UNITS,
    )
    return Point(IDENTITY, *table_and_values(infos), limits)


def test_what_every_element_has() -> None:
    element = Element(IDENTITY, table(), [])
    values = [element.read(attribute) for attribute in range(5)]
    assert values == ["A.B", "B", UUID_1, "register", "data point"]
    assert element.read(11) == MissingAttributeError()


def test_attributes_by_uuid() -> None:
    register = _register()
    assert register.read(Attribute.VALUE.uuid) == 1.5
    register.write(Attribute.VALUE.uuid, 2, T1)
    assert register.read(11) == 2.0
    assert _point().read(attribute_uuid("units")) == ""
    assert register.read(UUID(int=99)) == MissingAttributeError()


def test_elements_with_the_same_attributes_share_their_table() -> None:
    assert _register().table is _register().table


def test_the_times_of_a_register() -> None:
    register = _register()
    times = (Attribute.UPDATE_TIME, Attribute.WRITE_TIME, Attribute.CHANGE_TIME)
    assert [register.read(time) for time in times] == [TimePoint.NEVER] * 3
    register.write(11, 1.5, T1)
    assert [register.read(time) for time in times] == [T1, T1, TimePoint.NEVER]
    register.write(11, 2.5, T2)
    assert [register.read(time) for time in times] == [T2, T2, T2]
    assert register.read(Attribute.QUALITY) == 0


def test_what_cannot_be_written() -> None:
    register = _register()
    with pytest.raises(ReadOnlyError):
        register.write(Attribute.PRIMARY_KEY, "x", T1)
    with pytest.raises(MissingAttributeError):
        register.write(12, 1, T1)
    with pytest.raises(TypeMismatchError):
        register.write(11, "x", T1)
    assert register.read(11) == 1.5
    assert register.read(Attribute.WRITE_TIME) == TimePoint.NEVER


def test_what_a_device_refuses() -> None:
    point = _point(limits=DeviceLimits(minimum=10, maximum=20))
    for value in (9, 21, 256):
        with pytest.raises(ValueOutOfRangeError):
            point.write(11, value, T1)
    point.write(11, 20.0, T1)
    assert point.read(11) == 20
    with pytest.raises(ValueOutOfRangeError):
        DeviceLimits(minimum=10, maximum=20).check(math.nan)
    choice = _point(limits=DeviceLimits(allowed=(0, 1)))
    with pytest.raises(IllegalValueError):
        choice.write(11, 2, T1)


def test_a_write_only_output() -> None:
    point = _point(Access.WRITE_ONLY)
    point.write(11, 7, T1)
    assert point.read(11) == WriteOnlyError()
    assert point.read(Attribute.WRITE_TIME) == T1


def test_watchers_are_notified_of_what_has_changed() -> None:
    register = _register()
    seen: list[list[int]] = []

    def watcher(element: Element, changed: Sequence[int]) -> None:
        assert element is register
        seen.append(sorted(register.table.infos[p].attribute_id for p in changed))

    register.watch(watcher)
    register.write(11, 1.5, T1)
    register.write(11, 2.5, T1)
    register.write(11, 2.5, T1)
    assert seen == [[6, 8], [7, 11]]
    register.unwatch(watcher)
    register.write(11, 3.5, T2)
    assert len(seen) == 2
    assert register.watchers is None
