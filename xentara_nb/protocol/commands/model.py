"""The commands that explore the model: server_information, browse, meta_data, lookup."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from xentara_nb.protocol.checks import (
    as_attribute_id,
    as_bool,
    as_int,
    as_map,
    as_text,
    as_unsigned,
    as_uuid,
    items_of,
    member,
    members_of,
)
from xentara_nb.protocol.commands.base import Command, array_of, command, parameter
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import (
    Access,
    Category,
    DataType,
    MetaDataId,
    OpCode,
    ServerInformationId,
    known,
)
from xentara_nb.protocol.text import quantity
from xentara_nb.protocol.values import AttributeId


def _meta_data_id(item: object, name: str) -> int:
    identifier = as_unsigned(item, name)
    if type(known(MetaDataId, identifier)) is int:
        raise ProtocolError(f"invalid meta data identifier {identifier}")
    return identifier


@command
class ServerInformation(Command[Mapping[int, Any]]):
    """server_information (0): version, user name and model file path of the server."""

    identifiers: tuple[int, ...] = parameter(
        0,
        "the array of server information identifiers",
        array_of(as_unsigned, "each of the server information identifiers"),
        default=tuple(ServerInformationId),
    )

    opcode: ClassVar[OpCode] = OpCode.SERVER_INFORMATION

    def build_answer(self, result: Mapping[int, Any]) -> dict[int, Any]:
        """Return ``{identifier: value}``."""
        return {int(identifier): value for identifier, value in result.items()}

    def parse_answer(self, item: Any) -> dict[int, Any]:
        """Return the values by identifier; those that were not asked for are ignored."""
        answer = as_map(item, "the answer to server_information")
        return {
            known(ServerInformationId, identifier): answer[identifier]
            for identifier in self.identifiers
            if identifier in answer
        }


class BrowseEntry(NamedTuple):
    """One element in the answer to browse. An unknown category stays a number."""

    primary_key: str
    element_uuid: UUID
    category: int


class BrowseEntries(Sequence[BrowseEntry]):
    """The entries in an answer to browse, column by column.

    A large server has so many that one object for each would keep the garbage collector busy.
    """

    __slots__ = ("categories", "keys", "uuids")

    def __init__(self, keys: list[str], uuids: Sequence[UUID], categories: list[int]) -> None:
        self.keys, self.uuids, self.categories = keys, uuids, categories

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return BrowseEntries(self.keys[index], self.uuids[index], self.categories[index])
        return BrowseEntry(self.keys[index], self.uuids[index], self.categories[index])

    def __iter__(self) -> Iterator[BrowseEntry]:
        return map(BrowseEntry, self.keys, self.uuids, self.categories)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, BrowseEntries | list) else False

    __hash__ = None  # type: ignore[assignment]  # it holds lists

    def __repr__(self) -> str:
        return f"<{quantity(len(self), 'element')}>"


@command
class Browse(Command[Sequence[BrowseEntry]]):
    """browse (1): the elements below one element, the nil UUID being the root.

    The order of the entries means nothing. The start element is not among them.
    """

    element_uuid: UUID = parameter(0, "the element UUID", as_uuid)
    depth: int | None = parameter(1, "the depth", as_unsigned, default=None)
    categories: tuple[int, ...] | None = parameter(
        2, "the array of categories", array_of(as_unsigned, "each of the categories"), default=None
    )

    opcode: ClassVar[OpCode] = OpCode.BROWSE

    def build_answer(self, result: Sequence[BrowseEntry]) -> list[dict[int, Any]]:
        """Return an array of ``{0: primary key, 1: UUID, 2: category}``."""
        return [{0: key, 1: uuid, 2: int(category)} for key, uuid, category in result]

    def parse_answer(self, item: Any) -> BrowseEntries:
        """Return the entries in the server's order."""
        keys: list[str] = []
        uuids: list[UUID] = []
        categories: list[int] = []
        for entry in map(_entry, items_of(item, "the answer to browse")):
            keys.append(entry.primary_key)
            uuids.append(entry.element_uuid)
            categories.append(entry.category)
        return BrowseEntries(keys, uuids, categories)


def _entry(entry: Any) -> BrowseEntry:
    entry = as_map(entry, "an entry of browse")
    return BrowseEntry(
        member(entry, 0, "the primary key", as_text),
        member(entry, 1, "the element UUID", as_uuid),
        known(Category, member(entry, 2, "the category", as_int)),
    )


class AttributeInfo(NamedTuple):
    """One attribute in the answer to meta_data. Unknown identifiers stay numbers."""

    name: str
    attribute_id: AttributeId
    access: int
    data_type: int


# Elements of one type share their attributes, so a model has few distinct attributes and lists.
# Equal ones are the same object here: an inventory of a large server holds a dozen lists instead of
# a million attributes.


def parse_attributes(item: Any) -> tuple[AttributeInfo, ...]:
    """Read an array of ``{0: name, 1: id, 2: access, 3: data type}``; other keys are ignored."""
    entries = items_of(item, "the attribute list")
    return shared_list(tuple([parse_attribute(entry) for entry in entries]))


def parse_attribute(item: Any) -> AttributeInfo:
    """Read an entry of an attribute list."""
    attribute = as_map(item, "an entry of the attribute list")
    try:
        return _shared_attribute(attribute[0], attribute[1], attribute[2], attribute[3])
    except (KeyError, TypeError):  # one is missing, or of a type that has no hash
        return AttributeInfo(
            *[member(attribute, key, what, check) for key, (what, check) in enumerate(_MEMBERS)]
        )


_MEMBERS: tuple[tuple[str, Callable[[Any, str], Any]], ...] = (
    ("the attribute name", as_text),
    ("the attribute id", as_attribute_id),
    ("the access", as_int),
    ("the data type", as_int),
)


# Typed, for to Python 1.0 and True are the same as 1.
@lru_cache(maxsize=10_000, typed=True)
def _shared_attribute(*members: Any) -> AttributeInfo:
    name, attribute_id, access, data_type = (
        check(each, what) for each, (what, check) in zip(members, _MEMBERS, strict=True)
    )
    return AttributeInfo(name, attribute_id, known(Access, access), known(DataType, data_type))


@lru_cache(maxsize=10_000)
def shared_list(attributes: tuple[AttributeInfo, ...]) -> tuple[AttributeInfo, ...]:
    """Return the first list that was equal to this one, as long as it is remembered."""
    return attributes


def attributes_item(attributes: Sequence[AttributeInfo]) -> list[dict[int, Any]]:
    """Return the array that :func:`parse_attributes` reads."""
    return [
        {0: name, 1: attribute_id, 2: int(access), 3: int(data_type)}
        for name, attribute_id, access, data_type in attributes
    ]


def _attributes(item: Any) -> tuple[AttributeInfo, ...] | None:
    return None if item is None else parse_attributes(item)


class MetaDataAnswer(NamedTuple):
    """The meta data of an element; what was not asked for, or not answered, is None."""

    primary_key: str | None = None
    category: int | None = None
    attributes: tuple[AttributeInfo, ...] | None = None
    has_children: bool | None = None


@command
class MetaData(Command[MetaDataAnswer]):
    """meta_data (2): primary key, category, attribute list of an element; has it children."""

    element_uuid: UUID = parameter(0, "the element UUID", as_uuid)
    identifiers: tuple[int, ...] = parameter(
        1,
        "the array of meta data identifiers",
        array_of(_meta_data_id, "each of the meta data identifiers"),
        default=tuple(MetaDataId),
    )

    opcode: ClassVar[OpCode] = OpCode.META_DATA

    def build_answer(self, result: MetaDataAnswer) -> dict[int, Any]:
        """Return ``{identifier: value}`` of what was asked for."""
        item: dict[int, Any] = {
            MetaDataId.PRIMARY_KEY: result.primary_key,
            MetaDataId.ELEMENT_CATEGORY: None if result.category is None else int(result.category),
            MetaDataId.ATTRIBUTE_LIST: attributes_item(result.attributes or ()),
            MetaDataId.HAS_CHILDREN: result.has_children,
        }
        return {int(identifier): item[identifier] for identifier in self.identifiers}

    def parse_answer(self, item: Any) -> MetaDataAnswer:
        """Return what the server knows of the element; unknown keys are ignored."""
        answer = members_of(item, "the answer to meta_data", MetaDataId.ATTRIBUTE_LIST, _attributes)
        key, category, attributes, children = map(answer.get, range(4))
        return MetaDataAnswer(
            None if key is None else as_text(key, "the primary key"),
            None if category is None else known(Category, as_int(category, "the category")),
            attributes,
            None if children is None else as_bool(children, "the has-children flag"),
        )


@command
class Lookup(Command[UUID]):
    """lookup (3): the UUID of the element with a primary key."""

    primary_key: str = parameter(0, "the primary key", as_text)

    opcode: ClassVar[OpCode] = OpCode.LOOKUP

    def __post_init__(self) -> None:
        if not self.primary_key:
            raise ProtocolError("the primary key must not be empty")

    def parse_answer(self, item: Any) -> UUID:
        """Return the UUID."""
        return as_uuid(item, "the answer to lookup")
