"""The explorer, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pandas as pd
import pytest

from tests.support.clients import connection_of
from tests.widgets.helpers import SET_POINT, entered, eventually, present_value, typed, visible
from xentara_nb import read_inventory, simulate
from xentara_nb.client import Client
from xentara_nb.errors import OptionError, OutputExistsError
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import ClientCard, Explorer
from xentara_nb.widgets.common import connection


@pytest.fixture
def explorer(client: Client) -> Iterator[Explorer]:
    made = Explorer(client)
    assert made.wait()
    yield made
    made.close()


def elements(explorer: Explorer) -> dict[str, str]:
    return {row.name: row.element for row in explorer.tree.tree.rows()}


def test_the_tree_is_filled_as_it_is_opened(
    explorer: Explorer, client: Client, plant: Simulator
) -> None:
    assert "operational" in explorer.head.value
    assert "Plant" in elements(explorer)
    assert "Line 1" not in elements(explorer)
    plant.forget()
    explorer.tree.act("open", elements(explorer)["Plant"])
    explorer.wait()
    assert "Line 1" in elements(explorer)
    assert plant.requests["command"].tolist().count("browse") == 1
    explorer.tree.act("open", elements(explorer)["Line 1"])
    explorer.wait()
    explorer.tree.act("select", elements(explorer)["Set point"])
    explorer.wait()
    assert explorer.selected == SET_POINT
    assert SET_POINT in explorer.name.value
    value = present_value(client)
    eventually(lambda: f">{value}<" in explorer.live.text.value)
    assert "&lt;" not in explorer.live.text.value
    eventually(lambda: "live" in explorer.live.state.value)
    explorer.tree.act("close", elements(explorer)["Plant"])
    assert "Line 1" not in elements(explorer)
    explorer.tree.act("open", str(UUID(int=1)))
    explorer.wait()
    assert "unknown element" in explorer.notice.value


def test_values_follow_the_server(explorer: Explorer, client: Client) -> None:
    value = present_value(client)
    explorer.select(SET_POINT)
    eventually(lambda: f">{value}<" in explorer.live.text.value)
    client.write(SET_POINT, value - 9)
    eventually(lambda: f">{value - 9}<" in explorer.live.text.value)


def test_a_lost_connection_is_shown_and_made_again(
    explorer: Explorer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BACK_OFF", (600.0,))
    explorer.select(SET_POINT)
    eventually(lambda: "live" in explorer.live.state.value)
    assert not explorer.write.disabled
    assert not visible(explorer.connection.box)
    assert explorer.wait()  # what is still being asked would connect again
    connection_of(client).close()
    eventually(lambda: "not live" in explorer.live.state.value)
    eventually(lambda: "not connected" in explorer.head.value)
    eventually(lambda: "Not connected" in explorer.connection.text.value)
    assert "operational" not in explorer.head.value
    assert visible(explorer.connection.box)
    needing = (explorer.write, explorer.export, explorer.to_frame, explorer.search.text)
    assert all(each.disabled for each in needing)
    explorer.connection.button.click()
    eventually(lambda: "operational" in explorer.head.value)
    eventually(lambda: "not live" not in explorer.live.state.value)
    assert not any(each.disabled for each in needing)
    assert not visible(explorer.connection.box)
    client.close()
    eventually(lambda: "closed" in explorer.head.value)
    assert "This client is closed" in explorer.connection.text.value
    assert not visible(explorer.connection.button)
    assert explorer.write.disabled


def test_frames_csv_and_code_of_what_is_selected(
    explorer: Explorer, client: Client, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="select an element first"):
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
    with pytest.raises(OutputExistsError, match="already"):
        explorer.export_csv(tmp_path / "line.csv")
    explorer.path.value = str(tmp_path / "line.exe")
    explorer.export.click()
    explorer.wait()
    assert "must end in .csv" in explorer.notice.value
    explorer.copy.click()
    names = {"client": client}
    exec(explorer.code.code, names)
    assert len(names["inventory"]) > 10
    explorer.below.value = False
    exec(explorer.as_code(), names)
    assert "values" in names


def test_the_write_form_opens_on_what_is_selected(explorer: Explorer, plant: Simulator) -> None:
    explorer.select(SET_POINT)
    explorer.write.click()
    explorer.wait()
    first = explorer.write_form
    assert first.target.key == SET_POINT
    assert explorer.write_box.children == (first,)
    explorer.select("Plant.Line 2.Set point")
    explorer.write.click()
    assert first.closed
    assert explorer.write_form.target.key == "Plant.Line 2.Set point"
    explorer.close()
    assert explorer.write_form.closed


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


def test_a_model_that_is_large_is_not_fetched_to_be_shown() -> None:
    with simulate(elements=2_000) as plant, plant.connect() as client:
        made = Explorer(client)
        made.wait()
        assert plant.requests["command"].tolist().count("browse") == 1
        made.close()


def test_the_card_of_a_client_opens_the_explorer(client: Client, plant: Simulator) -> None:
    client_card = ClientCard(client)
    assert client_card.wait()
    assert "operational" in client_card.about.value
    client_card.button.click()
    assert client_card.explorer is not None
    client_card.explorer.wait()
    assert not visible(client_card.card)
    client_card.close()
    assert client_card.explorer.closed


@pytest.mark.parametrize("drawn", [True, False])
def test_there_is_one_selection_which_the_tree_reveals(
    client: Client, monkeypatch: pytest.MonkeyPatch, drawn: bool
) -> None:
    if not drawn:
        monkeypatch.setattr("xentara_nb.widgets.explorer.treeview.find_spec", lambda name: None)
    explorer = Explorer(client)
    explorer.wait()
    typed(explorer.search.text, "line 1 set point")
    explorer.wait()
    entered(explorer.search.text)
    explorer.wait()
    assert explorer.selected == SET_POINT
    assert explorer.search.results.index == 0
    assert explorer.tree.widget.selected == elements(explorer)["Set point"]
    # What is chosen in the tree is not what stands in the list of what was found.
    explorer.tree.act("select", elements(explorer)["Line 1"])
    explorer.wait()
    assert explorer.selected == "Plant.Line 1"
    assert explorer.search.results.index is None
    assert explorer.tree.widget.selected == elements(explorer)["Line 1"]
    explorer.select("Plant.Line 2.Set point")
    explorer.wait()
    assert explorer.tree.widget.selected == str(client.lookup("Plant.Line 2.Set point"))
    explorer.close()
