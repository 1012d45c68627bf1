"""What a write form shows of a plan, and of what became of it, as HTML."""

from __future__ import annotations

from typing import Any

from xentara_nb.widgets.common.style import badge, escape, facts, plain, quality_badge
from xentara_nb.widgets.common.table import time_text, value_text
from xentara_nb.widgets.write.history import KINDS
from xentara_nb.writes.guards import CheckResult, Severity
from xentara_nb.writes.plan import WritePlan
from xentara_nb.writes.results import WriteResult

_LEVELS = {Severity.OK: "ok", Severity.WARNING: "warning", Severity.REFUSED: "error"}


def verdicts_of(plan: WritePlan) -> list[CheckResult]:
    """Return what the guards have to say of a plan of one write, the worst first."""
    found = [*plan.checks, *(verdict for order in plan.planned for verdict in order.checks)]
    return sorted(found, key=lambda verdict: verdict.severity is not Severity.REFUSED)


def verdict_html(plan: WritePlan) -> str:
    """Return the verdict on a plan, read aloud as it changes."""
    found = verdicts_of(plan)
    if not found:
        return f"<p role='status'>{badge('every guard is content', 'ok')}</p>"
    items = "".join(
        f"<li>{badge(verdict.severity, _LEVELS[verdict.severity])} {escape(verdict.message)}</li>"
        for verdict in found
    )
    return f"<ul role='status' class='xnb-verdicts'>{items}</ul>"


def review_html(plan: WritePlan, who: str) -> str:
    """Return the review of a plan of one write: old, new, what will be sent, by whom."""
    order = plan.planned[0]
    old = _mono(order.old_value) if order.knows_old else "not known"
    if order.quality is not None:
        old += f" {quality_badge(_quality(plan))}"
    pairs = [
        ("Write to", _mono(order.target.primary_key)),
        ("Attribute", _mono(order.target.attribute_name)),
        ("Old value", old),
        ("New value", f"<span class='xnb-big'>{_mono(order.new_value)}</span>"),
        ("Sent as", _sent(order)),
    ]
    if order.change is not None:
        pairs.append(("Change", _mono(order.change)))
    pairs.append(("By", escape(who)))
    return f"<h4>Review</h4>{facts(pairs, caption='Review of the write')}{verdict_html(plan)}"


def order_text(plan: WritePlan, *, undo: bool = False) -> str:
    """Return what the order button says.

    It is the whole of the order, so that nobody clicks something else than it says.
    """
    order = plan.planned[0]
    value = value_text(order.new_value)
    if isinstance(order.new_value, str):
        value = "an empty text" if not order.new_value else f"“{plain(order.new_value)}”"
    name = order.target.attribute_name
    attribute = "" if name == "value" else f" ({plain(name)})"
    back = " back" if undo else ""
    return f"Write {value}{back} to {plain(order.target.primary_key)}{attribute}"


def result_html(result: WriteResult) -> str:
    """Return what became of a write."""
    outcome = result.outcome
    old = _mono(result.old_value) if result.planned.knows_old else "not known"
    read = "not read" if result.raw_read_back is None else _mono(result.read_back)
    pairs = [
        ("Write to", _mono(result.primary_key)),
        ("Old value", old),
        ("Written", _mono(result.value)),
        ("Read back", read),
    ]
    if result.time is not None:
        took = "" if result.duration is None else f", answered after {result.duration * 1e3:.0f} ms"
        pairs.append(("Sent", escape(f"{time_text(result.time)}{took}")))
    role = "alert" if outcome.failed else "status"
    more = f" {escape(result.reason)}" if result.reason else ""
    if result.error is not None and not result.reason:
        more = f" {escape(result.error)}"
    return (
        f"<h4>Outcome</h4><div role='{role}'><p>{badge(outcome, KINDS[outcome])} "
        f"{escape(outcome.meaning)}.{more}</p></div>"
        f"{facts(pairs, caption='Outcome of the write')}"
    )


def _quality(plan: WritePlan) -> str:
    return str(plan.frame["old_quality"].iloc[0])


def _sent(order: Any) -> str:
    info = order.target.info
    kind = "" if info is None else f" ({_type(info.data_type)})"
    return f"<code>{escape(repr(order.new))}</code>{escape(kind)}"


def _type(data_type: int) -> str:
    from xentara_nb.protocol.identifiers import DataType, label

    return label(DataType, data_type)


def _mono(value: object) -> str:
    return f"<span class='xnb-mono'>{escape(value_text(value))}</span>"
