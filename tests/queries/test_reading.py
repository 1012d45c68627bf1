from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from tests.support.reading import Reading, read
from tests.support.server import QUALITY, VALUE, Element, Model
from xentara_nb.errors import AmbiguousError, NotFoundError
from xentara_nb.protocol.codec.read_values import ReadAnswers
from xentara_nb.protocol.commands import AttributeInfo, Lookup, MetaData, Read
from xentara_nb.protocol.errors import (
    AccessDeniedError,
    MissingAttributeError,
    UnknownElementError,
    server_error,
)
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.queries.model_cache import ModelCache
from xentara_nb.queries.reading import (
    companions,
    read_frame,
    resolved,
    targets,
)
from xentara_nb.tables.frames import inventory_frame
from xentara_nb.tables.references import element_reference, element_references
from xentara_nb.tables.values import ValuesAhead, values_frame

PUMP, VALVE, OUTPUT, GROUP = (UUID(int=number) for number in range(1, 5))
UNITS_OF_PUMP, UNITS_OF_VALVE, LIMIT = (UUID(int=number) for number in (91, 92, 93))
KEY = AttributeInfo("key", 0, 0, 11)
COMMAND = AttributeInfo("value", 11, 1, 10)


def model() -> Model:
    return Model(
        {
            "Pump": Element(
                PUMP,
                2,
                (KEY, VALUE, QUALITY, AttributeInfo("units", UNITS_OF_PUMP, 0, 11)),
                {0: "Pump", 11: 1.5, 9: 0, UNITS_OF_PUMP: "bar", Attribute.VALUE.uuid: 1.5},
            ),
            "Valve": Element(
                VALVE,
                2,
                (
                    KEY,
                    VALUE,
                    AttributeInfo("units", UNITS_OF_VALVE, 0, 11),
                    AttributeInfo("limit", LIMIT, 0, 10),
                ),
                {0: "Valve", 11: 2.5, UNITS_OF_VALVE: "%", LIMIT: 99.5},
            ),
            "Output": Element(OUTPUT, 2, (KEY, COMMAND), {0: "Output", 11: server_error(-32104)}),
            "Group": Element(GROUP, 1, (KEY,), {0: "Group"}),
        }
    )


def inventory() -> pd.DataFrame:
    return inventory_frame(
        [(key, e.uuid, e.category, e.attributes) for key, e in model().elements.items()]
    )


def by_message(ask: Any) -> Any:
    """Give the answers as those of one message."""
    return lambda commands: iter([list(ask(commands))])


def read_from(plant: Model, elements: Any, attributes: Any = None) -> Reading:
    reading = read(by_message(plant.ask), ModelCache(plant.ask), elements, attributes)
    return Reading(*(list(column) for column in reading))  # in place of arrays


def test_the_frame_of_a_few_numbers_is_made_while_the_server_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant, cache = known_model()
    noted: list[str] = []

    def noting(*columns: Any, **more: Any) -> Any:
        noted.append("made")
        return (values_frame if more else made_ahead)(*columns, **more)

    def ask(commands: Any) -> Any:
        yield ()
        noted.append("answered")
        yield list(plant.ask(commands))

    made_ahead = ValuesAhead.of
    monkeypatch.setattr(ValuesAhead, "of", noting)
    monkeypatch.setattr("xentara_nb.queries.reading.values_frame", noting)
    for elements, wanted in (
        (["Pump", "Valve"], ["made", "answered"]),
        (["Pump", "Output"], ["made", "answered", "made"]),  # which cannot be read
    ):
        noted.clear()
        frame = read_frame(ask, cache, elements, "value")
        assert noted == wanted
        assert not frame.attrs  # whoever has asked notes when it was answered
        same = read(by_message(plant.ask), cache, elements, "value")
        expected = values_frame(**same._asdict())
        pd.testing.assert_frame_equal(frame.drop(columns="time"), expected.drop(columns="time"))


def rows(reading: Reading) -> list[tuple[str, str, Any]]:
    results = [getattr(result, "code", result) for result in reading.results]
    return list(zip(reading.primary_keys, reading.attribute_names, results, strict=True))


def kinds(plant: Model) -> list[str]:
    return [type(command).__name__ for command in plant.asked]


# Which attributes.


def test_everything_that_can_be_read() -> None:
    plant = model()
    reading = read_from(plant, ["Pump", "Output", "Group"])
    assert rows(reading) == [
        ("Pump", "key", "Pump"),
        ("Pump", "value", 1.5),
        ("Pump", "quality", 0),
        ("Pump", "units", "bar"),
        ("Output", "key", "Output"),
        ("Group", "key", "Group"),
    ]
    assert reading.element_uuids == [PUMP] * 4 + [OUTPUT, GROUP]
    assert reading.attribute_ids == [0, 11, 9, UNITS_OF_PUMP, 0, 0]
    assert reading.data_types == [11, 10, 18, 11, 11, 11]


@pytest.mark.parametrize("attribute", [11, np.int64(11), Attribute.VALUE])
def test_a_well_known_attribute_needs_no_meta_data(attribute: Any) -> None:
    plant = model()
    for attributes in (attribute, [attribute], (attribute,), iter([attribute])):
        plant.asked.clear()
        reading = read_from(plant, ["Valve", "Pump"], attributes)
        assert rows(reading) == [("Valve", "value", 2.5), ("Pump", "value", 1.5)]
        assert reading.attribute_ids == [11, 11]
        assert [type(each) for each in reading.attribute_ids] == [int, int]
        assert kinds(plant) == ["Lookup", "Lookup", "Read", "Read"]


def test_an_element_by_uuid_shows_its_key() -> None:
    reading = read_from(model(), [VALVE, str(PUMP)], "value")
    assert rows(reading) == [("Valve", "value", 2.5), ("Pump", "value", 1.5)]


def test_a_well_known_attribute_by_its_uuid() -> None:
    reading = read_from(model(), "Pump", Attribute.VALUE.uuid)
    assert rows(reading) == [("Pump", "value", 1.5)]
    assert reading.attribute_ids == [Attribute.VALUE.uuid]
    assert reading.data_types == [10]


def test_a_custom_attribute_by_name_where_only_some_have_it() -> None:
    reading = read_from(model(), ["Pump", "Valve", "Group"], ["limit", "value"])
    assert rows(reading) == [
        ("Pump", "limit", -32101),
        ("Pump", "value", 1.5),
        ("Valve", "limit", 99.5),
        ("Valve", "value", 2.5),
        ("Group", "limit", -32101),
        ("Group", "value", -32101),
    ]
    assert reading.attribute_ids == [LIMIT, 11] * 3


def test_a_name_means_each_element_s_own_attribute() -> None:
    # Two kinds of elements may each have a custom attribute of the same name.
    reading = read_from(model(), ["Pump", "Valve", "Group"], "units")
    assert rows(reading)[:2] == [("Pump", "units", "bar"), ("Valve", "units", "%")]
    assert reading.attribute_ids == [UNITS_OF_PUMP, UNITS_OF_VALVE, UNITS_OF_PUMP]
    assert isinstance(reading.results[2], MissingAttributeError)


def test_a_name_is_found_in_the_own_meta_data_of_the_element() -> None:
    plant = model()
    pump = plant.elements["Pump"]
    own = UUID(int=912)
    pump.attributes = (*pump.attributes, AttributeInfo("error", own, 0, 11))
    pump.values[own] = "own"
    assert read_from(plant, "Pump", "error").attribute_ids == [own]
    reading = read_from(plant, ["Valve", "Pump"], ["error"])
    assert rows(reading) == [("Valve", "error", -32101), ("Pump", "error", "own")]


def test_an_id_that_is_called_otherwise_is_not_taken_for_a_well_known_name() -> None:
    plant = model()
    plant.elements["Pump"].attributes = (AttributeInfo("Füllstand", 11, 2, 10),)
    with pytest.raises(NotFoundError, match=r"no attribute 'value'; its .*: Füllstand"):
        read_from(plant, "Pump", "value")
    assert read_from(plant, "Pump", 11).results == [1.5]


def test_an_element_that_is_called_like_the_uuid_of_another() -> None:
    plant = model()
    plant.elements[str(PUMP)] = plant.elements.pop("Valve")
    with pytest.raises(AmbiguousError, match=f"the UUID of Pump: .* UUID..{VALVE}.. for the one"):
        read_from(plant, str(PUMP), 11)
    assert rows(read_from(plant, [PUMP, VALVE], 11)) == [
        ("Pump", "value", 1.5),
        (str(PUMP), "value", 2.5),
    ]
    assert rows(read_from(plant, str(VALVE), 11)) == [(str(PUMP), "value", 2.5)]
    del plant.elements["Pump"]
    assert rows(read_from(plant, str(PUMP), 11)) == [(str(PUMP), "value", 2.5)]


def test_two_attributes_with_one_name() -> None:
    plant = model()
    twice = (AttributeInfo("units", LIMIT, 0, 11), AttributeInfo("units", UNITS_OF_PUMP, 0, 11))
    plant.elements["Pump"].attributes = twice
    with pytest.raises(AmbiguousError, match=f"'units' may mean: .*{LIMIT}.* or .*{UNITS_OF_PUMP}"):
        read_from(plant, "Pump", "units")
    assert read_from(plant, "Pump", LIMIT).attribute_ids == [LIMIT]


def test_two_attributes_with_one_id() -> None:
    plant = model()
    plant.elements["Pump"].attributes = (
        AttributeInfo("executionState", LIMIT, 0, 2),
        AttributeInfo("executionTime", LIMIT, 0, 10),
    )
    for attribute in ("executionState", "executionTime", LIMIT, str(LIMIT)):
        with pytest.raises(AmbiguousError, match=r"\(executionState, executionTime\), which"):
            read_from(plant, "Pump", attribute)


def sharing() -> tuple[Model, pd.DataFrame]:
    """Return a plant in which two attributes of the pump share an id, and its inventory."""
    plant = model()
    pump = plant.elements["Pump"]
    pump.attributes = (
        VALUE,
        AttributeInfo("executionState", LIMIT, 0, 2),
        AttributeInfo("executionTime", LIMIT, 0, 10),
    )
    pump.values[LIMIT] = 7
    frame = inventory_frame(
        [(key, e.uuid, e.category, e.attributes) for key, e in plant.elements.items()]
    )
    return plant, frame


def test_both_rows_of_attributes_with_one_id_stay_and_say_why_they_are_not_read() -> None:
    plant, frame = sharing()
    state = frame[frame.attribute_name == "executionState"]
    for elements, names in (
        ("Pump", ["value", "executionState", "executionTime"]),
        (frame[frame.primary_key == "Pump"], ["executionState", "executionTime", "value"]),
        (state, ["executionState"]),
        (state.to_dict("records"), ["executionState"]),
    ):
        plant.asked.clear()
        reading = read_from(plant, elements)
        assert reading.attribute_names == names
        for name, result in zip(names, reading.results, strict=True):
            if name == "value":
                assert result == 1.5
            else:
                assert isinstance(result, AmbiguousError)
                assert "2 attributes with the id" in str(result)
        asked = [each for each in plant.asked if isinstance(each, Read)]
        assert asked == [Read(PUMP, (11,) if "value" in names else ())]
    # In the rows of all elements the others are read as ever.
    results = read_from(plant, frame).results
    assert [isinstance(result, AmbiguousError) for result in results].count(True) == 2


def test_an_id_that_is_shared_is_not_subscribed_to() -> None:
    plant, frame = sharing()
    state = frame[frame.attribute_name == "executionState"]
    for elements, attributes in ((state, None), ("Pump", "executionTime"), ("Pump", LIMIT)):
        with pytest.raises(AmbiguousError, match=r"\(executionState, executionTime\)"):
            targets(ModelCache(plant.ask), elements, attributes)
    assert targets(ModelCache(plant.ask), "Pump", None)[0].attribute_ids == (11, 9)


def test_after_an_inventory_rows_are_read_without_meta_data() -> None:
    plant, frame = sharing()
    elements = plant.elements.values()
    cache = ModelCache(plant.ask)
    cache.learn(
        [each.uuid for each in elements],
        [each.attributes for each in elements],
        cache.generation,
    )
    reading = read(by_message(plant.ask), cache, frame, None)
    assert [isinstance(result, AmbiguousError) for result in reading.results].count(True) == 2
    assert all(isinstance(command, Read) for command in plant.asked)
    cache.forget()
    plant.asked.clear()
    read(by_message(plant.ask), cache, frame, None)
    assert [command for command in plant.asked if isinstance(command, MetaData)] == [
        MetaData(PUMP, (2,)),
        MetaData(VALVE, (2,)),
    ]


def test_a_well_known_attribute_that_is_listed_twice() -> None:
    plant = model()
    valve = plant.elements["Valve"]
    valve.attributes = (*valve.attributes, AttributeInfo("raw", Attribute.VALUE.uuid, 0, 10))
    cache = ModelCache(plant.ask)
    cache.learn([VALVE], [valve.attributes], cache.generation)
    reading = read(
        by_message(plant.ask), cache, inventory().query("attribute_name == 'value'"), None
    )
    assert [type(result) for result in reading.results][1:] == [float, AmbiguousError]


def test_a_custom_attribute_by_uuid() -> None:
    reading = read_from(model(), ["Pump", "Valve"], [UNITS_OF_VALVE, 4711])
    assert rows(reading) == [
        ("Pump", str(UNITS_OF_VALVE), -32101),
        ("Pump", "4711", -32101),
        ("Valve", "units", "%"),
        ("Valve", "4711", -32101),
    ]
    assert reading.data_types == [None, None, 11, None]


def test_a_name_that_no_element_has() -> None:
    plant = model()
    with pytest.raises(NotFoundError, match=r"Pump has no attribute 'colour'; its .* are: key"):
        read_from(plant, ["Pump", "Valve"], ["value", "colour"])
    assert "Read" not in kinds(plant)


def test_what_names_no_attribute() -> None:
    with pytest.raises(NotFoundError, match="names no attribute"):
        read_from(model(), "Pump", [None])
    with pytest.raises(NotFoundError, match="names no attribute"):
        read_from(model(), "Pump", 1.5)


# Rows.


def test_rows_name_their_attribute() -> None:
    plant = model()
    chosen = inventory().query("attribute_name in ('value', 'units')")
    reading = read_from(plant, chosen)
    assert rows(reading) == [
        ("Output", "value", -32104),
        ("Pump", "units", "bar"),
        ("Pump", "value", 1.5),
        ("Valve", "units", "%"),
        ("Valve", "value", 2.5),
    ]
    assert reading.data_types == [10, 11, 10, 11, 10]
    # Ids of their own could be those of several attributes. Else one request for each element.
    assert plant.asked == [
        MetaData(PUMP, (2,)),
        MetaData(VALVE, (2,)),
        Read(OUTPUT, (11,)),
        Read(PUMP, (UNITS_OF_PUMP, 11)),
        Read(VALVE, (UNITS_OF_VALVE, 11)),
    ]


def test_rows_in_any_order_give_rows_in_that_order() -> None:
    shuffled = inventory().sample(frac=1, random_state=3)
    shuffled = shuffled[shuffled.access != "write only"]
    reading = read_from(model(), shuffled)
    assert reading.primary_keys == shuffled.primary_key.tolist()
    assert reading.attribute_names == shuffled.attribute_name.tolist()
    assert reading.attribute_ids == shuffled.attribute_id.tolist()
    assert not any(isinstance(result, Exception) for result in reading.results)


def test_rows_and_attributes() -> None:
    chosen = inventory().query("attribute_name == 'key'")
    reading = read_from(model(), chosen, "value")
    assert rows(reading) == [
        ("Group", "value", -32101),
        ("Output", "value", -32104),
        ("Pump", "value", 1.5),
        ("Valve", "value", 2.5),
    ]


def test_rows_made_by_hand() -> None:
    plant = model()
    frame = pd.DataFrame(
        {
            "primary_key": ["Pump", "Valve", "Valve"],
            "attribute_name": ["units", "limit", None],
            "attribute_id": [None, np.nan, 11],
        }
    )
    assert rows(read_from(plant, frame)) == [
        ("Pump", "units", "bar"),
        ("Valve", "limit", 99.5),
        ("Valve", "value", 2.5),
    ]
    with pytest.raises(NotFoundError, match="Group has no attribute 'units'"):
        read_from(plant, {"primary_key": "Group", "attribute_name": "units"})
    # A row without an attribute means all of the element.
    assert len(rows(read_from(plant, {"primary_key": "Pump", "attribute_id": np.nan}))) == 4


def test_duplicates_stay_duplicates() -> None:
    plant = model()
    assert rows(read_from(plant, ["Pump", "Valve", "Pump"], ["value", "value"])) == [
        ("Pump", "value", 1.5),
        ("Pump", "value", 1.5),
        ("Valve", "value", 2.5),
        ("Valve", "value", 2.5),
        ("Pump", "value", 1.5),
        ("Pump", "value", 1.5),
    ]
    assert [command for command in plant.asked if isinstance(command, Read)] == [
        Read(PUMP, (11,)),
        Read(VALVE, (11,)),
        Read(PUMP, (11,)),
    ]
    assert len(rows(read_from(plant, ["Pump", "Pump"]))) == 8
    row = inventory().iloc[[0, 0]]
    assert rows(read_from(plant, row)) == [("Group", "key", "Group")] * 2


def test_nothing_to_read() -> None:
    plant = model()
    assert read_from(plant, []) == Reading([], [], [], [], [], [], [])
    assert read_from(plant, inventory().iloc[:0]) == Reading([], [], [], [], [], [], [])
    assert read_from(plant, [], "units") == Reading([], [], [], [], [], [], [])
    assert not plant.asked
    assert rows(read_from(plant, ["Pump"], [])) == []


# What goes wrong.


def test_an_element_that_is_not_there() -> None:
    with pytest.raises(UnknownElementError, match="lookup of 'Fan'"):
        read_from(model(), ["Pump", "Fan"])
    with pytest.raises(UnknownElementError, match="meta_data of"):
        read_from(model(), [PUMP, UUID(int=77)], "value")


def test_an_element_that_is_there_no_more_does_not_sink_the_rest() -> None:
    plant = model()
    chosen = inventory().query("attribute_name == 'value'")
    del plant.elements["Pump"]
    reading = read_from(plant, chosen)
    assert rows(reading) == [
        ("Output", "value", -32104),
        ("Pump", "value", -32100),
        ("Valve", "value", 2.5),
    ]


def test_an_error_of_a_whole_element_stands_in_each_of_its_rows() -> None:
    def ask(commands: Sequence[Any]) -> Any:
        for command in commands:
            if isinstance(command, Read) and command.element_uuid == PUMP:
                yield server_error(-32102, "not for you")
            else:
                yield from plant.ask([command])

    plant = model()
    reading = read(by_message(ask), ModelCache(ask), ["Pump", "Valve"], ["value", "key"])
    assert [type(result) for result in reading.results] == [AccessDeniedError] * 2 + [float, str]


def test_a_server_that_leaves_an_attribute_out() -> None:
    def ask(commands: Sequence[Any]) -> Any:
        for command in commands:
            if isinstance(command, Read):
                yield {11: 1.5}
            else:
                yield from plant.ask([command])

    plant = model()
    reading = read(by_message(ask), ModelCache(ask), "Pump", ["value", "quality"])
    assert reading.results[0] == 1.5
    assert "did not answer for this attribute" in str(reading.results[1])


def test_the_time_of_each_answer() -> None:
    def ask(commands: Sequence[Any]) -> Any:
        for command in commands:
            moments.append(time.time_ns())
            yield from plant.ask([command])

    moments: list[int] = []
    plant = model()
    references = element_references(inventory().query("attribute_name == 'value'"))
    times = read(by_message(ask), ModelCache(ask), references, None).times.tolist()
    assert all(asked <= taken for asked, taken in zip(moments, times, strict=True))
    assert times == sorted(times)
    assert times[-1] <= time.time_ns()


# What to subscribe to.


def subscribe_to(elements: Any, attributes: Any = None) -> list[Any]:
    return list(targets(ModelCache(model().ask), elements, attributes))


def test_targets() -> None:
    assert subscribe_to(["Pump", "Group"]) == [(PUMP, (11, 9)), (GROUP, (11, 9))]
    assert subscribe_to(["Pump", "Valve"], "units") == [
        (PUMP, (UNITS_OF_PUMP,)),
        (VALVE, (UNITS_OF_VALVE,)),
    ]
    assert subscribe_to([]) == []


def test_targets_that_rows_name() -> None:
    chosen = inventory().query("attribute_name in ('value', 'units')")
    assert subscribe_to(chosen) == [
        (OUTPUT, (11,)),
        (PUMP, (UNITS_OF_PUMP, 11)),
        (VALVE, (UNITS_OF_VALVE, 11)),
    ]


def test_every_element_is_one_target() -> None:
    assert subscribe_to(["Pump", "Valve", "Pump"], ["value", "value"]) == [
        (PUMP, (11,)),
        (VALVE, (11,)),
    ]
    chosen = inventory().sort_values("attribute_name")
    assert {uuid for uuid, _ in subscribe_to(chosen)} == {PUMP, VALVE, OUTPUT, GROUP}
    assert len(subscribe_to(chosen)) == 4


def test_targets_of_rows_with_and_without_an_attribute() -> None:
    row = inventory().iloc[0]
    assert subscribe_to([row, "Pump"]) == [(GROUP, (row.attribute_id,)), (PUMP, (11, 9))]


def test_attributes_that_are_given_count_more_than_those_of_rows() -> None:
    units = inventory().query("attribute_name == 'units'")
    assert subscribe_to(units, "value") == [(PUMP, (11,)), (VALVE, (11,))]
    assert subscribe_to(units, ["value", "quality"]) == [(PUMP, (11, 9)), (VALVE, (11, 9))]


# What is watched and sampled.


def resolve(elements: Any, attributes: Any = None) -> list[tuple[Any, ...]]:
    return [tuple(each) for each in resolved(ModelCache(model().ask), elements, attributes)]


def test_attributes_resolved_with_their_data_types() -> None:
    assert resolve(["Pump", VALVE]) == [
        ("Pump", PUMP, "value", 11, 10),
        ("Valve", VALVE, "value", 11, 10),
    ]
    assert resolve("Pump", ["units", Attribute.VALUE.uuid]) == [
        ("Pump", PUMP, "units", UNITS_OF_PUMP, 11),
        ("Pump", PUMP, "value", Attribute.VALUE.uuid, 10),
    ]
    # What the element does not have is asked for all the same.
    assert resolve("Group") == [("Group", GROUP, "value", 11, None)]


def test_rows_resolved_each_attribute_once() -> None:
    rows = inventory().query("attribute_name == 'value'").drop(columns="data_type")
    assert resolve(pd.concat([rows, rows])) == [
        ("Output", OUTPUT, "value", 11, 10),
        ("Pump", PUMP, "value", 11, 10),
        ("Valve", VALVE, "value", 11, 10),
    ]


def test_an_id_that_is_shared_is_not_resolved() -> None:
    plant, _ = sharing()
    with pytest.raises(AmbiguousError, match=r"\(executionState, executionTime\)"):
        resolved(ModelCache(plant.ask), "Pump", LIMIT)


def test_companions_of_values_where_there_are_any() -> None:
    cache = ModelCache(model().ask)
    found = resolved(cache, inventory(), None)
    assert [tuple(each) for each in companions(cache, found, Attribute.QUALITY)] == [
        ("Pump", PUMP, "quality", 9, 18)
    ]
    assert companions(cache, [], Attribute.QUALITY) == []


def test_commands_are_what_they_say() -> None:
    plant = model()
    read_from(plant, "Pump", "units")
    assert [type(command) for command in plant.asked] == [Lookup, MetaData, Read]


# Elements that are known already.


def known_model() -> tuple[Model, ModelCache]:
    plant = model()
    cache = ModelCache(plant.ask)
    read(by_message(plant.ask), cache, ["Pump", "Valve"], "units")
    read(by_message(plant.ask), cache, [PUMP, VALVE], "units")
    plant.asked.clear()
    return plant, cache


@pytest.mark.parametrize(
    "attributes", ["value", 11, ["value"], ["units", "value"], UNITS_OF_VALVE, [11, "limit"], []]
)
def test_elements_that_are_known_give_what_any_others_give(attributes: Any) -> None:
    plant, cache = known_model()
    for elements in (["Pump", "Valve"], [PUMP, VALVE]):
        expected = read_from(model(), [*map(element_reference, elements)], attributes)
        reading = read(by_message(plant.ask), cache, elements, attributes)
        columns = Reading(*(list(column) for column in reading))
        assert rows(columns) == rows(expected)
        assert columns[:5] == expected[:5]
    assert set(kinds(plant)) <= {"Read"}


def test_of_known_elements_errors_are_the_same() -> None:
    plant, cache = known_model()
    for elements in (["Pump", "Valve"], [PUMP, VALVE]):
        with pytest.raises(NotFoundError, match="has no attribute 'level'"):
            read(by_message(plant.ask), cache, elements, "level")
    for unknown in (["Pump", "Fan"], [PUMP, UUID(int=77)]):
        with pytest.raises(UnknownElementError):
            read(by_message(plant.ask), cache, unknown, "value")


def test_a_column_with_errors() -> None:
    plant = model()
    reading = read_from(plant, ["Pump", "Output", "Valve"], 11)
    assert rows(reading) == [
        ("Pump", "value", 1.5),
        ("Output", "value", -32104),
        ("Valve", "value", 2.5),
    ]


def test_a_column_that_was_decoded_as_one() -> None:
    def ask(commands: Sequence[Any]) -> Any:
        yield ReadAnswers([(11,), (11,)], [1.5, 2])
        yield [server_error(-32100), {}]

    cache = ModelCache(model().ask)
    chosen = inventory().query("attribute_name == 'value'")
    reading = read(ask, cache, pd.concat([chosen, chosen.iloc[:1]]), None)
    assert reading.results[:2] == [1.5, 2]
    assert isinstance(reading.results[2], UnknownElementError)
    assert "did not answer" in str(reading.results[3])
