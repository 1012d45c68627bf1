"""Which texts contain some words: the same as Python's ``in``, however many there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.tables import text_index
from xentara_nb.tables.text_index import TextIndex
from xentara_nb.wildcards import compiled

# Few characters, so that much is found; of one to four bytes, some of which are alike.
TEXT = st.text(st.sampled_from("abz0.9 \né\u00e8\u0a66\U0001f600\ud800\0"), max_size=6)
WORD = TEXT.map(lambda text: text.replace("\n", ""))


@pytest.fixture(params=[-1, 300_000], ids=["together", "one by one"], autouse=True, scope="module")
def _both_ways(request: pytest.FixtureRequest) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_index, "MANY", request.param)
        patch.setattr(text_index, "FASTER", 12 if request.param < 0 else 0)
        patch.setattr(text_index, "AT_ONCE", 3)
        yield


@given(st.lists(TEXT, max_size=12), st.lists(WORD, max_size=3))
def test_what_contains_all_words(texts: list[str], words: list[str]) -> None:
    index = TextIndex(texts)
    assert len(index) == len(texts)
    found = [row for row, text in enumerate(texts) if all(word in text for word in words)]
    assert index.containing(words).tolist() == found


@given(
    st.lists(st.text(st.sampled_from("ab?*\nxé"), max_size=9), max_size=12),
    st.lists(st.sampled_from(["a", "b", "ab", "é", "*", "?"]), min_size=1, max_size=6),
    st.booleans(),
    st.booleans(),
)
def test_what_matches_wildcards(
    texts: list[str], parts: list[str], at_start: bool, at_end: bool
) -> None:
    word = "".join(parts)
    pattern = compiled(f"{'' if at_start else '*'}{word}{'' if at_end else '*'}")
    for known in (texts, [text.replace("é", "") for text in texts]):  # each character one byte
        wanted = [row for row, text in enumerate(known) if pattern.fullmatch(text)]
        found = TextIndex(known).matching(word, at_start=at_start, at_end=at_end)
        assert found.tolist() == wanted


@given(st.lists(TEXT, max_size=12), TEXT)
def test_how_texts_begin_and_end(texts: list[str], end: str) -> None:
    index = TextIndex(texts)
    rows = range(len(texts))
    assert index.starting(end).tolist() == [row for row in rows if texts[row].startswith(end)]
    assert index.ending(end).tolist() == [row for row in rows if texts[row].endswith(end)]
    assert index.equal_to(end).tolist() == [row for row in rows if texts[row] == end]
