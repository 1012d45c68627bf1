"""The part of the explorer that suspends, resumes and shuts down a server, each confirmed."""

from __future__ import annotations

from functools import partial

import ipywidgets

from xentara_nb.client import Client
from xentara_nb.errors import WriteOutcomeUnknownError
from xentara_nb.tables.rendering import Html, escape
from xentara_nb.widgets.common.confirm import Review, Words
from xentara_nb.widgets.common.style import Disclosure, badge, button, row, show
from xentara_nb.widgets.common.table import facts
from xentara_nb.widgets.login.client_form import ClientForm
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.rendering import KINDS
from xentara_nb.writes.stage import StageChange
from xentara_nb.writes.stage_command import StageCommand
from xentara_nb.writes.sub_session import SubSession

WORDS = Words("change", "Do not change it", "", "click the command again")

_LABELS = {command: command.replace("_", " ").capitalize() for command in StageCommand}


class StageCard:
    """Changes the operational stage of a server.

    It is a part of a form, in whose confirmation a change is reviewed, and whose sub-session counts
    as well if there is one.

    Attributes
    ----------
    change : StageChange or None
        What became of the last one.
    """

    def __init__(self, form: ClientForm, client: Client) -> None:
        self._form, self._tasks, self._client = form, form.tasks, client
        self.change: StageChange | None = None
        self.buttons = {command: button(f"{_LABELS[command]} …") for command in StageCommand}
        for command, each in self.buttons.items():
            each.on_click(self._tasks.handler(partial(self._begin, command)))
        self.outcome = ipywidgets.HTML()
        self.resolve = button("Read the stage now")
        self.resolve.on_click(self._tasks.handler(self._begin_resolve))
        show(self.resolve, False)
        content = [row(*self.buttons.values()), form.confirmation.card, self.outcome, self.resolve]
        self.widget = Disclosure("Stage of the server", ipywidgets.VBox(content)).widget

    def enable(self, on: bool) -> None:
        """Let it work, or not."""
        for each in (*self.buttons.values(), self.resolve):
            each.disabled = not on

    def _begin(self, command: StageCommand) -> None:
        self.outcome.value = ""
        show(self.resolve, False)
        self._form.confirmation.begin(
            lambda: self._client.check_stage_change(command), lambda plan: self._review_of(command)
        )

    def _review_of(self, command: StageCommand) -> Review:
        session, label = self._form.session, _LABELS[command]
        html = (
            f"<p role='status'><b>{label}</b> {escape(command.meaning)}. "
            f"Done as <b>{escape(self._form.who)}</b>.</p>"
        )
        server = self._client.address.netloc
        return Review(html, f"{label} {server}", lambda: self._apply(command, session))

    def _apply(self, command: StageCommand, session: SubSession | None) -> None:
        try:
            change = getattr(self._client, command)(confirm=True, session=session)
        except WriteOutcomeUnknownError as error:
            if not isinstance(error.result, StageChange):
                raise
            change = error.result
        self._tasks.notice.clear()
        self._show(change)
        self._form.connection.look()

    def _show(self, change: StageChange) -> None:
        self.change = change
        outcome = change.outcome
        more = f" {escape(change.reason)}" if change.reason else ""
        pairs = {name: text for name, text in change.facts.items() if name != "outcome"}
        role = "alert" if outcome.failed else "status"
        meaning = Html(f"{badge(outcome, KINDS[outcome])} {escape(outcome.meaning)}.{more}")
        table = facts(pairs, caption="Change of the stage")
        self.outcome.value = f"<p role='{role}'>{meaning}</p>{table}"
        show(self.resolve, outcome in (Outcome.UNKNOWN, Outcome.DIFFERS))

    def _begin_resolve(self) -> None:
        self._tasks.run("read the stage", self._resolve, busy="Reading the stage …")

    def _resolve(self) -> None:
        if self.change is not None:
            self._show(self.change.resolve())
        self._tasks.notice.clear()
        self._form.connection.look()
