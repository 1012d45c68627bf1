"""Wishes become orders here: every guard looks at every one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xentara_nb.errors import ServerError
from xentara_nb.protocol.identifiers import Access
from xentara_nb.protocol.values import Value
from xentara_nb.tables.references import canonical
from xentara_nb.writes import guards
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.guards import CheckResult, Guard, refused, warning
from xentara_nb.writes.planned import PlannedWrite, ResolvedAttribute, find, read_present, shown
from xentara_nb.writes.policy import WritePolicy
from xentara_nb.writes.read_back import same_value
from xentara_nb.writes.rendering import value_text
from xentara_nb.writes.requests import ANYTHING, WriteRequest


def make_planned_writes(
    context: WriteContext,
    wanted: Sequence[WriteRequest],
    policies: Sequence[WritePolicy],
    *,
    number_as_boolean: bool = False,
) -> list[PlannedWrite]:
    """Find, read and check everything that somebody wants to write."""
    targets = find(context.directory, context.link.ask, wanted)
    present = read_present(context.link.ask, targets)
    seen: dict[object, int] = {}
    orders = []
    for row, (wish, target, (old, quality)) in enumerate(
        zip(wanted, targets, present, strict=True)
    ):
        order = make_planned_write(
            wish, target, old, quality, policies, number_as_boolean=number_as_boolean
        )
        if target.info is not None:
            assert target.element_uuid is not None
            # By its number, which is known sooner than its hash.
            identity = (target.element_uuid.int, canonical(target.info.attribute_id))
            if (first := seen.setdefault(identity, row)) != row:
                order = _with(
                    order,
                    refused(
                        Guard.DISTINCT,
                        f"row {first} writes to the same attribute: one plan writes it once",
                    ),
                )
        orders.append(order)
    return orders


def make_planned_write(
    wish: WriteRequest,
    target: ResolvedAttribute,
    old: Any,
    quality: int | None,
    policies: Sequence[WritePolicy],
    *,
    number_as_boolean: bool = False,
) -> PlannedWrite:
    """Check one wish: every guard but those that look at the plan as a whole."""
    info = target.info
    key = target.primary_key
    if info is None:
        missing = () if target.verdict is None else (target.verdict,)
        return PlannedWrite(target, wish.value, None, old, quality, missing)
    new: Value | None = None
    fits: CheckResult | None = None
    if wish.verdict is None or wish.value is not None:
        new, fits = guards.check_value(wish.value, info, number_as_boolean)
    found = [
        target.verdict,
        guards.check_access(key, info),
        fits,
        guards.check_quality(policies, quality),
        _check_old(wish, target, old),
    ]
    if policies:
        found.append(guards.check_key(policies, key, info))
    if policies and new is not None:
        found += guards.check_limits(policies, key, info, new, old)
    content = found.count(None) == len(found)
    verdicts = () if content else tuple([verdict for verdict in found if verdict is not None])
    return PlannedWrite(target, wish.value, new, old, quality, verdicts)


def _check_old(wish: WriteRequest, target: ResolvedAttribute, old: Any) -> CheckResult | None:
    assert target.info is not None
    if target.info.access == Access.WRITE_ONLY:
        return warning(
            Guard.OLD_VALUE, "the attribute is write only, so nobody can verify or undo the write"
        )
    if isinstance(old, ServerError):
        reason = " ".join(old.text.split())
        return warning(Guard.OLD_VALUE, f"the present value cannot be read: {reason} ({old.code})")
    if (
        wish.expected is ANYTHING
        or old is None
        or same_value(wish.expected, old, target.info.data_type)
    ):
        return None
    return warning(
        Guard.OLD_VALUE,
        f"the value is {value_text(shown(old, target))} now, no longer "
        f"{value_text(shown(wish.expected, target))}: somebody else has changed it since",
    )


def _with(order: PlannedWrite, verdict: CheckResult) -> PlannedWrite:
    return order._replace(verdicts=(*order.verdicts, verdict))


def check_whole(
    context: WriteContext, policies: Sequence[WritePolicy], rows: int
) -> tuple[CheckResult, ...]:
    """Check what is no matter of a single row: the client, how many rows there are, the time."""
    found = (
        guards.check_client(context.owner.read_only),
        guards.check_rows(policies, rows),
        guards.check_time(policies),
    )
    return tuple(verdict for verdict in found if verdict is not None)
