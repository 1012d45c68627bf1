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
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, cast
from unicodedata import category
from uuid import UUID

from pydantic import AfterValidator, Field

from xentara_nb.simulator.documents import (
    Document,
    JsonNode,
    JsonUuid,
    Settings,
    Text,
    invalid,
    quoted,
)
from xentara_nb.simulator.security.access import AclSettings
from xentara_nb.suggestions import question

_log = logging.getLogger(__name__)

_PART = r"(?:\[([^\]]*)\]|([^\[.][^.]*))"
_KEY = re.compile(rf"{_PART}(?:\.{_PART})*")
_NEXT = re.compile(rf"{_PART}(?:\.|$)")
_NO_PERIOD = re.compile(r"(?<=[^.])\[(?=[^\[\]]*\](?:[.\[]|$))")
_MAX_LEVELS = 200
_CONTROL = ("Cc", "Zl", "Zp")
_DESCRIPTORS = ("@Group", "@DataPoint", "@Track", "@Timer", "@Pipeline")
# Older models have microservices that are no skills.
_SKILL = re.compile(r"@(?:Skill|Microservice)\.[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)+")


@dataclass(frozen=True, slots=True, eq=False)
class ElementDescription:
    """One element of a model, with its properties, of which each kind has its own."""

    descriptor: str
    """What the model calls its kind, such as ``@Skill.SignalFlow.Register``."""
    name: str
    key: str
    uuid: UUID
    node: JsonNode
    acl: AclSettings | None = None
    children: tuple[ElementDescription, ...] = ()

    @property
    def properties(self) -> dict[str, Any]:
        """The properties as they stand in the file."""
        return cast("dict[str, Any]", self.node.value)


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
            yield JsonNode(None, self.file, ("ACL",)), self.acl
        for element in self.by_key.values():
            if element.acl is not None:
                yield element.node, element.acl

    def resolve(self, reference: JsonNode) -> ElementDescription:
        """Return the element that a key in the model means; raises ConfigurationError."""
        return self._find(reference, [(names, "") for names in _readings(reference)])[0]

    def resolve_member(self, reference: JsonNode) -> tuple[ElementDescription, str]:
        """Return the element and the member that a key such as ``Track.Timer.expired`` means.

        Attributes, events and tasks are such members.
        """
        return self._find(reference, [(key[:-1], key[-1]) for key in _readings(reference)])

    def _find(
        self, reference: JsonNode, readings: list[tuple[tuple[str, ...], str]]
    ) -> tuple[ElementDescription, str]:
        for names, member in readings:
            element = self.by_key.get(join_key(names))
            if element is not None:
                return element, member
        names, member = readings[0]
        if not names and member in self.by_key:
            reference.fail(
                f"{member!r} is an element, and none of its attributes, events and tasks",
                f"Add which one: '{member}.value', say.",
            )
        key = join_key(names or (member,))
        if names[-1:] in (("input",), ("output",)) and join_key(names[:-1]) in self.by_key:
            hint = f"In an older format this was the data point's {names[-1]}: name that itself."
            return reference.fail(f"the model has no element {key!r}", hint)
        near = difflib.get_close_matches(key, list(self.by_key)[:5000], n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "Look for the name that has changed."
        return reference.fail(f"the model has no element {key!r}", hint)


def join_key(names: Iterable[str]) -> str:
    """Return the primary key of the element with these names from the top level down."""
    return ".".join(f"[{name}]" if "." in name or name.startswith("[") else name for name in names)


def split_key(key: str) -> tuple[str, ...]:
    """Return the names in a primary key; raises ValueError if it cannot be one."""
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
    readings = key_readings(reference.value)
    if not readings:
        reference.fail(
            f"{quoted(reference.value)} is not a primary key",
            "Write the names with periods between them: 'Group.Element'.",
        )
    return readings


class _ModelDocument(Document):
    acl: AclSettings | None = Field(None, alias="ACL")
    children: tuple[Any, ...] = ()


def _parse_name(value: str) -> str:
    # Python calls a no-break space unprintable, which device descriptions are full of.
    if not value.isprintable() and any(category(character) in _CONTROL for character in value):
        raise invalid("a name cannot have control characters", "Take them out of the name.")
    if value.startswith("["):
        name = value[1:-1]
        if not value.endswith("]") or "]" in name or not name:
            raise invalid("the brackets of a name must be around all of it", "Write '[a.b]'.")
        return name
    if value.startswith("."):
        raise invalid("a name cannot begin with a period", "Put it in brackets: '[.name]'.")
    return value


class _Properties(Settings, extra="ignore"):
    """What every element has; its kind says what else."""

    hints: ClassVar[Mapping[str, str]] = {
        "name": "Give the element a name.",
        "UUID": "Give the element a UUID of its own.",
    }

    name: Annotated[Text, AfterValidator(_parse_name)]
    uuid: JsonUuid = Field(alias="UUID")
    acl: AclSettings | None = Field(None, alias="ACL")
    children: tuple[Any, ...] = ()


def read_model(document: JsonNode) -> Model:
    """Read the description of a model; raises ConfigurationError."""
    settings = document.validate(_ModelDocument)
    by_key: dict[str, ElementDescription] = {}
    keys: dict[str, JsonNode] = {}
    uuids: dict[UUID, JsonNode] = {}

    older: set[str] = set()

    def note_older(node: JsonNode, what: str) -> None:
        if what not in older:
            older.add(what)
            _log.warning("%s: %s, an older format", node, what)

    def read_element(item: JsonNode, prefix: str) -> ElementDescription:
        # Each level is a member, an index and a descriptor.
        if len(item.steps) > 3 * _MAX_LEVELS:
            document.fail("the elements are nested too deeply", "Use fewer levels.")
        descriptor = _descriptor(item)
        node = _in_present_names(item.at(descriptor))
        if node.value is not item.value[descriptor]:
            note_older(node, "'id' and 'uuid' are read as 'name' and 'UUID'")
        if descriptor == "@Track" and isinstance(node.value, dict):
            for name in {"timers", "events"} & node.value.keys():
                note_older(node.at(name), f"the {name} in a track are not run")
        properties = node.validate(_Properties)
        key = prefix + join_key((properties.name,))
        node.unique("name", key, keys, "the primary key")
        node.unique("UUID", properties.uuid, uuids, "the UUID")
        children = tuple(read_element(child, f"{key}.") for child in node.items("children"))
        element = ElementDescription(
            descriptor, properties.name, key, properties.uuid, node, properties.acl, children
        )
        by_key[key] = element
        return element

    elements = tuple(read_element(child, "") for child in document.items("children"))
    return Model(document.file, elements, settings.acl, by_key)


def _in_present_names(node: JsonNode) -> JsonNode:
    """Return an element's properties with the names that older models had other ones for."""
    if not isinstance(node.value, dict):
        return node
    renamed = {
        name: node.value[older]
        for older, name in (("id", "name"), ("uuid", "UUID"))
        if name not in node.value and older in node.value
    }
    return JsonNode({**node.value, **renamed}, node.file, node.steps) if renamed else node


def _descriptor(item: JsonNode) -> str:
    """Return what an element of a model calls its kind."""
    descriptors = list(item.value) if isinstance(item.value, dict) else []
    if len(descriptors) != 1 or not descriptors[0].startswith("@"):
        item.fail(
            "an element is an object with one member that names its kind",
            'Write it as {"@Group": {...}}.',
        )
    descriptor: str = descriptors[0]
    if descriptor not in _DESCRIPTORS and not _SKILL.fullmatch(descriptor):
        hint = f"Take one of {', '.join(_DESCRIPTORS)}, or a skill's, '@Skill.Name.Element'."
        item.at(descriptor).fail(
            f"there is no kind of element {quoted(descriptor)}",
            f"{question(descriptor, _DESCRIPTORS)} {hint}".strip(),
        )
    return descriptor
