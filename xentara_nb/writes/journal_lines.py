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
from collections.abc import Callable, Iterable, Sequence
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
    try:
        _take(rows, block.decode("ascii"))
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        return False
    return True


def _take(rows: JournalRows, text: str) -> None:
    found = _LINE.findall(text)
    if len(found) != text.count("\n"):
        raise _UnusualError
    intents: list[Sequence[str]] = []
    outcomes: list[tuple[int | None, Sequence[str]]] = []
    numbers: dict[str, int] = {}
    for line in found:
        if line[_INTENT_TIME]:
            if line[_INTENT_ID] in numbers or line[_INTENT_ID] in rows.numbers:
                raise _UnusualError
            numbers[line[_INTENT_ID]] = len(rows) + len(intents)
            intents.append(line)
        else:
            write_id = line[_OUTCOME_ID]
            at = rows.numbers.get(write_id)
            at = numbers.get(write_id) if at is None else at
            outcomes.append((at, line))
    times = _times([line[_INTENT_TIME] for line in intents])
    finished = _times([line[_OUTCOME_TIME] for _, line in outcomes])
    origins = _numbered(rows.origins, intents, _ORIGIN_AT, origin_of)
    elements = _numbered(rows.elements, intents, _ELEMENT_AT, element_of)
    codes = _numbered(rows.attributes, intents, _ATTRIBUTE_AT, attribute_of)
    old = _shown([line[_OLD] for line in intents], codes, rows.attributes.distinct)
    new = _shown([line[_NEW] for line in intents], codes, rows.attributes.distinct)

    known = [
        (at, line, moment)
        for (at, line), moment in zip(outcomes, finished, strict=True)
        if at is not None
    ]
    before = len(rows)
    read_back = [(at, line[_READ_BACK]) for at, line, _ in known if line[_READ_BACK]]
    of_rows = [
        codes[at - before] if at >= before else rows.attributes.codes[at] for at, _ in read_back
    ]
    read_values = _shown([raw for _, raw in read_back], of_rows, rows.attributes.distinct)
    results = [OUTCOMES[line[_RESULT]] for _, line, _ in known]
    errors = [text_or_none(json.loads(line[_ERROR] or "null")) for _, line, _ in known]

    # Nothing can be wrong from here on.
    rows.numbers.update(numbers)
    rows.origins.codes.extend(origins)
    rows.elements.codes.extend(elements)
    rows.attributes.codes.extend(codes)
    rows.plans.extend(line[_PLAN] for line in intents)
    rows.times.extend(times)
    rows.finished.extend([NO_TIME] * len(intents))
    rows.old_values.extend(old)
    rows.values.extend(new)
    rows.read_backs.extend([None] * len(intents))
    rows.outcomes.extend([UNKNOWN] * len(intents))
    for (at, _), value in zip(read_back, read_values, strict=True):
        rows.read_backs[at] = value
    for (at, _, moment), result, error in zip(known, results, errors, strict=True):
        rows.finish(at, result, error, moment)


def _times(texts: Sequence[str]) -> list[int]:
    """Return times in nanoseconds."""
    moments: list[int] = (np.array(texts, "datetime64[us]").astype(np.int64) * 1000).tolist()
    return moments


def _numbered(
    shared: Shared[Any],
    lines: Iterable[Sequence[str]],
    at: int,
    parse: Callable[[dict[str, Any]], Any],
) -> list[int]:
    """Return the numbers of what lines have in common, which is parsed once."""
    raws = [line[at] for line in lines]
    numbers = {raw: shared.number(parse(json.loads(f"{{{raw}}}"))) for raw in dict.fromkeys(raws)}
    return [numbers[raw] for raw in raws]


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
