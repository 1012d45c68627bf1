"""Tables with colours and formats, in which no name of an element is obeyed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pandas as pd
import pytest

from xentara_nb import XentaraFrame


def _cleared(style: Any) -> Any:
    style.clear()
    return style


HOSTILE = ("<script", "<i>", "\u202e")
FRAME = XentaraFrame({"key": ["<script>x</script>", "\u202ey"], "<i>value": [1.25, 2]})
STYLES: dict[str, Callable[[Any], Any]] = {
    "itself": lambda frame: frame.style,
    "as index": lambda frame: frame.set_index("key").rename_axis("<i>").style,
    "as columns": lambda frame: frame.set_index("key").T.rename_axis(columns="<i>").style,
    "format": lambda frame: frame.style.format(precision=1),
    "format of some": lambda frame: frame.style.format("{:.1f}", subset=["<i>value"]),
    "no format": lambda frame: frame.style.format(precision=1).format(),
    "format_index": lambda frame: frame.style.format_index(axis=1, na_rep="-"),
    "gradient": lambda frame: frame.style.highlight_max(subset=["<i>value"]),
    "copy": lambda frame: deepcopy(frame.style.format(precision=1)),
    "concat": lambda frame: frame.style.concat(frame.style),
    "clear": lambda frame: _cleared(frame.style.format(escape="latex")),
    "labels": lambda frame: frame.set_index("key").style.relabel_index(["1 {}", "2 {}"], axis=0),
    "tooltips": lambda frame: frame.style.set_tooltips(frame.astype(str)),
    "titles": lambda frame: frame.style.set_tooltips(frame.astype(str), as_title_attribute=True),
    "levels": lambda frame: pd.concat({"<i>": frame}, axis=1).style,
}


@pytest.mark.parametrize("make", STYLES.values(), ids=STYLES)
def test_texts_are_escaped(make: Callable[[Any], Any]) -> None:
    style = make(FRAME)
    for text in (style.to_html(), style._repr_html_()):
        assert "&lt;script" in text
        assert not any(each in text for each in HOSTILE)
    assert "\u202e" not in style.to_string()
    plain = make(pd.DataFrame(FRAME))
    assert any(each in plain.to_html() for each in HOSTILE)  # or there is nothing to escape


def test_what_the_user_gives_stays() -> None:
    style = FRAME.style.format(lambda value: f"<b>{value}</b>", subset=["key"])
    assert "<b>&lt;script" in style.set_caption("<u>mine</u>").to_html()
    assert "<u>mine</u>" in style.to_html()
    assert "\\& co" in XentaraFrame({"key": ["a & co"]}).style.format(escape="latex").to_latex()
    with pd.option_context("styler.format.escape", "latex"):
        assert "\\& co" in XentaraFrame({"key": ["a & co"]}).style.to_latex()


def test_without_jinja_there_is_no_style(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xentara_nb.tables.styling", None)
    assert not hasattr(FRAME, "style")


def test_a_tooltip_is_a_text() -> None:
    style = XentaraFrame({"key": ["a"]}).style
    text = 'b"; } * { color: red; } \\'
    assert (
        'content: "b\\22 ; } * { color: red; } \\5c "'
        in style.set_tooltips(pd.DataFrame({"key": [text]})).to_html()
    )
    # Labels of several levels, some of which are no texts.
    levels = XentaraFrame({("a", 1): [2]}).style.relabel_index([["<b>{}</b>", 5]], axis=1).to_html()
    assert "<b>a</b>" in levels
    assert ">5<" in levels
