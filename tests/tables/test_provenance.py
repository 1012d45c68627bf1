from __future__ import annotations

from uuid import UUID

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.tables.frames import inventory_frame
from xentara_nb.tables.provenance import provenance_of, with_provenance

LIST = (AttributeInfo("value", 11, 2, 10), AttributeInfo("quality", 9, 0, 18))


def test_provenance_goes_with_what_is_taken_from_a_frame() -> None:
    plain = inventory_frame([("a", UUID(int=1), 2, LIST)])
    note = {"server": "plant:8080", "vanished": ["b"], "elements": 1}
    frame = with_provenance(plain, note)

    assert plain.attrs == {}
    assert_frame_equal(frame, plain)
    for taken in (
        frame[frame["access"] == "read only"],
        frame.query("attribute_id == 11"),
        frame.sort_values("attribute_name"),
        frame.copy(),
        pd.concat([frame, frame]),
    ):
        assert provenance_of(taken) == note


def test_provenance_is_a_copy() -> None:
    note = {"server": "plant:8080"}
    frame = with_provenance(inventory_frame([]), note)
    note["server"] = "other"
    provenance_of(frame)["server"] = "other"

    assert provenance_of(frame) == {"server": "plant:8080"}


def test_frames_of_two_servers_can_be_put_together_and_compared() -> None:
    one = with_provenance(inventory_frame([("a", UUID(int=1), 2, LIST)]), {"server": "one"})
    two = with_provenance(inventory_frame([("a", UUID(int=1), 2, LIST)]), {"server": "two"})

    assert len(pd.concat([one, two])) == 4
    assert one.compare(two).empty
    assert one.equals(two)


@pytest.mark.parametrize("bad", [UUID(int=1), float("nan"), pd.Timestamp(0), {1, 2}])
def test_provenance_is_what_json_can_hold(bad: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        with_provenance(inventory_frame([]), {"server": bad})


def test_broken_provenance() -> None:
    frame = inventory_frame([])
    frame.attrs["xentara"] = "text"

    assert provenance_of(frame) == {}
