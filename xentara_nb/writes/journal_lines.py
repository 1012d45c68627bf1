"""Many lines of a journal at once, where all of them are exactly as they were written.

A block of lines is taken apart by one expression that matches whole lines, in the order of
:func:`xentara_nb.writes.records.intents` and of no other. What several lines have in common is
looked at once, and all values are decoded by one call of :mod:`json`. Where anything is unusual (a
line that does not match, a value or a time that is none, an id that is there twice), nothing of the
block is taken, and :meth:`JournalRows.take` decides about each line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from xentara_nb.tables.frames import WORDED_IDS, WORDED_TYPES
from xentara_nb.writes.journal_rows import (
    NO_TIME,
    OUTCOMES,
    UNKNOWN,
    JournalRows,
    Shared,
    WrittenAttribute,
    attribute_of,
    display,
    element_of,
    origin_of,
    text_or_none,
)

_R = TypeVar("_R")

_PLAIN = r'[^"\\\x00-\x1f]*'
_TEXT = rf'"{_PLAIN}(?:\\.{_PLAIN})*"'
# Only so much that none can reach into another: json decides whether it is one.
_VALUE = rf'(?:-?\d[\d.eE+-]*|true|false|null|{_TEXT}|\{{"[a-z]+": {_TEXT}\}})'
_TIME = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}"
_ORIGIN = (
    rf'"server": {_TEXT}, "user": {_TEXT}, "session_user": (?:null|{_TEXT}), '
    rf'"account": {_TEXT}, "computer": {_TEXT}, "process": \d+'
)
_ELEMENT = rf'"primary_key": {_TEXT}, "element_uuid": {_TEXT}'
_ATTRIBUTE = rf'"attribute_name": {_TEXT}, "attribute_id": {_VALUE}, "data_type": \d+'
_INTENT = (
    rf'\{{"event": "intent", "time": "({_TIME})Z", "plan": "({_PLAIN})", ({_ORIGIN}), '
    rf'"id": "({_PLAIN})", ({_ELEMENT}), ({_ATTRIBUTE}), '
    rf'"old_value": ({_VALUE}), "value": ({_VALUE})\}}'
)
_OUTCOME = (
    rf'\{{"event": "outcome", "time": "({_TIME})Z", "id": "({_PLAIN})", "outcome": "([A-Z_]+)"'
    rf'(?:, "read_back": ({_VALUE}))?(?:, "error": ({_TEXT}))?\}}'
)
_LINE = re.compile(rf"^(?:{_INTENT}|{_OUTCOME})$", re.MULTILINE | re.ASCII)
_INTENT_TIME, _PLAN, _ORIGIN_AT, _INTENT_ID, _ELEMENT_AT, _ATTRIBUTE_AT, _OLD, _NEW = range(8)
_OUTCOME_TIME, _OUTCOME_ID, _RESULT, _READ_BACK, _ERROR = range(8, 13)


class _UnusualError(ValueError):
    """Something is not as it was written."""


def take_lines(rows: JournalRows, block: bytes) -> bool:
    """Take whole lines into rows, or nothing at all; return which."""
    before = len(rows)
    try:
        _take(rows, block.decode("ascii"))
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        while len(rows.numbers) > before:
            rows.numbers.popitem()
        return False
    return True


def _take(rows: JournalRows, text: str) -> None:
    found = _LINE.findall(text)
    if len(found) != text.count("\n"):
        raise _UnusualError
    numbers, before = rows.numbers, len(rows)
    intents: list[Sequence[str]] = []
    outcomes: list[Sequence[str]] = []
    finished_rows: list[int | None] = []
    for line in found:
        if line[_INTENT_TIME]:
            at = before + len(intents)
            if numbers.setdefault(line[_INTENT_ID], at) != at:
                raise _UnusualError
            intents.append(line)
        else:
            outcomes.append(line)
            finished_rows.append(numbers.get(line[_OUTCOME_ID]))
    columns = list(zip(*intents, strict=True)) or [()] * 8
    times = _times(columns[_INTENT_TIME])
    origins = _numbered(rows.origins, columns[_ORIGIN_AT], origin_of)
    elements = _numbered(rows.elements, columns[_ELEMENT_AT], element_of)
    codes = _numbered(rows.attributes, columns[_ATTRIBUTE_AT], attribute_of)
    attributes = rows.attributes.distinct
    old = _shown(columns[_OLD], codes, attributes)
    new = _shown(columns[_NEW], codes, attributes)

    moments = _times([line[_OUTCOME_TIME] for line in outcomes])
    for row, line in zip(finished_rows, outcomes, strict=True):
        if row is None:  # of a journal that was shortened; it is left out, if it is JSON at all
            json.loads(f"[{line[_READ_BACK] or 'null'}, {line[_ERROR] or 'null'}]")
    finished = [
        (at, OUTCOMES[line[_RESULT]], _error(line[_ERROR]), moment)
        for at, line, moment in zip(finished_rows, outcomes, moments, strict=True)
        if at is not None
    ]
    read_back = [
        (at, line[_READ_BACK])
        for at, line in zip(finished_rows, outcomes, strict=True)
        if at is not None and line[_READ_BACK]
    ]
    of_rows = [
        codes[at - before] if at >= before else rows.attributes.codes[at] for at, _ in read_back
    ]
    read_values = _shown([raw for _, raw in read_back], of_rows, attributes)

    # Nothing can be wrong from here on.
    rows.origins.codes.extend(origins)
    rows.elements.codes.extend(elements)
    rows.attributes.codes.extend(codes)
    rows.plans.extend(columns[_PLAN])
    rows.times.extend(times)
    rows.finished.extend([NO_TIME] * len(intents))
    rows.old_values.extend(old)
    rows.values.extend(new)
    rows.read_backs.extend([None] * len(intents))
    rows.outcomes.extend([UNKNOWN] * len(intents))
    for (at, _), value in zip(read_back, read_values, strict=True):
        rows.read_backs[at] = value
    for each in finished:
        rows.finish(*each)


def _times(texts: Sequence[str]) -> list[int]:
    """Return times in nanoseconds."""
    moments: list[int] = (np.array(texts, "datetime64[us]").astype(np.int64) * 1000).tolist()
    return moments


def _numbered(
    shared: Shared[Any], raws: Sequence[str], parse: Callable[[dict[str, Any]], Any]
) -> list[int]:
    """Return the numbers of what lines have in common, which is parsed once."""
    numbers = shared.parsed
    for raw in dict.fromkeys(raws):
        if raw not in numbers:
            numbers[raw] = shared.number(parse(json.loads(f"{{{raw}}}")))
    return [numbers[raw] for raw in raws]


def _error(raw: str) -> str | None:
    return text_or_none(json.loads(raw)) if raw else None


def _shown(
    raws: Sequence[str], codes: Sequence[int], attributes: Sequence[WrittenAttribute]
) -> list[object]:
    """Return values of attributes, by the numbers of these, as a DataFrame shows them."""
    worded = {code for code in set(codes) if _is_worded(attributes[code])}
    values = json.loads(f"[{','.join(raws)}]")
    return [
        display(value, attributes[code]) if type(value) is dict or code in worded else value
        for value, code in zip(values, codes, strict=True)
    ]


def _is_worded(attribute: WrittenAttribute) -> bool:
    """Return whether values may be shown in the manual's words."""
    return attribute.data_type in WORDED_TYPES or attribute.attribute_id in WORDED_IDS
