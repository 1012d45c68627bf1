"""Names, keys and references of a model."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from tests.simulator.models import data_point, plant, register
from xentara_nb.simulator.documents import ConfigurationError, JsonNode, parse_document
from xentara_nb.simulator.model.model import Model, join_key, read_model, split_key


def _model(*children: dict[str, Any]) -> Model:
    return read_model(parse_document(json.dumps({"children": children}), "model.json"))


def _group(name: str, number: int, *children: dict[str, Any]) -> dict[str, Any]:
    uuid = f"00000000-0000-4000-8000-{number:012}"
    return {"@Group": {"name": name, "UUID": uuid, "children": list(children)}}


@pytest.mark.parametrize(
    ("names", "key"),
    [
        (("A", "B"), "A.B"),
        (("A.1", "B"), "[A.1].B"),
        (("A", "B.1", "C"), "A.[B.1].C"),
        (("[x",), "[[x]"),
        (("Ä ö", "世界"), "Ä ö.世界"),
    ],
)
def test_keys(names: tuple[str, ...], key: str) -> None:
    assert join_key(names) == key
    assert split_key(key) == names


@pytest.mark.parametrize("key", ["", ".", "A.", ".A", "A..B", "[A", "[A]B"])
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(ValueError, match="primary key"):
        split_key(key)


def test_a_name_with_a_period_stands_in_brackets_in_keys() -> None:
    model = _model(_group("[Pump 1.2]", 1, _group("Plain", 2)), _group("[Bracketed]", 3))
    assert list(model.by_key) == ["[Pump 1.2].Plain", "[Pump 1.2]", "Bracketed"]
    assert model.by_key["[Pump 1.2]"].name == "Pump 1.2"
    for key in ("[Pump 1.2].Plain", "[Pump 1.2].[Plain]"):
        assert model.resolve(JsonNode(key, "model.json")).name == "Plain"
    element, member = model.resolve_member(JsonNode("Bracketed.expired", "model.json"))
    assert (element.key, member) == ("Bracketed", "expired")


def test_an_element_alone_where_one_of_its_tasks_is_asked_for() -> None:
    model = _model(_group("Sampler", 1))
    with pytest.raises(ConfigurationError, match=r"'Sampler' is an element, .*Add which one"):
        model.resolve_member(JsonNode("Sampler", "model.json"))


def test_keys_as_the_schema_has_them() -> None:
    model = _model(
        _group("A", 1, _group("[b.c]", 2, _group("[d.e]", 3))),
        _group("Drive [1]", 4),
        _group("[f.g]", 5),
    )
    for key, element in {
        "A[b.c]": "A.[b.c]",
        "A[b.c][d.e]": "A.[b.c].[d.e]",
        "A.[b.c][d.e]": "A.[b.c].[d.e]",
        "Drive [1]": "Drive [1]",
        "[f.g]": "[f.g]",
    }.items():
        assert model.resolve(JsonNode(key, "model.json")).key == element
        found, member = model.resolve_member(JsonNode(f"{key}.value", "model.json"))
        assert (found.key, member) == (element, "value")
    for key in ("A[b.c", "A[b.d]", "[f.g]x"):
        with pytest.raises(ConfigurationError):
            model.resolve(JsonNode(key, "model.json"))


@pytest.mark.parametrize("name", ["", "a\nb", "a\tb", ".a", "[a", "[a]b", "[]", "\x7f", "a\u2028b"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _model(_group(name, 1))
    assert caught.value.place == "children[0].@Group.name"


@pytest.mark.parametrize(
    "name", ["Druck\u00a0°C", 'a/b "c"', "so\u00adft", "名前", "=1+1", "[a.b]"]
)
def test_names_of_all_kinds(name: str) -> None:
    assert list(_model(_group(name, 1)).by_key) == [name]


def test_the_same_name_in_another_form_is_the_same_key() -> None:
    with pytest.raises(ConfigurationError, match="the primary key 'A' is also at"):
        _model(_group("A", 1), _group("[A]", 2))


@pytest.mark.parametrize(
    "child",
    [{}, {"@Group": {}, "@Timer": {}}, {"Group": {}}, {"@Skill.X": {}}, {"@Skill.X..Y": {}}],
)
def test_what_is_no_element(child: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"children\[0\]"):
        _model(child)


def _nested(levels: int) -> str:
    text = '{"children": []}'
    for number in range(1, levels + 1):
        uuid = f"00000000-0000-4000-8000-{number:012}"
        element = f'{{"name": "x", "UUID": "{uuid}", {text[1:]}'
        text = f'{{"children": [{{"@Group": {element}}}]}}'
    return text


@pytest.mark.parametrize("levels", [201, 450, 5000])
def test_a_model_that_is_nested_too_deeply(levels: int) -> None:
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        read_model(parse_document(_nested(levels), "model.json"))


def test_a_model_of_many_levels() -> None:
    assert len(read_model(parse_document(_nested(200), "model.json")).by_key) == 200


def test_the_names_of_older_models(caplog: pytest.LogCaptureFixture) -> None:
    uuid = "00000000-0000-4000-8000-000000000001"
    inner = {"@Timer": {"id": "T", "uuid": uuid.replace("1", "2"), "period": "1s"}}
    model = _model({"@Group": {"id": "Old", "uuid": uuid, "children": [inner]}})
    assert list(model.by_key) == ["Old.T", "Old"]
    assert str(model.by_key["Old"].uuid) == uuid
    assert caplog.text.count("an older format") == 1
    # A skill's own property of that name is no name.
    point = {"@Skill.Some.Point": {"name": "P", "UUID": uuid, "id": 7, "uuid": "x"}}
    assert _model(point).by_key["P"].properties["id"] == 7
    with pytest.raises(ConfigurationError, match="also at"):
        _model({"@Group": {"id": "A", "uuid": uuid}}, {"@Group": {"id": "B", "uuid": uuid}})


def test_what_does_not_run_of_older_models_is_named(caplog: pytest.LogCaptureFixture) -> None:
    pipe = {"checkPoints": [{}, {}], "segments": [{"start": 0, "end": 1, "tasks": []}]}
    tracks = [
        {"@Track": {"name": f"T{n}", "UUID": str(UUID(int=n)), "timers": [{"pipeline": pipe}]}}
        for n in (1, 2)
    ]
    server = {"@Microservice.Web.Server": {"name": "S", "UUID": str(UUID(int=3))}}
    assert set(_model(*tracks, server).by_key) == {"T1", "T2", "S"}
    assert [record.getMessage() for record in caplog.records] == [
        "model.json: children[0].@Track.timers: the timers in a track are not run, an older format"
    ]


def test_a_key_through_the_input_of_a_data_point_is_of_an_older_format() -> None:
    inspector = {"@Skill.Debugging.Inspector": {"name": "I", "attributes": ["P.input.value"]}}
    with pytest.raises(ConfigurationError, match="this was the data point's input: name that"):
        plant(register("R"), data_point("P", "R"), inspector)
