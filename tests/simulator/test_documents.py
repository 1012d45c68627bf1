"""Every fault names its file, its place and its mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from xentara_nb.simulator.documents import ConfigurationError, parse_document, read_document


def test_the_message_has_file_place_problem_and_mend() -> None:
    place = parse_document('{"a": [{"b": 1}]}', "x.json")
    with pytest.raises(ConfigurationError) as caught:
        next(place.member("a").items()).member("b").text()
    error = caught.value
    assert str(error) == "x.json: a[0].b: a number stands here. Write a text instead."
    assert (error.file, error.place) == ("x.json", "a[0].b")
    assert error.problem
    assert error.mend


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
    assert (
        parse_document(r'{"a": "\ud83d\ude00"}', "x.json").member("a").text() == "\N{GRINNING FACE}"
    )


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("-1.5", -1.5), (str(2**63), 2**63), ("1" + "0" * 30, 1e30)]
)
def test_numbers(text: str, number: float) -> None:
    found = parse_document(f"[{text}]", "x.json")
    (place,) = found.items()
    assert place.number() == number
    assert type(place.number()) is type(number)


@pytest.mark.parametrize("text", ["1e400", "1" + "0" * 400, "-1e400"])
def test_numbers_that_nothing_can_hold(text: str) -> None:
    (place,) = parse_document(f"[{text}]", "x.json").items()
    with pytest.raises(ConfigurationError, match=r"x.json: \[0\]: the number is out of range"):
        place.number()


def test_a_message_is_one_line_whatever_members_are_called() -> None:
    for _, place in parse_document(r'{"a\nb": 1}', "x.json").members():
        assert str(place) == r"x.json: 'a\nb'"


def test_a_member_that_comes_twice() -> None:
    document = parse_document('{"outer": {"name": 1, "name": 2}}', "x.json")
    with pytest.raises(ConfigurationError, match=r"x.json: outer: the member 'name' comes twice"):
        document.member("outer").member("name")


@pytest.mark.parametrize(
    "text",
    [
        "12345678",
        "{e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8}",
        "e3ee10714d884ba18e5d0f1e4ce25ee8",
        "00000000-0000-0000-0000-000000000000",
        "",
    ],
)
def test_what_is_no_uuid(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_document(f'{{"UUID": "{text}"}}', "x.json").member("UUID").uuid()


def test_wrong_kinds_and_ranges() -> None:
    place = parse_document('{"n": 1.5, "t": "", "b": 0, "x": null, "big": 70000}', "x.json")
    with pytest.raises(ConfigurationError, match="whole number"):
        place.member("n").integer(0, 10)
    with pytest.raises(ConfigurationError, match="empty"):
        place.member("t").text()
    with pytest.raises(ConfigurationError, match="true or false"):
        place.member("b").boolean()
    with pytest.raises(ConfigurationError, match="null stands here"):
        list(place.member("x").items())
    with pytest.raises(ConfigurationError, match="from 1 to 65535"):
        place.member("big").integer(1, 65535)
    with pytest.raises(ConfigurationError, match="'missing' is missing"):
        place.member("missing")
    with pytest.raises(ConfigurationError, match="spell it as one of: n, t"):
        place.only("n", "t")


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
