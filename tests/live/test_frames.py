from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from xentara_nb.errors import OptionError
from xentara_nb.live import frames
from xentara_nb.live.frames import changes_frame, column_names, wide_frame
from xentara_nb.live.history import Changes, array_of
from xentara_nb.protocol.identifiers import Attribute, DataType
from xentara_nb.queries.reading import ResolvedAttribute

SECOND = 1_000_000_000


def attribute(
    key: str = "Tank", name: str = "value", number: int = 1, data_type: int = DataType.FLOAT_64
) -> ResolvedAttribute:
    ids = {member.attribute_name: int(member) for member in Attribute}
    return ResolvedAttribute(key, UUID(int=number), name, ids.get(name, 99), data_type)


def changes(*entries: tuple[int, Any]) -> Changes:
    """Return changes at some seconds; None is a gap."""
    values = [value for _, value in entries]
    missing = np.array([value is None for value in values], dtype=bool)
    given = [value for value in values if value is not None]
    filled = [given[0] if value is None else value for value in values]
    times = np.array([time * SECOND for time, _ in entries], dtype=np.int64)
    return Changes(times, array_of(filled), missing)


def test_columns_are_named_by_their_elements() -> None:
    names = [
        attribute("Tank"),
        attribute("Pump", "quality", 2),
        attribute("Valve", "value", 3),
        attribute("Valve", "quality", 3),
        attribute("Twin", "value", 4),
        attribute("Twin", "value", 5),
    ]
    assert column_names(names) == [
        *("Tank", "Pump.quality", "Valve.value", "Valve.quality"),
        *(f"Twin ({UUID(int=4)}, 11)", f"Twin ({UUID(int=5)}, 11)"),
    ]


TWO = [attribute("A", number=1), attribute("B", number=2, data_type=DataType.SIGNED_INTEGER_8)]
COLUMNS = [changes((1, 0.5), (2, None), (4, 1.5)), changes((1, 7), (3, 8))]


def wide(**options: Any) -> pd.DataFrame:
    return wide_frame(["A", "B"], TWO, COLUMNS, **options)


def seconds(frame: pd.DataFrame) -> list[float]:
    return [stamp.value / SECOND for stamp in frame.index]


def test_nothing_is_invented_between_changes() -> None:
    frame = wide()

    assert (str(frame.index.dtype), frame.index.name) == ("datetime64[ns, UTC]", "time")
    assert seconds(frame) == [1, 2, 3, 4]
    assert frame.dtypes.astype(str).tolist() == ["float64", "Int64"]
    assert frame["A"].fillna(-1).tolist() == [0.5, -1, -1, 1.5]
    assert frame["B"].fillna(-1).tolist() == [7, -1, 8, -1]


def test_the_last_value_goes_on_until_the_next_change_or_gap() -> None:
    frame = wide(fill="forward")

    assert frame["A"].fillna(-1).tolist() == [0.5, -1, -1, 1.5]
    assert frame["B"].fillna(-1).tolist() == [7, 7, 8, 8]


def test_a_row_at_each_multiple_of_a_time() -> None:
    frame = wide(fill="forward", freq="500ms")
    assert seconds(frame) == [1, 1.5, 2, 2.5, 3, 3.5, 4]
    assert frame["A"].fillna(-1).tolist() == [0.5, 0.5, -1, -1, -1, -1, 1.5]

    frame = wide(freq="2s")
    assert seconds(frame) == [2, 4]
    assert frame["A"].fillna(-1).tolist() == [-1, 1.5]
    assert frame["B"].fillna(-1).tolist() == [7, 8]


def test_all_columns_of_one_time_and_none_at_all() -> None:
    both = changes((1, 0.5), (2, 1.5))
    frame = wide_frame(["A", "B"], [TWO[0], TWO[0]], [both, both])
    assert frame.to_numpy().tolist() == [[0.5, 0.5], [1.5, 1.5]]

    empty = wide_frame(["A"], [TWO[0]], [Changes(*(np.empty(0, each) for each in "qd?"))])
    assert (empty.shape, str(empty.index.dtype)) == ((0, 1), "datetime64[ns, UTC]")
    assert wide_frame([], [], []).shape == (0, 0)


@pytest.mark.parametrize(
    "options", [{"fill": "back"}, {"freq": "often"}, {"freq": "0s"}, {"freq": [1]}]
)
def test_options_that_are_none(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        wide(**options)


def test_a_frame_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_CELLS", 7)
    with pytest.raises(OptionError, match="8 values is too large"):
        wide()
    with pytest.raises(OptionError, match="too large"):
        wide(freq="1ns")


def test_the_changes_one_below_the_other() -> None:
    quality = Changes(np.array([0, 3 * SECOND]), np.array([0, 3], np.int8), np.zeros(2, bool))
    frame = changes_frame(TWO, COLUMNS, [quality, None], [{2 * SECOND: "gone"}, {}])

    assert frame.dtypes.astype(str).tolist() == [
        *("datetime64[ns, UTC]", "str", "object", "str", "object", "object", "str", "str")
    ]
    assert [stamp.value // SECOND for stamp in frame["time"]] == [1, 1, 2, 3, 4]
    assert frame["primary_key"].tolist() == ["A", "B", "A", "B", "A"]
    assert list(map(repr, frame["value"])) == ["0.5", "7", "None", "8", "1.5"]
    assert frame["quality"].fillna("").tolist() == ["good", "", "good", "", "bad"]
    assert frame["error"].fillna("").tolist() == ["", "", "gone", "", ""]


def test_a_quality_that_changes_alone_is_a_change() -> None:
    column = changes((2, 0.5), (4, None), (6, 1.5))
    seconds, codes = zip((1, 0), (2, 1), (3, 3), (3.5, 3), (5, 0), (6, 2), (7, 0), strict=True)
    quality = Changes(
        np.array([round(each * SECOND) for each in seconds]),
        np.array(codes, dtype=np.int8),
        np.array([False] * 7),
    )
    frame = changes_frame([TWO[0]], [column], [quality], [{4 * SECOND: "gone"}])

    assert [stamp.value / SECOND for stamp in frame["time"]] == [2, 3, 4, 6, 7]
    assert frame["value"].fillna(-1).tolist() == [0.5, 0.5, -1, 1.5, 1.5]
    assert frame["quality"].tolist() == ["acceptable", "bad", "bad", "unreliable", "good"]
    assert frame["error"].fillna("").tolist() == ["", "", "gone", "", ""]


def test_changes_of_one_data_type_are_typed() -> None:
    frame = changes_frame([TWO[0]], [COLUMNS[0]], [None], [{2 * SECOND: "gone"}])

    assert str(frame["value"].dtype) == "float64"
    empty = changes_frame([], [], [], [])
    assert empty.columns.tolist() == frame.columns.tolist()
