from __future__ import annotations

import unicodedata

import pytest

from xentara_nb.tables.names import same_look


@pytest.mark.parametrize(
    "other",
    [
        unicodedata.normalize("NFD", "Füllstand µ 1-2"),
        "Füllstand μ 1-2",
        "Füllstand µ\N{NO-BREAK SPACE}1-2",
        "Füllstand µ 1\N{NON-BREAKING HYPHEN}2",
        "Füll\N{SOFT HYPHEN}stand\N{ZERO WIDTH SPACE} µ 1-2\N{VARIATION SELECTOR-16}",
        "\N{HANGUL FILLER}Füll\N{COMBINING GRAPHEME JOINER}stand µ 1-2\N{VARIATION SELECTOR-17}",
        " Füllstand µ 1-2\N{NO-BREAK SPACE}",
    ],
)
def test_what_looks_the_same_is_equal(other: str) -> None:
    assert same_look(other) == same_look("Füllstand µ 1-2")


@pytest.mark.parametrize("other", ["füllstand m²", "Fullstand m²", "Füllstand m2", "Füllstand  m²"])
def test_what_the_eye_tells_apart_is_different(other: str) -> None:
    assert same_look(other) != same_look("Füllstand m²")
    assert same_look("Plant.Set point") == "Plant.Set point"
