"""The part of the explorer that suspends, resumes and shuts down a server, each confirmed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import ipywidgets

from xentara_nb.client import Client
from xentara_nb.errors import WriteOutcomeUnknownError
from xentara_nb.tables.rendering import Html, escape
from xentara_nb.widgets.common.style import Disclosure, badge, button, card, row, show
from xentara_nb.widgets.common.table import facts
from xentara_nb.widgets.login.client_form import ClientForm
from xentara_nb.widgets.write.confirm import ConfirmButton
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.rendering import KINDS
from xentara_nb.writes.stage import StageChange
from xentara_nb.writes.stage_command import StageCommand
from xentara_nb.writes.sub_session import SubSession

_LABELS = {
    StageCommand.SUSPEND: "Suspend",
    StageCommand.RESUME: "Resume",
    StageCommand.SHUT_DOWN: "Shut down",
}


class StageCard:
    """Changes the operational stage of a server.

    Nothing is sent before the confirm button is clicked, which is good for one click. It is a part
    of a form, whose sub-session counts as well if there is one.

    Attributes
    ----------
    change : StageChange or None
        What became of the last one.
    confirm_button : ConfirmButton or None
        The button that does the change that was reviewed, as long as there is one.
    """

    def __init__(self, form: ClientForm, client: Client) -> None:
        self._form, self._tasks, self._client = form, form.tasks, client
        self.change: StageChange | None = None
        self.confirm_button: ConfirmButton | None = None
        self.buttons = {command: button(f"{_LABELS[command]} …") for command in StageCommand}
        for command, each in self.buttons.items():
            each.on_click(self._tasks.handler(partial(self._begin, command)))
        self.review = ipywidgets.HTML()
        self.confirm_row = row()
        self.cancel = button("Do not change it")
        self.cancel.on_click(self._tasks.handler(self.withdraw))
        self.review_card = card(self.review, row(self.confirm_row, self.cancel))
        self.outcome = ipywidgets.HTML()
        self.resolve = button("Read the stage now")
        self.resolve.on_click(self._tasks.handler(self._begin_resolve))
        show(self.review_card, False)
        show(self.resolve, False)
        content = [row(*self.buttons.values()), self.review_card, self.outcome, self.resolve]
        self.widget = Disclosure("Stage of the server", ipywidgets.VBox(content)).widget

    def enable(self, on: bool) -> None:
        """Let it work, or not; a change that was reviewed is withdrawn then."""
        for each in (*self.buttons.values(), self.resolve):
            each.disabled = not on
        if not on:
            self.withdraw()

    def withdraw(self) -> None:
        """Withdraw the change that was reviewed, if there is one."""
        self._tasks.cancel("stage")
        confirm_button, self.confirm_button = self.confirm_button, None
        if confirm_button is not None:
            confirm_button.withdraw()
        show(self.review_card, False)

    def _begin(self, command: StageCommand) -> None:
        self.withdraw()
        self.outcome.value = ""
        show(self.resolve, False)
        self._tasks.notice.clear()
        self._tasks.run_latest("stage", lambda wanted: self._review(command, wanted))

    def _review(self, command: StageCommand, wanted: Callable[[], bool]) -> None:
        self._client.check_stage_change(command)
        if not wanted():
            return
        session, who = self._form.session, self._form.who
        server = self._client.address.netloc
        self.review.value = (
            f"<p role='status'><b>{_LABELS[command]}</b> {escape(command.meaning)}. "
            f"Done as <b>{escape(who)}</b>.</p>"
        )
        made = ConfirmButton(
            self._tasks,
            self.confirm_row,
            f"{_LABELS[command]} {server}",
            lambda: self._apply(made, command, session),
            self._expired,
        )
        self.confirm_button = made
        show(self.review_card, True)
        if not wanted():  # something else was clicked in this very moment
            made.withdraw()
            if self.confirm_button in (made, None):
                show(self.review_card, False)

    def _apply(
        self, confirm_button: ConfirmButton, command: StageCommand, session: SubSession | None
    ) -> None:
        if self.confirm_button is confirm_button:  # and not one of a later review
            self.confirm_button = None
            show(self.review_card, False)
        calls = {
            StageCommand.SUSPEND: self._client.suspend,
            StageCommand.RESUME: self._client.resume,
            StageCommand.SHUT_DOWN: self._client.shut_down,
        }
        try:
            change = calls[command](confirm=True, session=session)
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

    def _expired(self) -> None:
        self.withdraw()
        self._tasks.notice.say("This review has expired: click the command again.", "warning")

    def _begin_resolve(self) -> None:
        self._tasks.run("read the stage", self._resolve, busy="Reading the stage …")

    def _resolve(self) -> None:
        if self.change is not None:
            self._show(self.change.resolve())
        self._tasks.notice.clear()
        self._form.connection.look()
