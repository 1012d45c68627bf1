"""Which elements have some words in a text: the same as without cutting their keys."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.tables.element_index import ElementIndex
from xentara_nb.wildcards import compiled

# Mostly dots, behind which a key is cut, and few other characters, so that much is found.
KEY = st.text(st.sampled_from("ab..\né"), max_size=9)
KEYS = st.lists(st.tuples(KEY, KEY), max_size=12)
WORD = st.text(st.sampled_from("ab..é"), max_size=4)


def index_of(pairs: list[tuple[str, str]]) -> ElementIndex:
    return ElementIndex([key for key, _ in pairs], [other for _, other in pairs])


@given(KEYS, st.lists(WORD, max_size=3))
def test_what_contains_one_of_some_words(pairs: list[tuple[str, str]], words: list[str]) -> None:
    wanted = [any(word in text for word in words for text in pair) for pair in pairs]
    assert index_of(pairs).containing(words).tolist() == wanted


@given(KEYS, st.text(st.sampled_from("ab.*?é"), min_size=1, max_size=6))
def test_what_matches_wildcards(pairs: list[tuple[str, str]], word: str) -> None:
    match = compiled(f"*{word}*").fullmatch
    wanted = [any(match(text) is not None for text in pair) for pair in pairs]
    assert index_of(pairs).matching(word).tolist() == wanted


@given(KEYS, WORD)
def test_how_keys_begin_and_end(pairs: list[tuple[str, str]], word: str) -> None:
    index = index_of(pairs)
    assert index.starting(word).tolist() == [key.startswith(word) for key, _ in pairs]
    assert index.ending(f".{word}").tolist() == [key.endswith(f".{word}") for key, _ in pairs]


def test_each_text_is_there_once() -> None:
    index = ElementIndex(["a.b.c", "a.b.d", "c"], ["x", "x", ""])
    assert list(index.texts()) == ["a.b.", "", "c", "d", "x", ""]
