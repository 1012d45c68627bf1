"""HTML that changes where it stands, and tables that are sorted; needs the package anywidget."""

from __future__ import annotations

import anywidget
import traitlets

from xentara_nb.widgets.common.notebook import CountedViews
from xentara_nb.widgets.common.script import script


class LiveHtml(CountedViews, anywidget.AnyWidget):
    """HTML of which only what has changed is drawn again, so that it can be read and scrolled."""

    _esm = script(__package__, "live_html.js")

    value = traitlets.Unicode().tag(sync=True)
