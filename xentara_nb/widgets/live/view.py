"""The form that shows values as they move: a table, a chart, and what can be done with them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from xentara_nb.client import Client
from xentara_nb.errors import MissingExtraError, NotFoundError, OptionError, XentaraError
from xentara_nb.live.watch import Watch
from xentara_nb.locking import Lock
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.protocol.text import quantity
from xentara_nb.tables.references import same_attribute
from xentara_nb.tables.rendering import plain
from xentara_nb.widgets.common import notebook
from xentara_nb.widgets.common.code import CodeCard
from xentara_nb.widgets.common.form import Form
from xentara_nb.widgets.common.style import button, card, row
from xentara_nb.widgets.common.tasks import start_thread
from xentara_nb.widgets.live.feed import POINTS, SPANS, Feed, News
from xentara_nb.widgets.live.picture import Row, picture_html
from xentara_nb.widgets.live.recording import RecordCard

if TYPE_CHECKING:
    from xentara_nb.widgets.live.chart import Chart

ROWS = 100
"""How many attributes the table has at most, the first ones of the watch."""

CHARTED = 5
"""How many attributes are charted when nothing else is said."""

# All in seconds.
INTERVAL = 0.1  # between two messages to the page, at least
SHARE = 0.05  # of a core, which the work for the page takes at most
# Between two messages at most: a page that gets none says that no kernel answers. Also between
# two with everything, while the page has not asked for it.
HEARTBEAT = 1.0

_UNASKED_POINTS = 1000


class LiveView(Form):
    """Show the values of a watch as they move.

    A watch as the last line of a cell shows itself so. The table has the first 100 attributes; the
    chart has those that are chosen in it, up to 10,000 changes of each.

    Parameters
    ----------
    watch : Watch
        What to show, from :meth:`Client.watch`; it stays open when the view is closed.
    charted : sequence of str, optional
        What the chart begins with, names of ``watch.names``. Left out, the first five numbers.
    span : {60, 600, 0}
        How much of the past the chart begins with, in seconds; 0 for everything that is kept.

    Attributes
    ----------
    frame : pandas.DataFrame
        What "To DataFrame" took last, as ``watch.frame()`` gives it.

    Raises
    ------
    MissingExtraError
        If anywidget is not installed (the extra ``lab``).
    NotFoundError
        If something to be charted is not watched.
    OptionError
        If there is no such range.

    Examples
    --------
    >>> from xentara_nb import simulate
    >>> with simulate() as plant, plant.connect() as client:
    ...     with client.watch(["Plant.Line 1.Speed", "Plant.Line 1.Run"]) as watch:
    ...         view = LiveView(watch, charted=["Plant.Line 1.Speed"])
    ...         view
    ...         view.close()
    <LiveView: 2 attributes, live>
    """

    title = "Live view"

    def __init__(
        self, watch: Watch, *, charted: Sequence[str] | None = None, span: float = 60.0
    ) -> None:
        if span not in SPANS:
            raise OptionError(f"span is 60, 600 or 0 for everything, in seconds, not {span!r}")
        super().__init__("live")
        self._watch = watch
        self.frame = pd.DataFrame()
        count = min(len(watch.names), ROWS)
        self._feed = Feed(watch, count)
        self._rows = [
            Row(name, "", _kind(watch.columns(place, last=1).values.dtype.kind))
            for place, name in enumerate(watch.names[:count])
        ]
        self._has_units = False
        self._next_beat = 0.0
        self._restart = False
        self._stepping = Lock()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._make(_places(watch, charted, self._rows), float(span))
        notebook.register(self)
        self.when_closed.callback(self._end)
        self.when_closed.callback(watch.on_change(self._watch_changed))
        self.tasks.run("units", self._fetch_units)
        start_thread("xentara live view", self._run, self.tasks.context)

    def summary(self) -> str:
        """Return how much is watched, and whether it is live."""
        kind, text = self._state()
        state = {"live": "live", "lost": f"no connection: {text}"}.get(kind, text)
        return f"{quantity(len(self._watch.names), 'attribute')}, {state}"

    def take(self) -> pd.DataFrame:
        """Return all changes that are kept, as ``watch.frame()`` does."""
        self.frame = self._watch.frame()
        return self.frame

    def _make(self, charted: list[int], span: float) -> None:
        self.chart = make_chart(
            self._ask,
            rows=self._described(),
            more=_more(len(self._watch.names)),
            charted=charted,
            span=span,
            state=dict(zip(("kind", "text"), self._state(), strict=True)),
        )
        self.chart.observe(lambda change: self._wake.set(), ["charted", "_view_count"])
        self.to_frame = button("To DataFrame")
        self.code = CodeCard()
        parts = [row(self.to_frame), self.notice, self.code.widget]
        client = self._watch.client
        self.record: RecordCard | None = None
        if isinstance(client, Client):
            self.record = RecordCard(self.tasks, client, self._watch)
            self.when_closed.callback(self.record.stop)
            parts.append(self.record.widget)
        self.fill(card(self.chart, *parts))
        self.to_frame.on_click(self.tasks.handler(lambda: self.tasks.run("take", self._take)))

    def _described(self) -> list[dict[str, object]]:
        return [
            {"name": plain(each.name), "unit": plain(each.unit), "kind": each.kind}
            for each in self._rows
        ]

    def _take(self) -> None:
        frame = self.take()
        size = f"a DataFrame of {len(frame):,} times and {frame.shape[1]:,} columns"
        name = notebook.name_of(self, "")
        if name:
            self.notice.say(f"{name}.frame is {size}.", "ok")
            return
        self.notice.say(f"This cell gives {size}, or more by then:", "ok")
        self.code.show(f"frame = {notebook.name_of(self._watch, 'watch')}.frame()\nframe")

    def _state(self) -> tuple[str, str]:
        ended, lost = self._watch.ended, self._watch.lost
        if ended is not None:
            return "closed", plain(ended)
        return ("live", "") if lost is None else ("lost", plain(lost))

    def _fetch_units(self) -> None:
        client, attributes = self._watch.client, self._watch.attributes.head(len(self._rows))
        if self._has_units or not isinstance(client, Client):
            return
        elements = attributes["element_uuid"].drop_duplicates().tolist()
        with contextlib.suppress(XentaraError):  # without a connection, when there is one again
            described = client.meta_data(elements)
            named = described[described["attribute_name"] == "units"]
            found = client.read(named) if len(named) else named.assign(value=None)
            units = {
                element: unit
                for element, unit in zip(found["element_uuid"], found["value"], strict=True)
                if isinstance(unit, str)
            }
            pairs = zip(attributes["element_uuid"], attributes["attribute_id"], strict=True)
            self._rows = [
                each._replace(unit=units.get(element, ""))
                if same_attribute(attribute, Attribute.VALUE)
                else each
                for each, (element, attribute) in zip(self._rows, pairs, strict=True)
            ]
            self._has_units = True
            self.chart.rows = self._described()
            self.picture.change()
            self._wake.set()

    # What goes to the page

    def _ask(self) -> None:
        self._restart = True
        self._wake.set()

    def _watch_changed(self, watch: Watch) -> None:
        self._wake.set()
        if watch.ended is not None and threading.current_thread() is threading.main_thread():
            # At once, and as a part of the cell that closes it: a program that runs the notebook
            # takes nothing else, and nothing behind the last cell.
            self._step(is_last=True)

    def _end(self) -> None:
        self._stop.set()
        self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(HEARTBEAT)
            self._wake.clear()
            before = time.thread_time()
            self._step()
            spent = time.thread_time() - before
            self._stop.wait(max(INTERVAL, spent / SHARE))

    def _step(self, *, is_last: bool = False) -> None:
        with self._stepping:
            self.tasks.guard(self._tell)(is_last)

    def _tell(self, is_last: bool) -> None:
        now = time.monotonic()
        if is_last:
            self._next_beat = now
        is_told = self.chart.is_visible and (self.chart.asked or now >= self._next_beat)
        news = self._take_news() if is_told else []
        # Looked at behind the news: where these have the gap of a lost connection, the page has to
        # know that it is lost, or shows the error in the place of each last value.
        kind, text = self._state()
        was = self.chart.state["kind"]
        self.chart.state = {"kind": kind, "text": text}
        if kind == "live" and was != "live":
            self.tasks.run("units", self._fetch_units)
        if is_told and (news or now >= self._next_beat):
            self._next_beat = now + HEARTBEAT
            self.chart.tell(news)
        if kind == "closed" != was:
            self.picture.draw()
        elif kind != "closed":
            self.picture.refresh()

    def _take_news(self) -> list[News]:
        asked = self.chart.asked
        if self._restart or not asked:
            self._restart = False
            self._feed.restart()
        return self._feed.take(self.chart.charted, POINTS if asked else _UNASKED_POINTS)

    def content_html(self) -> str:
        """Return a picture and a table of what is watched."""
        charted, span = self.chart.charted, self.chart.span
        return picture_html(self._watch, self._rows, charted, span, f"{self.summary()}.")


def make_chart(on_ask: Callable[[], object], **traits: Any) -> Chart:
    """Return the widget on the page.

    Raises
    ------
    MissingExtraError
        If anywidget is not installed.
    """
    try:
        from xentara_nb.widgets.live.chart import Chart
    except ImportError as error:
        raise MissingExtraError(
            "the live view needs the package anywidget: run pip install 'xentara_nb[lab]'"
        ) from error
    return Chart(on_ask, **traits)


def _places(watch: Watch, charted: Sequence[str] | None, rows: Sequence[Row]) -> list[int]:
    """Return the places of what is to be charted."""
    if charted is None:
        return [place for place, each in enumerate(rows) if each.kind != "text"][:CHARTED]
    names = [each.name for each in rows]
    for name in charted:
        if name not in names:
            raise NotFoundError(
                f"{plain(name)} cannot be charted: the view shows {', '.join(names[:40])}"
            )
    return [names.index(name) for name in charted]


def _kind(dtype: str) -> str:
    """Return how values of a kind of dtype are shown."""
    return "switch" if dtype == "b" else "number" if dtype in "fiu" else "text"


def _more(count: int) -> str:
    return f"The first {ROWS} of {count:,} attributes." if count > ROWS else ""
