"""Reading JSON files: every error names its file, its place and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from xentara_nb.simulator.documents import (
    ConfigurationError,
    JsonNode,
    parse_document,
    read_document,
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
