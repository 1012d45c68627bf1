"""Requests become planned writes: found in the model, read, and checked by every guard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xentara_nb.errors import ServerError
from xentara_nb.protocol.identifiers import Access
from xentara_nb.protocol.values import Value
from xentara_nb.queries.model_cache import Ask
from xentara_nb.tables.references import canonical
from xentara_nb.writes import guards
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.guards import CheckResult, Guard, refused, warning
from xentara_nb.writes.planned import PlannedWrite, ResolvedAttribute, resolve
from xentara_nb.writes.policy import WritePolicy
from xentara_nb.writes.read_back import same_value
from xentara_nb.writes.rendering import value_text
from xentara_nb.writes.requests import ANYTHING, WriteRequest


def plan_requests(
    context: WriteContext,
    requests: Sequence[WriteRequest],
    policies: Sequence[WritePolicy],
    *,
    read_all: bool = True,
) -> list[PlannedWrite]:
    """Find, read and check what is to be written; read all values, or those that a policy needs."""
    context.connection.connection()  # a fresh one forgets the model, which may be another one now
    ask = context.connection.ask
    targets = resolve(context.model_cache, ask, requests)
    wanted = [
        target
        if read_all or guards.needs_present_value(policies, target.primary_key, target.info)
        else None
        for target in targets
    ]
    planned = [
        check_write(request, target, old, quality, policies)
        for request, target, (old, quality) in zip(
            requests, targets, read_present(ask, wanted), strict=True
        )
    ]
    return planned if len(planned) == 1 else _refuse_repeats(planned)


def _refuse_repeats(planned: Sequence[PlannedWrite]) -> list[PlannedWrite]:
    """Refuse all but the first of the writes to one attribute."""
    seen: dict[object, int] = {}
    checked = []
    for row, each in enumerate(planned):
        target = each.target
        if target.info is not None:
            assert target.element_uuid is not None
            # By its number, which is known sooner than its hash.
            identity = (target.element_uuid.int, canonical(target.info.attribute_id))
            if (first := seen.setdefault(identity, row)) != row:
                twice = refused(
                    Guard.DISTINCT,
                    f"row {first} writes to the same attribute: one plan writes it once",
                )
                each = each._replace(checks=(*each.checks, twice))
        checked.append(each)
    return checked


def read_present(
    ask: Ask, targets: Sequence[ResolvedAttribute | None]
) -> list[tuple[Any, int | None]]:
    """Read the present value and quality of targets: (None, None) of None and the unreadable.

    A :class:`ServerError` stands in the place of a value that could not be read.
    """
    present: list[tuple[Any, int | None]] = [(None, None)] * len(targets)
    rows = [(at, each) for at, each in enumerate(targets) if each is not None and each.readable]
    if rows:
        answers = ask([target.read_command(with_quality=True) for _, target in rows])
        for (at, target), answer in zip(rows, answers, strict=True):
            present[at] = target.value_in(answer), target.quality_in(answer)
    return present


def check_write(
    request: WriteRequest,
    target: ResolvedAttribute,
    old: Any,
    quality: int | None,
    policies: Sequence[WritePolicy],
) -> PlannedWrite:
    """Check one write by every guard but those that look at the plan as a whole."""
    info = target.info
    wrong = None if target.error is None else refused(Guard.EXISTS, str(target.error))
    if info is None:
        assert wrong is not None
        return PlannedWrite(request, target, None, old, quality, (wrong,))
    key = target.primary_key
    new: Value | None = None
    fits: CheckResult | None = None
    if request.check is None or request.value is not None:
        new, fits = guards.check_value(request.value, info, request.number_as_boolean)
    found = [
        wrong,
        request.check,
        guards.check_access(info),
        fits,
        guards.check_quality(policies, quality),
        _check_old(request, target, old),
    ]
    if policies:
        found.append(guards.check_key(policies, key, info))
    if policies and new is not None:
        found += guards.check_limits(policies, key, info, new, old)
    nothing = found.count(None) == len(found)
    checks = () if nothing else tuple([check for check in found if check is not None])
    return PlannedWrite(request, target, new, old, quality, checks)


def check_plan(
    context: WriteContext, policies: Sequence[WritePolicy], rows: int
) -> tuple[CheckResult, ...]:
    """Check a plan as a whole: the client, how many rows there are, the time."""
    found = (
        guards.check_client(context.settings.read_only),
        guards.check_rows(policies, rows),
        guards.check_time(policies),
    )
    return tuple(check for check in found if check is not None)


def _check_old(request: WriteRequest, target: ResolvedAttribute, old: Any) -> CheckResult | None:
    assert target.info is not None
    if target.info.access == Access.WRITE_ONLY:
        return warning(
            Guard.OLD_VALUE,
            "the attribute is write only, so the write can be neither verified nor undone",
        )
    if isinstance(old, ServerError):
        reason = " ".join(old.text.split())
        return warning(Guard.OLD_VALUE, f"the present value cannot be read: {reason} ({old.code})")
    expected = request.expected
    if expected is ANYTHING or old is None or same_value(expected, old, target.info.data_type):
        return None
    return warning(
        Guard.OLD_VALUE,
        f"the value is {value_text(target.display(old))} now, no longer "
        f"{value_text(target.display(expected))}: it was changed since",
    )
