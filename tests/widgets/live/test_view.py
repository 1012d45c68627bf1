"""The live view, without a page."""

from __future__ import annotations

import contextvars
import queue
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.proxy import Proxy
from tests.widgets.helpers import SET_POINT, eventually, sent_by_page, typed
from xentara_nb import Client, Watch, connect, open_recording
from xentara_nb.errors import MissingExtraError, NotFoundError, OptionError
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import LiveView
from xentara_nb.widgets.live import view as view_module
from xentara_nb.widgets.live.chart import Chart
from xentara_nb.widgets.live.feed import Feed, News

SPEED, RUN, RECIPE = "Plant.Line 1.Speed", "Plant.Line 1.Run", "Plant.Line 1.Recipe"
PATIENCE = 30
Told = queue.SimpleQueue[list[News]]


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What is sent to the pages, which is soon."""
    sent: Told = queue.SimpleQueue()
    monkeypatch.setattr(Chart, "tell", lambda self, news: sent.put(news))
    monkeypatch.setattr(view_module, "HEARTBEAT", 0.05)
    monkeypatch.setattr(view_module, "INTERVAL", 0.01)
    return sent


@pytest.fixture
def watch(client: Client) -> Iterator[Watch]:
    with client.watch([SPEED, RUN, SET_POINT, RECIPE]) as watch:
        yield watch


@pytest.fixture
def view(watch: Watch) -> Iterator[LiveView]:
    view = LiveView(watch)
    yield view
    view.close()


def until(told: Told, check: Callable[[News], bool]) -> News:
    """Return the first news for which something is true."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for each in told.get(timeout=PATIENCE):
            if check(each):
                return each
    raise AssertionError("it was not told in time")


def ask(view: LiveView) -> None:
    """Do what the page does when it begins."""
    sent_by_page(view.chart, {"kind": "ask"})
    view.chart.set_state({"_view_count": 1})


def test_what_the_page_begins_with(view: LiveView) -> None:
    assert view.wait()
    assert view.chart.rows == [
        {"name": SPEED, "unit": "bottles/min", "kind": "number"},
        {"name": RUN, "unit": "", "kind": "switch"},
        {"name": SET_POINT, "unit": "bottles/min", "kind": "number"},
        {"name": RECIPE, "unit": "", "kind": "text"},
    ]
    assert view.chart.charted == [0, 1, 2]
    assert view.chart.state == {"kind": "live", "text": ""}
    assert view.chart.more == ""
    assert repr(view) == "<LiveView: 4 attributes, live>"


def test_what_is_charted_is_chosen(watch: Watch) -> None:
    view = LiveView(watch, charted=[SET_POINT, RUN], span=600)
    assert (view.chart.charted, view.chart.span) == ([2, 1], 600)
    view.close()
    with pytest.raises(NotFoundError, match=f"Pump cannot be charted: the view shows {SPEED}, "):
        LiveView(watch, charted=["Pump"])
    with pytest.raises(OptionError, match="not 7"):
        LiveView(watch, span=7)


def test_everything_again_until_the_page_asks_and_then_what_is_new(
    view: LiveView, watch: Watch, client: Client, told: Told
) -> None:
    for _ in range(2):  # the page may not have been there yet
        assert until(told, lambda news: news.row == 2 and bool(news.value)).whole
    ask(view)
    for value in (171, 172, 173):  # the first ones may come with everything
        client.write(SET_POINT, value, verify=False)
        last = until(told, lambda news, value=value: news.value == str(value))
    assert not last.whole
    # A page that was opened again gets everything.
    ask(view)
    assert until(told, lambda news: news.row == 2 and news.whole).value == "173"
    # What is charted later is sent with its past.
    view.chart.set_state({"charted": [0]})
    for value in (174, 175):
        client.write(SET_POINT, value, verify=False)
        until(told, lambda news, value=value: news.value == str(value))
    view.chart.set_state({"charted": [0, 2]})
    assert until(told, lambda news: news.row == 2 and news.whole).value == "175"


def test_what_is_new_goes_to_a_page_whose_views_are_not_counted_yet(
    view: LiveView, watch: Watch, client: Client, told: Told
) -> None:
    sent_by_page(view.chart, {"kind": "ask"})
    until(told, lambda news: news.row == 2 and bool(news.value))
    for value in (161, 162):
        client.write(SET_POINT, value, verify=False)
        until(told, lambda news, value=value: news.value == str(value))


def test_nothing_goes_to_a_page_that_does_not_show_it(
    view: LiveView, watch: Watch, client: Client, told: Told
) -> None:
    ask(view)
    view.chart.set_state({"_view_count": 0})
    client.write(SET_POINT, 172, verify=False)
    watch.until(lambda latest: 172 in latest["value"].tolist(), timeout=PATIENCE)
    view.chart.set_state({"_view_count": 1})
    news = until(told, lambda news: news.row == 2 and news.value == "172")
    assert news.whole or len(news.points.times) > 1


def test_the_page_hears_of_the_kernel_also_when_nothing_changes(client: Client, told: Told) -> None:
    with client.watch(RECIPE) as watch:
        view = LiveView(watch)
        ask(view)
        eventually(lambda: told.get(timeout=PATIENCE) == [])
        view.close()


def test_a_watch_that_is_closed_says_so(view: LiveView, watch: Watch) -> None:
    watch.close()
    eventually(lambda: view.chart.state == {"kind": "closed", "text": "the watch is closed"})
    assert repr(view) == "<LiveView: 4 attributes, the watch is closed>"


@pytest.mark.parametrize("what", ["the watch is closed", "the client has closed the connection"])
def test_the_last_values_are_told_before_closing_returns(
    plant: Simulator, journal: Path, told: Told, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    for name in ("HEARTBEAT", "INTERVAL"):  # by itself, the view tells nothing in this test
        monkeypatch.setattr(view_module, name, 2 * PATIENCE)
    with plant.connect() as client:
        watch = client.watch([SET_POINT])
        view = LiveView(watch)
        assert told.get(timeout=PATIENCE) is not None
        client.write(SET_POINT, 171, verify=False)
        watch.until(lambda latest: 171 in latest["value"].tolist(), timeout=PATIENCE)
        (client if "client" in what else watch).close()
        assert [each.value for each in told.get_nowait()] == ["171"]
        assert view.chart.state == {"kind": "closed", "text": what}
        view.close()


def test_the_page_is_told_in_the_context_of_the_cell_that_made_the_view(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a page that is loaded again may be answered through a subshell that is gone."""
    request: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="another one")
    seen: queue.SimpleQueue[str] = queue.SimpleQueue()
    monkeypatch.setattr(Chart, "tell", lambda self, news: seen.put(request.get()))
    token = request.set("the cell")
    view = LiveView(watch)
    request.reset(token)
    assert seen.get(timeout=PATIENCE) == "the cell"
    view.close()


def test_a_lost_connection_says_why_and_comes_back(
    plant: Simulator, journal: Path, told: Told
) -> None:
    account = {"user": "engineer", "password": "engineer-demo"}
    with Proxy(plant.port) as proxy:
        client = connect(proxy.url, **account)
        watch = client.watch([SPEED, SET_POINT])
        view = LiveView(watch)
    eventually(lambda: view.chart.state["kind"] == "lost")
    assert "127.0.0.1" in view.chart.state["text"]
    assert "no connection: " in repr(view)
    with Proxy(plant.port, proxy.port):
        eventually(lambda: view.chart.state["kind"] == "live", seconds=PATIENCE)
        view.close()
        watch.close()
        client.close()


def test_the_page_knows_of_a_loss_before_the_gap_comes(
    plant: Simulator, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would show the error in the place of the last value, and for as long as it is lost."""
    sent: queue.SimpleQueue[tuple[str, list[News]]] = queue.SimpleQueue()
    monkeypatch.setattr(Chart, "tell", lambda self, news: sent.put((self.state["kind"], news)))
    take = Feed.take
    with ExitStack() as up:
        proxy = up.enter_context(Proxy(plant.port))
        client = connect(proxy.url, user="engineer", password="engineer-demo")
        watch = client.watch([SET_POINT])
        watch.until(lambda latest: latest["value"].notna().all(), timeout=PATIENCE)

        def take_when_it_is_lost(feed: Feed, *arguments: Any) -> list[News]:
            up.close()
            eventually(lambda: watch.changes()["error"].notna().any())
            return take(feed, *arguments)

        monkeypatch.setattr(Feed, "take", take_when_it_is_lost)
        view = LiveView(watch)
        kind, (news,) = sent.get(timeout=PATIENCE)
        assert (kind, bool(news.error)) == ("lost", True)
        view.close()
        watch.close()
        client.close()


def test_to_data_frame(view: LiveView, watch: Watch) -> None:
    watch.until(lambda latest: latest["value"].notna().all(), timeout=PATIENCE)
    view.to_frame.click()
    assert view.wait()
    assert view.frame.columns.tolist() == watch.names
    assert "This cell gives a DataFrame of" in view.notice.value
    assert view.code.code == "frame = watch.frame()\nframe"


def test_record(view: LiveView, watch: Watch, client: Client, tmp_path: Path) -> None:
    assert view.record is not None
    watch.until(lambda latest: latest["value"].notna().all(), timeout=PATIENCE)
    folder = tmp_path / "line 1"
    typed(view.record.folder, f'"{folder}"')
    view.record.button.click()
    eventually(lambda: "4 attributes" in view.record.state.value)
    assert (view.record.button.description, view.record.folder.disabled) == ("Stop", True)
    view.record.button.click()
    assert view.wait()
    assert (view.record.button.description, view.record.folder.disabled) == ("Record", False)
    assert "Recorded." in view.notice.value
    assert "open_recording" in view.notice.value
    keys = open_recording(folder).changes()["primary_key"]
    assert set(keys) == {SPEED, RUN, SET_POINT, RECIPE}
    # A folder that cannot be one is an error in words, and the button is itself again.
    (tmp_path / "file").write_text("")
    typed(view.record.folder, str(tmp_path / "file"))
    view.record.button.click()
    assert view.wait()
    assert "xnb-error" in view.notice.value
    assert view.record.button.description == "Record"


def test_closing_the_view_ends_the_recording_and_leaves_the_watch(
    view: LiveView, watch: Watch, tmp_path: Path
) -> None:
    assert view.record is not None
    watch.until(lambda latest: latest["value"].notna().all(), timeout=PATIENCE)
    typed(view.record.folder, str(tmp_path / "recording"))
    view.record.button.click()
    eventually(lambda: view.record.state.value)
    view.close()
    assert view.wait()
    assert watch.ended is None
    assert open_recording(tmp_path / "recording").changes()["value"].size > 0


def test_many_attributes(client: Client) -> None:
    rows = client.inventory().xentara.readable()
    with client.watch(rows.head(120)) as watch:
        view = LiveView(watch)
        assert len(view.chart.rows) == 100
        assert view.chart.more == "The first 100 of 120 attributes."
        view.close()


def test_without_anywidget(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xentara_nb.widgets.live.chart", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'xentara_nb\[lab\]'"):
        LiveView(watch)


def test_outside_of_a_notebook(view: LiveView, capsys: pytest.CaptureFixture[str]) -> None:
    view._ipython_display_()
    assert capsys.readouterr().out == "<LiveView: 4 attributes, live>\n"


def test_the_bundle_is_a_picture_a_table_and_the_view(view: LiveView, watch: Watch) -> None:
    watch.until(lambda latest: latest["value"].notna().all(), timeout=PATIENCE)
    bundle: dict[str, Any] = view._repr_mimebundle_()
    assert "data:image/svg+xml;base64," in bundle["text/html"]
    assert SPEED in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
