"""What a plant allows to be written: a policy, as a file that the plant ships or made in a cell.

A policy is a TOML file. All of it may be left out, but a file is never empty::

    allowed = ["Plant.*.Set point", "Plant.Water Treatment.*"]   # nothing else may be written
    forbidden = ["*.Maximum speed"]                              # not even if it is allowed
    max_rows = 50                                                # of one plan
    max_writes_per_second = 10
    bad_quality = "refuse"                                       # or "warn" (default), "ignore"

    [time_window]
    from = "06:00"
    to = "22:00"                  # before "from": over midnight
    days = ["Mon", "Tue", "Wed", "Thu", "Fri"]                   # on which it opens; left out: all
    time_zone = "Europe/Berlin"

    [stage]
    allow = ["suspend", "resume"]          # and "shut_down"; left out: all, or none beside allowed

    [[limits]]
    keys = ["Plant.*.Set point"]
    minimum = 0
    maximum = 400
    max_step = 25                 # from the present value to the new one

    [verify_on]                   # what is read back instead, see xentara_nb.writes.feedback
    "Plant.Valve.Command" = "Plant.Valve.Position"

Limits are for numbers, and every entry whose keys match applies. Keys are patterns, see
:func:`matches`; one that matches nothing is no error, for a policy may be that of several plants.
Upper and lower case make no difference to what is forbidden or limited, so that a pattern in the
wrong case does not let a write through; for what is allowed they do. Of two keys that differ in
nothing else, one is forbidden or limited by its UUID. Those of ``verify_on`` are keys: each must be
that of an element.

The file that the environment variable ``XENTARA_POLICY`` names applies to every client, beside the
policy that a client is given. Both files are read again when they change, also while a client is
connected: what was changed counts for the next write. Nothing is written without the file, or while
it is empty. Put a new one in its place by renaming it (``mv``): half of a file may be a policy too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self, TypeAlias
from uuid import UUID

from xentara_nb.errors import OptionError, PolicyError
from xentara_nb.paths import parse_toml, read_file
from xentara_nb.protocol.values import is_number
from xentara_nb.suggestions import question
from xentara_nb.tables.names import same_look
from xentara_nb.tables.references import uuid_in
from xentara_nb.wildcards import expression
from xentara_nb.writes.feedback import feedbacks
from xentara_nb.writes.stage_command import StageCommand
from xentara_nb.writes.time_window import TimeWindow, require, time_window

VARIABLE = "XENTARA_POLICY"
"""The environment variable that names the policy file of a plant."""

MAX_BYTES = 4 * 1024 * 1024
"""The largest policy file that is read, in bytes."""

BAD_QUALITY = ("warn", "refuse", "ignore")

_SETTINGS = {
    "": (
        *("allowed", "forbidden", "max_rows", "max_writes_per_second"),
        *("bad_quality", "time_window", "stage", "limits", "verify_on"),
    ),
    "time_window": ("from", "to", "days", "time_zone"),
    "stage": ("allow",),
    "limits": ("keys", "minimum", "maximum", "max_step"),
}
_RENAMED = {
    "most_rows": "max_rows",
    "most_writes_per_second": "max_writes_per_second",
    "largest_step": "max_step",
}
_NUMBER = "Give a number."


def matches(
    patterns: Sequence[str],
    primary_key: str,
    attribute_name: str,
    element_uuid: UUID | None = None,
    *,
    ignore_case: bool = False,
) -> bool:
    """Return whether a pattern matches an attribute of an element.

    ``*`` stands for any characters, periods included, ``?`` for exactly one; everything else for
    itself, also brackets: a name with a period stands in brackets in a key. A pattern is for the
    whole key. Keys that look the same are the same,
    also where one has a letter with its accent as two characters, or a blank at its end. A pattern
    is compared with the key of the element and with that of the attribute, which is the element's
    with the attribute's name behind it. One that is a UUID, in upper or lower case, in braces or as
    a URN, is compared with that of the element as well.

    Parameters
    ----------
    patterns : sequence of str
        The patterns, of which one is enough.
    primary_key, attribute_name : str
        What is compared with them.
    element_uuid : uuid.UUID, optional
        What is compared with those that are UUIDs; left out, they match nothing.
    ignore_case : bool, default False
        Whether upper and lower case are the same.

    Examples
    --------
    >>> matches(("Plant.*.Set point",), "Plant.Line 1.Set point", "value")
    True
    >>> matches(("*.units",), "Plant.Line 1.Speed", "units")
    True
    >>> matches(("Set point",), "Plant.Line 1.Set point", "value")
    False
    >>> matches(("*.set point",), "Plant.Line 1.Set point", "value", ignore_case=True)
    True
    >>> matches(("{00000000-0000-0000-0000-00000000000A}",), "Plant", "value", UUID(int=10))
    True
    """
    if not patterns:
        return False
    of_keys, of_uuids = _compiled(tuple(patterns), ignore_case)
    key, name = same_look(primary_key), same_look(attribute_name)
    keys = (key, f"{key}.{name}")
    if _matches(of_keys, *keys, *(map(_folded, keys) if ignore_case else ())):
        return True
    if of_uuids is None or element_uuid is None:
        return False
    return _matches(of_uuids, str(element_uuid), f"{element_uuid}.{name}")


def _folded(text: str) -> str:
    """Return a text without upper and lower case, also of letters that are two in one of these.

    The upper case of ``Straße`` is ``STRASSE``, which no flag of a pattern knows.
    """
    return text if text.isascii() else same_look(text.casefold())


def _matches(pattern: re.Pattern[str], *keys: str) -> bool:
    return any(pattern.fullmatch(key) is not None for key in keys)


@lru_cache(maxsize=256)
def _compiled(
    patterns: tuple[str, ...], ignore_case: bool
) -> tuple[re.Pattern[str], re.Pattern[str] | None]:
    """Return what the patterns match, and what those do that are UUIDs, if some are."""
    looks = [same_look(pattern) for pattern in patterns]
    if ignore_case:
        looks += [_folded(look) for look in looks if not look.isascii()]
    uuids = []
    for element, period, attribute in (look.partition(".") for look in looks):
        if (uuid := uuid_in(element)) is not None:
            uuids.append(f"{uuid}{period}{attribute}")
    flags = re.DOTALL | re.IGNORECASE if ignore_case else re.DOTALL
    return _joined(looks, flags), _joined(uuids, flags) if uuids else None


def _joined(patterns: Sequence[str], flags: re.RegexFlag) -> re.Pattern[str]:
    return re.compile("|".join(map(expression, patterns)), flags)


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """Limits for the numbers that are written to some keys.

    Parameters
    ----------
    keys : sequence of str
        Patterns of the keys, in upper or lower case.
    minimum, maximum : float, optional
        The smallest and the largest value.
    max_step : float, optional
        How far a new value may be from the present one.

    Examples
    --------
    >>> KeyLimits(["Plant.*.Set point"], minimum=0, maximum=400).maximum
    400
    """

    keys: Sequence[str]
    minimum: float | None = None
    maximum: float | None = None
    max_step: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", _patterns("keys", self.keys))
        # An entry that limits nothing is a mistake: someone relies on it.
        require(bool(self.keys), "keys", "it is empty", "Say which keys the limits are for.")
        limits = {name: getattr(self, name) for name in _SETTINGS["limits"] if name != "keys"}
        for name, limit in limits.items():
            require(limit is None or _is_number(limit), name, f"{limit!r} is no number", _NUMBER)
        hint = f"Give one or more of {', '.join(limits)}."
        require(any(v is not None for v in limits.values()), "minimum", "no limit is given", hint)
        low, high, step = limits.values()
        ordered = low is None or high is None or low <= high
        require(ordered, "minimum", "it is above the maximum", "Change one of the two.")
        require(step is None or step >= 0, "max_step", "it is below zero", "Give a distance.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePolicy:
    """What may be written, how much of it and when.

    Parameters
    ----------
    allowed : sequence of str, optional
        Patterns of the keys that may be written, in upper and lower case as in the keys. Left out,
        all may.
    forbidden : sequence of str
        Patterns of the keys that may not be written, allowed or not, in any case.
    limits : sequence of KeyLimits
        Limits for numbers. Every one whose keys match applies.
    max_rows : int, optional
        How many rows a plan may have.
    max_writes_per_second : float, optional
        How many writes a client may send in a second; 0.1 is one in ten seconds.
    time_window : TimeWindow, optional
        When something may be written.
    stage : sequence of str, optional
        Which of ``"suspend"``, ``"resume"`` and ``"shut_down"`` may be done. Left out, all may; but
        beside ``allowed``, which says that nothing else may be changed, none.
    bad_quality : {"warn", "refuse", "ignore"}
        What to do where the quality of the present value is bad. A point that was never written
        has a bad quality on some devices, so that ``"refuse"`` is not for every plant.
    verify_on : mapping, optional
        What is read back instead of a key, see :mod:`xentara_nb.writes.feedback`.
    source : str
        Where the policy comes from, for messages.

    Raises
    ------
    PolicyError
        If something in it makes no sense.

    Examples
    --------
    >>> policy = WritePolicy(
    ...     allowed=["Plant.*.Set point"],
    ...     limits=[KeyLimits(["*.Set point"], minimum=0, maximum=400, max_step=25)],
    ... )
    >>> policy.allowed
    ('Plant.*.Set point',)
    """

    allowed: Sequence[str] | None = None
    forbidden: Sequence[str] = ()
    limits: Sequence[KeyLimits] = ()
    max_rows: int | None = None
    max_writes_per_second: float | None = None
    time_window: TimeWindow | None = None
    stage: Sequence[str] | None = None
    bad_quality: str = "warn"
    verify_on: Mapping[str, Any] = field(default_factory=dict, hash=False)
    source: str = "the write policy"

    def __post_init__(self) -> None:
        if self.allowed is not None:
            object.__setattr__(self, "allowed", _patterns("allowed", self.allowed))
        object.__setattr__(self, "forbidden", _patterns("forbidden", self.forbidden))
        known = isinstance(self.limits, list | tuple)
        known = known and all(isinstance(entry, KeyLimits) for entry in self.limits)
        require(known, "limits", "they must be KeyLimits", "Write [KeyLimits(keys, ...)].")
        object.__setattr__(self, "limits", tuple(self.limits))
        known = isinstance(self.time_window, TimeWindow | None)
        require(known, "time_window", "it must be a TimeWindow", "Write TimeWindow(...).")
        if self.stage is not None:
            object.__setattr__(self, "stage", _stage_commands(self.stage))
        rows, rate = self.max_rows, self.max_writes_per_second
        fits = rows is None or (type(rows) is int and rows >= 1)
        require(fits, "max_rows", f"{rows!r} is no number of rows", "Give 1 or more.")
        fits = rate is None or (_is_number(rate) and 0.0001 <= rate <= 1_000_000)
        hint = "Give 0.0001 to 1000000, or leave it out to have no limit."
        require(fits, "max_writes_per_second", f"{rate!r} makes no sense", hint)
        try:
            object.__setattr__(self, "verify_on", feedbacks(self.verify_on))
        except OptionError as error:
            raise PolicyError(f'{error}. Write "Plant.A" = "Plant.B".') from None
        hint = f"Give one of {', '.join(BAD_QUALITY)}."
        known = self.bad_quality in BAD_QUALITY
        require(known, "bad_quality", f"{self.bad_quality!r} is not known", hint)

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> Self:
        """Read a policy file.

        Raises
        ------
        PolicyError
            If the file cannot be read or something in it makes no sense: the message names the
            file, the place and how to fix it.

        Parameters
        ----------
        path : path
            The file, as :mod:`xentara_nb.writes.policy` describes it.

        Examples
        --------
        >>> from pathlib import Path
        >>> size = Path("policy.toml").write_text('forbidden = ["*.Maximum speed"]')
        >>> WritePolicy.from_toml("policy.toml").forbidden
        ('*.Maximum speed',)
        """
        return cls.from_bytes(read_policy(path), path)

    @classmethod
    def from_bytes(cls, data: bytes, file: str | os.PathLike[str]) -> Self:
        """Return the policy that a file holds; raises as :meth:`from_toml`."""
        # What is about to be written is empty first, and would be a policy without any rule.
        if not data.strip():
            raise PolicyError(
                f"the policy file {file} is empty; nothing is written without it. Fix it there: "
                "one without rules holds a comment."
            )
        try:
            content = parse_toml(data)
        except RecursionError:
            raise PolicyError(
                f"the policy file {file} is no policy: its lists are nested too deep. Fix it there."
            ) from None
        except ValueError as error:  # no TOML, or no UTF-8
            raise PolicyError(
                f"the policy file {file} is no TOML: {error}. Fix it there."
            ) from None
        try:
            return cls(**_arguments(content), source=f"the policy {file}")
        except PolicyError as error:
            raise PolicyError(f"the policy file {file}, {error}") from None


def read_policy(path: str | os.PathLike[str]) -> bytes:
    """Return what a policy file holds; raises a PolicyError if it cannot be read."""
    try:
        return read_file(path, MAX_BYTES)
    except OptionError as error:
        raise PolicyError(
            f"the policy file cannot be read ({error}); nothing is written without it."
        ) from None
    except OSError as error:
        raise PolicyError(
            f"the policy file {path} cannot be read ({error.strerror or error}). "
            "Check the path and its permissions; nothing is written without it."
        ) from None


WritePolicyLike: TypeAlias = "WritePolicy | str | os.PathLike[str] | None"
"""A policy, or the path of its file."""


@contextmanager
def _in_table(name: str) -> Iterator[None]:
    """Name the table that a setting is in, where it makes no sense."""
    try:
        yield
    except PolicyError as error:
        raise PolicyError(f"{name}.{error}") from None


def _arguments(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a WritePolicy that a TOML document stands for."""
    _check_names(content, "")
    arguments = dict(content)
    if "limits" in content:
        entries = content["limits"]
        tables = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
        require(tables, "limits", "it must be a list of tables", "Write each under [[limits]].")
        arguments["limits"] = [_limits(number, entry) for number, entry in enumerate(entries, 1)]
    if "stage" in content:
        with _in_table("stage"):
            hint = "Write allow = [...] under [stage]."
            require(isinstance(content["stage"], dict), "allow", "it must be a table", hint)
            _check_names(content["stage"], "stage")
            require("allow" in content["stage"], "allow", "it is missing", hint)
            arguments["stage"] = content["stage"]["allow"]
    if "time_window" in content:
        arguments["time_window"] = _time_window(content["time_window"])
    return arguments


def _check_names(table: Mapping[str, Any], name: str) -> None:
    for key in table:
        hint = f"{question(key, _SETTINGS[name])} There are: {', '.join(_SETTINGS[name])}."
        if (new := _RENAMED.get(key)) is not None:
            hint = f"It is called {new} now: rename it."
        require(key in _SETTINGS[name], key, "there is no such setting", hint.strip())


def _limits(number: int, entry: Mapping[str, Any]) -> KeyLimits:
    with _in_table(f"limits (entry {number})"):
        _check_names(entry, "limits")
        require("keys" in entry, "keys", "it is missing", "Say which keys the limits are for.")
        return KeyLimits(**entry)


def _time_window(table: Any) -> TimeWindow:
    hint = "Write it under [time_window]."
    require(isinstance(table, dict), "time_window", "it must be a table", hint)
    with _in_table("time_window"):
        _check_names(table, "time_window")
        return time_window(table)


def _stage_commands(commands: object) -> tuple[str, ...]:
    hint = f"Write a list of {', '.join(StageCommand)}."
    require(isinstance(commands, list | tuple), "allow", "it is no list", hint)
    assert isinstance(commands, list | tuple)
    for command in commands:
        require(command in tuple(StageCommand), "allow", f"{command!r} is not known", hint)
    return tuple(commands)


def _patterns(name: str, patterns: object) -> tuple[str, ...]:
    if isinstance(patterns, str):
        patterns = (patterns,)
    # A table is iterable as well, and what it would give are the names of its settings.
    found = patterns if isinstance(patterns, list | tuple | set | frozenset) else (None,)
    fits = all(isinstance(pattern, str) and same_look(pattern) for pattern in found)
    require(fits, name, "it must be a list of patterns", 'Write ["Plant.*.Set point"].')
    return tuple(str(pattern) for pattern in found)


def _is_number(value: object) -> bool:
    return is_number(value) and value == value
