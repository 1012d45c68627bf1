"""Which servers fail, why, and since when."""

from __future__ import annotations

import inspect
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from xentara_nb.errors import XentaraError
from xentara_nb.locking import Lock
from xentara_nb.protocol.errors import one_line
from xentara_nb.protocol.text import listed, quantity
from xentara_nb.tables.frames import make_frame, string_array, time_array
from xentara_nb.tables.xentara_frame import XentaraFrame
from xentara_nb.wording import Wording


class FleetWarning(UserWarning):
    """Some servers of a fleet have failed; the message says which and why."""


class Failure(NamedTuple):
    """Why a server fails, and since when, in nanoseconds since 1970."""

    error: XentaraError
    since: int


_WHOLE = ("display.max_colwidth", None, "display.expand_frame_repr", False)


class FailuresFrame(XentaraFrame):
    """A table of failures: it shows each error whole, where pandas would cut it."""

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return FailuresFrame

    def __repr__(self) -> str:
        with pd.option_context(*_WHOLE, "display.max_columns", None):
            return super().__repr__()

    def _repr_html_(self) -> str | None:
        with pd.option_context(*_WHOLE):
            return super()._repr_html_()


class FailureLog:
    """The servers that failed the last time that something was asked of them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._lock = Lock()
        self._failures: dict[str, Failure] = {}

    def note(self, server: str, error: XentaraError | None) -> None:
        """Take in what became of a server; None if it did not fail."""
        with self._lock:
            known = self._failures.pop(server, None)
            if error is not None:
                since = time.time_ns() if known is None else known.since
                self._failures[server] = Failure(error, since)

    def frame(self) -> pd.DataFrame:
        """Return a row for each server that fails, see :attr:`Fleet.failures`."""
        with self._lock:
            failures = dict(self._failures)
        return failures_frame({each: failures[each] for each in self._names if each in failures})


def failures_frame(failures: Mapping[str, Failure]) -> pd.DataFrame:
    """Return failures as a table: ``server``, ``kind``, ``error`` (str), ``since`` (in UTC)."""
    found = failures.values()
    table = make_frame(
        {
            "server": string_array(list(failures)),
            "kind": string_array([type(each.error).__name__ for each in found]),
            "error": string_array([error_line(each.error) for each in found]),
            "since": time_array([each.since for each in found]),
        }
    )
    return FailuresFrame(table)


_MOST_NAMED = 5
_MOST_SAID = 240  # characters of one error in a warning
# What errors say for Python, and the same in the words of a list of servers.
_IN_LIST = Wording(
    {
        r'trust it with\s+xentara_nb\.connect\("[^"]*", fingerprint=(?P<sha>"[^"]*")\)': (
            r"put fingerprint = \g<sha> into its entry in the list of servers,"
        ),
        r"take the old one out of your trusted certificates with "
        r'xentara_nb\.widgets\.LoginForm\.forget_certificate\("[^"]*"\)': (
            "put the new fingerprint into its entry in the list of servers"
        ),
        r"with ca_file=\.\.\.": "there with ca_file",
        r"(?P<secret>password|token)=": r"\g<secret>_from",
        r"(?P<field>user|ca_file|fingerprint|timeout)=": r"\g<field>",
    }
)


def error_line(error: XentaraError) -> str:
    """Return what an error says, in one line."""
    return " ".join(error_text(error).split())


def error_text(error: XentaraError) -> str:
    """Return what an error says, in the words of a list of servers."""
    return _IN_LIST.reword(error)


def failures_text(failed: Mapping[str, XentaraError], asked: int) -> str:
    """Say which servers have failed, in one line: those that failed alike together.

    Of what is long, such as a certificate, the beginning: a warning comes with every call.
    """
    alike: dict[str, list[str]] = {}
    for name, error in failed.items():
        alike.setdefault(one_line(error_line(error), _MOST_SAID), []).append(name)
    shown = list(alike.items())[:_MOST_NAMED]
    named = [f"{listed(names)} ({text})" for text, names in shown]
    left = len(failed) - sum(len(names) for _, names in shown)
    more = f" and {left:,} more" if left else ""
    return f"{len(failed):,} of {quantity(asked, 'server')} failed: {'; '.join(named)}{more}"


def warn_of(failed: Mapping[str, XentaraError], asked: int) -> None:
    """Warn of servers that have failed, where the fleet was asked for something."""
    if not failed:
        return
    # How deep that is depends on what was asked.
    level, frame = 1, inspect.currentframe()
    while frame is not None and _is_ours(frame.f_globals):
        level, frame = level + 1, frame.f_back
    text = f"{failures_text(failed, asked)}. fleet.failures has them all"
    warnings.warn(text, FleetWarning, stacklevel=level)


def _is_ours(names: Mapping[str, object]) -> bool:
    return str(names.get("__name__", "")).startswith("xentara_nb.")
