"""The journal of this notebook's writes, below the form; also those that cells have made."""

from __future__ import annotations

import ipywidgets

from xentara_nb.client import Client
from xentara_nb.tables.rendering import escape, with_own_digits
from xentara_nb.widgets.common.style import Disclosure, badge
from xentara_nb.widgets.common.table import table, value_html, value_text
from xentara_nb.widgets.common.tasks import TaskRunner
from xentara_nb.writes.journal_reading import last_writes
from xentara_nb.writes.rendering import KINDS

_SHOWN = 20  # writes, the latest first


class History:
    """Shows the writes that this kernel has made on the server of a client."""

    def __init__(self, tasks: TaskRunner, client: Client) -> None:
        self._tasks, self._client = tasks, client
        self.text = ipywidgets.HTML()
        self.disclosure = Disclosure("Journal of this notebook", self.text)

    def refresh(self) -> None:
        """Read the journal again, in a thread."""
        self._tasks.run_latest("journal", lambda wanted: self._read())

    def _read(self) -> None:
        if self._client.journal.path is None:
            self.text.value = "<p>The journal is off.</p>"
            return
        rows, complete = last_writes(self._client.journal, self._client.address.url, _SHOWN)
        path = escape(self._client.journal.path)
        where = f"<p class='xnb-dim'>All of it: <code>{path}</code></p>"
        count = len(rows) if complete else f"the last {len(rows)}"
        self.disclosure.set_title(f"Journal of this notebook ({count})")
        if rows.empty:
            self.text.value = f"<p>Nothing was written to this server yet.</p>{where}"
            return
        cells = []
        for row in rows.itertuples():
            also = f", as {row.session_user}" if isinstance(row.session_user, str) else ""
            cells.append(
                (
                    value_text(row.time),
                    row.primary_key,
                    value_html(with_own_digits(row.old_value, row.data_type)),
                    value_html(with_own_digits(row.value, row.data_type)),
                    badge(row.outcome, KINDS[str(row.outcome)]),
                    f"{row.user}{also}",
                )
            )
        heads = ("Time", "Element", "Old", "New", "Outcome", "By")
        self.text.value = table(heads, cells, caption="Journal of this notebook") + where
