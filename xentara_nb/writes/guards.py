"""The guards: what is checked before anything is sent, each with its own message."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from xentara_nb.errors import WriteRefusedError
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import Access, Quality
from xentara_nb.protocol.values import TimePoint, Value, is_number
from xentara_nb.tables.coercion import coerce
from xentara_nb.tables.rendering import with_own_digits
from xentara_nb.tables.times import in_local_zone, is_local
from xentara_nb.writes.policy import KeyLimits, WritePolicy, matches

READ_ONLY_VARIABLE = "XENTARA_READ_ONLY"
"""The environment variable that makes every client read only, also those that are connected."""

_OFF = ("", "0", "false", "no", "off")


class Guard(StrEnum):
    """What is checked."""

    EXISTS = "exists"
    ACCESS = "access"
    FITS = "fits"
    DISTINCT = "distinct"
    CLIENT = "client"
    ALLOWED = "allowed"
    LIMITS = "limits"
    STEP = "step"
    QUALITY = "quality"
    OLD_VALUE = "old_value"
    ROWS = "rows"
    TIME_WINDOW = "time_window"


OF_POLICIES = frozenset({Guard.ALLOWED, Guard.LIMITS, Guard.STEP, Guard.ROWS, Guard.TIME_WINDOW})
"""The guards that check nothing where no policy has a rule for them."""


class Severity(StrEnum):
    """What a guard says of a write."""

    OK = "ok"
    WARNING = "warning"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one guard says of one write, where it is not just "ok"."""

    guard: Guard
    severity: Severity
    message: str
    source: str = ""  # the policy that the message names


def refused(guard: Guard, message: str, source: str = "") -> CheckResult:
    """Return the result of a guard that refuses."""
    return CheckResult(guard, Severity.REFUSED, message, source)


def warning(guard: Guard, message: str) -> CheckResult:
    """Return the result of a guard that warns."""
    return CheckResult(guard, Severity.WARNING, message)


def worst_first(checks: Sequence[CheckResult]) -> list[CheckResult]:
    """Return results to be read one after the other, the refusals first.

    A policy that several of them name is named by the first alone: it may have a long path.
    """
    ordered = sorted(checks, key=lambda check: check.severity is not Severity.REFUSED)
    named: set[str] = set()
    for place, check in enumerate(ordered):
        if check.source in named:
            message = check.message.replace(check.source, "this policy")
            ordered[place] = replace(check, message=message)
        elif check.source:
            named.add(check.source)
    return ordered


def reason_of(checks: Sequence[CheckResult]) -> str:
    """Return what some results say, the refusals first, in one line."""
    return "; ".join(check.message for check in worst_first(checks)) if checks else ""


def check_access(info: AttributeInfo) -> CheckResult | None:
    """Check whether an attribute can be written."""
    if info.access == Access.READ_ONLY:
        return refused(
            Guard.ACCESS,
            "the attribute is read only; inventory.xentara.writable() shows what can be written",
        )
    if info.access not in (Access.WRITE_ONLY, Access.READ_AND_WRITE):
        return refused(
            Guard.ACCESS,
            f"the attribute has the access {info.access}, which this version does not know",
        )
    return None


def check_value(
    given: Any, info: AttributeInfo, number_as_boolean: bool
) -> tuple[Value | None, CheckResult | None]:
    """Return the value as it will be sent, or why it does not fit the attribute."""
    try:
        value = coerce(given, info.data_type, number_as_boolean=number_as_boolean)
    except WriteRefusedError as error:
        return None, refused(Guard.FITS, str(error))
    if isinstance(value, TimePoint) and is_local(given):
        text = in_local_zone(value)
        return value, warning(Guard.FITS, f"{text} is sent: no time zone was given")
    if isinstance(value, float) and not math.isfinite(value):
        what = "infinite" if math.isinf(value) else "not a number"
        return value, warning(Guard.FITS, f"{value} is sent: it is {what}")
    return value, None


def check_client(read_only: bool) -> CheckResult | None:
    """Check whether the client may write at all."""
    setting = os.environ.get(READ_ONLY_VARIABLE, "")
    if setting and setting.strip().lower() not in _OFF:
        return refused(
            Guard.CLIENT,
            f"{READ_ONLY_VARIABLE}={setting} is set, so nothing may be changed from here",
        )
    if read_only:
        return refused(
            Guard.CLIENT,
            "this client is read only; connect without read_only=True to change something",
        )
    return None


def check_key(
    policies: Sequence[WritePolicy], key: str, info: AttributeInfo, uuid: UUID | None = None
) -> CheckResult | None:
    """Check whether the policies allow to write to a key.

    What a policy allows is meant to the letter. What it forbids or limits is so in any case, for
    a pattern that does not match lets a write through, and no one is told.
    """
    for policy in policies:
        if matches(policy.forbidden, key, info.name, uuid, ignore_case=True):
            message = f"{policy.source} forbids to write to {key}"
            return refused(Guard.ALLOWED, message, policy.source)
        if policy.allowed is not None and not matches(policy.allowed, key, info.name, uuid):
            alike = matches(policy.allowed, key, info.name, uuid, ignore_case=True)
            hint = " (a pattern has it in another upper or lower case: correct it)" if alike else ""
            message = f"{policy.source} does not allow to write to {key}{hint}"
            return refused(Guard.ALLOWED, message, policy.source)
    return None


def needs_present_value(
    policies: Sequence[WritePolicy],
    key: str,
    info: AttributeInfo | None,
    uuid: UUID | None = None,
) -> bool:
    """Return whether a policy cannot be checked without reading the present value."""
    if not policies or info is None:
        return False
    return any(policy.bad_quality == "refuse" for policy in policies) or any(
        entry.max_step is not None for _, entry in _limits_of(policies, key, info, uuid)
    )


def _limits_of(
    policies: Sequence[WritePolicy], key: str, info: AttributeInfo, uuid: UUID | None
) -> Iterator[tuple[WritePolicy, KeyLimits]]:
    """Give all limits for an attribute, each with its policy."""
    for policy in policies:
        for entry in policy.limits:
            if matches(entry.keys, key, info.name, uuid, ignore_case=True):
                yield policy, entry


def check_limits(
    policies: Sequence[WritePolicy],
    key: str,
    info: AttributeInfo,
    value: Any,
    old: Any,
    uuid: UUID | None = None,
) -> Iterator[CheckResult]:
    """Check whether a number is within the limits, and no larger step than they allow."""
    if not is_number(value):
        return
    for policy, entry in _limits_of(policies, key, info, uuid):
        if entry.minimum is not None and not value >= entry.minimum:
            message = f"{value} is below {entry.minimum}, the minimum of {policy.source}"
            yield refused(Guard.LIMITS, message, policy.source)
        if entry.maximum is not None and not value <= entry.maximum:
            message = f"{value} is above {entry.maximum}, the maximum of {policy.source}"
            yield refused(Guard.LIMITS, message, policy.source)
        if entry.max_step is not None:
            yield from _check_step(policy, entry.max_step, value, old, info)


def _check_step(
    policy: WritePolicy, largest: float, value: Any, old: Any, info: AttributeInfo
) -> Iterator[CheckResult]:
    if not is_number(old):
        yield refused(
            Guard.STEP,
            f"{policy.source} allows a step of {largest} at most, and the present value cannot be "
            "read",
            policy.source,
        )
    # Not so simple as a subtraction: both ends may be infinite, and NaN is no step at all.
    elif value != old and not abs(value - old) <= largest:
        yield refused(
            Guard.STEP,
            f"from {with_own_digits(old, info.data_type)} to {value} is a larger step than "
            f"{largest}, the max_step of {policy.source}",
            policy.source,
        )


def check_quality(policies: Sequence[WritePolicy], quality: int | None) -> CheckResult | None:
    """Check whether the present value can be trusted."""
    if quality is None or quality < Quality.BAD:
        return None
    choices = {policy.bad_quality for policy in policies} or {"warn"}
    message = "the quality of the present value is bad: look at the device first"
    if "refuse" in choices:
        return refused(Guard.QUALITY, message)
    return warning(Guard.QUALITY, message) if "warn" in choices else None


def has_rule(
    policies: Sequence[WritePolicy],
    guard: Guard,
    key: str,
    info: AttributeInfo | None,
    value: Any,
    uuid: UUID | None = None,
) -> bool:
    """Return whether a policy has a rule for one of the guards ``OF_POLICIES`` to check."""
    if guard is Guard.ALLOWED:
        return any(policy.forbidden or policy.allowed is not None for policy in policies)
    if guard is Guard.ROWS:
        return any(policy.max_rows is not None for policy in policies)
    if guard is Guard.TIME_WINDOW:
        return any(policy.time_window is not None for policy in policies)
    if info is None or not is_number(value):
        return False
    entries = [entry for _, entry in _limits_of(policies, key, info, uuid)]
    if guard is Guard.STEP:
        return any(entry.max_step is not None for entry in entries)
    return any(entry.minimum is not None or entry.maximum is not None for entry in entries)


def check_stage(policies: Sequence[WritePolicy], command: str) -> CheckResult | None:
    """Check whether the policies allow to change the stage of the server in this way."""
    for policy in policies:
        if policy.stage is not None:
            if command not in policy.stage:
                return refused(Guard.ALLOWED, f"{policy.source} does not allow to {command}")
        elif policy.allowed is not None:
            return refused(
                Guard.ALLOWED,
                f"{policy.source} has a list of what is allowed and no [stage] beside it, so the "
                f'stage may not be changed: write allow = ["{command}"] under [stage]',
            )
    return None


def check_rows(policies: Sequence[WritePolicy], rows: int) -> CheckResult | None:
    """Check whether a plan has no more rows than it may."""
    for policy in policies:
        if policy.max_rows is not None and rows > policy.max_rows:
            return refused(
                Guard.ROWS,
                f"the plan has {rows:,} rows, and {policy.source} allows {policy.max_rows:,}",
                policy.source,
            )
    return None


def check_time(policies: Sequence[WritePolicy]) -> CheckResult | None:
    """Check whether now is a time to write."""
    for policy in policies:
        window = policy.time_window
        if window is not None and not window.open_at(datetime.now(UTC)):
            message = f"{policy.source} allows to write from {window} only"
            return refused(Guard.TIME_WINDOW, message, policy.source)
    return None
