from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest

from tests.support.server import QUALITY, VALUE, Model
from xentara_nb.errors import NotFoundError
from xentara_nb.protocol.commands import AttributeInfo, Command, Lookup, MetaData
from xentara_nb.protocol.errors import ServerError, UnknownElementError
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.queries import model_cache as module
from xentara_nb.queries.model_cache import META_DATA, ModelCache, find_attribute
from xentara_nb.tables.references import Reference, element_references

CUSTOM = UUID(int=99)
UNITS = AttributeInfo("units", CUSTOM, 0, 11)


def keys(*names: str) -> list[Reference]:
    return element_references(list(names))


def test_a_key_is_looked_up_once() -> None:
    model = Model.of_points(3)
    model_cache = ModelCache(model.ask)
    wanted = [*keys("Point 1", "Point 0"), Reference(None, UUID(int=77)), *keys("Point 1")]

    for _ in range(2):
        found = model_cache.uuids(wanted)
        assert found == [UUID(int=2), UUID(int=1), UUID(int=77), UUID(int=2)]
    assert model.asked == [Lookup("Point 1"), Lookup("Point 0")]
    assert model_cache.uuids([]) == []


def test_a_row_with_both_is_not_looked_up() -> None:
    model = Model()
    assert ModelCache(model.ask).uuids([Reference("x", UUID(int=5))]) == [UUID(int=5)]
    assert not model.asked


def test_a_key_that_the_server_does_not_know() -> None:
    model_cache = ModelCache(Model.of_points(1).ask)
    with pytest.raises(UnknownElementError, match=r"^lookup of 'Point 1': unknown element"):
        model_cache.uuids(keys("Point 0", "Point 1"))


def test_meta_data_is_asked_for_once() -> None:
    model = Model.of_points(2)
    model_cache = ModelCache(model.ask)
    one, two, none = UUID(int=1), UUID(int=2), UUID(int=3)

    answers = model_cache.meta_data([two, one, none, two])
    assert [getattr(answer, "primary_key", None) for answer in answers] == [
        "Point 1",
        "Point 0",
        None,
        "Point 1",
    ]
    assert isinstance(answers[2], UnknownElementError)
    assert model.asked == [
        MetaData(two, META_DATA),
        MetaData(one, META_DATA),
        MetaData(none, META_DATA),
    ]
    # What was not there may be there now.
    model.asked.clear()
    model_cache.meta_data([one, two, none])
    assert model.asked == [MetaData(none, META_DATA)]


def test_forgetting() -> None:
    model = Model.of_points(1)
    model_cache = ModelCache(model.ask)
    assert model_cache.uuids(keys("Point 0")) == [UUID(int=1)]
    model.elements["Point 0"].uuid = UUID(int=50)
    assert model_cache.uuids(keys("Point 0")) == [UUID(int=1)]
    model_cache.forget()
    assert model_cache.uuids(keys("Point 0")) == [UUID(int=50)]


def test_a_model_that_is_larger_than_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CACHED", 3)
    model = Model.of_points(10)
    model_cache = ModelCache(model.ask)
    model_cache.uuids(keys("Point 0", "Point 1"))

    # What was known before is needed, and dropped on the way.
    names = [f"Point {number}" for number in range(10)]
    uuids = [UUID(int=number + 1) for number in range(10)]
    assert model_cache.uuids(keys(*names)) == uuids
    assert [getattr(a, "primary_key", None) for a in model_cache.meta_data(uuids)] == names
    assert len(model_cache) <= 3


def test_the_oldest_elements_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CACHED", 8)
    model = Model.of_points(10)
    model_cache = ModelCache(model.ask)
    uuids = [UUID(int=number + 1) for number in range(10)]
    model_cache.attribute_lists(uuids[:8])
    model_cache.attribute_lists(uuids[8:9])
    model_cache.attribute_lists(uuids[:0])  # takes in what was learned
    del model.asked[:]

    assert list(model_cache.attribute_lists(uuids[2:9])) == uuids[2:9]
    assert model.asked == []
    assert list(model_cache.attribute_lists(uuids[:1])) == uuids[:1]
    assert len(model.asked) == 1


@pytest.mark.parametrize(
    ("ids", "share"),
    [
        ((11, 12, CUSTOM), False),
        ((11, 12, 11), True),
        ((CUSTOM, 11, CUSTOM), True),
        ((Attribute.VALUE.uuid, 9, 11), True),
        ((Attribute.VALUE.uuid, 9, CUSTOM), False),
        ((11, UUID(int=11), UUID(int=0), 0), False),
        ((), False),
    ],
    ids=str,
)
def test_which_attributes_share_an_id(ids: tuple[int | UUID, ...], share: bool) -> None:
    attributes = tuple(AttributeInfo(f"name {at}", each, 0, 11) for at, each in enumerate(ids))
    model_cache = ModelCache(Model().ask)
    model_cache.learn([CUSTOM], [attributes], model_cache.generation)
    assert model_cache.sharing() == ({CUSTOM: attributes} if share else {})


def test_attributes_that_shared_an_id_are_given_others() -> None:
    model_cache = ModelCache(Model().ask)
    one, two = UUID(int=1), UUID(int=2)
    shared, distinct = (UNITS, AttributeInfo("mode", CUSTOM, 0, 11)), (VALUE, UNITS)

    model_cache.learn([one, two], [shared, distinct], model_cache.generation)
    before = model_cache.sharing()
    assert before == {one: shared}
    model_cache.learn([two, one], [shared, distinct], model_cache.generation)
    assert model_cache.sharing() == {two: shared}
    assert before == {one: shared}  # as another thread still looks at it


def test_inventories_do_not_pile_up() -> None:
    model_cache = ModelCache(Model().ask)
    for number in range(20):
        model_cache.learn([UUID(int=number)], [(VALUE,)], model_cache.generation)
        model_cache.sharing()
    assert len(model_cache) > 10  # in one place, which has its limit


def test_what_was_asked_for_before_the_model_changed_is_not_kept() -> None:
    model = Model.of_points(2)
    one, two = UUID(int=1), UUID(int=2)
    model.elements["Point 1"].attributes = (UNITS, AttributeInfo("mode", CUSTOM, 0, 11))

    def ask(commands: Sequence[Command[Any]]) -> Iterator[Any]:
        answers = list(model.ask(commands))
        model_cache.forget()  # by another thread, which has connected again
        yield from answers

    model_cache = ModelCache(ask)
    for find in (
        lambda: model_cache.meta_data([one, two]),
        lambda: model_cache.attribute_lists([one, two]),
        lambda: model_cache.sharing([one, two]),
    ):
        for _ in range(2):
            model.asked.clear()
            found = find()
            assert [each.element_uuid for each in model.asked] == [one, two]
            assert len(model_cache) == 0
    # What was not kept is refused all the same.
    assert found == {two: model.elements["Point 1"].attributes}
    model_cache.learn([two], [(UNITS,)], model_cache.generation - 1)
    assert model_cache.known_lists([two]) is None


def test_find_attribute() -> None:
    attributes = (VALUE, QUALITY, UNITS)
    for wanted in ("value", 11, Attribute.VALUE.uuid):
        assert find_attribute("x", attributes, wanted) is VALUE
    for wanted in ("units", CUSTOM):
        assert find_attribute("x", attributes, wanted) is UNITS


@pytest.mark.parametrize(
    ("wanted", "label"), [("color", "color"), (12, "error"), (CUSTOM, str(CUSTOM)), (99, "99")]
)
def test_an_attribute_that_is_not_there(wanted: str | int | UUID, label: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        find_attribute("Plant.A", (VALUE, QUALITY), wanted)
    assert str(caught.value) == (
        f"Plant.A has no attribute '{label}'; its attributes are: value, quality"
    )
    with pytest.raises(NotFoundError, match="its attributes are: none"):
        find_attribute("Plant.A", (), wanted)


def test_a_well_known_name_with_an_id_of_its_own() -> None:
    own = AttributeInfo("value", CUSTOM, 2, 10)
    assert find_attribute("Plant.A", (own,), "value") is own
    with pytest.raises(NotFoundError, match=f"the one called 'value' has the id {CUSTOM} there"):
        find_attribute("Plant.A", (own,), 11)


@pytest.mark.parametrize("error", [NotFoundError("gone"), UnknownElementError(), None])
def test_what_was_found_in_a_model_from_before_is_looked_for_again(error: Any) -> None:
    model_cache = ModelCache(Model().ask)
    connections: Iterator[Any] = iter(["first", "second"])
    found = []

    def find(connection: Any) -> str:
        found.append(connection)
        if connection == "first":
            model_cache.forget()
            if error is not None:
                raise error
        return f"on the {connection}"

    assert model_cache.in_one_model(connections.__next__, find)[0] == "on the second"
    assert found == ["first", "second"]


def test_an_error_of_the_present_model_is_one_at_once() -> None:
    model_cache = ModelCache(Model().ask)
    found = []

    def find(connection: Any) -> None:
        found.append(connection)
        raise NotFoundError("gone")

    with pytest.raises(NotFoundError, match="gone"):
        model_cache.in_one_model(lambda: None, find)
    assert found == [None]


def test_errors_are_no_knowledge() -> None:
    calls = 0

    def ask(commands: object) -> object:
        nonlocal calls
        calls += 1
        yield ServerError("not now", code=-1)

    model_cache = ModelCache(ask)
    for number in (1, 2):
        (answer,) = model_cache.meta_data([UUID(int=1)])
        assert isinstance(answer, ServerError)
        assert calls == number


def test_an_attribute_that_only_looks_the_same_is_said() -> None:
    own = AttributeInfo(unicodedata.normalize("NFD", "Höhe"), CUSTOM, 0, 11)
    with pytest.raises(NotFoundError, match=r"no attribute 'H.xf6he'; 'Ho.u0308he' looks the same"):
        find_attribute("Tank", [own], "Höhe")
