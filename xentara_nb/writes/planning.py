"""Requests become planned writes: found in the model, read, and checked by every guard.

Just before a plan is sent it is checked once more, whether it still is what the user was shown. If
not, it is refused with a :class:`WriteRefusedError`, and nothing is sent.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence, Sized
from typing import Any

from xentara_nb.errors import (
    PolicyError,
    ServerError,
    WriteRefusedError,
    XentaraError,
)
from xentara_nb.protocol.commands import Read
from xentara_nb.protocol.errors import UnknownElementError
from xentara_nb.protocol.identifiers import Access, Attribute
from xentara_nb.protocol.text import listed, quantity
from xentara_nb.protocol.values import Value
from xentara_nb.queries.model_cache import Ask
from xentara_nb.tables.frames import error_text
from xentara_nb.tables.references import Reference, canonical, uuid_in
from xentara_nb.tables.rendering import value_repr
from xentara_nb.writes import guards
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.feedback import Feedback
from xentara_nb.writes.guards import CheckResult, Guard, refused, warning
from xentara_nb.writes.planned import PlannedWrite, TargetAttribute, resolve
from xentara_nb.writes.policy import WritePolicy
from xentara_nb.writes.read_back import same_value
from xentara_nb.writes.requests import ANYTHING, WriteRequest, request_for


def plan_requests(
    context: WriteContext,
    requests: Sequence[WriteRequest],
    policies: Sequence[WritePolicy],
    *,
    read_all: bool = True,
    verify_on: Mapping[str, Feedback] | None = None,
) -> list[PlannedWrite]:
    """Find, read and check what is to be written; read all values, or those that a policy needs.

    The connection must be open: a fresh one forgets the model, which may be another one now.
    ``verify_on`` says what is read back instead, by the key of what is written; a policy as well.
    """
    ask = context.connection.ask
    targets = resolve(context.model_cache, requests)
    tables = [*filter(None, [verify_on]), *(each.verify_on for each in policies if each.verify_on)]
    if tables:
        _check_keys(context, verify_on, policies)
        requests = [
            request if request.feedback is not None else _with_feedback(request, target, tables)
            for request, target in zip(requests, targets, strict=True)
        ]
    wanted = [
        target if read_all or _needs_present_value(policies, target) else None for target in targets
    ]
    present = read_present(ask, wanted)
    planned = [
        check_write(request, target, old, quality, policies)
        for request, target, (old, quality) in zip(requests, targets, present, strict=True)
    ]
    if any(request.feedback is not None for request in requests):
        planned = _find_feedback(context, planned)
    return planned if len(planned) == 1 else _refuse_repeats(planned)


def _check_keys(
    context: WriteContext, verify_on: Mapping[str, Feedback] | None, policies: Sequence[WritePolicy]
) -> None:
    """Refuse a table with a key that no element has: what it says would be passed over."""
    for source, table in [("", verify_on or {}), *((p.source, p.verify_on) for p in policies)]:
        references = [Reference(key, None, text_uuid=uuid_in(key)) for key in table]
        found = context.model_cache.find(references)
        for key, element in zip(table, found, strict=True):
            if isinstance(element, XentaraError):
                error = element
                if isinstance(element, ServerError):
                    error = element.within(f"verify_on: lookup of {key!r}")
                if source and isinstance(element, UnknownElementError):
                    raise PolicyError(f"{source}, {error} Fix it there.")
                raise error


def _needs_present_value(policies: Sequence[WritePolicy], target: TargetAttribute) -> bool:
    return guards.needs_present_value(
        policies, target.primary_key, target.info, target.element_uuid
    )


def _with_feedback(
    request: WriteRequest, target: TargetAttribute, tables: Sequence[Mapping[str, Feedback]]
) -> WriteRequest:
    """Return a request with what is read back of it; the first table that knows the key counts."""
    if not _is_value(target):
        return request
    key, uuid = target.primary_key, str(target.element_uuid)
    found = next(
        (table.get(key) or table[uuid] for table in tables if {key, uuid} & table.keys()), None
    )
    return request._replace(feedback=found)


def _find_feedback(context: WriteContext, planned: Sequence[PlannedWrite]) -> list[PlannedWrite]:
    """Find the attributes that are read back instead; what cannot be read refuses its write."""
    wanted = [each.request.feedback for each in planned]
    requests = [request_for(each.element, None) for each in wanted if each is not None]
    targets = iter(resolve(context.model_cache, requests))
    found = []
    for each, feedback in zip(planned, wanted, strict=True):
        if feedback is not None:
            target = next(targets)
            wrong = None if target.readable else f"{target.primary_key} cannot be read"
            wrong = wrong if target.error is None else str(target.error)
            if wrong is None:
                each = each._replace(followed_by=target)
            else:
                check = refused(Guard.EXISTS, f"verify_on: {wrong}")
                each = each._replace(checks=(*each.checks, check))
        found.append(each)
    return found


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
                other = planned[first]
                does = "is for" if other.refused else f"writes {value_repr(other.new_value)} to"
                twice = refused(
                    Guard.DISTINCT,
                    f"a row above {does} the same attribute: one plan writes it once",
                )
                each = each._replace(checks=(*each.checks, twice))
        checked.append(each)
    return checked


def read_present(
    ask: Ask, targets: Sequence[TargetAttribute | None]
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


def read_units(context: WriteContext, planned: Sequence[PlannedWrite]) -> list[str | None]:
    """Read the units of the values that are to be written; None where there are none."""
    units: list[str | None] = [None] * len(planned)
    # By their number, for the list of attributes is the cache's own.
    numbers = [at for at, each in enumerate(planned) if _is_value(each.target)]
    uuids = [planned[at].target.element_uuid for at in numbers]
    reads: dict[int, Read] = {}
    described = context.model_cache.meta_data([uuid for uuid in uuids if uuid is not None])
    for at, uuid, answer in zip(numbers, uuids, described, strict=True):
        attributes = () if isinstance(answer, ServerError) else answer.attributes or ()
        for info in attributes:
            if info.name == "units" and info.access != Access.WRITE_ONLY and uuid is not None:
                reads[at] = Read(uuid, (info.attribute_id,))
    if reads:
        answers = context.connection.ask(list(reads.values()))
        for (at, read), answer in zip(reads.items(), answers, strict=True):
            found = None if isinstance(answer, ServerError) else answer.get(read.attribute_ids[0])
            units[at] = found if isinstance(found, str) and found else None
    return units


def _is_value(target: TargetAttribute) -> bool:
    info = target.info
    return info is not None and canonical(info.attribute_id) == Attribute.VALUE


def check_write(
    request: WriteRequest,
    target: TargetAttribute,
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
        found.append(guards.check_key(policies, key, info, target.element_uuid))
    if policies and new is not None:
        found += guards.check_limits(policies, key, info, new, old, target.element_uuid)
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


def _check_old(request: WriteRequest, target: TargetAttribute, old: Any) -> CheckResult | None:
    assert target.info is not None
    if target.info.access == Access.WRITE_ONLY:
        return warning(
            Guard.OLD_VALUE,
            "the attribute is write only, so the write can be neither verified nor undone",
        )
    if isinstance(old, ServerError):
        return warning(Guard.OLD_VALUE, f"the present value cannot be read: {error_text(old)}")
    expected = request.expected
    if expected is ANYTHING or old is None or same_value(expected, old, target.info.data_type):
        return None
    return warning(
        Guard.OLD_VALUE,
        f"the value is {value_repr(target.digits(old))} now, no longer "
        f"{value_repr(target.digits(expected))}: it was changed since",
    )


def _of(some: Sized, all_of_them: Sized, noun: str, plural: str) -> str:
    return f"{len(some):,} of {quantity(len(all_of_them), noun, plural)}"


def refuse_rows(planned: Sequence[PlannedWrite]) -> None:
    """Refuse a plan with rows that guards refuse."""
    refused = [each for each in planned if each.refused]
    if refused:
        raise WriteRefusedError(
            f"{_of(refused, planned, 'row is', 'rows are')} refused, so nothing was sent: "
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
    checked: Sequence[PlannedWrite],
) -> None:
    """Find, read and check planned writes once more, and refuse them if something has changed.

    Present values may be as far from those that the plan shows as the tolerance says; without one
    they are read only where a policy needs them. No row is trusted but those that were ``checked``
    by the same policies in the same model, and whose present values are the same: what any other
    sends is worked out from its request once more.
    """
    ask = context.connection.ask
    trusted = {id(each) for each in checked}  # no one can have changed them
    own = {id(each) for each in planned}
    untouched = own <= trusted and len(own) == len(planned)
    if not untouched:
        _refuse_other_model(context, planned)
    moved = []
    wanted = [
        each.target
        if (tolerance is not None and each.knows_old) or _needs_present_value(policies, each.target)
        else None
        for each in planned
    ]
    now = []
    for each, target, (old, quality) in zip(
        planned, wanted, read_present(ask, wanted), strict=True
    ):
        if target is None or not target.readable:
            old, quality = each.old, each.quality
        elif tolerance is not None and each.knows_old and not _same(each.old, old):
            change = _change(each, old, tolerance)
            moved += [] if change is None else [f"{each}: {change}"]
        if id(each) in trusted and _same(each.old, old) and each.quality == quality:
            now.append(each)
        else:
            now.append(check_write(each.request, each.target, old, quality, policies))
    if moved:
        raise WriteRefusedError(
            f"{_of(moved, planned, 'value is', 'values are')} no longer what the plan shows, so "
            f"nothing was sent: {_some(moved)}. Make a fresh plan, or insist on this one with "
            "apply(if_unchanged=False)"
        )
    if untouched and all(map(operator.is_, now, planned)):
        return
    refused = [each for each in _refuse_repeats(now) if each.refused]
    if refused:
        raise WriteRefusedError(
            f"{_of(refused, planned, 'row is', 'rows are')} refused by now, so nothing was sent: "
            f"{_some([f'{each}: {each.reason}' for each in refused])}. Make a fresh plan"
        )
    edited = [
        str(each)
        for each, fresh in zip(planned, now, strict=True)
        if not _same(each.new, fresh.new)
    ]
    if edited:
        raise WriteRefusedError(
            f"these rows of the plan do not send what was checked: {_some(edited)}. Nothing was "
            "sent: make a fresh plan with client.plan_writes(...)"
        )


def _refuse_other_model(context: WriteContext, planned: Sequence[PlannedWrite]) -> None:
    # What is known of the model is forgotten with a connection, so this asks after a restart only.
    targets = resolve(context.model_cache, [each.request for each in planned])
    moved = [
        str(each) for each, target in zip(planned, targets, strict=True) if each.target != target
    ]
    if moved:
        raise WriteRefusedError(
            "the server's model has changed since the plan was made, so nothing was sent: "
            f"{_some(moved)}. Make a fresh plan"
        )


def _same(one: object, other: object) -> bool:
    """Return whether two values are sent as the same bytes: also NaN, but not 1, 1.0 and True."""
    return type(one) is type(other) and (one == other or (one != one and other != other))


def _change(planned: PlannedWrite, old: object, tolerance: float) -> str | None:
    """Return how a present value has changed since it was shown, None if it has not."""
    target = planned.target
    assert target.info is not None
    if isinstance(old, ServerError):
        return f"it cannot be read any more ({old.text})"
    if same_value(planned.old, old, target.info.data_type, tolerance):
        return None
    return (
        f"it was {value_repr(target.digits(planned.old))}, it is {value_repr(target.digits(old))}"
    )


def _some(texts: Sequence[str]) -> str:
    return listed(texts, separator="; ")
