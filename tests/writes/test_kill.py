"""Kill -9 at random moments: what the journal says is true, at any of them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from xentara_nb import read_journal
from xentara_nb.writes.journal import Journal, JournalWarning

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

KILLS = 12
PROGRAM = Path(__file__).with_name("killed.py")
ROOT = PROGRAM.parent.parent.parent


def test_killed_at_random(plant, journal):
    dice = random.Random(4)
    with subprocess.Popen(
        [sys.executable, "-W", "error", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        for kill in range(KILLS):
            mode = ("stop", "continue", "single")[kill % 3]
            fields = (
                plant.url,
                plant.ca_file,
                plant.users["engineer"],
                journal,
                kill * 10**6,
                mode,
            )
            program.stdin.write("\t".join(map(str, fields)) + "\n")
            program.stdin.flush()
            child = int(program.stdout.readline())  # it has written once, and goes on
            # Most of the time is spent in a few places, so the moments must be fine.
            time.sleep(dice.uniform(0, 0.06))
            os.kill(child, signal.SIGKILL)
            assert program.stdout.readline() == "dead\n"
        program.stdin.close()
        assert program.wait(10) == 0

    plant.faults.restart()  # after that the server has done all that it had received
    writes = plant.writes
    assert len(writes) >= KILLS
    executed = writes.groupby(["primary_key", "sent"]).size().to_dict()
    assert max(executed.values()) == 1
    assert (writes["code"] == 0).all()

    # Also a writer that was killed in the middle of a line leaves a journal that can be read and
    # written.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JournalWarning)  # of a torn line, which is expected here
        shown = read_journal(journal)
    Journal(journal).note(["{}"])
    assert journal.read_bytes().endswith(b"\n{}\n")
    names = list(zip(shown["primary_key"], shown["value"], strict=True))
    assert len(set(names)) == len(names)
    for name, outcome in zip(names, shown["outcome"], strict=True):
        if outcome in ("APPLIED", "VERIFIED"):
            assert executed.get(name) == 1
        else:
            assert outcome in ("UNKNOWN", "SKIPPED")
            assert outcome == "UNKNOWN" or name not in executed
    # The intent was there before the write: nothing was ever sent that the journal does not know.
    assert set(executed) <= set(names)
    # In doubt is at most what one writer had under way when it was killed, and nothing where each
    # was killed between two writes.
    unknown = shown[shown["outcome"] == "UNKNOWN"]
    assert (unknown.groupby("process").size() <= 3).all()
    assert (shown["outcome"] == "VERIFIED").sum() >= KILLS
