"""The model as ``model.json`` describes it: elements, their names, keys, UUIDs and access lists.

Primary keys are the names from the top level down, joined by periods. A name that has a period
itself is put in brackets, both in the model and in keys.

Examples
--------
>>> join_key(("Plant", "Pump 1.2", "Set point"))
'Plant.[Pump 1.2].Set point'
>>> split_key("Plant.[Pump 1.2].Set point")
('Plant', 'Pump 1.2', 'Set point')
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn
from unicodedata import category
from uuid import UUID

from xentara_nb.simulator.documents import ConfigurationError, JsonNode
from xentara_nb.simulator.security.access import AclSettings, read_acl

_PART = r"(?:\[([^\]]*)\]|([^\[.][^.]*))"
_KEY = re.compile(rf"{_PART}(?:\.{_PART})*")
_NEXT = re.compile(rf"{_PART}(?:\.|$)")
_NO_PERIOD = re.compile(r"(?<=[^.])\[(?=[^\[\]]*\](?:[.\[]|$))")
_CONTROL = ("Cc", "Zl", "Zp")
_DESCRIPTORS = ("@Group", "@DataPoint", "@Track", "@Timer", "@Pipeline")
_SKILL = re.compile(r"@Skill\.[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)+")


@dataclass(frozen=True, slots=True, eq=False)
class ElementDescription:
    """One element of a model.

    Attributes
    ----------
    descriptor : str
        What the model calls its kind, such as ``@Skill.SignalFlow.Register``.
    place : JsonNode
        Its properties, for those who know this kind.
    """

    descriptor: str
    name: str
    key: str
    uuid: UUID
    place: JsonNode
    acl: AclSettings | None = None
    children: tuple[ElementDescription, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A model: its top-level elements, its access list, and every element by its key."""

    file: str
    children: tuple[ElementDescription, ...] = ()
    acl: AclSettings | None = None
    by_key: dict[str, ElementDescription] = field(default_factory=dict, repr=False)

    def acls(self) -> Iterator[tuple[JsonNode, AclSettings]]:
        """Return every access list and where it stands."""
        if self.acl is not None:
            yield JsonNode(None, self.file, "ACL"), self.acl
        for element in self.by_key.values():
            if element.acl is not None:
                yield element.place, element.acl

    def resolve(self, reference: JsonNode) -> ElementDescription:
        """Return the element that a key in the model means.

        Raises
        ------
        ConfigurationError
            If there is no such element.
        """
        readings = _readings(reference)
        for names in readings:
            element = self.by_key.get(join_key(names))
            if element is not None:
                return element
        return self._unknown(reference, join_key(readings[0]))

    def resolve_member(self, reference: JsonNode) -> tuple[ElementDescription, str]:
        """Return the element and the member that a key such as ``Track.Timer.expired`` means.

        Attributes, events and tasks are such members.
        """
        readings = _readings(reference)
        for *names, member in readings:
            element = self.by_key.get(join_key(names))
            if element is not None:
                return element, member
        return self._unknown(reference, join_key(readings[0][:-1] or readings[0]))

    def _unknown(self, reference: JsonNode, key: str) -> NoReturn:
        near = difflib.get_close_matches(key, list(self.by_key)[:5000], n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "Look for the name that has changed."
        reference.fault(f"the model has no element {key!r}", hint)


def join_key(names: Iterable[str]) -> str:
    """Return the primary key of the element with these names from the top level down."""
    return ".".join(f"[{name}]" if "." in name or name.startswith("[") else name for name in names)


def split_key(key: str) -> tuple[str, ...]:
    """Return the names in a primary key.

    Raises
    ------
    ValueError
        If the text cannot be a primary key.
    """
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not a primary key")
    return tuple(match[1] if match[1] is not None else match[2] for match in _NEXT.finditer(key))


def key_readings(key: str) -> list[tuple[str, ...]]:
    """Return the names that a key in a model may mean, the likeliest ones first.

    The vendor's schema has no period before a bracket, its manual has one.

    Examples
    --------
    >>> key_readings("Plant[Pump 1.2].Speed")
    [('Plant[Pump 1', '2]', 'Speed'), ('Plant', 'Pump 1.2', 'Speed')]
    """
    readings: dict[tuple[str, ...], None] = {}
    for form in (key, _NO_PERIOD.sub(".[", key)):
        with suppress(ValueError):
            readings[split_key(form)] = None
    return list(readings)


def _readings(reference: JsonNode) -> list[tuple[str, ...]]:
    text = reference.text()
    readings = key_readings(text)
    if not readings:
        reference.fault(
            f"{text!r} is not a primary key",
            "Write the names with periods between them: 'Group.Element'.",
        )
    return readings


def read_model(document: JsonNode) -> Model:
    """Read the description of a model.

    Raises
    ------
    ConfigurationError
        If an element is not as the manual says, or has a key or UUID that another one has.
    """
    for name, place in document.members():
        if name not in ("$schema", "ACL", "children"):
            place.fault("a model has no such member", "Put elements into 'children'.")
    reader = _Reader(document.file)
    children = document.optional("children")
    try:
        elements = reader.children(children, "")
    except RecursionError:
        raise ConfigurationError(
            document.file, "", "the elements are nested too deeply", "Use fewer levels."
        ) from None
    acl = document.optional("ACL")
    return Model(document.file, elements, None if acl is None else read_acl(acl), reader.by_key)


class _Reader:
    """Reads elements and watches over what must be unique."""

    def __init__(self, file: str) -> None:
        self.by_key: dict[str, ElementDescription] = {}
        self._keys: dict[str, JsonNode] = {}
        self._uuids: dict[UUID, JsonNode] = {}

    def children(self, listed: JsonNode | None, above: str) -> tuple[ElementDescription, ...]:
        if listed is None:
            return ()
        return tuple(self._element(place, above) for place in listed.items())

    def _element(self, item: JsonNode, above: str) -> ElementDescription:
        descriptors = [name for name in item.content() if name.startswith("@")]
        if len(descriptors) != 1 or len(item.content()) != 1:
            item.fault(
                "an element is an object with one member that names its kind",
                'Write it as {"@Group": {...}}.',
            )
        descriptor = descriptors[0]
        place = item.member(descriptor)
        if descriptor not in _DESCRIPTORS and not _SKILL.fullmatch(descriptor):
            place.fault(
                f"there is no kind of element {descriptor!r}",
                f"Take one of {', '.join(_DESCRIPTORS)}, or a skill's, '@Skill.Name.Element'.",
            )
        written = place.member("name", "Give the element a name.")
        name = _name(written)
        uuid_place = place.member("UUID", "Give the element a UUID of its own.")
        uuid = uuid_place.uuid()
        last = join_key((name,))
        key = f"{above}.{last}" if above else last
        written.once(self._keys, key, "the primary key")
        uuid_place.once(self._uuids, uuid, "the UUID")
        acl = place.optional("ACL")
        element = ElementDescription(
            descriptor,
            name,
            key,
            uuid,
            place,
            None if acl is None else read_acl(acl),
            self.children(place.optional("children"), key),
        )
        self.by_key[key] = element
        return element


def _name(place: JsonNode) -> str:
    text = place.text()
    # Python calls a no-break space unprintable, which device descriptions are full of.
    if not text.isprintable() and any(category(character) in _CONTROL for character in text):
        place.fault("a name cannot have control characters", "Take them out of the name.")
    if text.startswith("["):
        name = text[1:-1]
        if not text.endswith("]") or "]" in name or not name:
            place.fault("the brackets of a name must be around all of it", "Write '[a.b]'.")
        return name
    if text.startswith("."):
        place.fault("a name cannot begin with a period", "Put it in brackets: '[.name]'.")
    return text
