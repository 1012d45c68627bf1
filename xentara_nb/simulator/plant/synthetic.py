"""Made-up models of any size, for tests of load.

They are built without JSON. The same number of elements gives the same model every time: the same
keys, UUIDs and values.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import Access, Attribute, Category, DataType, Quality
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.model.datatypes import NO_ERROR
from xentara_nb.simulator.model.model import Model
from xentara_nb.simulator.plant.attributes import (
    AttributeTable,
    AttributeValue,
    attribute_uuid,
    table,
    well_known,
)
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
_DATA_TYPES = (
    DataType.FLOAT_64,
    DataType.BOOLEAN,
    DataType.SIGNED_INTEGER_16,
    DataType.UNSIGNED_INTEGER_32,
    DataType.FLOAT_32,
    DataType.STRING,
)


def plant(
    count: int,
    security: Security,
    clock: Callable[[], TimePoint] = TimePoint.now,
    *,
    category_as_text: bool = True,
) -> Plant:
    """Build a made-up plant.

    Parameters
    ----------
    count : int
        How many elements it has, the root not counted.
    security : Security
        The global access control list.
    clock : callable
        Gives the time.
    category_as_text : bool
        Whether reading the attribute ``category`` gives its name or its number.

    Raises
    ------
    ValueError
        If the number is negative.
    """
    if count < 0:
        raise ValueError(f"a model cannot have {count} elements; give a number from 0 up")
    acl = security.global_acl

    def kind(category: Category, type_text: str) -> Kind:
        return Kind.of(category, type_text, category_as_text=category_as_text)

    root = root_element(acl, category_as_text=category_as_text)
    device = kind(Category.DEVICE, "synthetic device")
    device_table = table(*map(well_known, (Attribute.DEVICE_STATE, Attribute.ERROR)))
    shapes = _shapes(kind)
    now = clock()
    devices: list[Element] = []
    made = 0
    while made < count:
        name = f"Device {len(devices) + 1:05}"
        identity = Identity(device, _uuid(made), name, name)
        above = Element(identity, device_table, [True, NO_ERROR], acl)
        above.parent = root
        made += 1
        points: list[Element] = []
        for number in range(min(_POINTS_OF_A_DEVICE, count - made)):
            maker, its_kind, attributes, fill = shapes[number % len(shapes)]
            name = f"Point {number + 1:02}"
            key = f"{above.name}.{name}"
            identity = Identity(its_kind, _uuid(made), key, name)
            point = maker(identity, attributes, fill(made, now))
            point.parent = above
            point.acl = acl
            made += 1
            points.append(point)
        above.children = tuple(points)
        devices.append(above)
    root.children = tuple(devices)
    return Plant(root, acl, f"synthetic model of {count} elements", clock)


def _uuid(number: int) -> UUID:
    return UUID(int=_BASE_UUID ^ (number * _STEP & 0x3FFFFFFFFFFFFFFF))


_Shape = tuple[
    Callable[..., Element], Kind, AttributeTable, Callable[[int, TimePoint], list[AttributeValue]]
]


def _shapes(kind: Callable[[Category, str], Kind]) -> list[_Shape]:
    """Return a dozen kinds of points: registers and inputs of several data types."""
    shapes: list[_Shape] = []
    register, point = (
        kind(Category.DATA_POINT, "register"),
        kind(Category.DATA_POINT, "synthetic point"),
    )
    area = AttributeInfo("area", attribute_uuid("area"), Access.READ_ONLY, DataType.STRING)
    for data_type in _DATA_TYPES:
        value = well_known(Attribute.VALUE, data_type, Access.READ_AND_WRITE)
        attributes = table(value, *map(well_known, Register.ATTRIBUTES))
        shapes.append((Register, register, attributes, _register_values(data_type)))
        value = well_known(Attribute.VALUE, data_type)
        times = (Attribute.UPDATE_TIME, Attribute.CHANGE_TIME, Attribute.QUALITY)
        attributes = table(value, *map(well_known, times), area)
        shapes.append((Point, point, attributes, _point_values(data_type)))
    return shapes


def _register_values(data_type: DataType) -> Callable[[int, TimePoint], list[AttributeValue]]:
    value = _value(data_type)
    never = TimePoint.NEVER
    # In the order of Register.ATTRIBUTES.
    return lambda number, _: [value(number), never, never, int(Quality.GOOD), never]


def _point_values(data_type: DataType) -> Callable[[int, TimePoint], list[AttributeValue]]:
    value = _value(data_type)
    good = int(Quality.GOOD)
    return lambda number, now: [value(number), now, now, good, _AREAS[number % len(_AREAS)]]


_AREAS = ("North hall", "South hall", "Tank farm", "Roof")


def _value(data_type: DataType) -> Callable[[int], bool | int | float | str]:
    if data_type is DataType.BOOLEAN:
        return lambda number: number % 3 == 0
    if data_type is DataType.STRING:
        return lambda number: f"Batch {number % 1000}"
    if data_type.is_float:
        # Multiples of an eighth fit every floating point type.
        return lambda number: number % 1000 / 8
    return lambda number: number % 1000
