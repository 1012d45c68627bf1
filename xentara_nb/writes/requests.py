"""What a user wants to write, read from all that a user may give: frames, dicts, Series, rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

import pandas as pd

from xentara_nb.errors import NotFoundError, WriteRefusedError
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.suggestions import did_you_mean, nearest
from xentara_nb.tables.arrow import from_arrow
from xentara_nb.tables.coercion import with_article
from xentara_nb.tables.files import as_written
from xentara_nb.tables.references import (
    AttributeLike,
    Reference,
    as_mapping,
    attribute_reference,
    element_reference,
    element_references,
)
from xentara_nb.writes.feedback import Feedback
from xentara_nb.writes.guards import CheckResult

_NAMING = ("attribute_name", "attribute_id")
_VALUE = int(Attribute.VALUE)

_T = TypeVar("_T")

ANYTHING: Final = object()
"""Stands for a present value of which nothing is expected."""


class WriteRequest(NamedTuple):
    """What a user wants to write, not checked yet."""

    reference: Reference
    attribute: AttributeLike
    value: object  # as the user gave it
    check: CheckResult | None = None  # known beforehand: an undo may have no way back
    expected: object = ANYTHING  # as the present value; another one is a warning
    number_as_boolean: bool = False  # whether 0 and 1 may be written to a Boolean
    feedback: Feedback | None = None  # where to look whether it took effect


def write_requests(values: object) -> list[WriteRequest]:
    """Read what is to be written, from everything that :meth:`Client.plan_writes` takes.

    Raises :class:`WriteRefusedError` if it is nothing of that kind, :class:`NotFoundError` if a row
    names no element or attribute.
    """
    values = from_arrow(values)
    if isinstance(values, pd.DataFrame):
        return _from_frame(as_written(values))
    if isinstance(values, Mapping | pd.Series):
        if "value" in values and ("primary_key" in values or "element_uuid" in values):
            return [_from_row(values)]
        # A Series may have a key twice; both are requests then, of which a guard refuses one.
        return [_from_item(element, value) for element, value in values.items()]
    if isinstance(values, Iterable) and not isinstance(values, str | bytes):
        rows = list(values)
        _refuse_servers(row["server"] for row in map(as_mapping, rows) if row and "server" in row)
        return [_numbered(_from_row, row, number) for number, row in enumerate(rows)]
    raise WriteRefusedError(
        f"{with_article(type(values).__name__)} does not say what to write: give a DataFrame with "
        "the columns primary_key and value (and attribute_name, if it is another attribute), a "
        "dict of keys and values, or rows of an inventory with a column value"
    )


def request_for(
    element: Any, value: object, attribute: AttributeLike | None = None
) -> WriteRequest:
    """Return the request to write a value to an element.

    Where no attribute is given it is the one that a row names, or the value if it names none.
    Raises :class:`NotFoundError` if it names no element or attribute, and
    :class:`WriteRefusedError` if it names the attribute in a way that would be passed over.
    """
    if isinstance(element, str | UUID):
        return _request(element_reference(element), value, attribute)
    fields = getattr(element, "_fields", None)
    if fields is None and isinstance(element, Mapping | pd.Series):
        fields = element.keys()
    if fields is not None:
        _refuse_attribute(fields)
    return _request(element_reference(element), value, attribute)


def _from_frame(frame: pd.DataFrame) -> list[WriteRequest]:
    names = [str(column) for column in frame.columns]
    if names.count("value") > 1:
        raise WriteRefusedError("the DataFrame has two columns 'value': take one of them out")
    if "value" not in names:
        raise WriteRefusedError(
            "the DataFrame does not say what to write: it needs one column value, for example "
            f"rows.assign(value=42){did_you_mean('value', names)}"
        )
    _refuse_attribute(names)
    for place, name in enumerate(names):
        if name.strip().lower() == "server":
            _refuse_servers(frame.iloc[:, place].dropna().unique())
    if "server" in frame.index.names:
        _refuse_servers(frame.index.unique("server"))
    if not len(frame):
        return []
    try:
        references = element_references(frame)
    except NotFoundError:
        if {"primary_key", "element_uuid"} & set(names):  # then it is a single row
            for number, (_, row) in enumerate(frame.iterrows()):
                _numbered(element_reference, row, number)
        raise
    values = frame["value"].tolist()
    return [_request(*pair) for pair in zip(references, values, strict=True)]


def _from_row(given: Any) -> WriteRequest:
    row = as_mapping(given)
    if row is None or "value" not in row:
        raise WriteRefusedError(
            f"{with_article(type(given).__name__)} does not say what to write: give rows with "
            "primary_key and value, or a dict of keys and values"
        )
    return request_for(row, row["value"])


def _from_item(element: Any, value: object) -> WriteRequest:
    if type(element) is tuple and len(element) == 2:
        return request_for(element[0], value, element[1])
    return request_for(element, value)


def _request(
    reference: Reference, value: object, attribute: AttributeLike | None = None
) -> WriteRequest:
    # That a row names another attribute than the one given is found in the element's meta data.
    if attribute is not None and attribute != reference.attribute_name:
        return WriteRequest(reference, attribute_reference(attribute), value)
    if reference.attribute_id is not None:
        return WriteRequest(reference, reference.attribute_id, value)
    if reference.attribute_name is not None:
        return WriteRequest(reference, attribute_reference(reference.attribute_name), value)
    return WriteRequest(reference, _VALUE, value)


def _refuse_attribute(names: Iterable[Any]) -> None:
    # Passed over, it would write to the attribute value instead of the one that was meant.
    if not set(_NAMING) & set(names):
        for name in names:
            if isinstance(name, str) and (meant := _meant_column(name)) is not None:
                raise WriteRefusedError(f"the column {name} is not known: call it {meant}")


def _refuse_servers(servers: Iterable[object]) -> None:
    # Those of the others would be written to this one.
    names = sorted(set(map(str, servers)))
    if len(names) > 1:
        raise WriteRefusedError(
            f"these are rows of {len(names)} servers, such as {names[0]} and {names[1]}, and a "
            "client writes to one: choose its rows and leave out the column server, or use "
            "fleet.plan_writes(rows)"
        )


@lru_cache
def _meant_column(name: str) -> str | None:
    """Return which of the columns that name an attribute was meant, if one was."""
    if name == "attribute":
        return "attribute_name"
    return next(iter(nearest(name, _NAMING, limit=1, alike=85.0)), None)


def _numbered(read: Callable[[Any], _T], row: Any, number: int) -> _T:
    """Read a row; say which it is if it names nothing."""
    try:
        return read(row)
    except NotFoundError as error:
        raise NotFoundError(f"row {number}: {error}") from None
