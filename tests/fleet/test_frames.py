"""The frames of several servers as one: dtypes, order, and no value that is changed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from xentara_nb import Fleet
from xentara_nb.errors import OptionError
from xentara_nb.fleet.frames import by_server, empty_frame, rows_of, stacked, with_server
from xentara_nb.protocol.identifiers import Attribute

NAMES = ["north", "south", "west"]


def both(one: object, other: object) -> pd.Series:
    frames = {"south": pd.DataFrame({"value": other}), "north": pd.DataFrame({"value": one})}
    return stacked(frames, NAMES, pd.DataFrame())["value"]


def test_the_column_server() -> None:
    parts = {"west": pd.DataFrame({"a": [1]}), "north": pd.DataFrame({"a": [2, 3]})}
    frame = stacked(parts, NAMES, pd.DataFrame())
    assert frame["server"].tolist() == ["north", "north", "west"]
    assert frame["server"].cat.categories.tolist() == NAMES
    assert frame["a"].tolist() == [2, 3, 1]
    assert not parts  # nothing is in memory twice
    pd.testing.assert_frame_equal(
        with_server(pd.DataFrame({"a": [1]}), "west", NAMES), frame.iloc[2:].reset_index(drop=True)
    )


@pytest.mark.parametrize(
    ("one", "other", "dtype"),
    [
        ([1.5], [2.5], "float64"),
        ([1], pd.array([2, None], "Int64"), "Int64"),
        ([True], pd.array([None, False], "boolean"), "boolean"),
        (np.array([2**63], np.uint64), pd.array([None], "UInt64"), "UInt64"),
        ([2**53 + 1], [0.5], "object"),
        ([True], [1.5], "object"),
        (["a"], [1.5], "object"),
        ([2**53 + 1], np.array([2**63], np.uint64), "object"),
    ],
)
def test_no_value_is_changed_to_fit(one: object, other: object, dtype: str) -> None:
    found = both(one, other)
    assert found.dtype == dtype
    wanted = [*pd.Series(one).tolist(), *pd.Series(other).tolist()]
    # By their texts: 1 and True and 1.0 are the same to Python, and large numbers lose digits.
    assert [str(each) for each in found.tolist()] == [str(each) for each in wanted]


def test_a_nan_is_a_value_and_no_gap() -> None:
    gap = pd.arrays.FloatingArray(np.array([2.0, 0.0]), np.array([False, True]))
    found = both([math.nan, 1.0], gap)
    assert found.dtype == "Float64"
    assert [each is pd.NA for each in found] == [False, False, False, True]
    assert math.isnan(found[0])


def test_words_that_one_server_alone_has() -> None:
    found = both(pd.Categorical(["a"], ["a", "b"]), pd.Categorical(["7"], ["a", "b", "7"]))
    assert found.tolist() == ["a", "7"]
    assert found.cat.categories.tolist() == ["a", "b", "7"]


def test_objects_stay_objects() -> None:
    texts = pd.Series(["a"], dtype=object)
    assert both(texts, texts).dtype == object


def test_an_empty_part_decides_nothing() -> None:
    assert both([1.5], np.array([], object)).dtype == "float64"


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("inventory", {}),
        ("snapshot", {}),
        ("snapshot", {"attributes": ["writeTime", "quality", int(Attribute.CHANGE_TIME)]}),
        ("search", {"text": "speed"}),
        ("read", {"elements": ["Plant.Line 1.Speed", "Plant.Line 1.Recipe"]}),
    ],
)
def test_what_is_empty_has_the_same_columns_and_dtypes(
    fleet: Fleet, command: str, arguments: dict[str, object]
) -> None:
    frame = getattr(fleet, command)(**arguments)
    empty = empty_frame(command, arguments, fleet.servers)
    assert len(frame)
    assert empty.empty
    assert empty.dtypes.to_dict() == frame.dtypes.to_dict()
    assert list(empty.columns) == list(frame.columns)


def test_rows_by_server() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "server": ["south", "north", "south"]})
    found = by_server(frame)
    assert list(found) == ["south", "north"]
    assert found["south"]["a"].tolist() == [1, 3]
    numbered = by_server(frame.assign(server=[7, 8, 7]))  # as files of pandas may have them
    assert {name: each["a"].tolist() for name, each in numbered.items()} == {"7": [1, 3], "8": [2]}
    mixed = frame.assign(server=pd.Series([7, "north", "7"], dtype=object))
    assert {name: each["a"].tolist() for name, each in by_server(mixed).items()} == {
        "7": [1, 3],
        "north": [2],
    }
    assert rows_of(mixed, ["7", "west"])["a"].tolist() == [1, 3]
    assert by_server(frame.iloc[:0]) == {}
    with pytest.raises(OptionError, match="two columns server"):
        by_server(pd.concat([frame, frame], axis="columns"))
    with pytest.raises(OptionError, match="names no server"):
        by_server(frame.assign(server=["south", None, "north"]))


def test_a_name_is_looked_at_once_and_not_for_each_row() -> None:
    class Name:
        def __str__(self) -> str:
            looked.append(1)
            return "north"

    looked: list[int] = []
    rows = pd.DataFrame({"a": range(100), "server": pd.Series([Name()] * 100, dtype=object)})
    assert len(by_server(rows)["north"]) == 100
    assert len(looked) == 1
