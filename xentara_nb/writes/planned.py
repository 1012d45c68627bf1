"""Orders: wishes to write, found in the server's model, with the present values."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import pandas as pd

from xentara_nb.errors import NotFoundError, ServerError
from xentara_nb.protocol.commands import AttributeInfo, Lookup, MetaDataAnswer, Read
from xentara_nb.protocol.identifiers import Access, Attribute, Quality
from xentara_nb.protocol.values import AttributeId, TimePoint, Value
from xentara_nb.queries.model_cache import Ask, ModelCache, find_attribute
from xentara_nb.tables.frames import to_display
from xentara_nb.tables.references import (
    AttributeLike,
    Reference,
    attribute_label,
    same_attribute,
)
from xentara_nb.writes.guards import CheckResult, Guard, Severity, refused
from xentara_nb.writes.requests import WriteRequest

_VALUE = int(Attribute.VALUE)
_QUALITY = int(Attribute.QUALITY)
_QUALITY_WORDS = {quality.label: int(quality) for quality in Quality}


class ResolvedAttribute(NamedTuple):
    """What a wish means in the server's model."""

    primary_key: str
    element_uuid: UUID | None
    attribute_name: str
    info: AttributeInfo | None
    quality_id: AttributeId | None
    verdict: CheckResult | None

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
        """Return what reads the value, and its quality where it has one."""
        assert self.element_uuid is not None
        assert self.info is not None
        if with_quality and self.quality_id is not None:
            return Read(self.element_uuid, (self.info.attribute_id, self.quality_id))
        return Read(self.element_uuid, (self.info.attribute_id,))


class PlannedWrite(NamedTuple):
    """One write, looked at from all sides.

    Attributes
    ----------
    target : ResolvedAttribute
        The element and attribute.
    given : object
        The value as the user gave it.
    new : value or None
        The value as it will be sent; None if it does not fit.
    old : value, ServerError or None
        The present value at the time of planning, or why it could not be read; None if nobody
        tried.
    quality : int or None
        The quality of the present value, where it is known.
    verdicts : tuple of CheckResult
        What guards have to say; those that are content say nothing.
    """

    target: ResolvedAttribute
    given: object
    new: Value | None
    old: Any
    quality: int | None
    verdicts: tuple[CheckResult, ...]

    @property
    def refused(self) -> bool:
        """Whether some guard lets this not pass."""
        verdicts = self.verdicts
        return bool(verdicts) and any(verdict.level is Severity.REFUSED for verdict in verdicts)

    @property
    def level(self) -> Severity:
        """The worst that a guard says."""
        if not self.verdicts:
            return Severity.OK
        return Severity.REFUSED if self.refused else Severity.WARNING

    @property
    def reason(self) -> str:
        """What the guards have to say, the worst first."""
        ordered = sorted(self.verdicts, key=lambda verdict: verdict.level is not Severity.REFUSED)
        return "; ".join(verdict.message for verdict in ordered)

    @property
    def knows_old(self) -> bool:
        """Whether the present value was read."""
        return self.old is not None and not isinstance(self.old, ServerError)

    @property
    def old_value(self) -> object:
        """The present value as a DataFrame shows it, None where it is not known."""
        return shown(self.old, self.target) if self.knows_old else None

    @property
    def new_value(self) -> object:
        """The new value as a DataFrame shows it."""
        return None if self.new is None else shown(self.new, self.target)

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
        return new - old

    def __str__(self) -> str:
        return f"write to {self.target.primary_key} ({self.target.attribute_name})"


def shown(value: object, target: ResolvedAttribute) -> object:
    """Return a value as a DataFrame shows it."""
    info = target.info
    return value if info is None else to_display(value, info.data_type, info.attribute_id)


def find(
    directory: ModelCache, ask: Ask, wanted: Sequence[WriteRequest]
) -> list[ResolvedAttribute]:
    """Find elements and attributes in the server's model; what is missing has a verdict."""
    uuids = _uuids(directory, ask, wanted)
    found = directory.meta_data([uuid for uuid in uuids if isinstance(uuid, UUID)])
    answers = iter(found)
    known: _Known = {}  # whose identities are those of what was found, which is held until the end
    return [
        _target(wish, uuid, next(answers) if isinstance(uuid, UUID) else uuid, known)
        for wish, uuid in zip(wanted, uuids, strict=True)
    ]


def find_one(directory: ModelCache, wish: WriteRequest) -> ResolvedAttribute:
    """Find one element and attribute.

    Raises
    ------
    UnknownElementError, NotFoundError
        If there is no such element or attribute.
    """
    uuid, answer = directory.element(wish.reference)
    target = _target(wish, uuid, answer, {})
    if target.info is None:
        assert target.verdict is not None
        raise NotFoundError(target.verdict.message)
    return target


def _uuids(
    directory: ModelCache, ask: Ask, wanted: Sequence[WriteRequest]
) -> list[UUID | ServerError]:
    references = [wish.reference for wish in wanted]
    with suppress(ServerError):
        return list(directory.uuids(references))
    # Some are not there: each is asked for by itself, for its own verdict.
    keys = [
        reference.primary_key
        for reference in references
        if reference.element_uuid is None and reference.primary_key is not None
    ]
    found = dict(zip(keys, ask([Lookup(key) for key in keys]), strict=True))
    return [
        reference.element_uuid or found[reference.primary_key or ""] for reference in references
    ]


# Elements of a kind share their list of attributes: what was found in one, by its identity.
_Known: TypeAlias = "dict[tuple[int, AttributeLike], tuple[AttributeInfo, AttributeId | None]]"


def _target(
    wish: WriteRequest,
    uuid: UUID | ServerError,
    answer: MetaDataAnswer | ServerError,
    known: _Known,
) -> ResolvedAttribute:
    reference = wish.reference
    element = uuid if isinstance(uuid, UUID) else None
    if isinstance(answer, ServerError):
        name = attribute_label(wish.attribute)
        missing = refused(Guard.EXISTS, str(answer.within(str(reference))))
        return ResolvedAttribute(str(reference), element, name, None, None, missing)
    key = answer.primary_key or str(uuid)
    attributes = answer.attributes or ()
    found = known.get((id(attributes), wish.attribute))
    if found is None:
        try:
            info = _attribute(key, attributes, wish.attribute)
        except NotFoundError as error:
            name = attribute_label(wish.attribute)
            return ResolvedAttribute(
                key, element, name, None, None, refused(Guard.EXISTS, str(error))
            )
        found = known[id(attributes), wish.attribute] = info, _quality_beside(info, attributes)
    info, quality_id = found
    verdict = wish.verdict
    if reference.element_uuid is not None and reference.primary_key not in (None, key):
        verdict = refused(
            Guard.EXISTS,
            f"the row says {reference.primary_key}, but its element_uuid is that of {key}: take a "
            "fresh inventory",
        )
    elif (contradiction := _contradiction(reference, info)) is not None:
        verdict = refused(Guard.EXISTS, contradiction)
    return ResolvedAttribute(key, element, info.name, info, quality_id, verdict)


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


def _attribute(
    key: str, attributes: Sequence[AttributeInfo], wanted: AttributeLike
) -> AttributeInfo:
    for info in attributes:
        if info.attribute_id == wanted:
            return info
    return find_attribute(key, attributes, wanted)


def read_present(ask: Ask, targets: Sequence[ResolvedAttribute]) -> list[tuple[Any, int | None]]:
    """Read the present value and quality of each target: (None, None) where nobody can.

    A :class:`ServerError` stands in the place of a value that could not be read.
    """
    commands = [target.read_command(with_quality=True) for target in targets if target.readable]
    answers = iter(ask(commands))
    to_display: list[tuple[Any, int | None]] = []
    for target in targets:
        if target.readable:
            answer = next(answers)
            to_display.append((value_of(target, answer), _quality_of(target, answer)))
        else:
            to_display.append(_NOTHING)
    return to_display


def value_of(target: ResolvedAttribute, answer: Any) -> Any:
    """Return the value from the answer to a target's read command, or the error in its place."""
    if isinstance(answer, ServerError):
        return answer
    assert target.info is not None
    return answer.get(target.info.attribute_id, _NOT_ANSWERED)


def _quality_of(target: ResolvedAttribute, answer: Any) -> int | None:
    if target.quality_id is None or isinstance(answer, ServerError):
        return None
    quality = answer.get(target.quality_id)
    if isinstance(quality, str):  # a server may write it out
        quality = _QUALITY_WORDS.get(quality.strip().lower())
    return quality if isinstance(quality, int) else None


_NOTHING = (None, None)
_NOT_ANSWERED = ServerError("the server did not answer for this attribute")
