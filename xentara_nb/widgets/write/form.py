"""The form that writes one value: find, type, review, order once, read back, undo."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pandas as pd

from xentara_nb.client import Client
from xentara_nb.errors import NotFoundError, WriteRefusedError
from xentara_nb.widgets.common import client_info, notebook
from xentara_nb.widgets.common.code import literal
from xentara_nb.widgets.common.live import Live
from xentara_nb.widgets.common.search import KeyIndex, SearchBox, SearchHit
from xentara_nb.widgets.common.style import badge, escape, show
from xentara_nb.widgets.common.table import values_of
from xentara_nb.widgets.login.form import LoginForm
from xentara_nb.widgets.write.confirm import ConfirmButton
from xentara_nb.widgets.write.history import History
from xentara_nb.widgets.write.inputs import ValueInput
from xentara_nb.widgets.write.review import order_text, result_html, review_html, verdict_html
from xentara_nb.widgets.write.target import Writable, WriteTarget, present_html
from xentara_nb.widgets.write.view import WriteView
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.plan import WritePlan
from xentara_nb.writes.results import WriteResult

_TYPING = 0.25
"""How long after the last key the guards are asked, in seconds."""


class WriteForm(WriteView):
    """Write one value with care.

    Nothing is sent before the order button is clicked. That button is made for one order, says
    what it will write, and is good for one click; when anything is typed or chosen anew, it goes.

    Parameters
    ----------
    client : Client or LoginForm
        Who writes. With a log-in form, its sub-session counts as well, if there is one.
    element : str or UUID, optional
        What to write to.
    attribute : str, int or UUID, optional
        Which attribute.
    session : SubSession, optional
        A sub-session whose rights are needed as well.
    verify_within : float, default 5.0
        How long a device may take to follow, in seconds.
    tolerance : float, default 0.0
        How far a number that is read back may be from the one written.
    index : KeyIndex, optional
        The keys of all elements, where another form has them already.

    Attributes
    ----------
    results : list of WriteResult
        What became of the writes that this form has made, the oldest first.

    Examples
    --------
    >>> from xentara_nb import simulate
    >>> with simulate() as plant, plant.connect(journal=False) as client:
    ...     form = WriteForm(client, "Plant.Line 1.Set point")
    ...     form
    ...     form.close()
    <WriteForm: write to Plant.Line 1.Set point>
    """

    def __init__(
        self,
        client: Client | LoginForm,
        element: str | UUID = "",
        attribute: Any = None,
        *,
        session: Any = None,
        verify_within: float = 5.0,
        tolerance: float = 0.0,
        index: KeyIndex | None = None,
    ) -> None:
        super().__init__()
        self._login = client if isinstance(client, LoginForm) else None
        self._client = client.client if isinstance(client, LoginForm) else client
        self._session = session
        self._verify_within, self._tolerance = verify_within, tolerance
        self.results: list[WriteResult] = []
        self._target: WriteTarget | None = None
        self._attribute: Writable | None = None
        self._order: ConfirmButton | None = None
        self._input: ValueInput | None = None
        self._choosing = self._suggested = self._suggesting = False
        self._make(index)
        if self._login is not None:
            # Whoever logs in or out changes as whom the order would be sent.
            changed = self.desk.guard(self._identity_changed)
            self.when_closed(self._login.account.listen(changed))
        self.when_closed(self.withdraw)
        self.settle()
        self._show_head()
        if element:
            self.choose(element, attribute)
        self.history.refresh()

    def summary(self) -> str:
        """Return what the form writes to."""
        return "write" if self._target is None else f"write to {self._target.key}"

    @property
    def session(self) -> Any:
        """The sub-session in which is written, None if there is none."""
        if self._session is None and self._login is not None:
            return self._login.account.session
        return self._session

    @property
    def who(self) -> str:
        """As whom is written."""
        session = self.session
        also = "" if session is None else f", and {session.who}"
        return f"{self._client.user}{also}"

    @property
    def staged(self) -> str:
        """What the order button says, an empty text when there is none."""
        return "" if self._order is None else str(self._order.button.description)

    def choose(self, element: str | UUID, attribute: Any = None) -> None:
        """Choose what to write to.

        Raises
        ------
        UnknownElementError, NotFoundError
            If there is no such element, or it has no such attribute that can be written.
        """
        self.withdraw()
        target = WriteTarget(self._client, element)
        self._target, self._attribute = target, None
        self._show_outcome(None)
        self.live.follow(None)
        self.name.value = f"<div role='status'><h4 class='xnb-key'>{escape(target.key)}</h4></div>"
        self._choosing = True
        try:
            self.attribute.options = [
                (f"{each.name} ({each.type_name})", each.name) for each in target.writable
            ]
            if not target.writable:
                show(self.inside, False)
                raise NotFoundError(f"{target.key} has no attribute that can be written")
            wanted = target.attribute(attribute) if attribute is not None else target.writable[0]
            self.attribute.value = wanted.name
        finally:
            self._choosing = False
        show(self.attribute_row, len(target.writable) > 1 or target.writable[0].name != "value")
        show(self.inside, True)
        self._take_attribute(wanted)

    def withdraw(self) -> bool:
        """Withdraw the staged order; return whether there was one."""
        # First, so that a review that is under way finds out and withdraws its order itself.
        self.desk.forget("review")
        order, self._order = self._order, None
        show(self.review_card, False)
        self.order_row.children = ()
        return order.withdraw() if order is not None else False

    def as_code(self) -> str:
        """Return a cell that does what the form is set to do.

        Raises
        ------
        WriteRefusedError
            If there is no value yet, or it does not fit.
        """
        plan = self._plan()
        order = plan.planned[0]
        if order.new is None:
            raise WriteRefusedError(order.reason)
        client = notebook.name_of(self._client, "client")
        arguments = [repr(order.target.primary_key), literal(order.new_value)]
        if order.target.attribute_name != "value":
            arguments.append(repr(order.target.attribute_name))
        if self.session is not None:
            name = notebook.name_of(self.session, "session")
            arguments.append(f"session={name}")
        return f"result = {client}.write({', '.join(arguments)})\nresult"

    # What the page uses

    def _make(self, index: KeyIndex | None) -> None:
        self.search = SearchBox(self.desk, self._client, self._chosen, index)
        self.history = History(self.desk, self._client)
        self.lay_out(self.search.box, self.history.widget)
        self.live = Live(self._client, self._show_values, self._show_liveness, self.is_visible)
        self.when_closed(self.live.close)
        guard = self.desk.guard
        self.attribute.observe(guard(self._attribute_chosen), "value")
        self.review.on_click(guard(lambda clicked: self._begin_review()))
        self.cancel.on_click(guard(self._cancelled))
        self.copy.on_click(guard(lambda clicked: self._begin_copy()))
        self.undo.on_click(guard(lambda clicked: self._begin_undo()))
        self.resolve.on_click(guard(lambda clicked: self._begin_resolve()))

    def _show_head(self) -> None:
        client = self._client
        only = f" {badge('read only', 'warning')}" if client_info.read_only(client) else ""
        self.head.value = (
            f"<p>to <code>{escape(client.address.url)}</code> as <b>{escape(self.who)}</b>"
            f"{only}</p>"
        )

    def _identity_changed(self) -> None:
        if self.withdraw():
            self.notice.say("The order was withdrawn: who is logged in has changed.", "warning")
        self._show_head()

    def _chosen(self, found: SearchHit) -> None:
        self.withdraw()
        self.notice.clear()
        self.desk.newest(
            "choose", lambda wanted: self.choose(found.element_uuid) if wanted() else None
        )

    def _attribute_chosen(self, change: object) -> None:
        if not self._choosing and self._target is not None:
            self._take_attribute(self._target.attribute(self.attribute.value))

    def _take_attribute(self, attribute: Writable) -> None:
        assert self._target is not None
        self.withdraw()
        self._attribute = attribute
        self.verdict.value = ""
        self.code.hide()
        self._input = ValueInput(
            attribute.data_type, self.desk.guard(self._typed), self.desk.guard(self._begin_review)
        )
        self.input_box.children = (self._input.widget,)
        self.review.disabled = self.copy.disabled = not self._input.can_be_written
        self.present.value = present_html(attribute, {})
        self._suggested = False
        self.live.follow(self._target.rows_about(attribute))

    def _show_values(self, frame: pd.DataFrame) -> None:
        target, attribute = self._target, self._attribute
        if target is None or attribute is None or frame.empty:
            return
        if str(frame["primary_key"].iloc[0]) != target.key:
            return
        values = values_of(frame)
        self.present.value = present_html(attribute, values)
        if not self._suggested and self._input is not None and attribute.name in values:
            self._suggested = True
            if not self._input.given:
                self._suggesting = True
                try:
                    self._input.suggest(values[attribute.name][0])
                finally:
                    self._suggesting = False

    def _show_liveness(self, text: str, kind: str) -> None:
        self.liveness.value = badge(text, kind)

    def _typed(self) -> None:
        if self._suggesting:
            return
        if self.withdraw():
            self.notice.say("The order was withdrawn: the value has changed.", "info")
        self.code.hide()
        self.desk.newest("verdict", self._judge)

    def _judge(self, wanted: Callable[[], bool]) -> None:
        """Ask the guards, once the keys have come to rest."""
        time.sleep(_TYPING)
        if not wanted():
            return
        if self._input is None or not self._input.given:
            self.verdict.value = ""
            return
        html = verdict_html(self._plan())
        if wanted():
            self.verdict.value = html

    def _plan(self) -> WritePlan:
        if self._target is None or self._attribute is None or self._input is None:
            raise NotFoundError("find an element first")
        if not self._input.given:
            raise WriteRefusedError("type the new value first")
        wish = {(self._target.element_uuid, self._attribute.attribute_id): self._input.value}
        return self._client.plan_writes(wish)

    def _begin_review(self) -> None:
        self.withdraw()
        # The review has the verdict; one that is under way must not come to stand beside it.
        self.desk.forget("verdict")
        self.notice.clear()
        self.desk.newest("review", lambda wanted: self._stage(self._plan(), wanted))

    def _stage(self, plan: WritePlan, wanted: Callable[[], bool], *, undo: bool = False) -> None:
        """Show a plan, and make the order button for it if no guard refuses."""
        session, who = self.session, self.who
        if not wanted():
            return
        self._show_outcome(None)
        self.verdict.value = ""
        self.review_text.value = review_html(plan, who)
        if plan.ok:
            order = ConfirmButton(
                self.desk,
                order_text(plan, undo=undo),
                lambda: self._apply(plan, session),
                self._expired,
            )
            self._order = order
            self.order_row.children = (order.button,)
        show(self.review_card, True)
        if not wanted():
            # Something was typed in this very moment.
            self.withdraw()

    def _expired(self) -> None:
        self.withdraw()
        self.notice.say("This order has waited too long: review it again.", "warning")

    def _cancelled(self, clicked: object) -> None:
        self.withdraw()
        self.notice.say("Nothing was written.", "info")

    def _apply(self, plan: WritePlan, session: Any) -> None:
        """Send a plan: the body of an order."""
        show(self.review_card, False)
        self._order = None
        try:
            plan.apply(
                session=session, verify_within=self._verify_within, tolerance=self._tolerance
            )
        finally:
            # What was sent is not lost, whatever happened on the way.
            report = plan.report
            if report is not None and report[0].sent:
                self.results.append(report[0])
                self._show_outcome(report[0])
            self.history.refresh()
            self.live.refresh()
        self.notice.clear()

    def _show_outcome(self, result: WriteResult | None) -> None:
        show(self.outcome_card, result is not None)
        if result is None:
            return
        self.outcome.value = result_html(result)
        doubt = result.outcome in (Outcome.UNKNOWN, Outcome.DIFFERS)
        show(self.undo, result.outcome.taken)
        show(self.resolve, doubt)

    def _begin_undo(self) -> None:
        if not self.results:
            return
        self.withdraw()
        self.desk.forget("verdict")
        result = self.results[-1]
        self.desk.newest("review", lambda wanted: self._stage(result.undo(), wanted, undo=True))

    def _begin_resolve(self) -> None:
        if not self.results:
            return
        result = self.results[-1]

        def resolve() -> None:
            result.resolve()
            self._show_outcome(result)
            self.notice.clear()
            self.history.refresh()

        self.desk.run("resolve", resolve, busy="Reading the value …")

    def _begin_copy(self) -> None:
        self.desk.run("code", lambda: self.code.show(self.as_code()))
