"""A last look at a plan, just before it is sent: whether it still is what the user was shown.

Whatever has changed since refuses it, and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from xentara_nb.errors import ServerError, WriteRefusedError
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.planned import PlannedWrite, find, shown, value_of
from xentara_nb.writes.planning import check_whole
from xentara_nb.writes.policy import WritePolicy
from xentara_nb.writes.read_back import same_value
from xentara_nb.writes.rendering import value_text
from xentara_nb.writes.requests import WriteRequest

_MOST_TOLD = 5  # rows in a message


def refuse_rows(orders: Sequence[PlannedWrite]) -> None:
    """Refuse a plan with rows that guards refuse.

    Raises
    ------
    WriteRefusedError
        If there is such a row.
    """
    refused = [order for order in orders if order.refused]
    if refused:
        raise WriteRefusedError(
            f"{len(refused)} of {len(orders)} rows are refused, so nothing was sent: "
            f"{_some([f'{order}: {order.reason}' for order in refused])}. Mend them, or leave "
            "them out with apply(skip_refused=True)"
        )


def check_policies(context: WriteContext, shown_to: Sequence[WritePolicy], rows: int) -> None:
    """Refuse if other policies count by now, or if nothing may be written at the moment.

    Raises
    ------
    WriteRefusedError
        If that is so.
    PolicyError
        If a policy cannot be used any more.
    """
    policies = context.policies.current()
    if policies != shown_to:
        raise WriteRefusedError(
            "the write policy has changed since the plan was made, so nothing was sent: make "
            "a fresh one"
        )
    for verdict in check_whole(context, policies, rows):
        raise WriteRefusedError(f"{verdict.message}. Nothing was sent")


def check_model(context: WriteContext, orders: Sequence[PlannedWrite]) -> None:
    """Refuse if the server has another model by now: it may have been restarted.

    Raises
    ------
    WriteRefusedError
        If what shall be written to is not there any more, or is something else.
    """
    again = [
        WriteRequest(order.target.reference, order.target.info.attribute_id, None)
        for order in orders
        if order.target.info is not None
    ]
    found = find(context.directory, context.link.ask, again)
    moved = [str(order) for order, new in zip(orders, found, strict=True) if order.target != new]
    if moved:
        raise WriteRefusedError(
            "the server's model has changed since the plan was made, so nothing was sent: "
            f"{_some(moved)}. Make a fresh plan"
        )


def check_values(context: WriteContext, orders: Sequence[PlannedWrite], tolerance: float) -> None:
    """Refuse if a value is not the one that the plan shows.

    Raises
    ------
    WriteRefusedError
        If a value has moved by more than the tolerance, or cannot be read any more.
    """
    orders = [order for order in orders if order.knows_old]
    answers = context.link.ask([order.target.read_command() for order in orders])
    moved = []
    for order, answer in zip(orders, answers, strict=True):
        assert order.target.info is not None
        now = value_of(order.target, answer)
        if type(now) is type(order.old) and now == order.old:
            continue
        if isinstance(now, ServerError):
            moved.append(f"{order}: it cannot be read any more ({now.text})")
        elif not same_value(order.old, now, order.target.info.data_type, tolerance):
            moved.append(
                f"{order}: it was {value_text(order.old_value)}, it is "
                f"{value_text(shown(now, order.target))}"
            )
    if moved:
        raise WriteRefusedError(
            f"{len(moved)} of {len(orders)} values are no longer what the plan shows, so "
            f"nothing was sent: {_some(moved)}. Make a fresh plan, or insist on this one with "
            "apply(if_unchanged=False)"
        )


def _some(texts: Sequence[str]) -> str:
    more = f"; and {len(texts) - _MOST_TOLD} more" if len(texts) > _MOST_TOLD else ""
    return "; ".join(texts[:_MOST_TOLD]) + more
