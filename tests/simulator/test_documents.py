"""Reading and declaring JSON files: every error names its file, its place and what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import StrictBool

from xentara_nb.simulator.documents import (
    ConfigurationError,
    JsonNode,
    JsonUuid,
    Number,
    Settings,
    Text,
    parse_document,
    read_document,
    whole_number,
)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "line 1, column 2"),
        ('{\n "a": 1,}', "line 2"),
        ("", "line 1"),
        ('{"a": NaN}', ""),
        ('{"a": -Infinity}', ""),
        ("[" * 100_000, ""),
        ('{"a": ' + "9" * 10_000 + "}", ""),
    ],
)
def test_what_is_not_json(text: str, place: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_document(text, "x.json")
    assert caught.value.file == "x.json"
    assert caught.value.place.startswith(place)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \n", "the file is empty"),
        ('// from the editor\n{"a": 1}', "line 1, column 1: JSON has no comments"),
        ('{"a": 1, /* one */ "b": 2}', "line 1, column 10: JSON has no comments"),
        ('{"a": 1}\n# the end', "line 2, column 1: JSON has no comments"),
        ('{"a": 1 , }', "a comma behind the last item"),
        ("[1,\n]", "a comma behind the last item"),
        ('{"a": 1} {"a": 2}', "line 1, column 10: something follows the end"),
        ('{\0"\0a\0', "this is not UTF-8"),
        ('{"a" 1}', "Look for a missing comma"),
    ],
)
def test_what_people_and_programs_leave_in_json(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_document(text, "x.json")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (r'{"a": [1, {"b": "x\ud800"}]}', "a[1].b"),
        (r'{"a\udc00": 1}', r"'a\udc00'"),
        (r'["\udc00\ud800"]', "[0]"),
    ],
)
def test_half_a_character(text: str, place: str) -> None:
    with pytest.raises(ConfigurationError, match="half a character") as caught:
        parse_document(text, "x.json")
    assert caught.value.place == place
    str(caught.value).encode()


def test_both_halves_of_a_character() -> None:
    assert parse_document(r'{"a": "\ud83d\ude00"}', "x.json").at("a").value == "\N{GRINNING FACE}"


def test_a_message_is_one_line_in_spite_of_line_breaks_in_names() -> None:
    document = parse_document(r'{"a\nb": 1}', "x.json")
    assert str(document.at("a\nb")) == r"x.json: 'a\nb'"
    with pytest.raises(ConfigurationError, match="wrong") as caught:
        document.at("a\nb").fail("it is wrong", "Correct it.")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"outer": {"name": 1, "x": 0, "name": 2}}', "outer"),
        ('[0, {"name": 1, "name": 1}]', "[1]"),
    ],
)
def test_a_member_that_comes_twice(text: str, place: str) -> None:
    with pytest.raises(ConfigurationError, match="the member 'name' comes twice") as caught:
        parse_document(text, "x.json")
    assert caught.value.place == place


def test_values_that_must_be_unique() -> None:
    document = parse_document('[{"name": "x"}, {"name": "x"}]', "x.json")
    seen: dict[Any, JsonNode] = {}
    document.at(0).unique("name", "x", seen, "the name")
    with pytest.raises(ConfigurationError, match=r"\[1\].name: the name 'x' is also at \[0\].name"):
        document.at(1).unique("name", "x", seen, "the name")


def test_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no such file in .*Do this"):
        read_document(tmp_path / "x.json", "x.json", "Do this.")
    (tmp_path / "x.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_document(tmp_path / "x.json", "x.json", "").value == {"a": 1}
    (tmp_path / "x.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ConfigurationError, match="byte 7 is not UTF-8"):
        read_document(tmp_path / "x.json", "x.json", "")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_document(tmp_path, "x.json", "")


def test_which_file_may_be_meant(tmp_path: Path) -> None:
    (tmp_path / "security.json").touch()
    with pytest.raises(ConfigurationError) as caught:
        read_document(tmp_path / "users.json", "users.json", "Do this.")
    assert caught.value.hint == "Do this."  # what another file of a configuration is not
    (tmp_path / "user.json").touch()
    with pytest.raises(ConfigurationError, match=r"Did you mean 'user\.json'\? Do this"):
        read_document(tmp_path / "users.json", "users.json", "Do this.")
    (tmp_path / "users.json").symlink_to("gone.json")
    with pytest.raises(ConfigurationError, match=r"It is a link to 'gone\.json'\. Do this"):
        read_document(tmp_path / "users.json", "users.json", "Do this.")


class Item(Settings):
    """An object in an array."""

    b: Text


class Example(Settings):
    """An object with members of all kinds."""

    a: tuple[Item, ...] = ()
    long_name: Text = "x"
    n: Annotated[int, whole_number(0, 10)] = 0
    f: Number = 0.0
    flag: StrictBool = False
    uuid: JsonUuid | None = None
    choice: Literal["one", "two"] = "one"
    by_name: dict[str, Text] = {}  # noqa: RUF012  # pydantic copies it


def _read(text: str, name: str = "x.json") -> Example:
    return parse_document(text, name).validate(Example)


def test_the_message_has_file_place_problem_and_hint() -> None:
    with pytest.raises(ConfigurationError) as caught:
        _read('{"a": [{"b": 1}]}')
    error = caught.value
    assert str(error) == "x.json: a[0].b: a number stands here. Write a text instead."
    assert (error.file, error.place) == ("x.json", "a[0].b")
    assert error.problem
    assert error.hint


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("-1.5", -1.5), (str(2**63), 2**63), ("1" + "0" * 30, 1e30)]
)
def test_numbers(text: str, number: float) -> None:
    assert _read(f'{{"f": {text}}}').f == number


@pytest.mark.parametrize("text", ["1e400", "1" + "0" * 400, "-1e400"])
def test_numbers_that_nothing_can_hold(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"x.json: f: the number is out of range"):
        _read(f'{{"f": {text}}}')


@pytest.mark.parametrize(
    "value",
    [
        "12345678",
        "{e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8}",
        "e3ee10714d884ba18e5d0f1e4ce25ee8",
        "00000000-0000-0000-0000-000000000000",
        "",
        5,
    ],
)
def test_what_is_no_uuid(value: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        JsonNode({"uuid": value}, "x.json").validate(Example)
    assert caught.value.place == "uuid"


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        ({"n": 1.5}, "n", "whole number"),
        ({"n": True}, "n", "whole number"),
        ({"n": 70000}, "n", "70000 is out of range. Give a number from 0 to 10."),
        ({"f": True}, "f", "a boolean stands here. Write a number instead."),
        ({"f": "1"}, "f", "a text stands here. Write a number instead."),
        ({"longName": ""}, "longName", "empty"),
        ({"flag": 0}, "flag", "true or false"),
        ({"a": {}}, "a", "an object stands here. Write an array"),
        ({"a": [[]]}, "a[0]", "an array stands here. Write an object"),
        ({"a": [{}]}, "a[0]", "the member 'b' is missing. Add 'b'."),
        ({"a": None}, "", "the member 'a' is null. Give it a value, or leave it out."),
        ({"a": [None]}, "a[0]", "null stands here. Write an object"),
        ({"choice": "three"}, "choice", "'three' is not known here. Take 'one' or 'two'."),
        ({"choice": 1}, "choice", "a number stands here. Write a text"),
        ({"byName": {"x y": 1}}, "byName.x y", "Write a text"),
        ({"byName": 1}, "byName", "Write an object"),
        ({"long_name": "x"}, "", "no member 'long_name' here. Did you mean 'longName'? Take"),
        ([], "", "an array stands here. Write an object"),
        (None, "", "null stands here. Write an object"),
    ],
)
def test_what_does_not_fit(content: Any, place: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        JsonNode(content, "x.json").validate(Example)
    assert caught.value.place == place
    assert words in str(caught.value)


def test_a_hint_of_its_own_for_a_missing_member() -> None:
    class Needy(Settings):
        hints: ClassVar[dict[str, str]] = {"needed": "Say what is needed."}
        needed: Text

    with pytest.raises(ConfigurationError, match=r"the member 'needed' is missing. Say what is"):
        JsonNode({}, "x.json").validate(Needy)


def test_whole_numbers_may_be_written_with_a_fraction_of_zero() -> None:
    assert _read('{"n": 3.0}').n == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.json")
    with pytest.raises(ConfigurationError, match=r"^model.json: .*is a FIFO, not a file"):
        read_document(tmp_path / "model.json", "model.json", "")


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "model.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ConfigurationError, match="has more than"):
        read_document(tmp_path / "model.json", "model.json", "")


def test_a_message_is_not_as_long_as_what_stands_in_the_file() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_document("{}", "x.json").fail("there is no element " + "x" * 10_000, "Name one.")
    assert len(str(caught.value)) < 1000
    assert str(caught.value).endswith("Name one.")
