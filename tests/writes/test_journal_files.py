"""The months of a journal: the first intent of one begins a new file, and no line is lost."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import sys
import time

import pytest

from tests.writes.lines import KEY, line, write_by_programs
from xentara_nb import read_journal
from xentara_nb.errors import WriteRefusedError
from xentara_nb.writes import file_lock, journal_files
from xentara_nb.writes.journal import Journal
from xentara_nb.writes.journal_files import put_aside

HEAD = '{"event": "intent", "time": "2026-01-31T23:59:59.999999Z", '


def begin(journal, head=HEAD):
    """Write the journal of an earlier month."""
    journal.parent.mkdir(exist_ok=True)
    text = head + line(1, time="2026-01-31T23:59:59.999999Z")[1:]
    journal.write_text(f"{text}\n")
    journal.chmod(0o600)
    return journal.read_bytes(), journal.with_name("journal-2026-01.jsonl")


def test_the_first_intent_of_a_month_begins_a_new_file(plant, client, journal, monkeypatch):
    content, aside = begin(journal)
    synced = []
    fsync = os.fsync

    def watched(file):
        synced.append(os.fstat(file).st_ino)
        fsync(file)

    monkeypatch.setattr(os, "fsync", watched)
    assert client.write(KEY, 5).ok
    assert aside.read_bytes() == content
    assert b"2026-01-31" not in journal.read_bytes()
    assert journal.stat().st_ino in synced
    assert journal.parent.stat().st_ino in synced  # the new name is on the disk, too
    assert read_journal()["value"].tolist() == [1.0, 5.0]
    # Once: the next one finds it done.
    inode = journal.stat().st_ino
    assert client.write(KEY, 6).ok
    assert journal.stat().st_ino == inode
    assert len(plant.writes) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="it has other locks")
def test_a_file_system_that_locks_only_what_is_open_for_writing(journal, monkeypatch):
    import fcntl

    flock = fcntl.flock

    def lock_as_nfs_does(file, how):
        if fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", lock_as_nfs_does)
    content, aside = begin(journal)
    Journal().intend([line(2)])
    assert aside.read_bytes() == content


def test_an_outcome_follows_its_intent(journal):
    content, aside = begin(journal)
    Journal().note([line(1, "outcome")])
    assert not aside.exists()
    assert journal.read_bytes().startswith(content)
    Journal().intend([line(2)])
    assert read_journal()["outcome"].tolist() == ["VERIFIED", "UNKNOWN"]
    assert aside.exists()


@pytest.mark.parametrize("head", ["", '{"event": "intent", "time": "soon", ', "torn\n" + HEAD])
def test_a_file_that_does_not_say_its_month_goes_on(journal, head):
    content, aside = begin(journal, head or "{")
    Journal().intend([line(2)])
    assert journal.read_bytes() == content + line(2).encode() + b"\n"
    assert not aside.exists()


def test_a_file_of_this_month_or_a_later_one_goes_on(journal):
    for month in (time.strftime("%Y-%m", time.gmtime()), "2099-01"):
        begin(journal, HEAD.replace("2026-01", month))
        Journal().intend([line(2)])
        assert len(list(journal.parent.iterdir())) == 1


def test_a_name_that_is_taken_is_left_alone(journal):
    content, aside = begin(journal)
    aside.write_text("something else")
    Journal().intend([line(2)])
    assert aside.read_text() == "something else"
    assert journal.read_bytes() == content + line(2).encode() + b"\n"


def test_what_is_not_the_own_is_neither_renamed_nor_written(journal, tmp_path):
    content, aside = begin(journal)
    journal.chmod(0o622)
    with pytest.raises(WriteRefusedError, match="others may write it"):
        Journal().intend([line(2)])
    journal.chmod(0o600)
    link = tmp_path / "link" / "journal.jsonl"
    link.parent.mkdir()
    link.symlink_to(journal)
    with pytest.raises(WriteRefusedError, match="it is a link"):
        Journal(link).intend([line(2)])
    assert journal.read_bytes() == content
    assert link.is_symlink()
    assert not aside.exists()


def test_a_folder_in_which_nothing_can_be_renamed(journal, monkeypatch):
    content, aside = begin(journal)

    def refuse(*args):
        raise PermissionError

    monkeypatch.setattr(type(journal), "rename", refuse)
    Journal().intend([line(2)])
    assert journal.read_bytes().startswith(content)
    assert not aside.exists()


def test_another_program_that_was_faster(journal, monkeypatch):
    _, aside = begin(journal)
    lock = journal_files.FileLock

    @contextlib.contextmanager
    def late(file, **options):
        monkeypatch.setattr(journal_files, "FileLock", lock)
        put_aside(journal)  # the other one
        journal.write_text(f"{line(2)}\n")
        with lock(file, **options) as held:
            yield held

    monkeypatch.setattr(journal_files, "FileLock", late)
    put_aside(journal)
    assert journal.read_text() == f"{line(2)}\n"
    assert aside.read_text().startswith(HEAD)


def test_a_lock_that_an_interrupt_left(journal):
    """It ends with its file, and lets go of no other one that has the same number by then."""
    fcntl = pytest.importorskip("fcntl", reason="Windows has other locks")
    begin(journal)
    with journal.open("a") as file:
        lock = file_lock.FileLock(file.fileno())
        lock.__enter__()
        number = file.fileno()
    with journal.open("a") as other, journal.open("a") as third:
        assert other.fileno() == number
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        del lock
        gc.collect()
        with pytest.raises(BlockingIOError):
            fcntl.flock(third, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_file_that_another_program_holds_is_left_for_later(journal, monkeypatch):
    fcntl = pytest.importorskip("fcntl", reason="Windows has other locks")
    _, aside = begin(journal)
    monkeypatch.setattr(file_lock, "LOCK_TIMEOUT", 0.01)
    with journal.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        put_aside(journal)
        assert not aside.exists()
    put_aside(journal)
    assert aside.exists()


def test_a_writer_that_has_the_old_file_open_loses_nothing(journal, monkeypatch):
    """It is put aside between the opening and the lock, or between the opening and the look."""
    _, aside = begin(journal)
    fstat = os.fstat
    calls = []

    def put_aside_now(file):
        status = fstat(file)
        if not calls:
            calls.append(file)
            put_aside(journal)
        return status

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", put_aside_now)
        Journal().note([line(2), line(3)])
    assert calls
    assert aside.exists()
    assert journal.read_text() == f"{line(2)}\n{line(3)}\n"


def test_several_programs_at_the_change_of_the_month(journal):
    begin(journal)
    write_by_programs(
        "intend", [[line(10 + number * 100 + n) for n in range(20)] for number in range(3)]
    )
    assert len(read_journal()) == 61
    assert len(list(journal.parent.iterdir())) == 2
