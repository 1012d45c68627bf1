"""A recording is read as far as it is asked for, by this library and by others."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from tests.recordings.rows import ONE, SECOND, START, TWO, attribute, rows
from xentara_nb import NotFoundError, OptionError, Recording, RecordingError, open_recording
from xentara_nb.protocol.identifiers import DataType
from xentara_nb.recordings.writer import RecordingWriter

WHOLE = attribute(3, DataType.UNSIGNED_INTEGER_64)
TEXT = attribute(4, DataType.STRING)
UNITS = ONE._replace(attribute_name="units", attribute_id=UUID(int=77), data_type=11)
ALL = [ONE, TWO, WHOLE, TEXT, UNITS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days, five attributes, a gap."""
    folder = tmp_path_factory.mktemp("recording")
    with RecordingWriter(folder, ALL) as writer:
        for hour in range(0, 30, 3):
            times = [hour * 3600 + second for second in range(4)]
            writer.append(rows(0, times, [hour + 0.5, 1.0, 2.0, 3.0]))
            writer.append(rows(1, times[:2], [7.0, 8.0]))
        writer.append(rows(0, [5.0], [None], error="the connection was lost"))
        writer.append(rows(2, [1.0, 2.0], [18_000_000_000_000_000_000, 5]))
        writer.append(rows(3, [1.0], ["Grüße"]))
        writer.append(rows(4, [0.0], ["bar"]))
    return folder


def at(seconds: float) -> pd.Timestamp:
    return pd.Timestamp(START + round(seconds * SECOND), tz="UTC")


def test_all_of_it(folder: Path) -> None:
    recording = open_recording(folder)
    assert isinstance(recording, Recording)
    changes = recording.changes()
    assert {name: str(dtype) for name, dtype in changes.dtypes.items()} == {
        "time": "datetime64[ns, UTC]",
        "primary_key": "str",
        "element_uuid": "object",
        "attribute_name": "str",
        "attribute_id": "object",
        "value": "object",
        "quality": "str",
        "error": "str",
    }
    assert len(changes) == 65
    assert changes["time"].is_monotonic_increasing
    (gap,) = changes[changes["error"].notna()].itertuples()
    assert (gap.time, gap.value, gap.error) == (at(5), None, "the connection was lost")
    attributes = recording.attributes
    assert attributes["column"].tolist() == [
        "Plant.Point 1.units",
        "Plant.Point 1.value",
        "Plant.Point 2",
        "Plant.Point 3",
        "Plant.Point 4",
    ]
    assert attributes["rows"].tolist() == [1, 41, 20, 2, 1]
    assert attributes["attribute_id"].tolist() == [UUID(int=77), 11, 11, 11, 11]


def test_wide(folder: Path) -> None:
    frame = open_recording(folder, end=at(3600)).frame()
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "Plant.Point 1.units": "str",
        "Plant.Point 1.value": "float64",
        "Plant.Point 2": "float64",
        "Plant.Point 3": "UInt64",
        "Plant.Point 4": "str",
    }
    assert frame.index.name == "time"
    assert frame.index.tolist() == [at(second) for second in (0, 1, 2, 3, 5)]
    assert frame["Plant.Point 1.value"].tolist()[:4] == [0.5, 1.0, 2.0, 3.0]
    assert np.isnan(frame["Plant.Point 1.value"].iloc[4])
    assert frame["Plant.Point 3"].dropna().tolist() == [18_000_000_000_000_000_000, 5]
    filled = open_recording(folder, end=at(3600)).frame(fill="forward", freq="1s")
    assert filled["Plant.Point 4"].tolist()[1:] == ["Grüße"] * (len(filled) - 1)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["Plant.Point 1"], {"Plant.Point 1.units", "Plant.Point 1.value"}),
        ("Plant.Point 2", {"Plant.Point 2"}),
        (UUID(int=3), {"Plant.Point 2"}),
        (str(UUID(int=3)), {"Plant.Point 2"}),
        ([{"primary_key": "Plant.Point 1", "attribute_name": "value"}], {"Plant.Point 1"}),
        ([{"primary_key": "Plant.Point 1", "attribute_id": 11}], {"Plant.Point 1"}),
        (
            [{"element_uuid": UUID(int=2), "attribute_id": UUID(int=77)}],
            {"Plant.Point 1.units"},
        ),
        (["Plant.Point 2", UUID(int=5)], {"Plant.Point 2", "Plant.Point 4"}),
        ([], set()),
    ],
)
def test_some_attributes(folder: Path, asked: object, expected: set[str]) -> None:
    recording = open_recording(folder, rows=asked)
    assert set(recording.frame().columns) == expected
    assert set(recording.attributes["column"]) == expected
    assert recording.changes().empty == (not expected)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Plant.Piont 2", "nothing of 'Plant.Piont 2' was recorded in .*; did you mean 'Plant.Poi"),
        (["Plant.Point 1", "Plant.Point"], "nothing of 'Plant.Point' was recorded"),
        (UUID(int=99), f"nothing of '{UUID(int=99)}' was recorded"),
        (
            {"primary_key": "Plant.Point 1", "attribute_name": "vlaue"},
            "no attribute 'vlaue' of Plant.Point 1 was recorded in .*; did you mean 'value'",
        ),
        (
            {"element_uuid": UUID(int=3), "attribute_id": 12},
            f"no attribute 'error' of {UUID(int=3)} was recorded",
        ),
    ],
)
def test_attributes_that_were_never_recorded(folder: Path, asked: object, said: str) -> None:
    for start in (None, at(10**6)):
        recording = open_recording(folder, rows=asked, start=start)
        for method in (recording.frame, recording.changes):
            with pytest.raises(NotFoundError, match=said):
                method()


@pytest.mark.parametrize(
    ("start", "end", "count", "files"),
    [
        (None, None, 20, 10),
        (at(0), at(1), 1, 1),
        (at(1), at(3 * 3600 + 1), 2, 2),
        ("2026-09-22", None, 12, 6),
        ("2026-09-21 14:00", "2026-09-21 15:00", 2, 1),
        ("2026-09-21T16:00+02:00", "2026-09-21T17:00+02:00", 2, 1),
        (at(-9999), at(-5000), 0, 0),
        (at(10**6), None, 0, 0),
    ],
)
def test_from_when_to_when(
    folder: Path, start: object, end: object, count: int, files: int
) -> None:
    recording = open_recording(folder, start=start, end=end, rows=["Plant.Point 2"])
    assert len(recording.files) == files
    assert len(recording.changes()) == count
    frame = recording.frame()
    assert len(frame) == count
    assert str(frame.index.dtype) == "datetime64[ns, UTC]"


def test_no_more_than_that_is_read(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    for path in broken.glob("day=2026-09-22/*"):
        path.write_bytes(b"no Parquet")
    recording = open_recording(broken, end="2026-09-22")
    assert len(recording.changes()) > 0
    assert "broken" in repr(recording)
    assert "to 2026-09-22 00:00:00Z" in repr(recording)
    with pytest.raises(RecordingError, match="cannot be read"):
        open_recording(broken).changes()


@pytest.mark.parametrize(
    ("column", "cells", "said"),
    [
        ("element_uuid", ["no UUID"], "has the ids 'no UUID' and '11'"),
        ("primary_key", [None], "there are rows without primary_key"),
        ("primary_key", [b"Plant\xca"], "UTF"),
        ("value", ["much"], "Failed to parse string"),
        ("time", ["noon"], "Failed to parse string"),
    ],
)
def test_a_file_that_was_changed(tmp_path: Path, column: str, cells: list[Any], said: str) -> None:
    for hour in (0, 3):
        with RecordingWriter(tmp_path, [ONE]) as writer:
            writer.append(rows(0, [hour * 3600.0], [1.0]))
    changed = max(tmp_path.rglob("*.parquet"))
    table = pq.read_table(changed)
    place = table.schema.get_field_index(column)
    texts = pa.array(cells, pa.binary()).view(pa.string())
    pq.write_table(table.set_column(place, column, texts), changed)

    recording = open_recording(tmp_path)
    assert "Recording" in repr(recording)
    named = tmp_path.name if column == "element_uuid" else changed.name
    for read in (recording.changes, recording.frame):
        with pytest.raises(RecordingError, match=said) as caught:
            read()
        assert named in str(caught.value)
    if column == "time":
        with pytest.raises(RecordingError, match=changed.name):
            RecordingWriter(tmp_path, [ONE])


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no such folder"):
        open_recording(tmp_path / "nowhere")
    for moment in ("soon", "05.11.2026", object(), "99999-01-01", pd.NaT, 5):
        with pytest.raises(OptionError, match=r"start=.* is no time"):
            open_recording(tmp_path, start=moment)
    empty = open_recording(tmp_path)
    assert empty.changes().empty
    assert open_recording(tmp_path, rows="Plant").changes().empty  # it may be recorded yet
    assert empty.frame().empty
    assert empty.attributes.empty


# Other programs.


def test_pandas_reads_the_folder(folder: Path) -> None:
    frame = pd.read_parquet(folder)
    assert len(frame) == 65
    assert str(frame["time"].dtype) == "datetime64[ns, UTC]"
    assert str(frame["primary_key"].dtype) == "str"
    assert frame.groupby("primary_key")["value"].max()["Plant.Point 2"] == 8.0
    one = pd.read_parquet(
        folder,
        columns=["time", "value"],
        filters=[("day", "=", "2026-09-22"), ("primary_key", "=", "Plant.Point 2")],
    )
    assert len(one) == 12


def test_duckdb_reads_the_folder(folder: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed (extra dev)")
    with duckdb.connect() as connection:
        found = connection.execute(
            "select primary_key, attribute_name, count(*), max(value)"
            f" from '{folder}/**/*.parquet'"
            " where day = '2026-09-21' and time < '2026-09-21 15:00:00+00'"
            " group by all order by all"
        ).fetchall()
    assert found == [
        ("Plant.Point 1", "units", 1, None),
        ("Plant.Point 1", "value", 5, 3.0),
        ("Plant.Point 2", "value", 2, 8.0),
        ("Plant.Point 3", "value", 2, 1.8e19),
        ("Plant.Point 4", "value", 1, None),
    ]


def test_polars_reads_the_folder(folder: Path) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed (extra dev)")
    frame = polars.read_parquet(folder)
    assert frame.height == 65
    assert frame.schema["time"] == polars.Datetime("ns", "UTC")
    lazy = polars.scan_parquet(f"{folder}/**/*.parquet", hive_partitioning=True)
    found = (
        lazy.filter(polars.col("primary_key") == "Plant.Point 2")
        .group_by("day")
        .agg(polars.col("value").count())
        .sort("day")
        .collect()
    )
    assert found["value"].to_list() == [8, 12]


@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # it is Dask that is meant
def test_dask_reads_the_folder(folder: Path) -> None:
    dask = pytest.importorskip("dask.dataframe", reason="dask is not installed")
    assert len(dask.read_parquet(folder).compute()) == 65


def test_what_a_recording_says_of_itself(folder: Path, tmp_path: Path) -> None:
    assert repr(open_recording(folder)) == (
        f"<Recording {folder}, 2026-09-21 14:00:00Z to 2026-09-22 17:00:03Z, 65 rows of "
        "5 attributes in 10 files>"
    )
    assert repr(open_recording(tmp_path)) == f"<Recording {tmp_path}, nothing in it>"
    damaged = tmp_path / "damaged"
    shutil.copytree(folder, damaged)
    open_recording(damaged).files[0].write_bytes(b"no Parquet")
    assert repr(open_recording(damaged)) == f"<Recording {damaged}, which cannot be read>"


def test_what_a_long_recording_says_of_itself(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, [ONE]) as writer:
        writer.append(rows(0, [hour * 3600.0 for hour in range(101)], [1.0] * 101))
    assert repr(open_recording(tmp_path)) == (
        f"<Recording {tmp_path}, 2026-09-21 14:00:00Z to 2026-09-25 18:00:00Z, in 101 files>"
    )
