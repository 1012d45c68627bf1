from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pandas as pd
import pytest

from tests.support.reading import read
from tests.support.server import QUALITY, VALUE, Element, Model
from xentara_nb.errors import NotFoundError
from xentara_nb.protocol.commands import AttributeInfo, Read
from xentara_nb.protocol.errors import UnknownElementError, server_error
from xentara_nb.protocol.values import TimePoint
from xentara_nb.queries.inventory import whole_model
from xentara_nb.queries.model_cache import ModelCache
from xentara_nb.queries.snapshot import elements_of, search_table, take_snapshot
from xentara_nb.tables.values import values_frame

PUMP, VALVE, OUTPUT, GROUP = (UUID(int=number) for number in range(1, 5))
UNITS_OF_PUMP, UNITS_OF_VALVE, LIMIT = (UUID(int=number) for number in (91, 92, 93))
KEY = AttributeInfo("key", 0, 0, 11)
TYPE = AttributeInfo("type", 3, 0, 11)
UPDATED = AttributeInfo("updateTime", 6, 0, 16)
COMMAND = AttributeInfo("value", 11, 1, 10)
NOON = TimePoint.parse("2024-01-01T12:00:00.000000001Z")
COLUMNS = [
    *("primary_key", "element_uuid", "category", "type", "display_name", "value", "units"),
    *("quality", "update_time", "access", "data_type", "error", "time"),
]


def model() -> Model:
    units = [AttributeInfo("units", each, 0, 11) for each in (UNITS_OF_PUMP, UNITS_OF_VALVE)]
    return Model(
        {
            "Valve": Element(
                VALVE,
                2,
                (KEY, VALUE, units[1], AttributeInfo("limit", LIMIT, 0, 10)),
                {0: "Valve", 11: 2.5, UNITS_OF_VALVE: "%", LIMIT: 99.5},
            ),
            "Pump": Element(
                PUMP,
                2,
                (KEY, TYPE, VALUE, QUALITY, UPDATED, units[0]),
                {0: "Pump", 3: "register", 11: 1.5, 9: 3, 6: NOON, UNITS_OF_PUMP: "bar"},
            ),
            "Output": Element(OUTPUT, 2, (KEY, COMMAND), {0: "Output"}),
            "Group": Element(GROUP, 1, (KEY,), {0: "Group"}),
        }
    )


def snapshot(plant: Model, elements: Any = None, attributes: Any = None) -> pd.DataFrame:
    cache = ModelCache(plant.ask)
    if elements is None:
        found, missing = whole_model(plant.ask, cache, False)
        assert not missing
    else:
        found = elements_of(cache, elements)
    return take_snapshot(plant.ask, found, attributes)


def test_one_row_per_element() -> None:
    before = time.time_ns()
    frame = snapshot(model())
    assert frame.columns.tolist() == COLUMNS
    assert frame["primary_key"].tolist() == ["Group", "Output", "Pump", "Valve"]
    pump = frame.iloc[2]
    assert pump["value"] == 1.5
    assert pump["quality"] == "bad"
    assert pump["units"] == "bar"
    assert pump["type"] == "register"
    assert pump["update_time"].value == NOON.nanoseconds
    assert (pump["access"], pump["data_type"]) == ("read and write", "Float64")
    assert frame["value"].tolist() == [None, None, 1.5, 2.5]
    assert frame["units"].isna().tolist() == [True, True, False, False]
    assert frame["access"].astype(object).tolist()[1] == "write only"
    assert frame["access"].isna().tolist() == [True, False, False, False]
    assert frame["error"].isna().all()
    (moment,) = frame["time"].unique()
    assert before <= moment.value <= time.time_ns()


def test_dtypes_are_those_of_an_empty_one() -> None:
    assert snapshot(model(), []).dtypes.equals(snapshot(model()).dtypes)
    assert snapshot(Model({})).dtypes.equals(snapshot(model()).dtypes)


def test_elements_in_the_order_given_and_once() -> None:
    plant = model()
    frame = snapshot(plant, ["Valve", PUMP, "Valve"])
    assert frame["primary_key"].tolist() == ["Valve", "Pump"]
    assert [each for each in plant.asked if isinstance(each, Read)] == [
        Read(VALVE, (11, UNITS_OF_VALVE)),
        Read(PUMP, (3, 11, UNITS_OF_PUMP, 9, 6)),
    ]
    assert snapshot(plant, frame[["primary_key"]].iloc[::-1])["value"].tolist() == [1.5, 2.5]


def test_what_is_asked_for_besides() -> None:
    frame = snapshot(model(), ["Pump", "Valve"], ["limit", "key", "writeTime", "value"])
    assert frame.columns.tolist() == [*COLUMNS[:-2], "limit", "key", "write_time", *COLUMNS[-2:]]
    assert frame["limit"].tolist() == [None, 99.5]
    assert frame["key"].tolist() == ["Pump", "Valve"]
    assert frame["write_time"].isna().all()
    assert frame["error"].isna().all()
    by_id = snapshot(model(), ["Pump", "Valve"], LIMIT)
    assert by_id["limit"].tolist() == [None, 99.5]
    assert by_id["value"].tolist() == [1.5, 2.5]
    with pytest.raises(NotFoundError, match="no element of the snapshot has an attribute 'colour'"):
        snapshot(model(), ["Pump"], ["colour"])
    with pytest.raises(
        NotFoundError, match=r"attribute 'limti'; did you mean 'limit'\? See client"
    ):
        snapshot(model(), ["Pump", "Valve"], ["limti"])
    with pytest.raises(NotFoundError, match="names no attribute"):
        snapshot(model(), ["Pump"], [None])


def test_errors_say_what_could_not_be_read() -> None:
    plant = model()
    plant.elements["Pump"].values[11] = server_error(-32104, "it has no value\nyet")
    plant.elements["Pump"].values[9] = server_error(-32104, "it has no value\nyet")
    plant.elements["Pump"].values[3] = server_error(-32102)
    frame = snapshot(plant)
    assert frame["value"].tolist() == [None, None, None, 2.5]
    assert frame["units"].tolist()[2] == "bar"
    type_error, value_error = frame["error"].tolist()[2].split("; ")
    assert type_error.startswith("type: ")
    assert "(-32102)" in type_error
    assert value_error == "value, quality: it has no value yet (-32104)"
    assert frame["error"].isna().tolist() == [True, True, False, True]


def test_an_element_that_is_there_no_more() -> None:
    plant = model()
    cache = ModelCache(plant.ask)
    found, _ = whole_model(plant.ask, cache, False)
    del plant.elements["Pump"]
    frame = take_snapshot(plant.ask, found)
    assert frame["error"].tolist()[2] == "unknown element (-32100)"
    assert frame["value"].tolist() == [None, None, None, 2.5]
    with pytest.raises(UnknownElementError):
        snapshot(plant, ["Pump"])


def test_a_server_that_leaves_an_attribute_out() -> None:
    def ask(commands: Sequence[Any]) -> Any:
        for command in commands:
            answers = list(plant.ask([command]))
            yield {11: 7.0} if isinstance(command, Read) else answers[0]

    plant = model()
    frame = take_snapshot(ask, elements_of(ModelCache(plant.ask), ["Pump"]))
    assert frame["value"].tolist() == [7.0]
    assert "did not answer" in frame["error"][0]


def test_attributes_that_share_an_id_are_not_read() -> None:
    plant = model()
    valve = plant.elements["Valve"]
    valve.attributes = (*valve.attributes, AttributeInfo("lower", LIMIT, 0, 10))
    frame = snapshot(plant, ["Valve"], ["limit"])
    assert frame["limit"].tolist() == [None]
    assert frame["value"].tolist() == [2.5]
    assert "2 attributes with the id" in frame["error"][0]
    assert "(limit, lower), which cannot be told apart" in frame["error"][0]


def test_values_in_the_manual_s_words() -> None:
    plant = model()
    moment, quality = AttributeInfo("value", 11, 0, 16), AttributeInfo("value", 11, 0, 18)
    plant.elements["Pump"] = Element(PUMP, 2, (moment,), {11: NOON})
    plant.elements["Valve"] = Element(VALVE, 2, (quality, QUALITY), {11: 1, 9: "odd"})
    frame = snapshot(plant)
    assert frame["value"].tolist()[2:] == [pd.Timestamp(NOON.nanoseconds, tz="UTC"), "acceptable"]
    assert frame["quality"].tolist()[3] == "odd"


def test_error_codes_in_the_manual_s_words() -> None:
    plant = model()
    attributes = (AttributeInfo("error", 12, 0, 20), AttributeInfo("writeError", 13, 0, 20))
    plant.elements["Pump"] = Element(PUMP, 2, attributes, {12: 0, 13: -32109})
    frame = snapshot(plant, ["Pump"], ["error", "writeError"])
    assert frame["error_attribute"].tolist() == ["no error"]
    assert frame["write_error"].tolist() == ["write error (-32109)"]
    reading = read(
        lambda commands: [list(plant.ask(commands))], ModelCache(plant.ask), PUMP, [12, 13]
    )
    assert values_frame(**reading._asdict())["value"].tolist() == [
        "no error",
        "write error (-32109)",
    ]


def test_the_whole_model_is_asked_for_once() -> None:
    plant = model()
    cache = ModelCache(plant.ask)
    whole_model(plant.ask, cache, False)
    asked = len(plant.asked)
    assert whole_model(plant.ask, cache, False)[0].keys == ["Group", "Output", "Pump", "Valve"]
    assert len(plant.asked) == asked
    cache.forget()
    whole_model(plant.ask, cache, False)
    assert len(plant.asked) == 2 * asked


def test_a_cache_that_is_emptied_meanwhile_keeps_nothing() -> None:
    def ask(commands: Sequence[Any]) -> Any:
        cache.forget()
        return plant.ask(commands)

    plant = model()
    cache = ModelCache(ask)
    assert len(whole_model(ask, cache, False)[0].keys) == 4
    assert cache.whole is None


def test_what_a_search_goes_through() -> None:
    plant = model()
    table = search_table(plant.ask, whole_model(plant.ask, ModelCache(plant.ask), False)[0])
    assert table.search("bar")["primary_key"].tolist() == ["Pump"]
    assert table.search("", units="%")["primary_key"].tolist() == ["Valve"]
    assert table.search("vlave")["primary_key"].tolist() == ["Valve"]
