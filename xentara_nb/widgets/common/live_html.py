"""HTML that changes where it stands, and tables that are sorted; needs the package anywidget."""

from __future__ import annotations

from importlib.resources import files

import anywidget
import traitlets

from xentara_nb.widgets.common.notebook import CountedViews


class LiveHtml(CountedViews, anywidget.AnyWidget):
    """HTML of which only what has changed is drawn anew, so that it can be read and scrolled."""

    _esm = files(__package__).joinpath("live_html.js").read_text(encoding="utf-8")

    value = traitlets.Unicode().tag(sync=True)
