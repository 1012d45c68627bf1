"""A call that was made before is asked at once, and gives what it gave the first time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from tests.support.reading import Reading, read
from tests.support.server import QUALITY, VALUE, Element, Model
from xentara_nb.errors import AmbiguousError, XentaraError
from xentara_nb.protocol.commands import AttributeInfo, Read
from xentara_nb.protocol.errors import UnknownElementError
from xentara_nb.protocol.identifiers import Attribute, DataType
from xentara_nb.queries.model_cache import ModelCache
from xentara_nb.queries.read_plan import MAX_PLANNED, MAX_PLANS, call_key
from xentara_nb.tables.frames import inventory_frame
from xentara_nb.tables.id_arrays import id_array
from xentara_nb.tables.values import values_frame

PUMP, VALVE = UUID(int=1), UUID(int=2)
UNITS, LIMIT = UUID(int=91), UUID(int=92)
LIST = (VALUE, QUALITY, AttributeInfo("units", UNITS, 0, 11))


def model(list_of_pump: tuple[AttributeInfo, ...] = LIST) -> Model:
    values = {11: 1.5, 9: 0, UNITS: "bar", LIMIT: 7}
    elements = {
        "Pump": Element(PUMP, 2, list_of_pump, values),
        "Valve": Element(VALVE, 2, (VALUE,), {11: 2.5}),
    }
    return Model(elements)


def reading_of(plant: Model, cache: ModelCache, elements: Any, attributes: Any = None) -> Reading:
    reading = read(lambda asked: iter([list(plant.ask(asked))]), cache, elements, attributes)
    return Reading(*(list(column) for column in reading))  # in place of arrays


class Key(StrEnum):
    PUMP = "Pump"


class Number(IntEnum):
    VALUE = 11


ROWS = inventory_frame([("Pump", PUMP, 2, LIST), ("Valve", VALVE, 2, (VALUE,))])
READ = values_frame(
    primary_keys=["Valve", "Pump"],
    element_uuids=[VALVE, PUMP],
    attribute_names=["value", "units"],
    attribute_ids=[11, UNITS],
    data_types=[None, None],
    results=[2.5, "bar"],
    times=[1, 2],
)

CALLS = [
    ("Pump", "value"),
    ("Pump", None),
    (["Pump"], ["units", 11]),
    (PUMP, 11),
    ([PUMP, VALVE], ("value", UNITS)),
    (["Pump", "Valve", "Pump"], "value"),
    (["Pump", "Pump"], [11, 11, "quality"]),
    (["Valve"], []),
    (ROWS, None),
    (ROWS[::-2], None),
    (ROWS, "value"),
    (READ, None),
]


@pytest.mark.parametrize(("elements", "attributes"), CALLS)
def test_the_same_call_gives_the_same_and_asks_for_the_values_alone(
    elements: Any, attributes: Any
) -> None:
    plant = model()
    cache = ModelCache(plant.ask)
    first = reading_of(plant, cache, elements, attributes)
    assert len(cache.read_plans) == 1  # also by a call that had to ask what was meant
    plant.asked.clear()
    plant.elements["Pump"].values[11] = 99.0
    expected = reading_of(model(), ModelCache(model().ask), elements, attributes)
    again = reading_of(plant, cache, elements, attributes)
    assert again[:5] == first[:5] == expected[:5]
    assert again.results == [99.0 if each == 1.5 else each for each in expected.results]
    assert set(map(type, plant.asked)) <= {Read}
    assert len(cache.read_plans) == 1


def test_calls_differ_in_what_they_name() -> None:
    keys = [call_key(elements, attributes) for elements, attributes in CALLS]
    keys += [call_key(*call) for call in (("Pump", UNITS), ([], "value"), ("Pump", str(UNITS)))]
    found = [key for key in keys if key is not None]
    assert len(found) == len(set(found)) == len(CALLS) + 2


@pytest.mark.parametrize(
    ("elements", "attributes"),
    [
        (Key.PUMP, "value"),
        ("Pump", Number.VALUE),
        ("Pump", Attribute.VALUE),
        ("Pump", True),
        ("Pump", [11.0]),
        ("Pump", np.int64(11)),
        ("Pump", np.array([11])),
        (["Pump", PUMP], "value"),
        (("Pump", "Valve"), "value"),
        ({"Pump": 1}, "value"),
        (iter(["Pump"]), "value"),
        (["Pump"] * (MAX_PLANNED + 1), "value"),
        (ROWS.drop(columns="attribute_id"), None),
        (ROWS.astype({"primary_key": object}), None),
        (ROWS.astype({"element_uuid": object}), None),
        (ROWS.astype({"data_type": object}), None),
        (pd.concat([ROWS, ROWS[["access", "data_type"]]], axis=1), None),
        (ROWS.iloc[[0] * (MAX_PLANNED + 1)], None),
        (ROWS, True),
        (None, "value"),
    ],
)
def test_what_takes_a_longer_look_is_not_kept(elements: Any, attributes: Any) -> None:
    assert call_key(elements, attributes) is None


def test_a_list_that_was_changed_is_another_call() -> None:
    plant = model()
    cache = ModelCache(plant.ask)
    elements, attributes = ["Pump"], ["value"]
    for _ in range(2):
        assert reading_of(plant, cache, elements, attributes).results == [1.5]
    elements.append("Valve")
    assert reading_of(plant, cache, elements, attributes).results == [1.5, 2.5]
    attributes[:] = ["quality"]
    assert reading_of(plant, cache, elements[:1], attributes).results == [0]


def test_what_fails_is_asked_for_again() -> None:
    plant = model()
    cache = ModelCache(plant.ask)
    for _ in range(2):
        with pytest.raises(UnknownElementError):
            reading_of(plant, cache, "Fan", "value")
    plant.elements["Fan"] = Element(UUID(int=3), 2, (VALUE,), {11: 3.5})
    assert reading_of(plant, cache, "Fan", "value").results == [3.5]


def test_ids_that_cannot_be_told_apart_are_refused_each_time() -> None:
    plant = model(
        (VALUE, AttributeInfo("units", UNITS, 0, 11), AttributeInfo("limit", UNITS, 0, 2))
    )
    cache = ModelCache(plant.ask)
    for _ in range(3):
        value, *others = reading_of(plant, cache, "Pump").results
        assert value == 1.5
        assert list(map(type, others)) == [AmbiguousError] * 2
    assert cache.read_plans


def test_a_frame_that_was_changed_changes_no_other() -> None:
    plant = model()
    cache = ModelCache(plant.ask)

    def frame() -> pd.DataFrame:
        reading = read(lambda asked: iter([list(plant.ask(asked))]), cache, ["Pump", "Valve"], 11)
        return values_frame(**reading._asdict()).drop(columns="time")

    expected = frame()
    for _ in range(2):
        changed = frame()
        pd.testing.assert_frame_equal(changed, expected)
        changed.loc[0, ["primary_key", "attribute_name"]] = "changed"
        changed.loc[0, "element_uuid"] = UUID(int=77)
        changed.loc[0, "attribute_id"] = 77
    pd.testing.assert_frame_equal(frame(), expected)


def test_another_model_is_looked_at_anew() -> None:
    plant = model()
    cache = ModelCache(plant.ask)
    for _ in range(2):
        reading = reading_of(plant, cache, "Pump", "units")
    assert reading.attribute_ids == [UNITS]
    plant.elements["Pump"] = model((VALUE, AttributeInfo("units", LIMIT, 0, 2))).elements["Pump"]
    cache.forget()
    assert not cache.read_plans
    reading = reading_of(plant, cache, "Pump", "units")
    assert (reading.attribute_ids, reading.results) == ([LIMIT], [7])


def test_an_inventory_that_knows_better_counts() -> None:
    plant = model()
    cache = ModelCache(plant.ask)
    for _ in range(2):
        reading_of(plant, cache, "Pump", "units")
    cache.learn([PUMP], [(VALUE, AttributeInfo("units", LIMIT, 0, 2))], cache.generation)
    assert reading_of(plant, cache, "Pump", "units").results == [7]


def test_what_is_forgotten_meanwhile_does_not_come_back() -> None:
    plant = model()
    caches: list[ModelCache] = []

    def ask(commands: Sequence[Any]) -> Iterator[Any]:
        caches[0].forget()  # by another thread, which has connected again
        return plant.ask(commands)

    caches.append(ModelCache(ask))
    reading_of(plant, caches[0], "Pump", "value")
    assert not caches[0].read_plans


def test_not_all_calls_are_kept() -> None:
    plant = model()
    cache = ModelCache(plant.ask)
    reading_of(plant, cache, "Pump", None)
    for count in range(1, 2 * MAX_PLANS):
        reading_of(plant, cache, ["Pump"] * count, 11)
        assert 0 < len(cache.read_plans) <= MAX_PLANS
    cache.forget()
    reading_of(plant, cache, ["Pump"] * (MAX_PLANNED // 2), [11, 11, 11])
    assert not cache.read_plans


def changed(frame: pd.DataFrame, source: random.Random) -> pd.DataFrame:
    """Change something about rows, in place or in other ones."""
    row = source.randrange(len(frame))
    kinds = [each.label for each in DataType]
    choices: dict[str, list[Any]] = {
        "primary_key": ["Pump", "Valve", str(b"Pump", "ascii"), "Fan", "", None],
        "element_uuid": [PUMP, VALVE, UUID(int=PUMP.int), UUID(int=3), None],
        "attribute_name": ["value", "units", "quality", str(b"value", "ascii")],
        "attribute_id": [11, 9, UNITS, LIMIT, None],
        "data_type": kinds,
    }
    name = source.choice([*choices, "order", "part", "categories", "ids", "column"])
    if name in choices and name in frame:
        frame.loc[frame.index[row], name] = source.choice(choices[name])
    elif name == "order":
        frame = frame.sample(frac=1.0, random_state=source.randrange(1000))
    elif name == "part" and len(frame) > 1:
        frame = frame.drop(index=frame.index[row]).copy()
    elif name == "categories":
        source.shuffle(kinds)
        frame["data_type"] = pd.Categorical.from_codes([0] * len(frame), categories=kinds)
    elif name == "ids":
        frame["element_uuid"] = id_array([source.choice([PUMP, VALVE]) for _ in frame.index])
    elif name == "column":
        frame = frame.drop(columns="data_type", errors="ignore")
    return frame


@pytest.mark.parametrize("seed", range(2))
def test_rows_that_are_changed_again_and_again_give_what_they_give_when_they_are_new(
    seed: int,
) -> None:
    source = random.Random(seed)
    plant = model()
    cache = ModelCache(plant.ask)

    def outcome(cache: ModelCache, rows: pd.DataFrame, attributes: str | None) -> Any:
        try:
            reading = reading_of(plant, cache, rows, attributes)
        except XentaraError as error:
            return str(error)
        return reading[:5], list(map(str, reading.results))

    frame, before = ROWS.copy(), ROWS.copy()
    for _ in range(80):
        frame = changed(frame, source)
        if source.random() < 0.1:
            frame, before = before.copy(), frame
        attributes = source.choice([None, None, None, "value"])
        assert outcome(cache, frame, attributes) == outcome(
            ModelCache(plant.ask), frame, attributes
        )


def test_rows_that_are_changed_while_they_are_looked_at_are_not_kept() -> None:
    plant = model()
    rows = ROWS.copy()

    def ask(commands: Sequence[Any]) -> Iterator[Any]:
        rows.loc[rows.index[0], "element_uuid"] = VALVE  # by another thread
        return plant.ask(commands)

    cache = ModelCache(ask)
    reading_of(plant, cache, rows)
    assert not cache.read_plans
    reading_of(plant, cache, rows)
    assert len(cache.read_plans) == 1
