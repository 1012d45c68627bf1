"""Which texts contain some words: the same as Python's ``in``, however many there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.tables import text_index
from xentara_nb.tables.text_index import TextIndex, pattern_of

# Few characters, so that much is found; of one to four bytes, some of which are alike.
TEXT = st.text(st.sampled_from("abz0.9 \né\u00e8\u0a66\U0001f600\ud800\0"), max_size=6)
WORD = TEXT.map(lambda text: text.replace("\n", ""))


@pytest.fixture(params=[-1, 300_000], ids=["together", "one by one"], autouse=True, scope="module")
def _both_ways(request: pytest.FixtureRequest) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_index, "MANY", request.param)
        patch.setattr(text_index, "FASTER", 12 if request.param < 0 else 0)
        patch.setattr(text_index, "AT_ONCE", 3)
        patch.setattr(text_index, "BATCH", 3)
        yield


@given(st.lists(TEXT, max_size=12), st.lists(WORD, max_size=3), st.sets(st.integers(0, 11)))
def test_what_contains_all_words(texts: list[str], words: list[str], among: set[int]) -> None:
    index = TextIndex(texts)
    assert len(index) == len(texts)
    found = [row for row, text in enumerate(texts) if all(word in text for word in words)]
    assert index.containing(words).tolist() == found
    rows = np.array(sorted(row for row in among if row < len(texts)), np.intp)
    wanted = [row for row in found if row in among]
    assert index.containing(words, rows).tolist() == wanted


@given(
    st.lists(st.text(st.sampled_from("ab?*\nxé"), max_size=9), max_size=12),
    st.lists(st.sampled_from(["a", "b", "ab", "é", "*", "?"]), min_size=1, max_size=6),
    st.sets(st.integers(0, 11)),
)
def test_what_matches_wildcards(texts: list[str], parts: list[str], among: set[int]) -> None:
    word = "".join(parts)
    rows = np.array(sorted(row for row in among if row < len(texts)), np.intp)
    for known in (texts, [text.replace("é", "") for text in texts]):  # each character one byte
        wanted = [row for row in rows.tolist() if pattern_of(word).search(known[row])]
        assert TextIndex(known).matching(word, rows).tolist() == wanted


@given(st.lists(TEXT, max_size=12), TEXT, st.sets(st.integers(0, 11)), st.integers(0, 12))
def test_how_texts_begin_and_end(texts: list[str], end: str, among: set[int], most: int) -> None:
    index = TextIndex(texts)
    rows = np.array(sorted(row for row in among if row < len(texts)), np.intp)
    starting = [row for row in rows.tolist() if texts[row].startswith(end)]
    ending = [row for row in rows.tolist() if texts[row].endswith(end)]
    assert index.starting(end, rows, most).tolist() == starting[:most]
    assert index.ending(end, rows, most).tolist() == ending[:most]


@given(st.lists(TEXT, max_size=12), st.lists(st.lists(WORD, max_size=3), max_size=3))
def test_what_cannot_contain_a_word_of_each_group(
    texts: list[str], groups: list[list[str]]
) -> None:
    may = set(TextIndex(texts).with_letters(groups).tolist())
    contain = {
        row
        for row, text in enumerate(texts)
        if all(any(word in text for word in group) for group in groups)
    }
    assert contain <= may
    assert not may or all(groups)
