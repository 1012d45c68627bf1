"""The plant as a table: snapshot, search, and the rows of an element by its key."""

from __future__ import annotations

import pytest

from xentara_nb import Client, NotFoundError, UnknownElementError
from xentara_nb.simulator import Simulator

SET_POINT = "Plant.Line 1.Set point"


def test_a_snapshot_of_the_whole_plant(client: Client) -> None:
    frame = client.snapshot(progress=False)
    assert frame["primary_key"].tolist() == sorted(client.browse()["primary_key"])
    assert frame["time"].nunique() == 1
    row = frame.set_index("primary_key").loc[SET_POINT]
    assert row["value"] == client.read(SET_POINT, "value")["value"][0]
    assert (row["access"], row["data_type"]) == ("read and write", "Float64")
    assert frame.xentara.provenance["elements"] == len(frame)
    level = frame.set_index("primary_key").loc["Plant.Line 1.Filler.Level"]
    assert (level["display_name"], level["units"]) == ("Bowl level", "mm")


def test_a_snapshot_of_what_was_found(client: Client) -> None:
    found = client.search("filler level", category="data point")
    assert found["units"].tolist() == ["mm"] * 3
    frame = client.snapshot(found, "writeTime")
    assert frame["primary_key"].tolist() == found["primary_key"].tolist()
    assert str(frame["write_time"].dtype) == "datetime64[ns, UTC]"


def test_a_search_is_asked_for_once(client: Client, plant: Simulator) -> None:
    first = client.search("bowl pressure")
    plant.forget()
    assert client.search("bowl prssure").equals(first)
    assert plant.requests.empty
    assert first.index.tolist() == list(range(len(first)))
    with pytest.raises(NotFoundError, match="is no category"):
        client.search("bowl", category="bowl")


def test_the_rows_of_an_element(client: Client) -> None:
    assert client[SET_POINT].equals(client.meta_data(SET_POINT))
    uuid = client.lookup(SET_POINT)
    assert set(client[uuid]["primary_key"]) == {SET_POINT}
    with pytest.raises(UnknownElementError):
        client["Plant.No"]
    with pytest.raises(TypeError, match="not iterable"):
        list(client)


def test_keys_for_jupyter(client: Client) -> None:
    keys = client._ipython_key_completions_()
    assert keys == sorted(client.browse()["primary_key"])


def test_no_keys_where_they_cannot_be_had(plant: Simulator) -> None:
    client = plant.connect()
    client.close()
    assert client._ipython_key_completions_() == []


def test_progress_of_a_snapshot(client: Client) -> None:
    calls: list[tuple[int, int]] = []
    for _ in range(2):  # the second time, the model is known
        client.snapshot(progress=lambda done, total: calls.append((done, total)))
    count = len(client.browse())
    assert {total for _, total in calls} == {count}
    assert [done for done, _ in calls].count(count) == 3
