"""Values and tables as people read them, and what a server says made harmless in them."""

from __future__ import annotations

import struct
from typing import Any
from uuid import UUID

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.protocol.identifiers import DataType
from xentara_nb.tables import rendering
from xentara_nb.tables.coercion import coerce
from xentara_nb.tables.rendering import (
    Html,
    change_text,
    escape,
    plain,
    value_repr,
    value_text,
    with_own_digits,
)


def test_texts_of_servers_say_just_what_they_are() -> None:
    assert escape("<script>") == "&lt;script&gt;"
    assert plain("a\u202eb\nc\x00") == r"a\u202eb\nc\x00"
    assert len(plain("x" * 10_000)) == 400
    assert escape(Html("<b>bold</b>")) == "<b>bold</b>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (pd.NaT, "never"),
        (True, "True"),
        (1, "1"),
        (0.1, "0.1"),
        (3.0, "3.0"),
        (1e300, "1e+300"),
        (float("nan"), "nan"),
        (" x", "' x'"),
    ],
)
def test_values_are_shown_as_a_person_reads_them(value: Any, text: str) -> None:
    assert value_text(value) == text


def test_values_in_a_line_of_a_message() -> None:
    assert value_repr("a\x1b") == r"'a\x1b'"
    assert value_repr(pd.Timestamp(0, tz="UTC")) == "1970-01-01 00:00:00+00:00"
    assert value_repr(UUID(int=7)) == "00000000-0000-0000-0000-000000000007"
    assert len(value_repr("x" * 100)) == 80


def test_every_cell_of_a_table_is_escaped_unless_it_is_html() -> None:
    table = rendering.table_html(["<i>"], [["<b>"], [Html("<u>")]], caption="<p>")
    facts = rendering.facts_html({"<i>": "<b>", "x": Html("<u>")}, caption="<p>")
    for shown in (table, facts, rendering.coloured("<b>", "ok")):
        assert isinstance(shown, Html)
        assert not any(tag in shown for tag in ("<i>", "<p>"))
        assert shown.count("&lt;b&gt;") == 1
    assert "<u>" in table
    assert "<u>" in facts


def test_a_long_reason_takes_the_room_that_is_left_and_a_short_cell_stays_whole() -> None:
    page = rendering.table_html(["a", "b"], [["short", "a reason " * 9]])
    assert page.count("overflow-wrap:anywhere") == 1
    assert "<td style='text-align:left'>short</td>" in page


def test_a_difference_has_no_digits_of_binary_fractions_alone() -> None:
    assert change_text(0.3 - 0.1) == "0.2"
    assert change_text(3.0 - 209.741455078125) == "-206.7414551"
    assert (change_text(-15.0), change_text(99), change_text(1e300)) == ("-15.0", "99", "1e+300")


def test_a_caption_can_be_for_screen_readers_alone() -> None:
    for hidden in (False, True):
        table = rendering.table_html(["x"], [], caption="All", hidden=hidden)
        assert ("<caption class='xnb-hidden'>All</caption>" in table) is hidden
        assert ("<caption>All</caption>" in table) is not hidden
    assert "caption" not in rendering.facts_html({"x": "y"})


def test_a_frame_as_text() -> None:
    frame = pd.DataFrame({"key": ["k" * 80, "x\x1b\n"], "value": [1e-9, None]}, dtype=object)
    head, first, second = rendering.frame_text(frame).splitlines()
    assert head.split() == ["key", "value"]
    assert first.split() == [f"{'k' * 59}…", "1e-09"]  # and not 0.0, as pandas rounds
    assert second.split() == [r"x\x1b\n"]
    assert "k" * 80 in rendering.frame_text(frame, whole=("key",))
    assert rendering.frame_text(frame, index=True).splitlines()[2].startswith("1 ")


def test_sentences_in_a_frame_begin_at_the_left() -> None:
    frame = pd.DataFrame({"value": [1.5, None], "error": ["a\x1bb", "no server answers " * 9]})
    lines = rendering.frame_text(frame, whole=("error",), left=("error",)).split("\n")
    assert lines == ["value error", r"  1.5 a\x1bb", f"      {('no server answers ' * 9).rstrip()}"]


def test_containers_in_a_frame_are_safe_as_well() -> None:
    frame = pd.DataFrame({"value": [["a\x1b"], {"a": b"\x1b"}]})
    lines = [line.strip() for line in rendering.frame_text(frame).split("\n")]
    assert lines == ["value", r"['a\x1b']", r"{'a': b'\x1b'}"]


def test_facts_as_text() -> None:
    assert rendering.facts_text({"a": 1, "long": "x\x1b"}) == "   a: 1\nlong: x\\x1b"


@given(st.floats(width=32, allow_nan=False))
def test_the_digits_of_a_float_32_stand_for_it(number: float) -> None:
    shown = with_own_digits(number, "Float32")
    assert isinstance(shown, float)
    for text in (repr(shown), value_text(shown), value_repr(shown)):
        assert struct.pack(">f", float(text)) == struct.pack(">f", number)
    if number.is_integer() and abs(number) < 1e16:
        assert coerce(value_text(shown).removesuffix(".0"), DataType.FLOAT_32) == number
