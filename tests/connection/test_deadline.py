from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from xentara_nb.connection.deadline import (
    Deadline,
    check_seconds,
    check_timeout,
    deadline_of_call,
    done_within,
)
from xentara_nb.errors import DeadlineError, OptionError


@pytest.mark.parametrize("seconds", [0.001, 1, np.int64(3), np.float32(0.5), 86_400, True + 0])
def test_a_time_out(seconds: float) -> None:
    assert check_timeout(seconds) == float(seconds)
    assert type(check_timeout(seconds)) is float


@pytest.mark.parametrize("seconds", [0, -1, 86_401, math.inf, math.nan])
def test_a_time_out_that_makes_no_sense(seconds: float) -> None:
    with pytest.raises(OptionError, match="makes no sense"):
        check_timeout(seconds)


@pytest.mark.parametrize("seconds", [True, "1", None, 1j])
def test_no_time_out(seconds: object) -> None:
    with pytest.raises(OptionError, match="is a number of seconds"):
        check_timeout(seconds)


@pytest.mark.parametrize("seconds", [0.001, 1, np.int64(3), 1e9])
def test_seconds(seconds: float) -> None:
    assert check_seconds("every", seconds) == float(seconds)


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, True, "1s", None, timedelta(1)])
def test_no_seconds(seconds: Any) -> None:
    with pytest.raises(OptionError, match=r"^every is a time in seconds, at least 0\.001, not "):
        check_seconds("every", seconds)


def test_a_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    deadline = Deadline(2)

    assert deadline.seconds == 2
    assert deadline.remaining == 2
    assert not deadline.passed
    now = 101.5
    assert deadline.remaining == 0.5
    now = 103.0
    assert deadline.remaining == 0
    assert deadline.passed


def test_its_error() -> None:
    error = Deadline(0.25).error("nothing happened", sent=True)

    assert str(error) == "nothing happened within 0.25 s"
    assert isinstance(error, DeadlineError)
    assert isinstance(error, TimeoutError)
    assert error.sent
    assert not Deadline(1).error("x").sent


def test_the_deadline_of_a_call_bounds_all_that_it_asks() -> None:
    with done_within(50):
        assert 49 < deadline_of_call(1000).remaining <= 50.01
        assert deadline_of_call(7).seconds == 7
        with done_within(None):
            assert deadline_of_call(1000).seconds == 1000
        with done_within(1e-9), pytest.raises(DeadlineError, match="the time for all of it is up"):
            deadline_of_call(7)
    assert deadline_of_call(1000).seconds == 1000
    with pytest.raises(OptionError), done_within(0):
        pass
