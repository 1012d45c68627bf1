"""Files that are complete at any moment, and never a row twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recordings.rows import ONE, SECOND, START, TWO, attribute, full_disk, rows
from xentara_nb import RecordingError, open_recording
from xentara_nb.recordings.columns import COLUMNS
from xentara_nb.recordings.writer import RecordingWriter

FILE = "day=2026-09-21/part-20260921T14-*-0001.parquet"


def values(folder: Path, key: str = "Plant.Point 1") -> dict[float, float]:
    """Return the values of a point by their times, in seconds after the start."""
    changes = open_recording(folder, rows=[key]).changes()
    seconds = (changes["time"].to_numpy("datetime64[ns]").view(np.int64) - START) / SECOND
    found = dict(zip(seconds.tolist(), changes["value"].tolist(), strict=True))
    assert len(found) == len(changes)  # none twice
    return found


def test_a_folder_for_each_day_and_a_file_for_each_hour(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with RecordingWriter(folder, [ONE, TWO]) as writer:
        writer.append(rows(1, [0, 1], [1.0, 2.0]))
        writer.append(rows(0, [-0.5, 0, 3599.9, 3600, 36000], [0.0, 1.0, 2.0, 3.0, 4.0]))
        assert writer.waiting == 7
        assert list(folder.iterdir()) == []
        writer.flush()
        assert writer.waiting == 0
        assert (writer.rows, writer.files) == (7, 4)
        assert writer.last == START + 36000 * SECOND
    names = sorted(str(path.relative_to(folder)) for path in folder.glob("*/*"))
    hours = [name.split("-")[-3] for name in names]
    assert hours == ["20260921T13", "20260921T14", "20260921T15", "20260922T00"]
    assert writer.bytes == sum(path.stat().st_size for path in folder.glob("*/*"))
    assert values(folder) == {-0.5: 0.0, 0: 1.0, 3599.9: 2.0, 3600: 3.0, 36000: 4.0}
    (path,) = folder.glob("day=*/part-20260921T14-*")
    table = pq.read_table(path, partitioning=None)
    assert table.column_names == list(COLUMNS)
    assert table["primary_key"].to_pylist() == ["Plant.Point 1"] * 2 + ["Plant.Point 2"] * 2
    assert table["quality"].to_pylist() == ["good"] * 4


def test_a_file_grows_until_it_is_full(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, [ONE], max_rows=10) as writer:
        for second in range(0, 25, 5):
            writer.append(rows(0, range(second, second + 5), [float(second)] * 5))
            writer.flush()
            assert len(values(tmp_path)) == second + 5
        assert writer.files == 3
    sizes = [pq.read_metadata(path).num_rows for path in sorted(tmp_path.glob("*/*"))]
    assert sizes == [10, 10, 5]


def test_more_at_once_than_a_file_takes(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, [ONE, TWO], max_rows=7) as writer:
        writer.append(rows(0, range(20), range(20)))
        writer.append(rows(1, range(20), range(20)))
        writer.flush()
        assert writer.files == 6
    assert values(tmp_path) == values(tmp_path, "Plant.Point 2") == {n: n for n in range(20)}


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, [ONE]) as writer:
        writer.flush()
        writer.append(rows(0, [], []))
        writer.flush()
        writer.append(rows(0, [1], [1.0]))
        writer.flush()
        (path,) = tmp_path.glob("*/*")
        before = path.stat()
        writer.append(rows(0, [1], [2.0]))  # the same time once more
        writer.flush()
        assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert values(tmp_path) == {1: 1.0}


def test_it_goes_on_without_doing_anything_twice(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, [ONE, TWO]) as writer:
        writer.append(rows(0, [1, 2, 4000], [1.0, 2.0, 3.0]))
    with RecordingWriter(tmp_path, [TWO, ONE]) as writer:
        writer.append(rows(1, [2, 3, 4000, 4001], [2.0, 2.5, 3.0, 4.0]))
        writer.append(rows(0, [2], [7.0]))
        writer.flush()
        assert writer.rows == 3
    assert values(tmp_path) == {1: 1.0, 2: 2.0, 3: 2.5, 4000: 3.0, 4001: 4.0}
    assert values(tmp_path, "Plant.Point 2") == {2: 7.0}


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), max_size=8), max_size=6),
    st.integers(2, 9),
)
@settings(max_examples=15)
def test_any_rows_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[tuple[int, int]]], most: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    expected: tuple[dict[float, float], ...] = ({}, {})
    for number, run in enumerate(runs):
        if number % 3 == 0:
            writer = RecordingWriter(folder, [ONE, TWO], max_rows=most)
        new: tuple[dict[float, float], ...] = ({}, {})
        for place, time in run:
            seconds = time * 1200.0  # some hours
            writer.append(rows(place, [seconds], [float(number)]))
            new[place][seconds] = float(number)
        writer.flush()
        for place in (0, 1):
            expected[place].update({**new[place], **expected[place]})  # the first one stays
        if number % 3 == 2 or number == len(runs) - 1:
            writer.close()
    if expected[0]:
        assert values(folder) == expected[0]
    if expected[1]:
        assert values(folder, "Plant.Point 2") == expected[1]


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with (
        RecordingWriter(tmp_path, [ONE]),
        pytest.raises(RecordingError, match="another program records into"),
    ):
        RecordingWriter(tmp_path, [ONE])
    RecordingWriter(tmp_path, [ONE]).close()


def test_a_full_disk(tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    with RecordingWriter(folder, [ONE, TWO]) as writer:
        writer.append(rows(0, [1, 2], [1.0, 2.0]))
        writer.flush()
        writer.append(rows(0, [3, 3601], [3.0, 4.0]))
        writer.append(rows(1, [3], [5.0]))
        with (
            full_disk(100),
            pytest.raises(
                RecordingError,
                match=r"File too large.* was written before is complete\. 3 rows wait.*Make room",
            ),
        ):
            writer.flush()
        assert values(folder) == {1: 1.0, 2: 2.0}
        assert os.listdir(tmp_path) == ["recording"]  # no half file is left
        # With room again, nothing is lost.
        writer.flush()
        assert values(folder) == {1: 1.0, 2: 2.0, 3: 3.0, 3601: 4.0}
        assert values(folder, "Plant.Point 2") == {3: 5.0}
        writer.append(rows(0, [2, 4], [9.0, 6.0]))
    assert values(folder) == {1: 1.0, 2: 2.0, 3: 3.0, 4: 6.0, 3601: 4.0}


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match=r"cannot be written: .*file is a file"):
        RecordingWriter(tmp_path / "file", [ONE])


CHILD = """
import sys
from pathlib import Path
from tests.recordings.rows import ONE, rows
from xentara_nb.recordings.writer import RecordingWriter

writer = RecordingWriter(Path(sys.argv[1]), [ONE], max_rows=1000)
for number in range(10**6):
    writer.append(rows(0, [number / 1000 + n / 10**5 for n in range(100)], [number] * 100))
    writer.flush()
    print(number, flush=True)
"""


def test_a_process_that_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) >= 40:
                break
        child.send_signal(signal.SIGKILL)
        flushed = [int(line), *(int(rest) for rest in child.stdout)][-1]
        child.wait(20)
    found = values(folder)
    assert len(found) in ((flushed + 1) * 100, (flushed + 2) * 100)
    assert all(int(second * 1000) == value for second, value in found.items())
    # What the killed one left is taken away, and it goes on.
    (tmp_path / ".recording.recording.tmp").touch()
    with RecordingWriter(folder, [ONE]) as writer:
        writer.append(rows(0, [flushed / 1000, 3000], [flushed, 1]))
    assert os.listdir(tmp_path) == ["recording"]
    assert len(values(folder)) == len(found) + 1


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from xentara_nb import MissingExtraError

    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.setitem(sys.modules, "pyarrow.dataset", None)
    with pytest.raises(MissingExtraError, match=r"xentara_nb\[parquet\]"):
        RecordingWriter(tmp_path, [attribute(3)])
    with pytest.raises(MissingExtraError, match=r"xentara_nb\[parquet\]"):
        open_recording(tmp_path)
