from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import tqdm.auto

from tests.support.server import QUALITY, VALUE, Model
from xentara_nb.errors import NotFoundError
from xentara_nb.protocol.commands import (
    Browse,
    BrowseEntries,
    BrowseEntry,
    MetaData,
    MetaDataAnswer,
)
from xentara_nb.protocol.errors import ServerError, UnknownElementError, server_error
from xentara_nb.protocol.identifiers import NIL_UUID, Category, MetaDataId
from xentara_nb.protocol.sharing import sharing
from xentara_nb.queries.inventory import attribute_lists, browse, category_ids, missing_text
from xentara_nb.queries.model_cache import ModelCache

E = UUID(int=1)


# Categories.


@pytest.mark.parametrize(
    ("categories", "ids"),
    [
        (None, None),
        ([], ()),
        ("data point", (2,)),
        ("Data Point ", (2,)),
        ("ai", (12,)),
        ("2", (2,)),
        (2, (2,)),
        (0, (0,)),
        (16, (16,)),  # of a newer server
        (Category.DEVICE, (6,)),
        (np.int64(6), (6,)),
        (np.array([6, 2]), (6, 2)),
        (["device", Category.AI, 2], (6, 12, 2)),
        (iter(["device"]), (6,)),
    ],
)
def test_categories(categories: Any, ids: tuple[int, ...] | None) -> None:
    found = category_ids(categories)
    assert found == ids
    assert all(type(each) is int for each in found or ())


@pytest.mark.parametrize("category", ["", "datapoint", "17", -1, True, None, 1.5])
def test_no_category(category: Any) -> None:
    with pytest.raises(
        NotFoundError, match=r"is no category; .*here are: root element, element gr"
    ):
        category_ids([category])


def test_the_nearest_category_is_offered() -> None:
    with pytest.raises(NotFoundError, match=r"; did you mean 'data point' or .*\? There are: root"):
        category_ids(["datapoint"])


# Browse.


def test_browse() -> None:
    model = Model.of_points(2)
    assert browse(model.ask, ModelCache(model.ask), None, None, None) == [
        BrowseEntry("Point 0", UUID(int=1), 2),
        BrowseEntry("Point 1", UUID(int=2), 2),
    ]
    assert browse(model.ask, ModelCache(model.ask), E, 1, (2, 6)) == []
    assert browse(model.ask, ModelCache(model.ask), None, np.int64(3), ()) == []
    assert model.asked == [Browse(NIL_UUID), Browse(E, 1, (2, 6)), Browse(NIL_UUID, 3, ())]
    assert type(model.asked[2].depth) is int


def test_browse_of_what_is_not_there() -> None:
    with pytest.raises(UnknownElementError, match=f"^browse of {UUID(int=9)}: unknown element"):
        browse(Model().ask, ModelCache(Model().ask), UUID(int=9), None, None)

    def refuse(commands: object) -> Any:
        yield server_error(-32102)

    with pytest.raises(Exception, match=r"^browse of the root: access denied"):
        browse(refuse, ModelCache(refuse), None, None, None)


def test_a_depth_that_is_none() -> None:
    with pytest.raises(TypeError):
        browse(Model().ask, ModelCache(Model().ask), None, 1.5, None)


# Attribute lists.


def entries(model: Model) -> BrowseEntries:
    return browse(model.ask, ModelCache(model.ask), None, None, None)


def test_attribute_lists() -> None:
    model = Model.of_points(2)
    found = entries(model)
    model.asked.clear()
    elements, missing = attribute_lists(model.ask, found, False)
    assert elements == (
        ["Point 0", "Point 1"],
        [UUID(int=1), UUID(int=2)],
        [2, 2],
        [(VALUE, QUALITY), (VALUE, QUALITY)],
    )
    assert missing == {}
    assert model.asked == [MetaData(UUID(int=n), (MetaDataId.ATTRIBUTE_LIST,)) for n in (1, 2)]


def test_elements_that_vanished() -> None:
    model = Model.of_points(10)
    found = entries(model)
    for number in (3, 4):
        del model.elements[f"Point {number}"]
    elements, missing = attribute_lists(model.ask, found, None)
    there = [number for number in range(10) if number not in (3, 4)]
    assert elements.keys == [f"Point {number}" for number in there]
    assert elements.uuids == [UUID(int=number + 1) for number in there]
    assert len(elements.categories) == len(elements.lists) == 8
    assert missing == {f"Point {n}": "unknown element (-32100)" for n in (3, 4)}


def test_elements_whose_attributes_are_left_out_of_the_answers() -> None:
    model = Model.of_points(3)

    def ask(commands: Sequence[Any]) -> Iterator[Any]:
        for command, answer in zip(commands, model.ask(commands), strict=True):
            left_out = isinstance(command, MetaData) and command.element_uuid == UUID(int=2)
            yield answer._replace(attributes=None) if left_out else answer

    said = "the server did not answer for the attribute list"
    elements, missing = attribute_lists(ask, entries(model), None)
    assert elements.keys == ["Point 0", "Point 2"]
    assert missing == {"Point 1": f"{said} (0)"}
    # Nor is it taken for an element without attributes where it is asked for alone.
    cache = ModelCache(ask)
    with pytest.raises(ServerError, match=rf"{said} \(0\)\. The server answered for the others"):
        cache.described([UUID(int=2)])
    (found,) = cache.attribute_lists([UUID(int=2)]).values()
    assert isinstance(found, ServerError)


def test_the_uuids_tell_models_apart_before_the_keys() -> None:
    """What a server of a fleet answers is compared with that of those before, often equal keys."""

    class Keys(list[str]):
        def __eq__(self, other: object) -> bool:
            raise AssertionError("keys were compared")

    def ask(requests: Sequence[Any]) -> Any:
        return iter([MetaDataAnswer(attributes=())] * len(requests))

    with sharing():
        for number in (1, 2):
            answered = BrowseEntries(Keys(["Plant"]), [UUID(int=number)], [2])
            assert attribute_lists(ask, answered, False)[0].uuids == [UUID(int=number)]


def test_what_is_missing_in_words() -> None:
    assert missing_text({"A": "unknown element (-32100)"}) == (
        "1 element is not in the inventory: A: unknown element (-32100)"
    )
    assert missing_text({"A": "x", "B": "y"}) == "2 elements are not in the inventory: A: x; B: y"
    many = missing_text({str(n): "x" for n in range(9)})
    assert many.startswith("9 elements are not in the inventory: 0: x; 1: x; ")
    assert many.endswith("4: x and 4 more")


# Progress.


@pytest.mark.parametrize(
    ("count", "calls"), [(0, []), (1, [(1, 1)]), (3, [(1, 3), (2, 3), (3, 3)]), (210, None)]
)
def test_progress_is_told(count: int, calls: list[tuple[int, int]] | None) -> None:
    model = Model.of_points(count)
    reported: list[tuple[int, int]] = []
    attribute_lists(model.ask, entries(model), lambda *numbers: reported.append(numbers))
    if calls is not None:
        assert reported == calls
    else:  # not for every single one of many
        assert reported[:2] == [(2, count), (4, count)]
        assert reported[-1] == (count, count)
        assert len(reported) == 105


def test_progress_that_fails_stops_it() -> None:
    model = Model.of_points(3)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attribute_lists(model.ask, entries(model), stop)


class Bars:
    """Takes the place of tqdm, and notes what it is asked to show."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.options: list[dict[str, Any]] = []
        self.n = 0
        self.closed = 0
        monkeypatch.setattr(tqdm.auto, "tqdm", self.new)

    def new(self, **options: Any) -> Bars:
        self.options.append(options)
        return self

    def refresh(self) -> None:
        """Draw it."""

    def update(self, count: int) -> None:
        self.n += count

    def close(self) -> None:
        self.closed += 1


def test_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = Bars(monkeypatch)
    model = Model.of_points(3)
    attribute_lists(model.ask, entries(model), True)
    (options,) = bars.options
    assert 0 < options.pop("delay") < 0.001
    assert options == {"total": 3, "unit": "element", "desc": "Inventory"}
    assert (bars.n, bars.closed) == (3, 1)


SEEN = {
    "a terminal": ({"isatty": lambda: True}, False),
    "a notebook": ({"isatty": lambda: False}, True),
}
UNSEEN = {
    "a file": ({"isatty": lambda: False}, False),
    "no console": (None, False),  # as under pythonw
}


@pytest.mark.parametrize("where", [*SEEN, *UNSEEN])
def test_a_bar_on_long_work_where_a_person_sees_it(
    monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    bars = Bars(monkeypatch)
    model = Model.of_points(3)
    stream, kernel = {**SEEN, **UNSEEN}[where]
    monkeypatch.setattr(sys, "stderr", stream and SimpleNamespace(**stream))
    shell = SimpleNamespace(kernel=None) if kernel else SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    attribute_lists(model.ask, entries(model), None)
    assert [options["delay"] for options in bars.options] == ([1.0] if where in SEEN else [])
    attribute_lists(model.ask, entries(model), False)
    assert len(bars.options) == (where in SEEN)


def test_a_real_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    model = Model.of_points(3)
    found = entries(model)
    attribute_lists(model.ask, found, None)
    assert sys.stderr.getvalue() == ""
    attribute_lists(model.ask, found, True)
    assert "Inventory: 100%" in sys.stderr.getvalue()


def test_a_bar_is_closed_when_the_work_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = Bars(monkeypatch)
    model = Model.of_points(3)

    def cut(commands: Sequence[Any]) -> Any:
        yield from model.ask(commands[:1])
        raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        attribute_lists(cut, entries(model), True)
    assert bars.closed == 1
