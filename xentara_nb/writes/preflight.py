"""The last check of a plan, just before it is sent: whether it still is what the user was shown.

A plan that has changed since is refused with a :class:`WriteRefusedError`, and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from xentara_nb.errors import ServerError, WriteRefusedError
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.planned import PlannedWrite, resolve
from xentara_nb.writes.planning import check_plan, check_write, read_present
from xentara_nb.writes.policy import WritePolicy
from xentara_nb.writes.read_back import same_value
from xentara_nb.writes.rendering import value_text

_MAX_SHOWN = 5  # rows in a message


def refuse_rows(planned: Sequence[PlannedWrite]) -> None:
    """Refuse a plan with rows that guards refuse."""
    refused = [each for each in planned if each.refused]
    if refused:
        raise WriteRefusedError(
            f"{len(refused)} of {len(planned)} rows are refused, so nothing was sent: "
            f"{_some([f'{each}: {each.reason}' for each in refused])}. Correct them, or leave "
            "them out with apply(skip_refused=True)"
        )


def refuse_policies(context: WriteContext, policies: Sequence[WritePolicy], rows: int) -> None:
    """Refuse a plan if other policies apply by now, or if nothing may be written at the moment."""
    if context.policies.current() != policies:
        raise WriteRefusedError(
            "the write policy has changed since the plan was made, so nothing was sent: make "
            "a fresh one"
        )
    for check in check_plan(context, policies, rows):
        raise WriteRefusedError(f"{check.message}. Nothing was sent")


def refuse_changes(
    context: WriteContext,
    planned: Sequence[PlannedWrite],
    policies: Sequence[WritePolicy],
    tolerance: float | None,
) -> None:
    """Find, read and check planned writes once more, and refuse them if something has changed.

    Present values may be as far from those that the plan shows as the tolerance says; without one
    they are not read.
    """
    ask = context.connection.ask
    # What is known of the model is forgotten with a connection, so this asks after a restart only.
    targets = resolve(context.model_cache, ask, [each.request for each in planned])
    moved = [
        str(each) for each, target in zip(planned, targets, strict=True) if each.target != target
    ]
    if moved:
        raise WriteRefusedError(
            "the server's model has changed since the plan was made, so nothing was sent: "
            f"{_some(moved)}. Make a fresh plan"
        )
    if tolerance is None:
        return
    known = [each for each in planned if each.knows_old]
    present = read_present(ask, [each.target for each in known])
    refused = []
    for each, (old, quality) in zip(known, present, strict=True):
        if type(old) is type(each.old) and (old, quality) == (each.old, each.quality):
            continue
        if (change := _change(each, old, tolerance)) is not None:
            moved.append(f"{each}: {change}")
            continue
        now = check_write(each.request, each.target, old, quality, policies)
        if now.refused:
            refused.append(now)
    if moved:
        raise WriteRefusedError(
            f"{len(moved)} of {len(known)} values are no longer what the plan shows, so "
            f"nothing was sent: {_some(moved)}. Make a fresh plan, or insist on this one with "
            "apply(if_unchanged=False)"
        )
    if refused:
        raise WriteRefusedError(
            f"{len(refused)} of {len(planned)} rows are refused by now, so nothing was sent: "
            f"{_some([f'{each}: {each.reason}' for each in refused])}. Make a fresh plan"
        )


def _change(planned: PlannedWrite, old: object, tolerance: float) -> str | None:
    """Return how a present value has changed since it was shown, None if it has not."""
    target = planned.target
    assert target.info is not None
    if isinstance(old, ServerError):
        return f"it cannot be read any more ({old.text})"
    if same_value(planned.old, old, target.info.data_type, tolerance):
        return None
    return f"it was {value_text(planned.old_value)}, it is {value_text(target.display(old))}"


def _some(texts: Sequence[str]) -> str:
    more = f"; and {len(texts) - _MAX_SHOWN} more" if len(texts) > _MAX_SHOWN else ""
    return "; ".join(texts[:_MAX_SHOWN]) + more
