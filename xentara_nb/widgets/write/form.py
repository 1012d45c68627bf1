"""The form that writes one value: find, type, review, confirm once, read back, undo."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pandas as pd

from xentara_nb.client import Client
from xentara_nb.errors import NotFoundError, OptionError
from xentara_nb.protocol.identifiers import Attribute, DataType
from xentara_nb.tables.references import AttributeLike, ElementLike, element_reference
from xentara_nb.tables.rendering import escape
from xentara_nb.widgets.common import notebook
from xentara_nb.widgets.common.confirm import Review
from xentara_nb.widgets.common.live import Live
from xentara_nb.widgets.common.search import KeyIndex, SearchBox, SearchHit
from xentara_nb.widgets.common.style import dim, show
from xentara_nb.widgets.common.table import values_of
from xentara_nb.widgets.login.form import LoginForm
from xentara_nb.widgets.write.code import write_code
from xentara_nb.widgets.write.history import History
from xentara_nb.widgets.write.inputs import ValueInput
from xentara_nb.widgets.write.review import checks_html, confirm_text, review_html, unit_of
from xentara_nb.widgets.write.target import WriteTarget, present_html
from xentara_nb.widgets.write.view import WriteView
from xentara_nb.writes.plan import WritePlan
from xentara_nb.writes.sub_session import SubSession

_TYPING = 0.25  # seconds after the last key before the guards are asked

# How long a value may arrive behind the click on Review that was made after it was typed: a page
# sends it only when its message before is answered. In seconds.
_LATE = 3.0


class WriteForm(WriteView):
    """Write one value with care.

    Nothing is sent before the confirm button is clicked. That button is made for one reviewed
    write, says what it will write, and is good for one click; when anything is typed or chosen
    again, it goes.

    Parameters
    ----------
    client : Client or LoginForm
        The client that writes. With a log-in form, its client is taken as soon as there is one,
        and its sub-session counts as well, if there is one.
    element : str, UUID or row, optional
        What to write to; a row of an inventory names its attribute too.
    attribute : str, int or UUID, optional
        Which attribute.
    session : SubSession, optional
        A sub-session whose rights are needed as well.
    verify_within, tolerance
        As for :meth:`Client.write`.
    index : KeyIndex, optional
        The keys of all elements, where another form has them already.

    Attributes
    ----------
    results : list of WriteResult
        What became of the writes that this form has made, the oldest first.
    target : WriteTarget or None
        The element that is written to.
    value_input : ValueInput or None
        The input for the new value, made for the attribute that is chosen.
    confirm_button : ipywidgets.Button or None
        The button that does the write that was reviewed, as long as there is one.

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
        element: ElementLike | None = None,
        attribute: AttributeLike | None = None,
        *,
        session: SubSession | None = None,
        verify_within: float = 5.0,
        tolerance: float = 0.0,
        index: KeyIndex | None = None,
    ) -> None:
        super().__init__(client, session)
        self._index = index
        self._wanted = element, attribute
        self._verify_within, self._tolerance = verify_within, tolerance
        self.value_input: ValueInput | None = None
        self._attribute: Any = None  # a row of an inventory
        self._late_until = 0.0  # until when a value still belongs to the click on Review
        if self.page is not None:
            self.page.observe(self.tasks.handler(self._zone_told), "zone")
        notebook.register(self)
        self.begin()

    def summary(self) -> str:
        """Return what the form writes to."""
        return "write" if self.target is None else f"write to {self.target.key}"

    @property
    def staged(self) -> str:
        """What the confirm button says, an empty text when there is none."""
        return "" if self.confirm_button is None else str(self.confirm_button.description)

    def choose(self, element: ElementLike, attribute: AttributeLike | None = None) -> None:
        """Choose what to write to.

        Parameters
        ----------
        element : element
            Its primary key or UUID, or a row of an inventory.
        attribute : attribute, optional
            Which attribute. Left out, the one that a row names, or the value.

        Raises
        ------
        LoginError
            If no one is logged in.
        UnknownElementError, NotFoundError
            If there is no such element, or it has no such attribute that can be written.
        """
        client = self.client
        self.withdraw()
        if attribute is None:
            reference = element_reference(element)
            attribute = reference.attribute_id
            attribute = reference.attribute_name if attribute is None else attribute
        target = WriteTarget(client, element)
        self.target, self._attribute = target, None
        self.outcome.show(None)
        self.live.follow(None)
        self.name.value = f"<div role='status'><h4 class='xnb-key'>{escape(target.key)}</h4></div>"
        show(self.inside, False)
        if not target.writable:
            raise NotFoundError(f"{target.key} has no attribute that can be written")
        wanted = target.attribute(attribute) if attribute is not None else target.writable[0]
        self.attribute.options = [
            (f"{each.attribute_name} ({each.data_type})", each.attribute_id)
            for each in target.writable
        ]
        self.attribute.value = wanted.attribute_id
        only_value = [each.attribute_id for each in target.writable] == [Attribute.VALUE]
        show(self.attribute_row, not only_value)
        show(self.inside, True)
        self._take_attribute(target, wanted)
        self.picture.change()

    def withdraw(self, reason: str = "", kind: str = "warning") -> bool:
        """Withdraw the reviewed write; return whether there was one.

        The parameters are those of :meth:`PlanForm.withdraw`.
        """
        self._late_until = 0.0
        return super().withdraw(reason, kind)

    def as_code(self) -> str:
        """Return a cell that does what the form is set to do.

        Raises
        ------
        OptionError
            If there is no value yet.
        WriteRefusedError
            If the value does not fit.
        """
        client = notebook.name_in(self.client, "client", "client")
        session = self.session
        name = "" if session is None else notebook.name_in(session, "session", "session")
        return write_code(self._plan(), client, name)

    # What the page uses

    def build(self, client: Client) -> None:
        """Make the parts of the form for a client."""
        self.value_input = None
        self.search = SearchBox(self.tasks, client, self._found, self._index)
        self.live = Live(client, self._show_values)
        self.history = History(self.tasks, client)
        self.while_built.callback(self.live.close)
        self.lay_out()
        handler = self.tasks.handler
        self.attribute.observe(handler(self._attribute_chosen), "value")
        self.review.on_click(handler(self._begin_review))
        self.copy.on_click(handler(self._begin_copy))
        self.outcome.undo.on_click(handler(self._begin_undo))
        self.outcome.resolve.on_click(handler(self._begin_resolve))

    def built(self) -> None:
        """Choose what was chosen before, or what the form was made for."""
        element, attribute = self._wanted
        if self.target is not None and self._attribute is not None:
            element, attribute = self.target.key, self._attribute.attribute_id
        if element is not None:
            self.choose(element, attribute)
        self.history.refresh()

    def enable(self, on: bool) -> None:
        """Let what needs a connection work, or not."""
        self.search.enable(on)
        self.attribute.disabled = not on
        self.outcome.enable(on)
        dim(self.live.text, not on)
        self._enable_input()
        self.live.refresh()

    def _enable_input(self) -> None:
        value_input, on = self.value_input, self.connection.available
        if value_input is not None:
            value_input.enable(on)
            self.review.disabled = self.copy.disabled = value_input.input.disabled

    def _zone_told(self) -> None:
        if self.value_input is not None:
            self.value_input.set_zone(self.zone)

    def _found(self, found: SearchHit) -> None:
        self.withdraw()
        self.notice.clear()
        self.tasks.run_latest("choose", lambda wanted: self.choose(found.element_uuid))

    def _attribute_chosen(self) -> None:
        # An element that is being chosen has no attribute yet, and gets one by itself.
        if self.target is not None and self._attribute is not None:
            self._take_attribute(self.target, self.target.attribute(self.attribute.value))

    def _take_attribute(self, target: WriteTarget, attribute: Any) -> None:
        self.withdraw()
        self._attribute = attribute
        self.checks.value = ""
        self.code.show("")
        self.value_input = ValueInput(
            DataType.find(attribute.data_type),
            self.tasks.handler(self._typed),
            self.tasks.handler(self._begin_review),
            self.zone,
        )
        self.input_box.children = (self.value_input.widget,)
        self._enable_input()
        self.live.text.value = present_html(attribute, {})
        self.live.follow(target.rows_about(attribute))

    def _show_values(self, frame: pd.DataFrame) -> None:
        attribute, value_input = self._attribute, self.value_input
        if attribute is None or value_input is None or frame.empty:
            return
        if frame["primary_key"].iloc[0] != attribute.primary_key:
            return
        values = values_of(frame)
        self.live.text.value = present_html(attribute, values)
        self.picture.refresh()
        if attribute.attribute_name in values:
            value_input.suggest(values[attribute.attribute_name][0])

    def _typed(self) -> None:
        late = self.confirm_button is None and time.monotonic() < self._late_until
        if not self.withdraw("the value has changed", "info"):
            self.notice.clear()
        self.code.show("")
        if late:
            # Once only: what is typed further is not what the click was meant for.
            self._stage(self._plan)
            return
        self.tasks.run_latest("check", self._check)

    def _check(self, wanted: Callable[[], bool]) -> None:
        """Ask the guards, once the keys have come to rest."""
        time.sleep(_TYPING)
        if self.value_input is None or not wanted():
            return
        html = checks_html(self._plan()) if self.value_input.given else ""
        if wanted():
            self.checks.value = html

    def _plan(self) -> WritePlan:
        attribute, value_input = self._attribute, self.value_input
        if attribute is None or value_input is None:
            raise OptionError("find an element first")
        if not value_input.given:
            raise OptionError("type the new value first")
        return self.client.plan_writes(
            {(attribute.element_uuid, attribute.attribute_id): value_input.value}
        )

    def _begin_review(self) -> None:
        self._stage(self._plan, late=_LATE)

    def _begin_undo(self) -> None:
        self._stage(self.results[-1].undo, undo=True)

    def _stage(
        self, plan: Callable[[], WritePlan], *, undo: bool = False, late: float = 0.0
    ) -> None:
        """Review a write.

        Until there is a button, a value that arrives within ``late`` seconds is reviewed instead.
        """
        self._late_until = time.monotonic() + late
        # The review shows the checks; no others must come to stand beside it.
        self.tasks.cancel("check")
        self.confirmation.begin(plan, lambda planned: self._review_of(planned, undo))

    def _review_of(self, plan: WritePlan, undo: bool) -> Review | None:
        self.outcome.show(None)
        if not (plan.ok or undo):
            # A review is for what can be sent.
            self.checks.value = checks_html(plan)
            self.notice.say(
                "This value cannot be written: the reason is below the new value.", "warning"
            )
            return None
        self.checks.value = ""
        html, session = review_html(plan, self.who, self.zone), self.session
        if not plan.ok:
            return Review(html, "", lambda: None)
        self._late_until = 0.0  # the click has what it was meant for
        return Review(html, confirm_text(plan, undo=undo), lambda: self._apply(plan, session))

    def _apply(self, plan: WritePlan, session: SubSession | None) -> None:
        """Send a plan, once it is confirmed."""
        try:
            plan.apply(
                session=session, verify_within=self._verify_within, tolerance=self._tolerance
            )
        finally:
            # What was sent is shown, also where something failed afterwards.
            report = plan.report
            if report is not None and report[0].sent:
                self.results.append(report[0])
                self.outcome.show(report[0], unit_of(plan))
                self.picture.change()
            self.history.refresh()
            self.live.refresh()
        self.notice.clear()

    def _begin_copy(self) -> None:
        self.tasks.run("code", lambda: self.code.show(self.as_code()))

    def _begin_resolve(self) -> None:
        self.tasks.run("resolve", self._resolve, busy="Reading the value …")

    def _resolve(self) -> None:
        result = self.results[-1]
        result.resolve()
        self.outcome.show(result, self.outcome.unit)
        self.picture.change()
        self.notice.clear()
        self.history.refresh()
