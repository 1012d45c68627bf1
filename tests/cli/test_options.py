"""Options that several commands have: lengths of time, attributes, and what holds without them."""

from __future__ import annotations

import argparse

import pytest

from xentara_nb.cli.options import (
    UsageError,
    add_attributes_argument,
    add_seconds_argument,
    attributes_in,
    seconds,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90.0), ("0.5", 0.5), ("250ms", 0.25), ("2 s", 2.0), ("30min", 1800.0), ("2d", 172800)],
)
def test_a_length_of_time(text: str, expected: float) -> None:
    assert seconds("--for", text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "-1", "nan", "inf", "1e9", "5 weeks", "1:30"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        seconds("--every", text)
    assert str(caught.value) == (
        f"--every: {text!r} is no time: write seconds, or a number with ms, s, min, h or d"
    )


def test_the_default_is_what_help_says() -> None:
    parser = argparse.ArgumentParser()
    add_seconds_argument(parser, "--timeout", "how long", default=2.5)
    add_seconds_argument(parser, "--for", "how long", without="for ever")
    assert vars(parser.parse_args([])) == {"timeout": 2.5, "for_": None}
    text = " ".join(parser.format_help().split())
    assert "(default: 2.5)" in text
    assert "(default: for ever)" in text


def test_one_word_for_attributes_and_its_other_spellings() -> None:
    parser = argparse.ArgumentParser()
    add_attributes_argument(parser, "this one", "all")
    given = ["-a", "value", "--attributes", "11", "--attribute", "units"]
    assert attributes_in(parser.parse_args(given)) == ["value", 11, "units"]
    assert attributes_in(parser.parse_args([])) is None
    assert "--attribute " not in parser.format_help()
