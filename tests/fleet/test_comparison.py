"""What has changed on the servers of a fleet, and how that is shown."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from xentara_nb import Fleet
from xentara_nb.errors import OptionError
from xentara_nb.fleet.comparison import compare_fleets
from xentara_nb.tables.id_arrays import id_array


def values(**by_server: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "server": list(by_server),
            "primary_key": "Plant.<b>Speed",
            "element_uuid": id_array([7] * len(by_server)),
            "value": list(by_server.values()),
        }
    )


def test_nothing_has_changed() -> None:
    found = compare_fleets(values(north=1.0, south=2.0), values(south=2.0, north=1.0))
    assert found.same
    assert not found
    assert len(found) == 0
    assert repr(found) == "Nothing has changed on 2 servers."
    assert found._repr_html_() == "<p>Nothing has changed on 2 servers.</p>"
    assert found.frame.dtypes.astype(str).to_dict() == {
        "server": "category",
        "change": "category",
        "primary_key": "str",
        "element_uuid": "object",
        "attribute_name": "str",
        "old": "object",
        "new": "object",
    }


def test_changes_by_server() -> None:
    found = compare_fleets(values(north=1.0, south=2.0), values(north=1.0, south=2.5))
    assert found
    assert found.changed_servers == ["south"]
    # As in a comparison of one server.
    assert found.changed.equals(found.frame)
    assert found.added.empty
    assert found.removed.empty
    assert found.frame[["server", "old", "new"]].values.tolist() == [["south", 2.0, 2.5]]
    assert found.summary == "1 of 2 servers changed.\nsouth: 1 value changed."
    assert "south" in repr(found)
    assert "Plant.&lt;b&gt;Speed" in found._repr_html_()
    within = compare_fleets(values(south=2.0), values(south=2.5), tolerance=0.5)
    assert within.same


def test_what_one_side_lacks() -> None:
    old, new = values(north=1.0, south=2.0), values(north=1.0, west=3.0)
    found = compare_fleets(old, new, not_asked={"east": "it hangs"}, servers=[*"ab", "east"])
    assert found.not_compared == {
        "a": "there is nothing old of it",
        "b": "there is nothing old of it",
        "east": "it hangs",
    }
    assert "not compared: a, b: there is nothing old of it" in found.summary
    assert not found.same
    every = compare_fleets(old, new).not_compared
    assert every == {"south": "there is nothing new of it", "west": "there is nothing old of it"}


def test_many_changes_are_shown_in_part() -> None:
    one = values(north=1.0)
    old = pd.concat([one] * 70, ignore_index=True).assign(element_uuid=id_array(range(70)))
    found = compare_fleets(old, old.assign(value=2.0))
    assert len(found) == 70
    assert "and 10 more in .frame" in repr(found)
    assert "and 10 more in .frame" in found._repr_html_()


def test_frames_without_a_server() -> None:
    with pytest.raises(OptionError, match="the new one has no column server"):
        compare_fleets(values(north=1.0), values(north=1.0).drop(columns="server"))


def test_a_file_of_plain_pandas(fleet: Fleet, tmp_path: Path) -> None:
    names = ["Set point", "Batch", "Recipe", "Run", "Last changeover"]
    old = fleet.snapshot([f"Plant.Line 1.{name}" for name in names], progress=False)
    old.to_csv(tmp_path / "old.csv", index=False)
    assert fleet.compare(tmp_path / "old.csv", progress=False).same
    old.assign(value=old["value"].replace(210.0, 211.0)).to_csv(tmp_path / "old.csv", index=False)
    assert fleet.compare(tmp_path / "old.csv", progress=False).changed_servers == ["north", "south"]
