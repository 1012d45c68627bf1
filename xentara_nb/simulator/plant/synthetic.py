"""Made-up models of any size, for tests of load.

They are built without JSON. The same number of elements gives the same model every time: the same
keys, UUIDs and values.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import Access, Attribute, Category, DataType, Quality
from xentara_nb.protocol.text import quantity
from xentara_nb.protocol.values import TimePoint, Value
from xentara_nb.simulator.model.datatypes import NO_ERROR
from xentara_nb.simulator.model.model import Model
from xentara_nb.simulator.plant.attributes import attribute_uuid, table, well_known
from xentara_nb.simulator.plant.elements import (
    Element,
    Identity,
    Kind,
    Point,
    Register,
    root_element,
)
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.settings import Security

EMPTY_MODEL = Model("synthetic")
"""Stands for the description that a made-up model does not have."""

_POINTS_OF_A_DEVICE = 98
_BASE_UUID = attribute_uuid("synthetic element").int
# The version and variant digits of a UUID stay as they are; an odd factor keeps all others apart.
_STEP = 0x9E3779B97F4A7C15
_VALUES: tuple[tuple[DataType, Callable[[int], Value]], ...] = (
    # Multiples of an eighth fit every floating point type.
    (DataType.FLOAT_64, lambda number: number % 1000 / 8),
    (DataType.BOOLEAN, lambda number: number % 3 == 0),
    (DataType.SIGNED_INTEGER_16, lambda number: number % 1000),
    (DataType.UNSIGNED_INTEGER_32, lambda number: number % 1000),
    (DataType.FLOAT_32, lambda number: number % 1000 / 8),
    (DataType.STRING, lambda number: f"Batch {number % 1000}"),
)
_TIMES_AND_QUALITY = (Attribute.UPDATE_TIME, Attribute.CHANGE_TIME, Attribute.QUALITY)
_AREAS = ("North hall", "South hall", "Tank farm", "Roof")


def plant(
    count: int,
    security: Security,
    clock: Callable[[], TimePoint] = TimePoint.now,
    *,
    category_as_text: bool = True,
) -> Plant:
    """Build a made-up plant: devices with registers and inputs of several data types.

    The root does not count. Raises ValueError if the number is negative.
    """
    if count < 0:
        raise ValueError(f"a model cannot have {count} elements; give a number from 0 up")
    device, register, point = (
        Kind.of(category, type_text, category_as_text=category_as_text)
        for category, type_text in (
            (Category.DEVICE, "synthetic device"),
            (Category.DATA_POINT, "register"),
            (Category.DATA_POINT, "synthetic point"),
        )
    )
    device_table = table(*map(well_known, (Attribute.DEVICE_STATE, Attribute.ERROR)))
    area = AttributeInfo("area", attribute_uuid("area"), Access.READ_ONLY, DataType.STRING)
    registered = tuple(map(well_known, Register.ATTRIBUTES))
    measured = tuple(map(well_known, _TIMES_AND_QUALITY))
    tables = [
        (
            table(well_known(Attribute.VALUE, data_type, Access.READ_AND_WRITE), *registered),
            table(well_known(Attribute.VALUE, data_type), *measured, area),
        )
        for data_type, _ in _VALUES
    ]
    acl = security.global_acl
    root = root_element(acl, category_as_text=category_as_text)
    now, never, good = clock(), TimePoint.NEVER, int(Quality.GOOD)
    devices: list[Element] = []
    made = 0
    while made < count:
        name = f"Device {len(devices) + 1:05}"
        identity = Identity(device, _uuid(made), name, name)
        parent = Element(identity, device_table, [True, NO_ERROR], acl)
        parent.parent = root
        made += 1
        points: list[Element] = []
        for number in range(min(_POINTS_OF_A_DEVICE, count - made)):
            kind = number // 2 % len(_VALUES)
            value = _VALUES[kind][1](made)
            name, uuid = f"Point {number + 1:02}", _uuid(made)
            key = f"{parent.name}.{name}"
            child: Element
            if number % 2:
                identity = Identity(point, uuid, key, name)
                place = _AREAS[made % len(_AREAS)]
                child = Point(identity, tables[kind][1], [value, now, now, good, place])
            else:
                # In the order of Register.ATTRIBUTES.
                identity = Identity(register, uuid, key, name)
                child = Register(identity, tables[kind][0], [value, never, never, good, never])
            child.parent = parent
            child.acl = acl
            made += 1
            points.append(child)
        parent.children = tuple(points)
        devices.append(parent)
    root.children = tuple(devices)
    return Plant(root, acl, f"synthetic model of {quantity(count, 'element')}", clock)


def _uuid(number: int) -> UUID:
    return UUID(int=_BASE_UUID ^ (number * _STEP & 0x3FFFFFFFFFFFFFFF))
