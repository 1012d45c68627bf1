"""What a write form shows of a plan, and of what became of it, as HTML."""

from __future__ import annotations

import pandas as pd

from xentara_nb.protocol.identifiers import DataType, label
from xentara_nb.tables.rendering import Html, escape, plain
from xentara_nb.widgets.common.confirm import Words
from xentara_nb.widgets.common.style import badge
from xentara_nb.widgets.common.table import (
    facts,
    quality_badge,
    quantity_html,
    value_html,
    value_text,
)
from xentara_nb.widgets.write.times import local_text, zone_text
from xentara_nb.writes.guards import worst_first
from xentara_nb.writes.plan import WritePlan
from xentara_nb.writes.rendering import KINDS, NO_CHANGE, shown_change
from xentara_nb.writes.results import WriteResult

WORDS = Words("write", "Do not write", "Nothing was written.", "review the value again")


def checks_html(plan: WritePlan) -> str:
    """Return what the guards say of a plan of one write, the worst first; read aloud."""
    results = [*plan.checks, *plan.planned[0].checks]
    if not results:
        return f"<p role='status'>{badge('All checks passed', 'ok')} {limits_text(plan)}</p>"
    items = "".join(
        f"<li>{badge(result.severity, KINDS[result.severity])} {escape(result.message)}</li>"
        for result in worst_first(results)
    )
    if plan.ok and (limits := limits_text(plan)):
        items += f"<li>{limits}</li>"
    return f"<ul role='status' class='xnb-checks'>{items}</ul>"


def limits_text(plan: WritePlan) -> str:
    """Return that no limits were checked, an empty text where they were."""
    return f"({plan.unlimited})" if plan.unlimited else ""


def review_html(plan: WritePlan, who: str, zone: str = "") -> str:
    """Return the review of a plan of one write: old, new, what will be sent, by whom."""
    planned, unit = plan.planned[0], unit_of(plan)
    target, info = planned.target, planned.target.info
    old = quantity_html(target.digits(planned.old), unit) if planned.knows_old else "not known"
    if planned.quality is not None:
        old = Html(f"{escape(old)} {quality_badge(plan.frame['old_quality'].iloc[0])}")
    pairs = {
        "Write to": value_html(target.primary_key),
        "Attribute": value_html(target.attribute_name),
        "Old value": old,
        "New value": Html(
            f"<span class='xnb-big'>{quantity_html(target.digits(planned.new), unit)}</span>"
        ),
    }
    if isinstance(planned.new_value, pd.Timestamp):
        local = local_text(planned.new_value, zone)
        pairs |= {f"In {zone_text(zone)}": local} if local and zone != "UTC" else {}
    if info is not None:
        pairs["Data type"] = label(DataType, info.data_type)
    change = shown_change(planned.old_value, planned.new_value, planned.change)
    if change is not None:
        pairs["Change"] = quantity_html(change, "" if change == NO_CHANGE else unit)
    pairs["By"] = who
    return f"<h4>Review</h4>{facts(pairs, caption='Review of the write')}{checks_html(plan)}"


def confirm_text(plan: WritePlan, *, undo: bool = False) -> str:
    """Return what the confirm button says: all of the write, so that no other is meant by it."""
    planned = plan.planned[0]
    value = value_text(planned.target.digits(planned.new))
    if isinstance(planned.new_value, str):
        value = f"“{plain(planned.new_value)}”" if planned.new_value else "an empty text"
    name = planned.target.attribute_name
    attribute = "" if name == "value" else f" ({plain(name)})"
    back = " back" if undo else ""
    return f"Write {value}{back} to {plain(planned.target.primary_key)}{attribute}"


def unit_of(plan: WritePlan) -> str:
    """Return the unit of the value that a plan of one write writes; an empty text without one."""
    unit = plan.frame["units"].iloc[0]
    return unit if isinstance(unit, str) else ""


def result_html(result: WriteResult, unit: str = "") -> str:
    """Return what became of a write of a value with a unit, if it has one."""
    outcome = result.outcome
    role = "alert" if outcome.failed else "status"
    more = result.reason or result.error
    known = {
        "old value": result.planned.knows_old,
        "new value": True,
        "read back": result.read_back is not None,
    }
    pairs = {
        name: f"{text} {unit}".rstrip() if known.get(name) else text
        for name, text in result.facts.items()
        if name != "outcome"
    }
    return (
        f"<h4>Outcome</h4><div role='{role}'><p>{badge(outcome, KINDS[outcome])} "
        f"{escape(outcome.meaning)}.{f' {escape(more)}' if more else ''}</p></div>"
        f"{facts(pairs, caption='Outcome of the write')}"
    )
