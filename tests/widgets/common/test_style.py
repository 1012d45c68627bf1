"""Texts of servers on a page."""

from __future__ import annotations

from xentara_nb.widgets.common import style
from xentara_nb.widgets.common.table import facts


def test_texts_of_servers_say_just_what_they_are() -> None:
    assert style.escape("<script>") == "&lt;script&gt;"
    assert style.plain("a\u202eb\nc\x00") == r"a\u202eb\nc\x00"
    assert len(style.plain("x" * 10_000)) == 401
    assert "<b>" not in style.badge("<b>") + facts([("<b>", "")], caption="<b>")
