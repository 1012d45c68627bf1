"""The commands of the Xentara WebSocket API, 0 to 14, each a frozen dataclass."""

from xentara_nb.protocol.commands.base import COMMANDS, Command, CommandWithoutResult
from xentara_nb.protocol.commands.control import ClientHello, GetStage, Resume, Shutdown, Suspend
from xentara_nb.protocol.commands.data import (
    DataChange,
    Read,
    Subscribe,
    SubscriptionTarget,
    Unsubscribe,
    Write,
)
from xentara_nb.protocol.commands.model import (
    AttributeInfo,
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
