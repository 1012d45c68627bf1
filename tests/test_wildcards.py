"""Patterns with wildcards: what they match, and that no text takes long."""

from __future__ import annotations

import re
from fnmatch import translate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.wildcards import compiled


@given(
    st.text(st.sampled_from("ab*?.\né"), max_size=9), st.text(st.sampled_from("ab.\né"), max_size=9)
)
def test_a_pattern_matches_what_fnmatch_matches(pattern: str, text: str) -> None:
    wanted = re.fullmatch(translate(pattern), text)
    assert (compiled(pattern).fullmatch(text) is None) == (wanted is None)


@pytest.mark.parametrize("pattern", ["[ab]", "a.c", "a|b", "(", "\\"])
def test_all_else_stands_for_itself(pattern: str) -> None:
    assert compiled(pattern).fullmatch(pattern)
    assert not compiled(pattern).fullmatch("abc")


@pytest.mark.parametrize("pattern", ["*a*a*a*b", "*a*a*a*b*", "a*a*a*a", "*a?a*?a*b*"])
def test_a_long_text_takes_time_in_proportion(pattern: str) -> None:
    # Where each star tried all lengths, this would go on for years.
    assert compiled(pattern).fullmatch("a" * 100_000 + "c") is None
