from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.protocol.text import pasted, safe, safe_lines, trimmed, without_marks


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Pümp ≥ 1 泵 👷", "Pümp ≥ 1 泵 👷"),
        ("a\x1b[2Jb\x07", r"a\x1b[2Jb\x07"),
        ("a\x9b2Jb\x7f", r"a\x9b2Jb\x7f"),
        ("a\r\n\tb", r"a\r\n\tb"),
        ("a\u202eb\u2066c\u200fd", r"a\u202eb\u2066c\u200fd"),
        ("a\u200bb\ufeff\u2028\ud800", r"a\u200bb\ufeff\u2028\ud800"),
    ],
)
def test_a_terminal_has_nothing_to_obey(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text())
def test_any_text_is_safe(text: str) -> None:
    assert safe(text).isprintable()
    safe(text).encode()
    assert safe(safe(text)) == safe(text)
    assert safe_lines(f"a\n{text}").startswith("a\n")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\ufeff", "\u200b", "\u200e", "\x1a", "\u2028"])
def test_marks_are_taken_off(end: str) -> None:
    assert without_marks(f"{end} a b {end}") == " a b "
    assert trimmed(f" {end} '<a b>'{end} ") == "'<a b>'"
    assert pasted(f' {end}"a b"{end} ') == "a b"


@pytest.mark.parametrize("text", ["a", "\u00a0a ", "\u201ca\u201d", "'a'", "<a>", "\u200b\u200ba"])
def test_what_is_pasted(text: str) -> None:
    assert pasted(text) == "a"
    assert pasted("") == pasted('""') == ""
