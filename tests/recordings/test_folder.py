"""Which files of a recording are for which hours."""

from __future__ import annotations

from pathlib import Path

from tests.recordings.rows import ONE, SECOND, START, rows
from xentara_nb.recordings.folder import HOUR, day_folder, files, hour_name, last_time
from xentara_nb.recordings.writer import RecordingWriter

NOW = START // HOUR


def test_names() -> None:
    assert hour_name(NOW) == "20260921T14"
    assert day_folder(Path("x"), NOW) == Path("x/day=2026-09-21")
    assert hour_name(0) == "19700101T00"


def test_the_files_of_some_hours(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, [ONE]) as writer:
        writer.append(rows(0, [0, 3600, 36000], [1.0, 2.0, 3.0]))
    # What else may be there.
    for name in ("notes.txt", "part-2026.parquet", "part-20269921T14-a-1.parquet"):
        (tmp_path / "day=2026-09-21" / name).touch()
    found = files(tmp_path, lambda hour: hour != NOW + 1)
    assert [hour for _, hour in found] == [NOW, NOW + 10]
    assert found[1][0].name.startswith("part-20260922T00-")


def test_the_newest_row(tmp_path: Path) -> None:
    nothing = last_time(tmp_path)
    assert nothing < 0
    with RecordingWriter(tmp_path, [ONE]) as writer:
        writer.append(rows(0, [0, 3600.000000001, 3600], [1.0, 2.0, 3.0]))
    # Never before it, and not long after.
    newest = START + 3600 * SECOND + 1
    assert newest <= last_time(tmp_path) <= newest + 1000
