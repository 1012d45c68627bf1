"""The commands of the Xentara WebSocket API, 0 to 14, each a frozen dataclass.

Examples
--------
>>> from uuid import UUID
>>> from xentara_nb.protocol.packets import encode_packets
>>> encode_packets([Lookup("Group 1.Data Point 1").request(2)]).hex()
'8184000203a1007447726f757020312e4461746120506f696e742031'
>>> Lookup("Group 1").parse_answer(UUID(int=1))
UUID('00000000-0000-0000-0000-000000000001')
"""

from typing import Any

from xentara_nb.protocol.attribute_lists import AttributeInfo
from xentara_nb.protocol.commands.base import Command, CommandWithoutResult
from xentara_nb.protocol.commands.control import (
    ClientHello,
    GetStage,
    Resume,
    Shutdown,
    Suspend,
)
from xentara_nb.protocol.commands.data import (
    DataChange,
    Read,
    Subscribe,
    SubscriptionTarget,
    Unsubscribe,
    Write,
)
from xentara_nb.protocol.commands.model import (
    Browse,
    BrowseEntries,
    BrowseEntry,
    Lookup,
    MetaData,
    MetaDataAnswer,
    ServerInformation,
)
from xentara_nb.protocol.commands.sessions import (
    Authentication,
    Certificate,
    CloseSubSession,
    CreateSubSession,
    Password,
    Token,
)
from xentara_nb.protocol.identifiers import OpCode

COMMANDS: dict[OpCode, type[Command[Any]]] = {
    command.opcode: command
    for command in (
        ServerInformation,
        Browse,
        MetaData,
        Lookup,
        Read,
        Write,
        Subscribe,
        Unsubscribe,
        GetStage,
        Resume,
        Suspend,
        Shutdown,
        CreateSubSession,
        CloseSubSession,
        ClientHello,
    )
}
"""The class of every command by its opcode."""

__all__ = [
    "COMMANDS",
    "AttributeInfo",
    "Authentication",
    "Browse",
    "BrowseEntries",
    "BrowseEntry",
    "Certificate",
    "ClientHello",
    "CloseSubSession",
    "Command",
    "CommandWithoutResult",
    "CreateSubSession",
    "DataChange",
    "GetStage",
    "Lookup",
    "MetaData",
    "MetaDataAnswer",
    "Password",
    "Read",
    "Resume",
    "ServerInformation",
    "Shutdown",
    "Subscribe",
    "SubscriptionTarget",
    "Suspend",
    "Token",
    "Unsubscribe",
    "Write",
]
