"""Planned writes: requests that were found in the server's model, with the present values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import pandas as pd

from xentara_nb.errors import NotFoundError, ServerError, WriteRefusedError, XentaraError
from xentara_nb.protocol.commands import AttributeInfo, MetaDataAnswer, Read
from xentara_nb.protocol.identifiers import Access, Attribute, DataType, Quality
from xentara_nb.protocol.values import AttributeId, TimePoint, Value, float_32
from xentara_nb.queries.model_cache import NOT_ANSWERED, ModelCache, find_attribute
from xentara_nb.tables.frames import to_display
from xentara_nb.tables.references import (
    AttributeLike,
    Reference,
    attribute_label,
    same_attribute,
)
from xentara_nb.tables.rendering import with_own_digits
from xentara_nb.writes.guards import CheckResult, Severity, reason_of
from xentara_nb.writes.requests import WriteRequest

_VALUE = int(Attribute.VALUE)
_QUALITY = int(Attribute.QUALITY)


class TargetAttribute(NamedTuple):
    """What a request means in the server's model: an element and one of its attributes.

    Where there is none, they are None, and the primary key is what the user named the element by.
    """

    primary_key: str
    element_uuid: UUID | None
    attribute_name: str
    info: AttributeInfo | None
    quality_id: AttributeId | None = None  # of the attribute that has the quality of the value
    error: XentaraError | None = None  # it does not exist, or its row contradicts itself

    @property
    def reference(self) -> Reference:
        """The element and attribute, as a row of an inventory names them."""
        attribute_id = None if self.info is None else self.info.attribute_id
        return Reference(self.primary_key, self.element_uuid, attribute_id, self.attribute_name)

    @property
    def readable(self) -> bool:
        """Whether the value can be read."""
        return self.info is not None and self.info.access != Access.WRITE_ONLY

    def read_command(self, *, with_quality: bool = False) -> Read:
        """Return the command that reads the value, and its quality where it has one."""
        assert self.element_uuid is not None
        assert self.info is not None
        if with_quality and self.quality_id is not None:
            return Read(self.element_uuid, (self.info.attribute_id, self.quality_id))
        return Read(self.element_uuid, (self.info.attribute_id,))

    def value_in(self, answer: Any) -> Any:
        """Return the value from the answer to the read command, or the error in its place."""
        if isinstance(answer, ServerError):
            return answer
        assert self.info is not None
        return answer.get(self.info.attribute_id, NOT_ANSWERED)

    def quality_in(self, answer: Any) -> int | None:
        """Return the quality from the answer to the read command, None if it has none."""
        if self.quality_id is None or isinstance(answer, ServerError):
            return None
        quality = answer.get(self.quality_id)
        if isinstance(quality, str):  # a server may write it out
            quality = Quality.find(quality)
        return quality if isinstance(quality, int) else None

    def display(self, value: object) -> object:
        """Return a value of the attribute as a DataFrame shows it."""
        info = self.info
        return value if info is None else to_display(value, info.data_type, info.attribute_id)

    def digits(self, value: object) -> object:
        """Return a value of the attribute as a person reads it: a Float32 with its own digits."""
        return with_own_digits(self.display(value), self.info and self.info.data_type)


class PlannedWrite(NamedTuple):
    """One write, with its present value at the time of planning and what the guards say."""

    request: WriteRequest
    target: TargetAttribute
    new: Value | None  # as it will be sent; None if it does not fit
    old: Any  # or the ServerError, if it could not be read; None if it was not
    quality: int | None  # of the old value, where it is known
    checks: tuple[CheckResult, ...]  # warnings and refusals
    followed_by: TargetAttribute | None = None  # what to read back instead of the target

    @property
    def reads(self) -> TargetAttribute:
        """The attribute whose value shows whether the write took effect."""
        return self.target if self.followed_by is None else self.followed_by

    @property
    def refused(self) -> bool:
        """Whether a guard refuses it."""
        checks = self.checks  # mostly there are none
        return bool(checks) and any(check.severity is Severity.REFUSED for check in checks)

    @property
    def severity(self) -> Severity:
        """The worst that a guard says."""
        if not self.checks:
            return Severity.OK
        return Severity.REFUSED if self.refused else Severity.WARNING

    @property
    def reason(self) -> str:
        """What the guards say, the worst first."""
        return reason_of(self.checks)

    @property
    def knows_old(self) -> bool:
        """Whether the present value was read."""
        return self.old is not None and not isinstance(self.old, ServerError)

    @property
    def old_value(self) -> object:
        """The present value as a DataFrame shows it, None where it is not known."""
        return self.target.display(self.old) if self.knows_old else None

    @property
    def new_value(self) -> object:
        """The new value as a DataFrame shows it."""
        return None if self.new is None else self.target.display(self.new)

    @property
    def change(self) -> object:
        """The difference of two numbers or times, None of anything else."""
        old: Any = self.old
        new: Any = self.new
        if isinstance(old, TimePoint) and isinstance(new, TimePoint):
            finite = old.is_finite and new.is_finite
            return pd.Timedelta(new.nanoseconds - old.nanoseconds, "ns") if finite else None
        for value in (old, new):
            if isinstance(value, bool) or not isinstance(value, int | float):
                return None
        if self.target.info is not None and self.target.info.data_type == DataType.FLOAT_32:
            # What it holds, which has fewer digits: from 0.1 to 0.2 is 0.1.
            old, new = self.target.digits(float_32(old)), self.target.digits(float_32(new))
        return new - old

    def __str__(self) -> str:
        return f"write to {self.target.primary_key} ({self.target.attribute_name})"


def resolve(model_cache: ModelCache, requests: Sequence[WriteRequest]) -> list[TargetAttribute]:
    """Find elements and attributes in the server's model; what is missing has an error."""
    uuids = model_cache.find([request.reference for request in requests])
    found = iter(model_cache.meta_data([uuid for uuid in uuids if isinstance(uuid, UUID)]))
    known: _Known = {}
    return [
        _resolved(request, uuid, next(found), known)
        if isinstance(uuid, UUID)
        else _missing(request, None, uuid)
        for request, uuid in zip(requests, uuids, strict=True)
    ]


# Elements of one type share their list of attributes: what was found in a list, by the identity of
# the list, which lives as long as the answers do.
_Known: TypeAlias = "dict[tuple[int, AttributeLike], tuple[AttributeInfo, AttributeId | None]]"


def _resolved(
    request: WriteRequest, uuid: UUID, answer: MetaDataAnswer | ServerError, known: _Known
) -> TargetAttribute:
    if isinstance(answer, ServerError):
        return _missing(request, uuid, answer)
    reference = request.reference
    key = answer.primary_key or str(uuid)
    attributes = answer.attributes or ()
    found = known.get((id(attributes), request.attribute))
    if found is None:
        try:
            info = find_attribute(key, attributes, request.attribute)
        except NotFoundError as error:
            name = attribute_label(request.attribute)
            return TargetAttribute(key, uuid, name, None, error=error)
        found = known[id(attributes), request.attribute] = info, _quality_beside(info, attributes)
    info, quality_id = found
    contradiction = None
    if reference.element_uuid is not None and reference.primary_key not in (None, key):
        contradiction = WriteRefusedError(
            f"the row says {reference.primary_key}, but its element_uuid is that of {key}: take a "
            "fresh inventory"
        )
    elif reference.primary_key not in (None, answer.primary_key, str(uuid)) and (
        uuid != reference.text_uuid
    ):
        contradiction = WriteRefusedError(
            f"the server has found {reference.primary_key}, and says that it is {key}: what would "
            "be written to is not what was named"
        )
    elif (text := _contradiction(reference, info)) is not None:
        contradiction = WriteRefusedError(text)
    return TargetAttribute(key, uuid, info.name, info, quality_id, contradiction)


def _missing(request: WriteRequest, uuid: UUID | None, error: XentaraError) -> TargetAttribute:
    named = str(request.reference)
    if isinstance(error, ServerError):
        error = error.within(named)
    name = attribute_label(request.attribute)
    return TargetAttribute(named, uuid, name, None, error=error)


def _contradiction(reference: Reference, info: AttributeInfo) -> str | None:
    """Return how what a row names differs from the attribute that was found, None if it agrees."""
    named, attribute_id = reference.attribute_name, reference.attribute_id
    if attribute_id is None or same_attribute(attribute_id, info.attribute_id):
        if named is None or named == info.name:
            return None
        if attribute_id is not None:
            return f"the row says attribute {named}, but its attribute_id is that of {info.name}"
    elif named is None:
        named = attribute_label(attribute_id)
    return (
        f"the row names the attribute {named}, and the one given beside it is {info.name}: leave "
        "one of them out"
    )


def _quality_beside(info: AttributeInfo, attributes: Sequence[AttributeInfo]) -> AttributeId | None:
    """Return the id of the quality of an attribute, None if there is none that can be read."""
    if info.attribute_id == _VALUE:
        for other in attributes:
            if other.attribute_id == _QUALITY and other.access != Access.WRITE_ONLY:
                return _QUALITY
    return None
