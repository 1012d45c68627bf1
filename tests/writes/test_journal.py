"""The journal: on the disk before the wire, several writers at once, torn lines, full disks."""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from tests.writes.lines import KEY, line, write_by_programs
from xentara_nb import read_journal
from xentara_nb.connection.connection import Connection
from xentara_nb.errors import OptionError, WriteRefusedError
from xentara_nb.writes import file_lock
from xentara_nb.writes import journal as journals
from xentara_nb.writes.journal import Journal, JournalWarning, default_path

# Where it is.


@pytest.mark.skipif(sys.platform != "linux", reason="each system has its own place")
def test_the_usual_place(monkeypatch):
    monkeypatch.delenv("XENTARA_JOURNAL", raising=False)
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert default_path() == Path("/home/anna/.local/state/xentara_nb/journal.jsonl")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_path() == Path("/state/xentara_nb/journal.jsonl")
    assert Journal().path == Journal(True).path == default_path()


def test_another_place(monkeypatch, tmp_path):
    monkeypatch.setenv("XENTARA_JOURNAL", str(tmp_path / "a"))
    assert Journal().path == tmp_path / "a"
    assert Journal(tmp_path / "b").path == tmp_path / "b"
    assert Journal(Journal("c")).path == Path.cwd() / "c"
    assert Journal(False).path is None
    monkeypatch.setenv("XENTARA_JOURNAL", "OFF")
    assert Journal().path is None
    assert Journal("d").path == Path.cwd() / "d"
    monkeypatch.setenv("HOME", "/home/anna")
    assert Journal("~/x").path == Path("/home/anna/x")
    assert repr(Journal("/d")) == "<Journal /d>"
    assert repr(Journal()) == "<Journal off>"


def test_a_client_without_a_journal(plant, journal):
    with plant.connect(journal=False) as client:
        assert client.write(KEY, 1).ok
        assert not journal.exists()
        # Chosen again at any time.
        client.journal = journal
        assert client.write(KEY, 2).ok
        client.journal = False
        assert client.write(KEY, 3).ok
    assert read_journal(journal)["value"].tolist() == [2.0]


def test_it_is_for_its_user_alone(client, journal):
    client.write(KEY, 1)
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.parent.stat().st_mode) == 0o700


# Before the wire.


def test_the_intent_is_on_the_disk_before_the_bytes_are_on_the_wire(client, journal, monkeypatch):
    events = []
    begin, fsync = Connection.begin, os.fsync

    def watched_begin(connection, commands, *args):
        names = {command.name for command in commands}
        events.append(("begin", "write" in names, journal.exists() and journal.read_text()))
        return begin(connection, commands, *args)

    def watched_fsync(file):
        events.append(("fsync", os.fstat(file).st_size))
        return fsync(file)

    monkeypatch.setattr(Connection, "begin", watched_begin)
    monkeypatch.setattr(os, "fsync", watched_fsync)
    client.plan_writes({f"Plant.Line {n}.Set point": 5 for n in (1, 2, 3)}).apply()
    at = [index for index, event in enumerate(events) if event[:2] == ("begin", True)]
    assert len(at) == 3
    for number, index in enumerate(at, 1):
        written = events[index][2]
        assert written.count('"event": "intent"') == number
        # One to three: the file, and once the folder that its name is in.
        assert "fsync" in [event[0] for event in events[index - 2 : index]]


def test_one_sync_for_a_message(client, journal, monkeypatch):
    client.write(KEY, 1)
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(file), fsync(file)))
    client.plan_writes({f"Plant.Line {n}.Set point": 6 for n in (1, 2, 3)}).apply(
        on_error="continue"
    )
    assert len(synced) == 1


@pytest.mark.parametrize(
    "error", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO, errno.EACCES]
)
@pytest.mark.parametrize("call", ["open", "write", "fsync"])
def test_a_disk_that_fails_refuses_the_write(plant, client, journal, monkeypatch, call, error):
    client.write(KEY, 1)
    plan = client.plan_writes({KEY: 2})
    plant.forget()
    before = journal.read_bytes()

    def fail(*args, **options):
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as patch:
        patch.setattr(journals.os, call, fail)
        for write in (lambda: client.write(KEY, 2), plan.apply):
            with pytest.raises(WriteRefusedError, match=r"(?s)cannot be written.*nothing was sent"):
                write()
    assert len(plant.writes) == 0
    assert journal.read_bytes() == before
    assert plan.apply().ok  # nothing was sent, so the plan is as good as before


def test_a_disk_that_fills_up_leaves_no_torn_line(client, journal, monkeypatch):
    client.write(KEY, 1)
    before = journal.read_bytes()
    write = os.write
    calls = []

    def fill(file, data):
        calls.append(data)
        if len(calls) == 1:
            return write(file, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journals.os, "write", fill)
        with pytest.raises(WriteRefusedError, match="No space left"):
            client.write(KEY, 2)
    assert journal.read_bytes() == before


def test_a_folder_that_cannot_be_made(plant, client, tmp_path):
    (tmp_path / "file").touch()
    client.journal = Journal(tmp_path / "file" / "journal.jsonl")
    with pytest.raises(WriteRefusedError, match="cannot be written"):
        client.write(KEY, 1)
    client.journal = Journal(tmp_path)
    with pytest.raises(WriteRefusedError, match="Is a directory"):
        client.write(KEY, 1)
    with pytest.raises(OptionError, match="null character"):
        client.journal = Journal("a\0b")
    assert len(plant.writes) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFO")
def test_what_is_no_file_is_no_journal(plant, client, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for place, kind in ((tmp_path / "fifo", "a FIFO"), ("/dev/null", "a device")):
        client.journal = Journal(place)
        with pytest.raises(WriteRefusedError, match="no regular file"):
            client.write(KEY, 1)
        with pytest.raises(OptionError, match=kind):
            read_journal(place)
    assert len(plant.writes) == 0


def test_a_relative_journal_is_the_same_after_a_chdir(client, tmp_path, monkeypatch):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("XENTARA_JOURNAL", f"{tmp_path.name}.jsonl")
    monkeypatch.chdir(tmp_path / "a")
    client.journal, other = Journal(), Journal("other.jsonl")
    monkeypatch.chdir(tmp_path / "b")
    client.write(KEY, 1)
    client.journal = other
    client.write(KEY, 2)
    assert len(read_journal()) == len(read_journal(other)) == 1
    assert not list((tmp_path / "b").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="other rights")
def test_a_journal_that_others_may_write_is_not_read(client, journal):
    client.write(KEY, 1)
    journal.chmod(0o666)
    with pytest.raises(OptionError, match="others may write it"):
        read_journal()


def test_an_outcome_that_cannot_be_noted_is_a_warning(plant, client, journal, monkeypatch):
    plan = client.plan_writes({KEY: 3, "Plant.Line 2.Set point": 3})
    fsync = os.fsync

    def full_from_now_on(file):
        fsync(file)
        patch.setattr(journals.os, "write", lambda *args: fail())

    def fail():
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journals.os, "fsync", full_from_now_on)
        with pytest.warns(JournalWarning, match="will show the outcome of the last writes"):
            report = plan.apply()
    # The first was sent, and of that the report is right; there was no room to intend the second.
    assert [str(result.outcome) for result in report] == ["VERIFIED", "SKIPPED"]
    assert "No space left" in report[1].reason
    assert read_journal()["outcome"].tolist() == ["UNKNOWN"]
    assert len(plant.writes) == 1


# Several writers, torn lines.


def test_several_threads_write_whole_lines(journal):
    def write(start: int) -> None:
        for number in range(start, start + 50):
            Journal().note([line(number), line(number, "outcome")])

    threads = [threading.Thread(target=write, args=(start * 1000,)) for start in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    frame = read_journal()
    assert len(frame) == 300
    assert (frame["outcome"] == "VERIFIED").all()


def test_several_programs_write_whole_lines(journal):
    write_by_programs(
        "note",
        [
            [line(number * 1000 + n, event) for n in range(100) for event in ("intent", "outcome")]
            for number in range(3)
        ],
    )
    frame = read_journal()
    assert len(frame) == 300
    assert (frame["outcome"] == "VERIFIED").all()


def test_a_lock_that_is_held_for_long(plant, client, journal, monkeypatch):
    fcntl = pytest.importorskip("fcntl", reason="Windows has other locks")
    client.write(KEY, 1)
    plant.forget()
    monkeypatch.setattr(file_lock, "LOCK_TIMEOUT", 0.05)
    with journal.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(WriteRefusedError, match="another program holds it"):
            client.write(KEY, 2)
        # An outcome is noted all the same: it is appended in one piece.
        Journal().note([line(1)])
    assert len(plant.writes) == 0
    assert read_journal()["id"].tolist()[-1] == "plan-1"


def test_a_file_system_without_locks(client, journal, monkeypatch):
    fcntl = pytest.importorskip("fcntl", reason="Windows has other locks")

    def no_locks(*args):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert client.write(KEY, 1).ok
    assert read_journal()["outcome"].tolist() == ["VERIFIED"]


def test_a_journal_that_is_moved_away_is_begun_anew(client, journal):
    client.write(KEY, 1)
    journal.rename(journal.with_suffix(".1"))
    client.write(KEY, 2)
    assert read_journal()["value"].tolist() == [2.0]
    assert read_journal(journal.with_suffix(".1"))["value"].tolist() == [1.0]


# Where there is no home folder, as in some containers.


@pytest.fixture
def no_home(monkeypatch, tmp_path):
    if sys.platform == "win32":
        pytest.skip("Windows always has one")
    import pwd

    def unknown(user):
        raise KeyError(user)

    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME", "LNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("XENTARA_JOURNAL", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    return tmp_path


def test_without_a_home_folder_everything_but_a_write_works(plant, no_home):
    with plant.connect() as client:
        assert len(client.read(KEY, "value")) == 1
        plan = client.plan_writes({KEY: 1})
        with pytest.raises(WriteRefusedError, match=r"no home folder.*Set HOME.*XENTARA_JOURNAL"):
            client.write(KEY, 1)
        assert not plant.writes.shape[0]
        client.journal = no_home / "journal"
        assert client.write(KEY, 2).ok
        assert plan.ok
    assert sorted(path.name for path in no_home.iterdir()) == ["journal"]


def test_a_journal_below_a_home_folder_that_there_is_not(plant, no_home):
    with pytest.raises(OptionError, match="no home folder"):
        plant.connect(journal="~/journal")


@pytest.mark.parametrize("form", ['"{}"', " {}\n", "\ufeff{}", "\u202a{}"])
def test_a_path_as_it_is_copied(monkeypatch, tmp_path, form):
    monkeypatch.setenv("XENTARA_JOURNAL", form.format(tmp_path / "a"))
    assert Journal().path == tmp_path / "a"


@pytest.mark.skipif(sys.platform == "win32", reason="other rights")
def test_a_journal_that_is_not_the_own_is_refused(tmp_path):
    path, link = tmp_path / "journal.jsonl", tmp_path / "link.jsonl"
    Journal(path).intend(["{}"])
    link.symlink_to(path)
    with pytest.raises(WriteRefusedError, match="it is a link"):
        Journal(link).intend(["{}"])
    path.chmod(0o622)
    with pytest.raises(WriteRefusedError, match=r"others may write it: .* chmod go-w"):
        Journal(path).intend(["{}"])
    assert path.read_text() == "{}\n"
    path.chmod(0o600)
    Journal(path).intend(["{}"])
