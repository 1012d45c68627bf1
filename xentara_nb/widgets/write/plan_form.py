"""The form that writes many values: a plan as a table to be edited, reviewed and then applied."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets

from xentara_nb.client import Client
from xentara_nb.errors import MissingExtraError, OptionError
from xentara_nb.protocol.text import listed, quantity
from xentara_nb.tables.rendering import escape, plain
from xentara_nb.widgets.common import notebook
from xentara_nb.widgets.common.confirm import Review
from xentara_nb.widgets.common.style import badge, button, card, heading, row
from xentara_nb.widgets.common.table import value_text
from xentara_nb.widgets.login.client_form import ClientForm
from xentara_nb.widgets.login.form import LoginForm
from xentara_nb.widgets.write.review import WORDS, confirm_text, limits_text
from xentara_nb.writes.guards import Severity
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.plan import WritePlan
from xentara_nb.writes.planned import PlannedWrite
from xentara_nb.writes.rendering import KINDS, shown_change
from xentara_nb.writes.report import WriteReport
from xentara_nb.writes.results import WriteResult
from xentara_nb.writes.sub_session import SubSession

ROWS = 500
"""How many writes a form takes at most."""

INTERVAL = 0.5
"""Between two messages that say how many writes were sent, at least, in seconds."""


class PlanForm(ClientForm):
    """Edit many values in a table, review them, and then write them.

    Nothing is sent before the confirm button is clicked, which is made for one reviewed plan and
    is good for one click; when anything is typed, it goes. A row whose new value is empty is left
    out.

    Parameters
    ----------
    client : Client or LoginForm
        The client that writes. With a log-in form, its client is taken as soon as there is one,
        and its sub-session counts as well, if there is one.
    writes : WritePlan, DataFrame, dict, Series, list of rows or path
        What the table begins with: a plan, or what :meth:`Client.plan_writes` takes; no more than
        500 values.
    session : SubSession, optional
        A sub-session whose rights are needed as well.
    number_as_boolean, verify_on
        As for :meth:`Client.plan_writes`.

    Attributes
    ----------
    plan : WritePlan or None
        The plan that was reviewed last.
    report : WriteReport or None
        What became of the plan that was applied last.
    confirm_button : ipywidgets.Button or None
        The button that applies the plan that was reviewed, as long as there is one.

    Raises
    ------
    MissingExtraError
        If anywidget is not installed (the extra ``lab``).

    Examples
    --------
    >>> from xentara_nb import simulate
    >>> with simulate() as plant, plant.connect(journal=False) as client:
    ...     form = PlanForm(client, {"Plant.Line 1.Set point": 195, "Plant.Line 1.Batch": 7})
    ...     ready = form.wait()
    ...     form
    ...     form.close()
    <PlanForm: 2 values to write>
    """

    title = "Write values"
    words = WORDS._replace(what="plan", again="review the values again")

    def __init__(
        self,
        client: Client | LoginForm,
        writes: Any,
        *,
        session: SubSession | None = None,
        number_as_boolean: bool = False,
        verify_on: Any = None,
    ) -> None:
        super().__init__("plan", client, session)
        self._writes = writes
        self._options = {"number_as_boolean": number_as_boolean, "verify_on": verify_on}
        self._planned: tuple[PlannedWrite, ...] = ()
        self._values: list[Any] = []  # as they were given, or the texts that were typed
        self._results: dict[int, WriteResult] = {}  # of the rows written since their last review
        self.plan: WritePlan | None = None
        self.report: WriteReport | None = None
        try:
            from xentara_nb.widgets.write.plan_table import PlanTable
        except ImportError as error:
            raise MissingExtraError(
                "the table of a plan needs the package anywidget: run pip install 'xentara_nb[lab]'"
            ) from error
        self._make_table: Callable[..., Any] = PlanTable
        notebook.register(self)
        self.begin()

    def summary(self) -> str:
        """Return how much is to be written."""
        count = len(self._filled()) if self._planned else 0
        return f"{quantity(count, 'value')} to write"

    def content_html(self) -> str:
        """Return what became of the last plan, or else the last plan."""
        shown = self.report or self.plan
        content = super().content_html()
        return content if shown is None else f"{content}{shown._repr_html_()}"

    # What the page uses

    def build(self, client: Client) -> None:
        """Make the parts of the form for a client."""
        self.table = self._make_table(self.tasks.guard(self._edit))
        self.review = button("Review", style="primary")
        self.checks = ipywidgets.HTML()
        self.outcome = ipywidgets.HTML()
        parts = [self.head, self.connection.box, self.table, row(self.review), self.checks]
        parts += [self.confirmation.card, self.notice, self.outcome]
        self.fill(card(heading(self.title), *parts))
        self.review.on_click(self.tasks.handler(self._begin_review))

    def built(self) -> None:
        """Fill the table with what the form was made for, or with what was typed before."""
        if self._planned:
            self._show_rows()
        else:
            self.tasks.run("begin", self._begin, busy="Reading the present values …")

    def enable(self, on: bool) -> None:
        """Let what needs a connection work, or not."""
        self.table.disabled = self.review.disabled = not on

    def _begin(self) -> None:
        given = self._writes
        if isinstance(given, WritePlan):
            if any(each.followed_by is not None for each in given.planned):
                raise OptionError(
                    "this plan reads values back elsewhere: give its values and verify_on="
                )
            plan = given
        else:
            plan = self.client.plan_writes(given, **self._options)
        if len(plan) > ROWS:
            raise OptionError(
                f"the table takes {ROWS} values, not {len(plan):,}: give a part of them, or write "
                "them without a form, with client.plan_writes(...) and plan.apply()"
            )
        self._planned = plan.planned
        self._values = [each.request.value for each in plan.planned]
        self.notice.clear()
        self._take(plan, range(len(plan)))

    def _edit(self, place: int, text: str) -> None:
        self._values[place] = text
        self.withdraw("a value has changed", "info")
        self.checks.value = ""
        rows = list(self.table.rows)
        rows[place] = {**rows[place], "text": text, **_NOT_CHECKED}
        self.table.rows = rows

    def _filled(self) -> list[int]:
        """Return the places of the rows that have a new value."""
        return [place for place, value in enumerate(self._values) if _text(value).strip()]

    def _begin_review(self) -> None:
        self.confirmation.begin(self._plan, self._review_of)

    def _plan(self) -> tuple[WritePlan, list[int]]:
        places = self._filled()
        if not places:
            raise OptionError("type a new value first")
        writes = [_write(self._planned[place], self._values[place]) for place in places]
        return self.client.plan_writes(writes, **self._options), places

    def _review_of(self, planned: tuple[WritePlan, list[int]]) -> Review | None:
        plan, places = planned
        self._take(plan, places)
        if not plan.ok:
            self.notice.say(_refusals(plan), "warning")
            return None
        session, count = self.session, len(plan)
        server = plain(self.client.address.netloc)
        text = confirm_text(plan) if count == 1 else f"Write these {count:,} values to {server}"
        return Review("", text, lambda: self._apply(plan, places, session, text))

    def _take(self, plan: WritePlan, places: Any) -> None:
        """Show what a plan says of the rows at these places."""
        self.plan = plan
        planned = list(self._planned)
        for place, each in zip(places, plan.planned, strict=True):
            planned[place] = each
            self._results.pop(place, None)
        self._planned = tuple(planned)
        units = dict(zip(places, plan.frame["units"].tolist(), strict=True))
        self._show_rows(units)
        warnings = sum(each.severity is Severity.WARNING for each in plan.planned)
        said = [(badge(each.severity, KINDS[each.severity]), each.message) for each in plan.checks]
        if plan.ok and warnings:
            said = [
                (
                    badge(quantity(warnings, "warning"), "warning"),
                    f"see the table {limits_text(plan)}",
                )
            ]
        elif plan.ok:
            said = [(badge("All checks passed", "ok"), limits_text(plan))]
        self.checks.value = "".join(
            f"<p role='status'>{mark} {escape(text)}</p>" for mark, text in said
        )
        self.picture.change()

    def _show_rows(self, units: Mapping[int, object] | None = None) -> None:
        old = self.table.rows
        rows = []
        for place, (each, value) in enumerate(zip(self._planned, self._values, strict=True)):
            unit = old[place]["unit"] if place < len(old) else ""
            if units is not None and isinstance(units.get(place), str):
                unit = plain(units[place])
            rows.append(
                {**_row(each, self._results.get(place)), "text": _text(value), "unit": unit}
            )
            if units is None or place not in units:
                rows[-1] |= _NOT_CHECKED
        self.table.rows = rows

    def _apply(
        self, plan: WritePlan, places: list[int], session: SubSession | None, text: str
    ) -> None:
        """Send a plan, once it is confirmed; the text is what the button for that has said."""
        last = time.monotonic()

        def show_progress(done: int, total: int) -> None:
            nonlocal last
            if time.monotonic() - last >= INTERVAL:
                last = time.monotonic()
                self.notice.say(f"{text}: {done:,} sent …", "busy")

        try:
            # Guarded: what it raised would end the sending.
            plan.apply(session=session, progress=self.tasks.guard(show_progress))
        finally:
            # What was sent is shown, also where something failed afterwards.
            report = plan.report
            if report is not None:
                self.report = report
                self._results.update(zip(places, report, strict=True))
                self.outcome.value = f"<h4>Outcome</h4>{_OUTCOME}{report._repr_html_()}</div>"
                self.picture.change()
        self.checks.value = ""
        self._show_rows()
        if report is not None and not report.ok:
            self.notice.say("Not all values were written: see the outcome.", "error")
        else:
            self.notice.clear()


_OUTCOME = '<div class="xnb-scroll xnb-outcome" tabindex="0" role="region" aria-label="Outcome">'

_NOT_CHECKED = {"change": "", "severity": "", "kind": "", "reason": ""}


def _refusals(plan: WritePlan) -> str:
    """Say how many values cannot be written, and where to look: a table may have many rows."""
    refused = [plain(each.target.primary_key) for each in plan.planned if each.refused]
    if not refused:
        return "These values cannot be written: the reason is above."
    count = f"{len(refused):,} of {quantity(len(plan), 'value')} cannot be written"
    return f"{count}: the reasons are in the table, at {listed(refused)}."


def _text(value: object) -> str:
    """Return a new value as it is typed."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def _write(planned: PlannedWrite, value: object) -> dict[str, object]:
    """Return a write with another value, as plan_writes takes it."""
    target = planned.target
    write: dict[str, object] = {"primary_key": target.primary_key, "value": value}
    if target.element_uuid is not None:
        write["element_uuid"] = target.element_uuid
    if target.info is not None:
        write["attribute_id"] = target.info.attribute_id
    else:
        write["attribute_name"] = target.attribute_name
    return write


def _row(planned: PlannedWrite, result: WriteResult | None) -> dict[str, str]:
    """Return what the table shows of a write, and of what became of it."""
    change = shown_change(planned.old_value, planned.new_value, planned.change)
    return {
        "key": plain(planned.target.primary_key),
        "attribute": plain(planned.target.attribute_name),
        "present": _present(planned, result),
        "change": change or "",
        "severity": str(planned.severity),
        "kind": KINDS[planned.severity],
        "reason": plain(planned.reason),
    }


def _present(planned: PlannedWrite, result: WriteResult | None) -> str:
    """Return the value that was read last, unless a write may have changed it since."""
    if result is not None and (result.outcome.taken or result.outcome is Outcome.UNKNOWN):
        read = result.raw_read_back is not None and planned.followed_by is None
        return value_text(planned.target.digits(result.raw_read_back)) if read else "not known"
    return value_text(planned.target.digits(planned.old)) if planned.knows_old else "not known"
