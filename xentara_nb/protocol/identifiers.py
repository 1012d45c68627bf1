"""The identifier tables of the Xentara WebSocket API, with the manual's names.

Every table is an :class:`enum.IntEnum`. The members that users meet in a DataFrame also have a
:attr:`~Labelled.label`, the words in which the manual writes them (``data point``,
``read and write``, ``Float64``).

A newer server may use identifiers that this version does not know. They are kept as plain
integers, see :func:`known`, so that such a server can still be explored.
"""

from __future__ import annotations

import numbers
from enum import IntEnum
from functools import cache
from typing import Self, TypeAlias, TypeVar
from uuid import UUID

PROTOCOL_VERSION = 1
"""The protocol version that this library speaks."""

NIL_UUID = UUID(int=0)
"""Stands for the root element in browse. Refused as the id of a session."""


_Uuid: TypeAlias = UUID  # some tables have a member called UUID
_E = TypeVar("_E", bound=IntEnum)
_L = TypeVar("_L", bound="Labelled")


class PacketType(IntEnum):
    """What a packet is, its first item."""

    REQUEST = 0
    SUCCESS = 1
    ERROR = 2
    EVENT = 8


class EventType(IntEnum):
    """What an event reports."""

    DATA_CHANGE = 0


class OpCode(IntEnum):
    """The commands; names as in the manual."""

    SERVER_INFORMATION = 0
    BROWSE = 1
    META_DATA = 2
    LOOKUP = 3
    READ = 4
    WRITE = 5
    SUBSCRIBE = 6
    UNSUBSCRIBE = 7
    GET_STAGE = 8
    RESUME = 9
    SUSPEND = 10
    SHUTDOWN = 11
    CREATE_SUB_SESSION = 12
    CLOSE_SUB_SESSION = 13
    CLIENT_HELLO = 14


class ServerInformationId(IntEnum):
    """What the command server_information can be asked for."""

    VERSION = 0
    USER_NAME = 1
    MODEL_FILE_PATH = 2


class MetaDataId(IntEnum):
    """What the command meta_data can be asked for."""

    PRIMARY_KEY = 0
    ELEMENT_CATEGORY = 1
    ATTRIBUTE_LIST = 2
    HAS_CHILDREN = 3


class Labelled(IntEnum):
    """An identifier that users see, in the manual's words."""

    @property
    def label(self) -> str:
        """The words in which the manual writes this member."""
        return self.name.replace("_", " ").lower()

    @classmethod
    def find(cls, value: object) -> Self | None:
        """Return the member that a label or a number stands for, None if there is no such one.

        Upper and lower case and blanks around a label make no difference. A number may also stand
        in a text.
        """
        if isinstance(value, str):
            return _members_by_text(cls).get(value.strip().lower())
        # Integral, for numpy's integers are no int; and a boolean is no number.
        if isinstance(value, numbers.Integral) and not isinstance(value, bool):
            return cls._value2member_map_.get(int(value))  # type: ignore[return-value]  # its members
        return None

    @classmethod
    def labels(cls) -> str:
        """Return all the labels, for a message."""
        return ", ".join(member.label for member in cls)


@cache
def _members_by_text(table: type[_L]) -> dict[str, _L]:
    by_number = {str(member.value): member for member in table}
    return by_number | {member.label.lower(): member for member in table}


class Category(Labelled):
    """The category of an element.

    Examples
    --------
    >>> Category.DATA_POINT.label, Category.find("data point"), int(Category.DATA_POINT)
    ('data point', <Category.DATA_POINT: 2>, 2)
    """

    ROOT_ELEMENT = 0
    ELEMENT_GROUP = 1
    DATA_POINT = 2
    TIMER = 3
    EXECUTION_TRACK = 4
    EXECUTION_PIPELINE = 5
    DEVICE = 6
    SUB_DEVICE = 7
    DEVICE_GROUP = 8
    DATA_POINT_GROUP = 9
    TRANSACTION = 10
    MICROSERVICE = 11
    AI = 12
    DATA_STORAGE = 13
    EXTERNAL_INTERFACE = 14
    SPECIAL_PURPOSE = 15

    @property
    def label(self) -> str:
        """The words in which the manual writes this member."""
        return "AI" if self is Category.AI else super().label


class Access(Labelled):
    """What may be done with an attribute."""

    READ_ONLY = 0
    WRITE_ONLY = 1
    READ_AND_WRITE = 2

    @property
    def readable(self) -> bool:
        """Whether the attribute can be read."""
        return self is not Access.WRITE_ONLY

    @property
    def writable(self) -> bool:
        """Whether the attribute can be written."""
        return self is not Access.READ_ONLY


class DataType(Labelled):
    """The data type of an attribute."""

    BOOLEAN = 0
    SIGNED_INTEGER_8 = 1
    SIGNED_INTEGER_16 = 2
    SIGNED_INTEGER_32 = 3
    SIGNED_INTEGER_64 = 4
    UNSIGNED_INTEGER_8 = 5
    UNSIGNED_INTEGER_16 = 6
    UNSIGNED_INTEGER_32 = 7
    UNSIGNED_INTEGER_64 = 8
    FLOAT_32 = 9
    FLOAT_64 = 10
    STRING = 11
    W_STRING = 12
    U8_STRING = 13
    U16_STRING = 14
    U32_STRING = 15
    TIME_POINT = 16
    UUID = 17
    QUALITY = 18
    ELEMENT_CATEGORY = 19
    ERROR_CODE = 20
    CUSTOM = 21
    NONE = 22

    @property
    def label(self) -> str:
        """The name of the data type, such as ``Float64`` or ``SignedInteger16``."""
        if self is DataType.UUID:
            return "Uuid"
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def integer_range(self) -> range | None:
        """The values that an integer of this type can have, or None for all other types."""
        return _INTEGER_RANGES.get(self)

    @property
    def is_float(self) -> bool:
        """Whether this is one of the floating point types."""
        return self in (DataType.FLOAT_32, DataType.FLOAT_64)

    @property
    def is_text(self) -> bool:
        """Whether this is one of the string types."""
        return DataType.STRING <= self <= DataType.U32_STRING


_INTEGER_RANGES = {
    DataType[f"{kind}_{bits}"]: range(lowest << bits - 1, (lowest + 2) << bits - 1)
    for kind, lowest in (("SIGNED_INTEGER", -1), ("UNSIGNED_INTEGER", 0))
    for bits in (8, 16, 32, 64)
}


class Quality(Labelled):
    """How far a value can be trusted.

    Examples
    --------
    >>> [quality.label for quality in Quality]
    ['good', 'acceptable', 'unreliable', 'bad']
    """

    GOOD = 0
    ACCEPTABLE = 1
    UNRELIABLE = 2
    BAD = 3


class Stage(Labelled):
    """The operational stage of a server.

    Examples
    --------
    >>> Stage.OPERATIONAL.label
    'operational'
    """

    START_UP = 0
    PRE_OPERATIONAL = 1
    OPERATIONAL = 2
    POST_OPERATIONAL = 3
    SHUTDOWN = 4
    SUSPENDED = 5
    TERMINATED = 6


class Attribute(IntEnum):
    """The well-known attributes, those with an integer as their id.

    Each also has the name that a model shows, such as ``updateTime``, and a UUID, which is valid
    wherever an attribute id is.
    """

    attribute_name: str
    uuid: _Uuid

    # The defaults are for type checkers: a member is also looked up, by its id alone.
    def __new__(cls, number: int, attribute_name: str = "", uuid: str = "") -> Self:
        """Make a member of its id, name and UUID."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.attribute_name = attribute_name
        member.uuid = _Uuid(uuid)
        return member

    PRIMARY_KEY = 0, "key", "ed22790e-261b-4a23-bfcc-6175a5571b33"
    NAME = 1, "name", "0f974e57-cb9a-4d46-8811-efe3d619ecb9"
    UUID = 2, "UUID", "b610a3e8-eff1-4a1a-b099-1939586b7aff"
    TYPE = 3, "type", "e1d217de-cf51-4852-8b90-d691a00871dc"
    CATEGORY = 4, "category", "cc9219e1-74b5-4be4-86c7-0fff12eb5324"
    SOURCE_TIME = 5, "sourceTime", "5f67b0fb-d000-4b7c-92e4-78a36cb05b9d"
    UPDATE_TIME = 6, "updateTime", "91eed150-f62c-424b-ba59-9269b02e234c"
    CHANGE_TIME = 7, "changeTime", "54f09787-dcbe-4fbf-9a02-524e469eea47"
    WRITE_TIME = 8, "writeTime", "0a62de23-0564-4b91-8225-569dfa1ac04f"
    QUALITY = 9, "quality", "d3c4b709-bccf-4665-9621-abfb5c6addce"
    DEVICE_STATE = 10, "deviceState", "d0da9c4b-3240-404d-9f40-e52361b870e6"
    VALUE = 11, "value", "4aa0e4e0-521e-4599-a985-e454baa59f89"
    ERROR = 12, "error", "85a28731-2553-4886-8cd1-8b9d9980fa04"
    WRITE_ERROR = 13, "writeError", "70435d1d-224f-4c25-a1ac-5191d7514252"


ATTRIBUTES_BY_NAME = {member.attribute_name: member for member in Attribute}
"""The well-known attributes by the name that a model shows."""

ATTRIBUTES_BY_UUID = {member.uuid: member for member in Attribute}
"""The well-known attributes by their UUID."""


def known(table: type[_E], value: int) -> _E | int:
    """Return the member of a table, or the number itself when the table does not have it."""
    return table._value2member_map_.get(value, value)  # type: ignore[return-value]  # its members


def label(table: type[_L], value: int) -> str:
    """Return the manual's words for an identifier, or the number when it is not known."""
    member = known(table, value)
    return member.label if isinstance(member, table) else str(int(value))
