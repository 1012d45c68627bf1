from __future__ import annotations

from typing import Any
from uuid import UUID

import pandas as pd
import pytest

from xentara_nb.errors import NotFoundError, OptionError
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.tables.frames import inventory_frame
from xentara_nb.tables.search import SearchIndex

KEYS = [
    *("Plant", "Plant.Tank 1", "Plant.Tank 1.Level", "Plant.Tank 1.Level.Limit"),
    *("Plant.Tank 2.Level", "Plant.Tank 2.Pressure", "Plant.Füllstand", "Plant.Pump 7"),
]
INDEX = SearchIndex(
    KEYS,
    [None, None, "Contents of the bowl", None, None, None, None, "Circulation"],
    [None, "group", "data point", "data point", "data point", "data point", "data point", "pump"],
    [None, None, "mm", "mm", "mm", "bar", "%", None],
)


def found(text: str) -> list[str]:
    return [KEYS[row] for row in INDEX.find(text)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("tank lev", "Plant.Tank 1.Level"),
        ("LEV tank", "Plant.Tank 1.Level"),
        ("Tank 2.Level", "Plant.Tank 2.Level"),
        ("level limit", "Plant.Tank 1.Level.Limit"),
        ("lev*mit", "Plant.Tank 1.Level.Limit"),
        ("t?nk press", "Plant.Tank 2.Pressure"),
        ("bowl", "Plant.Tank 1.Level"),
        ("bar", "Plant.Tank 2.Pressure"),
        ("FÜLL", "Plant.Füllstand"),
        ("plant", "Plant"),
    ],
)
def test_words_in_any_order_with_wildcards(text: str, first: str) -> None:
    assert found(text)[0] == first


def test_wildcards_at_the_ends_and_words_that_repeat_change_nothing() -> None:
    for text, same in (("*", ""), ("lev*", "lev"), ("**1.lev* *tank", "1.lev tank"), ("1 1", "1")):
        assert set(found(text)) == set(found(same)) != set()
    assert found("limit?") == found("?plant") == []  # which stands for one character
    assert set(found("level?")) == {"Plant.Tank 1.Level.Limit"}


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("tnak 2 level", "Plant.Tank 2.Level"),
        ("prssure", "Plant.Tank 2.Pressure"),
        ("presur", "Plant.Tank 2.Pressure"),
        ("tank lvel 2", "Plant.Tank 2.Level"),
        ("fullstand", "Plant.Füllstand"),
        ("circulatoin", "Plant.Pump 7"),
        ("tnak l?vel 2*", "Plant.Tank 2.Level"),
    ],
)
def test_small_typos(text: str, first: str) -> None:
    assert found(text)[0] == first


@pytest.mark.parametrize("text", ["pump 8", "nothing", "tank zzzzz", "x*y", "lev.*mit", "tank 12"])
def test_what_is_not_there(text: str) -> None:
    assert found(text) == []


def test_a_word_within_another_is_found_when_all_words_are_known() -> None:
    index = SearchIndex(["Plant.Überdruck 7", "Plant.Tank"])
    _ = index.vocabulary
    assert index.find("druck").tolist() == [0]
    assert index.find("ÜBERDURCK").tolist() == [0]
    assert index.find("pum").tolist() == []


@pytest.mark.parametrize("text", ["a a b", "a* a* b", "a*a*a*b*", "aa a?a aa b"])
def test_a_long_key_that_nearly_matches_takes_no_time(text: str) -> None:
    keys = ["a" * 60_000, "b" + "a" * 60_000]  # in another order, which is looked for first
    assert SearchIndex(keys).find(text).tolist() == ([] if "b*" in text else [1])


def test_every_word_is_needed() -> None:
    assert found("tank mm") == [
        *("Plant.Tank 1.Level", "Plant.Tank 2.Level", "Plant.Tank 1.Level.Limit")
    ]


def test_the_best_come_first() -> None:
    assert found("level")[:2] == ["Plant.Tank 1.Level", "Plant.Tank 2.Level"]
    # A whole name, then the beginning of one, then the words in order, then in another.
    index = SearchIndex(["b a", "x.a b c", "a - b", "xa b", "x.a b"])
    assert index.find("a b").tolist() == [4, 1, 3, 2, 0]


def test_a_text_without_words_finds_all() -> None:
    assert INDEX.find(" ").tolist() == list(range(len(KEYS)))
    assert len(INDEX) == len(KEYS)
    assert SearchIndex([]).find("tank").tolist() == []


def test_of_very_many_the_best_come_first_as_well() -> None:
    index = SearchIndex([f"Plant.Line {n}.Speed limit" for n in range(6000)] + ["Plant.Line.Speed"])
    rows = index.find("speed")
    assert rows[0] == 6000
    assert sorted(rows) == list(range(6001))
    assert sorted(index.find("plant")) == list(range(6001))


@pytest.fixture
def inventory() -> pd.DataFrame:
    value, limit = AttributeInfo("value", 11, 2, 10), AttributeInfo("limit", UUID(int=9), 0, 10)
    return inventory_frame(
        [
            (key, UUID(int=number), 1 if key.endswith("1") else 2, (limit, value))
            for number, key in enumerate(KEYS, 1)
        ]
    )


def test_rows_of_an_inventory(inventory: pd.DataFrame) -> None:
    rows = inventory.xentara.search("lev tank")
    assert rows["primary_key"].tolist() == [
        *["Plant.Tank 1.Level"] * 2,
        *["Plant.Tank 2.Level"] * 2,
        *["Plant.Tank 1.Level.Limit"] * 2,
    ]
    assert rows["attribute_name"].tolist() == ["limit", "value"] * 3
    assert inventory.loc[rows.index].equals(rows)
    assert rows.dtypes.equals(inventory.dtypes)
    assert inventory.xentara.search("nothing").empty
    assert inventory.iloc[:0].xentara.search("tank").empty


def test_filters(inventory: pd.DataFrame) -> None:
    assert set(inventory.xentara.search("tank 1", category="element group").primary_key) == {
        "Plant.Tank 1"
    }
    assert len(inventory.xentara.search("", category=["Data Point", "AI"])) == 14
    assert set(inventory.xentara.search("level", writable=True).attribute_name) == {"value"}
    assert set(inventory.xentara.search("level", writable=False).attribute_name) == {"limit"}
    table = inventory.assign(units=["mm", "BAR"] * 8, type=None)
    assert set(table.xentara.search("level", units="b*").attribute_name) == {"value"}
    assert table.xentara.search("level", type="*").empty
    # A category may have no row, also what has a wildcard, and what has no rows has nothing.
    assert inventory.xentara.search("", category="device").empty
    assert table.xentara.search("", units="?bar").empty
    assert table.iloc[:0].xentara.search("", units="baar").empty
    assert len(inventory.assign(units="[1]").xentara.search("", units="[1]")) == 16


@pytest.mark.parametrize("text", [None, 5, ["tank"]])
def test_what_is_no_text(inventory: pd.DataFrame, text: Any) -> None:
    with pytest.raises(OptionError, match="what is searched for is a text"):
        inventory.xentara.search(text)


def test_filters_that_cannot_be_used(inventory: pd.DataFrame) -> None:
    for category in (5, [None]):
        with pytest.raises(OptionError, match="a filter by category is a text or several, not"):
            inventory.xentara.search("tank", category=category)
    with pytest.raises(NotFoundError, match="'tank' is no category; there are: root element"):
        inventory.xentara.search("tank", category="tank")
    with pytest.raises(NotFoundError, match="no category; did you mean 'data point'"):
        inventory.xentara.search("tank", category=["device", "data piont"])
    table = inventory.assign(units=["mm", "mbar", "", ""] * 4, type="register")
    with pytest.raises(NotFoundError, match=r"no row has 'mbra' in units; did you mean 'mbar'\?"):
        table.xentara.search("", units=["mm", "mbra"])
    with pytest.raises(NotFoundError, match=r"no row has 'regsiter' in type; did you mean 'regi"):
        table.xentara.search("", type="regsiter")
    with pytest.raises(NotFoundError, match=r"no row has 'l/min' in units; there are: mbar, mm"):
        table.xentara.search("", units="l/min")
    with pytest.raises(AttributeError, match="no column 'units'"):
        inventory.xentara.search("tank", units="mm")
    with pytest.raises(AttributeError, match="no column 'access'"):
        inventory[["primary_key", "element_uuid"]].xentara.search("tank", writable=True)


def test_rows_without_a_key_are_found_by_their_other_texts() -> None:
    keys: list[Any] = ["Plant.Pump", None, pd.NA, float("nan"), 5]
    units = ["bar", "mm", "mm", "%", "%"]
    for frame in (
        pd.DataFrame({"primary_key": keys, "units": units}),
        pd.DataFrame({"primary_key": pd.Series(keys[:4], dtype="str"), "units": units[:4]}),
    ):
        assert frame.xentara.search("pump").index.tolist() == [0]
        assert len(frame.xentara.search("")) == len(frame)
        assert len(frame.xentara.search("", units="%")) == units[: len(frame)].count("%")
