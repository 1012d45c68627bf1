"""What texts become on their way through spreadsheets and plain pandas, and how to undo that.

A spreadsheet runs a text that begins like a formula, so a CSV file has an apostrophe before it.
``pandas.read_csv`` and ``read_excel`` know nothing of that; they take some texts for missing
values, and texts that look like numbers for these.
"""

from __future__ import annotations

import math
import re
from typing import Self
from uuid import UUID

import numpy as np
import pandas as pd

from xentara_nb.protocol.values import is_number

# Also full-width, which some spreadsheets take for the same, and behind what they skip.
RUNS_AS_FORMULA = re.compile(
    r"[\t\r\n']|[\s\x00-\x20\x7f-\xa0\xad\u034f\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]*"
    r"[=+\-@＝＋－＠﹢﹣﹦﹫−]"
)
"""Matches a text that gets an apostrophe in a CSV file."""

_MISSING = frozenset(
    {
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND"),
        *("1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    }
)
_WHOLE = re.compile(r"[+-]?[0-9]{1,300}", re.ASCII)
_TRUTH = {"true": True, "false": False}
# What the spreadsheets of other countries save for these.
_TRUTH_ABROAD = {
    word: not at
    for words in (
        ("wahr", "falsch"),
        ("vrai", "faux"),
        ("verdadero", "falso"),
        ("vero", "falso"),
        ("verdadeiro", "falso"),
        ("waar", "onwaar"),
        ("prawda", "fałsz"),
        ("doğru", "yanlış"),
    )
    for at, word in enumerate(words)
}


class NumberCell(str):
    """A cell that is a number where one is wanted, and else a text."""

    number: str  # as Python writes it, where the file has a decimal comma
    written: str  # as it stands in the file

    @classmethod
    def of(cls, text: str, number: str, written: str) -> Self:
        """Return such a cell, which passes for a text."""
        cell = cls(text)
        cell.number, cell.written = number, written
        return cell


def truth(text: str) -> bool | None:
    """Return the boolean that a cell has, in the words of many countries; None if it has none.

    Examples
    --------
    >>> truth("TRUE"), truth("FALSCH"), truth("YANLIŞ"), truth("yes")
    (True, False, False, None)
    """
    word = text.lower()
    if (found := _TRUTH.get(word)) is None and (found := _TRUTH_ABROAD.get(word)) is None:
        return _TRUTH_ABROAD.get(text.replace("I", "ı").lower())  # the small letter of Turkish
    return found


def unguarded(text: str) -> str:
    """Return a text of a CSV file or a workbook without the apostrophes that it got there.

    That is one before a formula, and one that tells an empty text from none.

    Examples
    --------
    >>> unguarded("'=1+1"), unguarded("'tis"), unguarded("''tis"), unguarded("'")
    ('=1+1', "'tis", "'tis", '')
    """
    if text[:1] != "'":
        return text
    if RUNS_AS_FORMULA.match(text[1:]):
        text = text[1:]
    return text if text.strip("'") else text[1:]


def read_by_pandas(frame: pd.DataFrame) -> bool:
    """Return whether plain pandas has read a table of this library: the UUIDs are texts then."""
    column = frame.get("element_uuid")
    if not isinstance(column, pd.Series) or not (
        column.dtype == object or isinstance(column.dtype, pd.StringDtype)
    ):
        return False
    return type(next(iter(column.dropna()), None)) is str


def without_guards(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the apostrophes that its texts got in a CSV file."""
    found = {}
    for name, column in frame.items():
        if column.dtype == object or isinstance(column.dtype, pd.StringDtype):
            guarded = [type(each) is str and each[:1] == "'" for each in column.tolist()]
            if any(guarded):
                values = [unguarded(each) if type(each) is str else each for each in column]
                found[name] = pd.Series(values, index=column.index, dtype=column.dtype)
    if found:
        frame = frame.copy(deep=False)
        for name, series in found.items():
            frame[name] = series
    return frame


def alike_to_pandas(one: object, other: object, tolerance: float = 0.0) -> bool:
    """Return whether two values may be the same, where plain pandas has read or written one.

    Two texts are what they are, and so are two whole numbers. Numbers may be as far apart as the
    tolerance says.

    Examples
    --------
    >>> alike_to_pandas("None", float("nan")), alike_to_pandas("007", 7), alike_to_pandas("A", "B")
    (True, True, False)
    """
    if isinstance(one, str) and isinstance(other, str):
        return one == other  # neither of them has become anything else
    one, other = _as_read(one), _as_read(other)
    if is_number(one) and is_number(other):
        if isinstance(one, int) and isinstance(other, int):
            return abs(one - other) <= tolerance
        # What pandas writes to a workbook, and its parser, may be off by the last digit.
        return math.isclose(one, other, rel_tol=5e-16, abs_tol=tolerance)
    return one == other


def is_missing(value: object) -> bool:
    """Return whether a value is one that pandas takes for missing, itself and not its items."""
    return value is None or value is pd.NA or value is pd.NaT or bool(value != value)


def _as_read(value: object) -> object:
    """Return what pandas may have made of a value; None for what it takes for missing."""
    if is_missing(value):
        return None
    if isinstance(value, str):
        text = value.strip()
        if text in _MISSING:
            return None
        if text.lower() in _TRUTH:
            return _TRUTH[text.lower()]
        if "_" in text:  # a number for Python alone
            return value
        try:
            return int(text) if _WHOLE.fullmatch(text) else float(text)
        except ValueError:
            return value
    if isinstance(value, UUID | pd.Timestamp):
        return str(value)
    return value.item() if isinstance(value, np.generic) else value
