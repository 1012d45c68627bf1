"""The journal of this notebook's writes, below the form; also those that cells have made."""

from __future__ import annotations

import os
import warnings

import ipywidgets
import pandas as pd

from xentara_nb.client import Client
from xentara_nb.widgets.common.style import Disclosure, badge, escape, table
from xentara_nb.widgets.common.table import time_text, value_text
from xentara_nb.widgets.common.tasks import TaskRunner
from xentara_nb.writes.journal import JournalWarning
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.records import read_journal

SHOWN = 20
"""How many writes are shown, the latest first."""

KINDS = {
    Outcome.APPLIED: "ok",
    Outcome.VERIFIED: "ok",
    Outcome.NOT_READABLE: "warning",
    Outcome.DIFFERS: "error",
    Outcome.REJECTED: "error",
    Outcome.UNKNOWN: "error",
    Outcome.SKIPPED: "",
}
"""The colour of each outcome; its meaning is in the words."""


class History:
    """Shows the writes that this kernel has made on a server.

    Parameters
    ----------
    desk : TaskRunner
        Where the work is done.
    client : Client
        Whose writes.
    """

    def __init__(self, desk: TaskRunner, client: Client) -> None:
        self._desk, self._client = desk, client
        self.text = ipywidgets.HTML()
        self.fold = Disclosure("Journal of this notebook", self.text)
        self.widget = self.fold.widget

    def refresh(self) -> None:
        """Read the journal again, in a thread."""
        self._desk.newest("journal", lambda wanted: self._read())

    def rows(self) -> pd.DataFrame:
        """Return the writes of this kernel on this server, the latest first."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", JournalWarning)
            journal = read_journal(self._client.journal)
        mine = (journal["process"] == os.getpid()) & (journal["server"] == self._client.address.url)
        return journal[mine.fillna(False).astype(bool)].iloc[::-1]

    def _read(self) -> None:
        if self._client.journal.path is None:
            self.text.value = "<p>The journal is off.</p>"
            return
        rows = self.rows()
        path = escape(self._client.journal.path)
        where = f"<p class='xnb-dim'>All of it: <code>{path}</code></p>"
        self.fold.set_title(f"Journal of this notebook ({len(rows)})")
        if rows.empty:
            self.text.value = f"<p>Nothing was written to this server yet.</p>{where}"
            return
        latest = rows.head(SHOWN)
        columns = (latest[name].tolist() for name in _COLUMNS)
        lines = [_line(*values) for values in zip(*columns, strict=True)]
        heads = ("Time", "Element", "Old", "New", "Outcome", "By")
        self.text.value = table(heads, lines, caption="Journal of this notebook") + where


_COLUMNS = ("time", "primary_key", "old_value", "value", "outcome", "user", "session_user")


def _line(
    time: pd.Timestamp,
    key: str,
    old: object,
    new: object,
    outcome: str,
    user: str,
    session_user: object,
) -> tuple[str, ...]:
    also = f", as {session_user}" if isinstance(session_user, str) else ""
    return (
        escape(time_text(time)),
        escape(key),
        f"<span class='xnb-mono'>{escape(value_text(old))}</span>",
        f"<span class='xnb-mono'>{escape(value_text(new))}</span>",
        badge(outcome, KINDS[Outcome(outcome)]),
        escape(f"{user}{also}"),
    )
