"""The rows that the lines of a journal make up: each intent is one, its outcome is put into it."""

from __future__ import annotations

import json
from array import array
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd

from xentara_nb.protocol.identifiers import DataType, label
from xentara_nb.protocol.values import AttributeId
from xentara_nb.tables.frames import (
    make_frame,
    object_array,
    string_array,
    time_array,
    to_display,
)
from xentara_nb.tables.id_arrays import id_array
from xentara_nb.tables.id_table import to_id
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.records import INTENT, OUTCOME, decode_value

NO_TIME = int(pd.NaT.value)
"""Of a write whose outcome is not known."""

OUTCOMES = {str(outcome): number for number, outcome in enumerate(Outcome)}
"""The number of each outcome."""

_OUTCOME = pd.CategoricalDtype(list(OUTCOMES))

UNKNOWN = OUTCOMES[str(Outcome.UNKNOWN)]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_T = TypeVar("_T", bound=tuple[Any, ...])


class Origin(NamedTuple):
    """Who has made a write, and from where: mostly the same for many."""

    server: str | None
    user: str | None
    session_user: str | None
    account: str | None
    computer: str | None
    process: int | None


class Element(NamedTuple):
    """What is written to."""

    primary_key: str | None
    element_uuid: UUID


class WrittenAttribute(NamedTuple):
    """Which attribute of an element is written."""

    attribute_name: str | None
    attribute_id: AttributeId | None  # of the stage, which is no attribute, there is none
    data_type: int


class Shared(Generic[_T]):
    """What many rows have in common: each once, and for each row which it is."""

    def __init__(self) -> None:
        self.distinct: list[_T] = []
        self.codes = array("i")
        self.parsed: dict[str, int] = {}  # the numbers of what stands in lines
        self._numbers: dict[_T, int] = {}

    def number(self, value: _T) -> int:
        """Return the number of a value, which is new or not."""
        number = self._numbers.setdefault(value, len(self.distinct))
        if number == len(self.distinct):
            self.distinct.append(value)
        return number

    def columns(self, count: int) -> list[list[Any]]:
        """Return the distinct values as columns, of which there are so many."""
        return [[each[at] for each in self.distinct] for at in range(count)]


class JournalRows:
    """Rows that grow with the lines that are taken into them."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}  # the row of each write, by its id
        self.origins: Shared[Origin] = Shared()
        self.elements: Shared[Element] = Shared()
        self.attributes: Shared[WrittenAttribute] = Shared()
        self.plans: list[str | None] = []
        self.times, self.finished = array("q"), array("q")
        self.old_values: list[object] = []
        self.values: list[object] = []
        self.read_backs: list[object] = []
        self.outcomes = bytearray()
        self.errors: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, line: bytes) -> bool:
        """Take one line into the rows; return whether it could be read.

        All of it or nothing: what cannot be shown would hide all other lines.
        """
        try:
            record = json.loads(line.decode("utf-8-sig"))  # some editors put a mark there
            write_id = record["id"]
            moment = _nanoseconds(record["time"])
            if not isinstance(write_id, str):
                return False
            if record["event"] == INTENT:
                self._intend(record, write_id, moment)
            # Of a journal that was shortened, outcomes only may be left.
            elif record["event"] == OUTCOME and write_id in self.numbers:
                self._finish(record, self.numbers[write_id], moment)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
            return False
        return True

    def _intend(self, record: dict[str, Any], write_id: str, moment: int) -> None:
        text_or_none(write_id)
        origin = origin_of(record)
        element = element_of(record)
        attribute = attribute_of(record)
        plan = text_or_none(record.get("plan"))
        old = display(record.get("old_value"), attribute)
        new = display(record["value"], attribute)
        row = (
            *(self.origins.number(origin), self.elements.number(element)),
            *(self.attributes.number(attribute), plan, moment, NO_TIME, old, new, None, UNKNOWN),
        )
        at = self.numbers.setdefault(write_id, len(self.numbers))
        for column, value in zip(self._columns(), row, strict=True):
            if at == len(column):
                column.append(value)
            else:  # what was sent under the same id before is not shown any more
                column[at] = value
        self.errors.pop(at, None)

    def _columns(self) -> tuple[Any, ...]:
        return (
            *(self.origins.codes, self.elements.codes, self.attributes.codes, self.plans),
            *(self.times, self.finished, self.old_values, self.values, self.read_backs),
            self.outcomes,
        )

    def _finish(self, record: dict[str, Any], at: int, moment: int) -> None:
        outcome, error = OUTCOMES[record["outcome"]], text_or_none(record.get("error"))
        if "read_back" in record:
            attribute = self.attributes.distinct[self.attributes.codes[at]]
            self.read_backs[at] = display(record["read_back"], attribute)
        self.finish(at, outcome, error, moment)

    def finish(self, at: int, outcome: int, error: str | None, moment: int) -> None:
        """Put what became of a write into its row."""
        self.outcomes[at], self.finished[at] = outcome, moment
        if error is None:
            self.errors.pop(at, None)
        else:
            self.errors[at] = error

    def made_by(self, server: str, process: int) -> npt.NDArray[np.bool_]:
        """Return which rows are writes of a process on a server."""
        origins = enumerate(self.origins.distinct)
        wanted = [code for code, o in origins if (o.server, o.process) == (server, process)]
        return np.isin(np.array(self.origins.codes), wanted)

    def frame(self) -> pd.DataFrame:
        """Return the rows as a DataFrame, in the order of the intents."""
        server, user, session_user, account, computer, process = self.origins.columns(6)
        keys, uuids = self.elements.columns(2)
        names, ids, types = self.attributes.columns(3)
        elements, attributes, origins = (
            np.array(shared.codes, np.intp)
            for shared in (self.elements, self.attributes, self.origins)
        )
        errors = np.full(len(self), None, object)
        errors[list(self.errors)] = list(self.errors.values())
        labels = [label(DataType, each) for each in types]
        return make_frame(
            {
                "time": time_array(np.array(self.times)),
                "primary_key": string_array(keys).take(elements),
                "element_uuid": id_array(uuids).take(elements),
                "attribute_name": string_array(names).take(attributes),
                "attribute_id": id_array(ids).take(attributes),
                "data_type": string_array(labels).take(attributes),
                "old_value": object_array(self.old_values),
                "value": object_array(self.values),
                "read_back": object_array(self.read_backs),
                "outcome": pd.Categorical.from_codes(
                    np.array(list(self.outcomes), np.intp), dtype=_OUTCOME
                ),
                "error": string_array(errors),
                "finished": time_array(np.array(self.finished)),
                "server": string_array(server).take(origins),
                "user": string_array(user).take(origins),
                "session_user": string_array(session_user).take(origins),
                "account": string_array(account).take(origins),
                "computer": string_array(computer).take(origins),
                "process": pd.array(process, "Int64").take(origins),
                "plan": string_array(self.plans),
                "id": string_array(list(self.numbers)),
            }
        )


def origin_of(record: dict[str, Any]) -> Origin:
    """Return who has made a write, and from where."""
    server, user, session, account, computer = (
        text_or_none(record.get(name)) for name in Origin._fields[:-1]
    )
    process = record.get("process")
    number = None if process is None else _int_64(int(process))
    return Origin(server, user, session, account, computer, number)


def element_of(record: dict[str, Any]) -> Element:
    """Return what is written to."""
    return Element(text_or_none(record.get("primary_key")), UUID(record["element_uuid"]))


def attribute_of(record: dict[str, Any]) -> WrittenAttribute:
    """Return which attribute is written."""
    attribute_id = decode_value(record["attribute_id"])
    if attribute_id is not None:
        attribute_id = to_id(attribute_id)
    name = text_or_none(record.get("attribute_name"))
    return WrittenAttribute(name, attribute_id, int(record["data_type"]))


def display(value: Any, attribute: WrittenAttribute) -> object:
    """Return a value of decoded JSON as a DataFrame shows it."""
    value = decode_value(value)
    if value is None:
        return None
    return to_display(value, attribute.data_type, attribute.attribute_id or 0)


def text_or_none(text: object) -> str | None:
    """Return a text that pandas can hold, or None."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise TypeError("a text was expected")
    text.encode()  # ValueError for half of a character
    return text


def _nanoseconds(text: str) -> int:
    since = datetime.fromisoformat(text) - _EPOCH  # TypeError without a time zone
    return _int_64(since // _MICROSECOND * 1000)


def _int_64(number: int) -> int:
    """Return a number that pandas can hold, of nanoseconds up to the year 2262."""
    if not -(1 << 63) < number < 1 << 63:
        raise OverflowError("more than 64 bits")
    return number
