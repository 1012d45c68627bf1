"""The rows that the lines of a journal make up: each intent is one, its outcome is put into it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable
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

_NO_TIME = int(pd.NaT.value)  # of a write whose outcome is not known
_OUTCOMES = {str(outcome): number for number, outcome in enumerate(Outcome)}
_OUTCOME_DTYPE = pd.CategoricalDtype(list(_OUTCOMES))
_UNKNOWN = _OUTCOMES[str(Outcome.UNKNOWN)]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAYS = (1 << 63) // (86_400 * 10**9)
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

    def __init__(self, read: Callable[[Any], _T]) -> None:
        self.distinct: list[_T] = []
        self.codes = array("i")
        self._read = read
        self._numbers: dict[Hashable, int] = {}  # by what stands in the lines

    def number(self, record: dict[str, Any], written: Hashable) -> int:
        """Return the number of what a line has; ``written`` is the same for the same alone."""
        number = self._numbers.get(written)
        if number is None:
            self.distinct.append(self._read(record))
            number = self._numbers[written] = len(self.distinct) - 1
        return number

    def columns(self, count: int) -> list[list[Any]]:
        """Return the distinct values as columns, of which there are so many."""
        return [[each[at] for each in self.distinct] for at in range(count)]


class JournalRows:
    """Rows that grow with the lines that are taken into them."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}  # the row of each write, by its id
        self.origins = Shared(_origin)
        self.elements = Shared(_element)
        self.attributes = Shared(_attribute)
        self.plans: list[str | None] = []
        self.times, self.finished = array("q"), array("q")
        self.old_values: list[object] = []
        self.values: list[object] = []
        self.read_backs: list[object] = []
        self.outcomes = bytearray()
        self.errors: dict[int, str] = {}
        self._columns: tuple[Any, ...] = (
            *(self.origins.codes, self.elements.codes, self.attributes.codes, self.plans),
            *(self.times, self.finished, self.old_values, self.values, self.read_backs),
            self.outcomes,
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, record: Any) -> bool:
        """Take what JSON has made of a line into the rows; return whether it is a record.

        All of it or nothing: what cannot be shown would hide all other lines.
        """
        try:
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
        _text(write_id)
        origin = self.origins.number(record, tuple(map(record.get, Origin._fields)))
        element = self.elements.number(record, tuple(map(record.get, Element._fields)))
        # As a text, for True would be 1 to a dict, and a UUID is a map, which has no hash.
        written = record.get("attribute_name"), repr(record["attribute_id"]), record["data_type"]
        number = self.attributes.number(record, written)
        attribute = self.attributes.distinct[number]
        plan = _text(record.get("plan"))
        old = _display(record.get("old_value"), attribute)
        new = _display(record["value"], attribute)
        row = (origin, element, number, plan, moment, _NO_TIME, old, new, None, _UNKNOWN)
        if (at := self.numbers.setdefault(write_id, len(self.plans))) == len(self.plans):
            for column, value in zip(self._columns, row, strict=True):
                column.append(value)
        else:  # what was sent under the same id before is not shown any more
            for column, value in zip(self._columns, row, strict=True):
                column[at] = value
            self.errors.pop(at, None)

    def _finish(self, record: dict[str, Any], at: int, moment: int) -> None:
        outcome, error = _OUTCOMES[record["outcome"]], _text(record.get("error"))
        if "read_back" in record:
            attribute = self.attributes.distinct[self.attributes.codes[at]]
            self.read_backs[at] = _display(record["read_back"], attribute)
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
                    np.array(list(self.outcomes), np.intp), dtype=_OUTCOME_DTYPE
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


def _origin(record: dict[str, Any]) -> Origin:
    server, user, session, account, computer = (
        _text(record.get(name)) for name in Origin._fields[:-1]
    )
    process = record.get("process")
    number = None if process is None else int(process)
    if number is not None and not -(1 << 63) <= number < 1 << 63:
        raise OverflowError("pandas holds integers of 64 bits")
    return Origin(server, user, session, account, computer, number)


def _element(record: dict[str, Any]) -> Element:
    return Element(_text(record.get("primary_key")), UUID(record["element_uuid"]))


def _attribute(record: dict[str, Any]) -> WrittenAttribute:
    attribute_id = decode_value(record["attribute_id"])
    if attribute_id is not None:
        attribute_id = to_id(attribute_id)
    name = _text(record.get("attribute_name"))
    return WrittenAttribute(name, attribute_id, int(record["data_type"]))


def _display(value: Any, attribute: WrittenAttribute) -> object:
    """Return a value of decoded JSON as a DataFrame shows it."""
    if value is None or type(value) is float:  # as most are
        return value
    value = decode_value(value)
    return to_display(value, attribute.data_type, attribute.attribute_id or 0)


def _text(text: object) -> str | None:
    """Return a text that pandas can hold, or None."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise TypeError("a text was expected")
    text.encode()  # ValueError for half of a character
    return text


def _nanoseconds(text: str) -> int:
    since = datetime.fromisoformat(text) - _EPOCH  # TypeError without a time zone
    if not -_DAYS < since.days < _DAYS:
        raise OverflowError("pandas holds times up to the year 2262")
    return since // _MICROSECOND * 1000
