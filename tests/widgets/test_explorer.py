"""The explorer and its parts, without a browser."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pytest

from tests.widgets.helpers import SET_POINT, entered, eventually, typed, visible
from xentara_nb import read_inventory, simulate
from xentara_nb.client import Client
from xentara_nb.errors import NotFoundError
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import Explorer, explorer_for
from xentara_nb.widgets.common import live, notebook, style
from xentara_nb.widgets.common.code import literal
from xentara_nb.widgets.common.search import KeyIndex
from xentara_nb.widgets.common.table import value_text
from xentara_nb.widgets.common.tasks import Notice, TaskRunner
from xentara_nb.widgets.explorer.tree import MORE, PAGE, ROOT, Child, Tree, children_of
from xentara_nb.widgets.explorer.treeview import TreeView


@pytest.fixture
def explorer(client: Client) -> Iterator[Explorer]:
    made = Explorer(client)
    assert made.wait()
    yield made
    made.close()


def numbers(explorer: Explorer) -> dict[str, int]:
    return {row.name: row.number for row in explorer._tree_model.rows()}


def test_the_tree_is_filled_as_it_is_opened(explorer: Explorer, plant: Simulator) -> None:
    assert "operational" in explorer.head.value
    assert "Plant" in numbers(explorer)
    assert "Line 1" not in numbers(explorer)
    plant.forget()
    explorer.tree.act("open", numbers(explorer)["Plant"])
    explorer.wait()
    assert "Line 1" in numbers(explorer)
    assert plant.requests["command"].tolist().count("browse") == 1
    explorer.tree.act("open", numbers(explorer)["Line 1"])
    explorer.wait()
    explorer.tree.act("select", numbers(explorer)["Set point"])
    explorer.wait()
    assert explorer.selected == SET_POINT
    assert SET_POINT in explorer.name.value
    eventually(lambda: "210.0" in explorer.attributes.value)
    eventually(lambda: "live" in explorer.liveness.value)
    explorer.tree.act("close", numbers(explorer)["Plant"])
    assert "Line 1" not in numbers(explorer)
    explorer.tree.act("open", 999_999)
    explorer.wait()
    assert "not there any more" in explorer.notice.value


def test_values_follow_the_server(explorer: Explorer, client: Client) -> None:
    explorer.select(SET_POINT)
    eventually(lambda: "210.0" in explorer.attributes.value)
    client.write(SET_POINT, 201)
    eventually(lambda: "201.0" in explorer.attributes.value)


def test_a_connection_that_is_lost_is_told_and_found_again(
    explorer: Explorer, plant: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_BACK_OFF", (0.05,))
    explorer.select(SET_POINT)
    eventually(lambda: "live" in explorer.liveness.value)
    plant.faults.lose("read", connections=2)
    explorer.live.refresh()
    eventually(lambda: "not live" in explorer.liveness.value)
    plant.faults.clear()
    eventually(lambda: "not live" not in explorer.liveness.value)


def test_nothing_is_read_that_nobody_sees(
    client: Client, plant: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[pd.DataFrame] = []
    monkeypatch.setattr(live, "SHORTEST", 0.02)
    looks: list[None] = []

    def visible() -> bool:
        looks.append(None)
        return False

    following = live.Live(client, seen.append, lambda text, kind: None, visible)
    following.follow(client.meta_data(SET_POINT).xentara.readable())
    eventually(lambda: looks)
    plant.forget()
    before = len(looks)
    eventually(lambda: len(looks) > before + 2)
    assert seen == []
    assert plant.requests.empty
    following.close()


def test_frames_csv_and_code_of_what_is_selected(
    explorer: Explorer, client: Client, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="select an element first"):
        explorer.take()
    explorer.select("Plant.Line 1")
    assert explorer.write.disabled
    explorer.to_frame.click()
    explorer.wait()
    assert explorer.frame["primary_key"].unique().tolist() == ["Plant.Line 1"]
    assert "explorer.frame is a DataFrame" in explorer.notice.value
    explorer.below.value = True
    explorer.to_frame.click()
    explorer.wait()
    inventory = client.inventory(progress=False)
    below = inventory["primary_key"].str.match(r"Plant\.Line 1(\.|$)")
    expected = inventory[below].reset_index(drop=True)
    pd.testing.assert_frame_equal(explorer.frame, expected)
    explorer.path.value = str(tmp_path / "line.csv")
    explorer.export.click()
    explorer.wait()
    assert "Wrote" in explorer.notice.value
    assert len(read_inventory(tmp_path / "line.csv")) == len(explorer.frame)
    explorer.export.click()
    explorer.wait()
    assert "already" in explorer.notice.value
    explorer.path.value = str(tmp_path / "line.exe")
    explorer.export.click()
    explorer.wait()
    assert "must end in .csv" in explorer.notice.value
    explorer.copy.click()
    names = {"client": client}
    exec(explorer.code.code, names)
    assert len(names["inventory"]) > 10  # type: ignore[arg-type]  # it is a frame
    explorer.below.value = False
    exec(explorer.as_code(), names)
    assert "values" in names


def test_the_write_form_opens_on_what_is_selected(explorer: Explorer, plant: Simulator) -> None:
    explorer.select(SET_POINT)
    explorer.write.click()
    explorer.wait()
    first = explorer._write_form
    assert first._target.key == SET_POINT
    assert explorer.writing.children == (first,)
    explorer.select("Plant.Line 2.Set point")
    explorer.write.click()
    assert first.desk.closed
    assert explorer._write_form._target.key == "Plant.Line 2.Set point"
    explorer.close()
    assert explorer._write_form.desk.closed


def test_a_search_leads_to_the_element(explorer: Explorer) -> None:
    typed(explorer.search.text, "batch")
    explorer.wait()
    assert visible(explorer.search.results)
    assert "elements" in explorer.search.status.value
    entered(explorer.search.text)
    explorer.wait()
    first = explorer.search.results.options[0]
    assert explorer.selected == first
    typed(explorer.search.text, "")
    explorer.wait()
    assert not visible(explorer.search.results)


def test_a_client_that_is_shown_offers_the_explorer(client: Client, plant: Simulator) -> None:
    offer = explorer_for(client)
    eventually(lambda: "operational" in offer.about.value)
    offer.button.click()
    assert offer.explorer is not None
    offer.explorer.wait()
    assert not visible(offer.card)
    offer.close()
    assert offer.explorer.desk.closed


def test_importing_the_package_loads_no_widgets() -> None:
    code = "import sys, xentara_nb; assert 'ipywidgets' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.slow
def test_a_hundred_thousand_keys_are_searched_in_an_instant() -> None:
    index = KeyIndex()
    index.fill(
        (f"Device {n // 100:05}.Point {n % 100:02}", UUID(int=n), "data point")
        for n in range(100_000)
    )
    assert len(index) == 100_000
    begin = time.perf_counter()
    for text in ("d", "device", "point 07", "00777 point 07", "nothing of the kind"):
        index.find(text)
    assert time.perf_counter() - begin < 2


def test_keys_are_found_by_their_parts() -> None:
    index = KeyIndex()
    index.fill(
        (f"Device {n // 100:05}.Point {n % 100:02}", UUID(int=n), "data point")
        for n in range(77_000, 79_000)
    )
    assert index.find("00777 point 07")[0].key == "Device 00777.Point 07"
    assert index.find("Device 00782.Point 01")[0].key == "Device 00782.Point 01"
    assert index.find("nothing of the kind") == []
    assert index.find("  ") == []
    assert len(index.find("point")) == 100
    assert index.hits == 2_000


def test_a_wide_tree_shows_a_page_at_a_time() -> None:
    children = [Child(f"Device {n}", UUID(int=n + 1), "device", True) for n in range(PAGE + 7)]
    tree = Tree(lambda parent: children if parent is None else [])
    tree.open(ROOT)
    rows = tree.rows()
    assert len(rows) == PAGE + 1
    assert rows[-1].state == MORE
    tree.more(ROOT)
    assert len(tree.rows()) == PAGE + 7
    tree.open(1)  # nothing is below it after all
    assert tree.rows()[0].state == "leaf"
    assert list(tree.path(1)) == [ROOT]


def test_names_with_periods_stay_whole(client: Client) -> None:
    tree = Tree(children_of(client))
    tree.open(ROOT)
    for name in ("Plant", "Line 1", "Filler"):
        tree.open(next(row.number for row in tree.rows() if row.name == name))
    assert "[Pump 1.2]" in [row.name for row in tree.rows()]


def test_without_anywidget_the_tree_is_a_list(client: Client) -> None:
    selected: list[int] = []
    desk = TaskRunner(Notice())
    view = TreeView(desk, Tree(children_of(client)), selected.append, plain_list=True)
    view.begin()
    desk.wait()
    face = view.face
    at = [option.strip() for option in face.list.options].index("▸ Plant")
    face.list.index = at
    assert len(selected) == 1
    face.toggle.click()
    desk.wait()
    assert any("Line 1" in option for option in face.list.options)
    assert face.list.index == at
    assert len(selected) == 1
    face.toggle.click()
    assert not any("Line 1" in option for option in face.list.options)
    desk.close()


def test_the_drawn_tree_takes_only_what_it_knows(client: Client) -> None:
    pytest.importorskip("anywidget")
    selected: list[int] = []
    view = TreeView(TaskRunner(Notice()), Tree(children_of(client)), selected.append)
    for content in ({"do": "select", "number": "1"}, "select", {"do": "fly", "number": 1}):
        view.widget._handle_custom_msg(content, [])
    assert selected == []
    view.widget._handle_custom_msg({"do": "select", "number": 1}, [])
    assert selected == [1]


def test_a_model_that_is_large_is_not_fetched_to_be_shown() -> None:
    with simulate(elements=2_000) as plant, plant.connect() as client:
        made = Explorer(client)
        made.wait()
        assert plant.requests["command"].tolist().count("browse") == 1
        made.close()


# Small things


def test_texts_of_servers_say_just_what_they_are() -> None:
    assert style.escape("<script>") == "&lt;script&gt;"
    assert style.plain("a\u202eb\nc\x00") == "a\\u202eb\\u000ac\\u0000"
    assert len(style.plain("x" * 10_000)) == 401
    assert "<b>" not in style.badge("<b>") + style.facts([("<b>", "")], caption="<b>")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (0.1, "0.1"),
        (3.0, "3.0"),
        (1e300, "1e+300"),
        (float("nan"), "nan"),
        (" x", "' x'"),
        (pd.Timestamp("2026-01-31T08:00:00.1234Z"), "2026-01-31 08:00:00.123 UTC"),
        (pd.Timestamp.max.tz_localize("UTC"), "for ever"),
    ],
)
def test_values_are_shown_as_a_person_reads_them(value: Any, text: str) -> None:
    assert value_text(value) == text


def test_literals_are_code() -> None:
    assert eval(literal(float("inf"))) == float("inf")
    assert eval(literal(UUID(int=1))) == str(UUID(int=1))
    assert eval(literal("it's")) == "it's"


class _Form:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def test_a_cell_that_is_run_again_closes_what_it_made() -> None:
    one, two, three = _Form(), _Form(), _Form()
    notebook.register(one, notebook.CellRun("cell", "run 1"))
    notebook.register(two, notebook.CellRun("cell", "run 1"))
    assert not one.closed
    notebook.register(three, notebook.CellRun("cell", "run 2"))
    assert (one.closed, two.closed, three.closed) == (True, True, False)
    assert notebook.place() is None
