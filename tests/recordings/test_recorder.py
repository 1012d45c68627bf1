"""client.record: what a watch sees is in the folder, in any case."""

from __future__ import annotations

import _thread
import io
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from tests.conftest import Fake
from tests.recordings.rows import full_disk
from tests.support.listener import PATIENCE
from tests.support.proxy import Proxy
from tests.support.server import publishing
from xentara_nb import Client, OptionError, Recording, RecordingError, connect, open_recording
from xentara_nb.protocol.commands import DataChange
from xentara_nb.protocol.values import TimePoint
from xentara_nb.recordings.columns import described
from xentara_nb.recordings.progress import line
from xentara_nb.recordings.recorder import Recorder
from xentara_nb.recordings.writer import RecordingWriter
from xentara_nb.simulator import Simulator

SPEED, RECIPE, BATCH = (f"Plant.Line 1.{name}" for name in ("Speed", "Recipe", "Batch"))


class Steps:
    """Does something with each report of a recorder, once more has been written; then stops it."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps = list(steps)
        self.rows = 0

    def __call__(self, recorder: Recorder) -> None:
        if recorder.writer.rows > self.rows:
            self.rows = recorder.writer.rows
            if not self.steps:
                recorder.stop()
            else:
                self.steps.pop(0)()


def record(client: Client, rows: Any, folder: Path, *steps: Callable[[], object]) -> Recording:
    return client.record(rows, folder, flush_every=0.02, progress=Steps(*steps))


def values(folder: Path, key: str) -> list[Any]:
    changes = open_recording(folder, rows=[key]).changes()
    assert not changes.duplicated(["time"]).any()
    return changes[changes["error"].isna()]["value"].tolist()


def test_changes_are_recorded(plant: Simulator, client: Client, tmp_path: Path) -> None:
    inventory = client.inventory("Plant.Line 1")
    rows = inventory.xentara.attribute("value")
    rows = rows[rows["access"] != "write only"]
    recording = record(
        client,
        rows,
        tmp_path,
        lambda: client.write(RECIPE, "Lemonade", verify=False),
        lambda: client.write(BATCH, 4800, verify=False),
        lambda: client.write(RECIPE, "Tea", verify=False),
        lambda: None,
        lambda: None,
    )
    assert set(recording.frame().columns) == set(rows["primary_key"])
    assert values(tmp_path, RECIPE)[-2:] == ["Lemonade", "Tea"]
    assert values(tmp_path, BATCH)[-1] == 4800
    changes = recording.changes()
    assert set(changes["quality"]) == {"good"}
    assert len(values(tmp_path, SPEED)) >= 1


def test_it_goes_on_in_the_same_folder(plant: Simulator, client: Client, tmp_path: Path) -> None:
    for batch in (1, 2, 3):
        client.write(BATCH, batch)
        record(client, [BATCH, SPEED], tmp_path)
    assert [batch for batch in values(tmp_path, BATCH) if batch <= 3] == [1, 2, 3]
    assert not open_recording(tmp_path).changes().duplicated(["time", "primary_key"]).any()


def test_a_gap_is_where_it_was_stopped(client: Client, tmp_path: Path) -> None:
    record(client, [SPEED], tmp_path)
    stopped = open_recording(tmp_path).changes()["time"].iloc[-1]
    client.write(BATCH, 7)
    record(client, [SPEED, BATCH], tmp_path)
    changes = open_recording(tmp_path).changes()
    gaps = changes[changes["error"].notna()]
    # Also of what was not recorded before: all began again.
    assert sorted(gaps["primary_key"]) == [BATCH, SPEED]
    assert gaps["time"].tolist() == [stopped + pd.Timedelta(1, "ns")] * 2
    assert gaps["error"].str.contains("the recording was stopped").all()
    assert gaps["value"].isna().all()
    later = changes[changes["time"] > gaps["time"].iloc[0]]
    assert later.groupby("primary_key")["value"].first()[BATCH] == 7
    frame = open_recording(tmp_path, rows=[BATCH]).frame(fill="forward")
    assert frame[BATCH].iloc[0] is pd.NA


def test_ctrl_c_ends_it_with_everything_written(
    plant: Simulator, client: Client, tmp_path: Path
) -> None:
    # Nothing is flushed before the end here.
    def interrupt(recorder: Recorder) -> None:
        if len(recorder.watch.changes()) >= 2:
            _thread.interrupt_main()

    recording = client.record([BATCH, SPEED], tmp_path, flush_every=1000, progress=interrupt)
    assert len(recording.changes()) >= 2
    with pytest.raises(KeyboardInterrupt):
        client.record(
            [BATCH, SPEED], tmp_path / "2", flush_every=1000, for_=1000, progress=interrupt
        )
    assert len(open_recording(tmp_path / "2").changes()) >= 2


def test_it_ends_by_itself(
    plant: Simulator, client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = client.record([BATCH], tmp_path, for_=0.3, progress=True)
    assert len(recording.changes()) == 1
    assert "1 change of 1 attribute" in capsys.readouterr().err
    client.record([BATCH], tmp_path, for_=0.01)  # no one sees a line that is not on a terminal
    assert capsys.readouterr().err == ""


def test_however_short_it_waits_for_the_first_values(
    plant: Simulator, client: Client, tmp_path: Path
) -> None:
    recording = client.record([BATCH, SPEED], tmp_path, for_=0.001, progress=False)
    assert set(recording.changes()["primary_key"]) == {BATCH, SPEED}
    # What was recorded before does not count.
    more = client.record([BATCH, SPEED], tmp_path, for_=0.001, progress=False)
    assert more.changes()["error"].str.contains("was stopped").sum() == 2


def test_a_terminal_that_is_gone_ends_no_recording(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    assert len(client.record([BATCH], tmp_path, for_=0.001, progress=True).changes()) == 1


def test_it_does_not_wait_for_ever_for_the_first_values(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xentara_nb.recordings.recorder.FIRST_VALUES", 0.2)
    nothing, _ = recorder.watch.changes_and_losses({})
    none_lost = np.zeros((0, 2), dtype=np.int64)
    monkeypatch.setattr(
        recorder.watch, "changes_and_losses", lambda marks: (nothing[:0], none_lost)
    )
    seconds: list[float] = []
    recorder.run(0.001, lambda each: seconds.append(each.seconds))
    assert seconds[-1] >= 0.2
    assert recorder.writer.rows == 0


def test_a_gap_is_in_the_data(plant: Simulator, tmp_path: Path) -> None:
    with (
        Proxy(plant.port) as proxy,
        connect(proxy.url, user="engineer", password="engineer-demo") as client,
    ):
        seen = threading.Event()

        def step(recorder: Recorder) -> None:
            if recorder.writer.rows and not seen.is_set():
                seen.set()
                proxy.cut()
            errors = recorder.watch.changes()["error"].notna()
            # After the gap, values come again.
            if errors.any() and not errors.iloc[-1]:
                recorder.stop()

        recording = client.record([SPEED], tmp_path, flush_every=0.02, progress=step)
    changes = recording.changes()
    gaps = changes["error"].notna()
    assert gaps.any()
    assert changes[gaps]["value"].isna().all()
    assert not gaps.iloc[-1]


@pytest.fixture
def recorder(client: Client, tmp_path: Path) -> Iterator[Recorder]:
    """A recorder of two attributes, whose watch keeps no more than three changes of each."""
    rows = client.inventory("Plant.Line 1").xentara.attribute("value")
    rows = rows[rows["primary_key"].isin([BATCH, RECIPE])]
    attributes = [
        described(key, name, data_type, str(uuid), str(int(attribute_id)))
        for key, name, data_type, uuid, attribute_id in zip(
            *(rows[name] for name in ("primary_key", "attribute_name", "data_type")),
            *(rows[name] for name in ("element_uuid", "attribute_id")),
            strict=True,
        )
    ]
    client.write(BATCH, 0)
    with (
        RecordingWriter(tmp_path, attributes) as writer,
        client.watch(rows, keep=3) as watch,
    ):
        watch.until(lambda latest: latest["value"].notna().all(), timeout=30)
        yield Recorder(watch, writer, attributes)


def write_batches(client: Client, recorder: Recorder, *batches: int) -> None:
    for batch in batches:
        client.write(BATCH, batch, verify=False)
        recorder.watch.until(lambda latest, b=batch: b in latest["value"].tolist(), timeout=30)


def test_what_is_lost_while_the_disk_is_busy_is_a_gap(
    plant: Simulator, client: Client, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.flush()
    write_batches(client, recorder, 1, 2)
    recorder.flush()
    write_batches(client, recorder, 3, 4, 5)
    recorder.flush()
    assert recorder.lost == 0
    assert "lost" not in line(recorder)
    assert not caplog.records
    write_batches(client, recorder, *range(6, 13))
    recorder.flush()
    write_batches(client, recorder, 13)
    recorder.flush()

    assert recorder.lost == 4
    assert "; 4 changes lost: the disk is too slow" in line(recorder)
    assert "4 changes were not recorded" in caplog.text
    recording = open_recording(recorder.writer.folder)
    changes = recording.changes()
    assert changes[changes["primary_key"] == RECIPE]["error"].isna().all()
    changes = changes[changes["primary_key"] == BATCH].reset_index(drop=True)
    assert changes["value"].fillna(-1).tolist() == [0, 1, 2, 3, 4, 5, -1, 10, 11, 12, 13]
    gap = changes[changes["error"].notna()]
    assert gap.index.tolist() == [6]
    assert gap["error"].item() == (
        "4 changes were not recorded: the disk took longer than they are kept"
    )
    # From the last value that was recorded: it may have held no longer.
    assert changes["time"].diff()[6] == pd.Timedelta(1, "ns")
    assert recording.frame(fill="forward")[BATCH].isna().sum() == 1


def test_the_clock_of_the_server_is_set_back(fake: Fake, tmp_path: Path) -> None:
    tank = UUID(int=0xA1)
    messages = [
        [DataChange(TimePoint(second * 1_000_000_000), tank, {11: value}).event()]
        for second, value in [(5000, 0.1), (1000, 0.2), (1001, 0.3), (1002, 0.4)]
    ]
    lost: list[int] = []

    def stop(recorder: Recorder) -> None:
        lost.append(recorder.lost)
        if recorder.writer.rows == 4:
            recorder.stop()

    with fake(publishing(*messages)).connect() as client:
        client.record(tank, tmp_path, for_=PATIENCE, flush_every=0.02, progress=stop)
    assert values(tmp_path, "Tank") == [0.2, 0.3, 0.4, 0.1]
    assert not any(lost)


def test_values_that_are_not_of_their_data_type(fake: Fake, tmp_path: Path) -> None:
    tank, odd = UUID(int=0xA1), [0.5, "text", 2**63, True, 1.5]
    events = [
        DataChange(TimePoint(second * 1_000_000_000), tank, {11: value}).event()
        for second, value in enumerate(odd, 1000)
    ]

    def stop(recorder: Recorder) -> None:
        if recorder.writer.rows == len(odd):
            recorder.stop()

    with fake(publishing(events)).connect() as client:
        recording = client.record(tank, tmp_path, for_=PATIENCE, flush_every=0.02, progress=stop)
    assert values(tmp_path, "Tank") == odd
    assert recording.frame()["Tank"].tolist() == odd


def test_what_is_lost_before_anything_was_recorded(
    plant: Simulator, client: Client, recorder: Recorder
) -> None:
    write_batches(client, recorder, 1, 2, 3, 4)
    recorder.flush()
    assert recorder.lost == 2
    changes = open_recording(recorder.writer.folder, rows=[BATCH]).changes()
    assert changes["value"].fillna(-1).tolist() == [-1, 2, 3, 4]
    assert "2 changes were not recorded" in changes["error"].iloc[0]


def test_a_full_disk(plant: Simulator, client: Client, tmp_path: Path) -> None:
    record(client, [BATCH, SPEED], tmp_path / "recording")
    before = open_recording(tmp_path / "recording").changes()
    with full_disk(100), pytest.raises(RecordingError, match="What was written before is complete"):
        client.record([BATCH, SPEED], tmp_path / "recording", flush_every=0.02, progress=False)
    pd.testing.assert_frame_equal(open_recording(tmp_path / "recording").changes(), before)
    assert len(record(client, [BATCH, SPEED], tmp_path / "recording").changes()) > len(before)


def test_a_client_that_is_closed(plant: Simulator, tmp_path: Path) -> None:
    from xentara_nb import ConnectionLostError

    with plant.connect() as client, pytest.raises(ConnectionLostError):
        record(client, [SPEED, BATCH], tmp_path, client.close, lambda: None, lambda: None)
    assert len(values(tmp_path, BATCH)) == 1


def test_folder_and_elements_that_were_interchanged(client: Client, tmp_path: Path) -> None:
    rows = client.inventory("Plant.Line 1", progress=False)
    with pytest.raises(OptionError, match="a path is a text or a Path, not XentaraFrame"):
        client.record(str(tmp_path / "recording"), rows)
    assert not list(tmp_path.iterdir())


def test_what_makes_no_sense(plant: Simulator, client: Client, tmp_path: Path) -> None:
    for arguments in ({"for_": 0}, {"for_": -1}, {"flush_every": 0}, {"flush_every": "1"}):
        with pytest.raises(OptionError, match="is a time in seconds"):
            client.record([BATCH], tmp_path, progress=False, **arguments)
    assert client.ended is None
