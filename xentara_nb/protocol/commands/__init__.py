"""The commands of the Xentara WebSocket API, 0 to 14, each a frozen dataclass."""

# ruff: noqa: I001 - with "as", or type checkers do not offer the names

from xentara_nb.protocol.commands.base import (
    COMMANDS as COMMANDS,
    Command as Command,
    CommandWithoutResult as CommandWithoutResult,
)
from xentara_nb.protocol.commands.control import (
    ClientHello as ClientHello,
    GetStage as GetStage,
    Resume as Resume,
    Shutdown as Shutdown,
    Suspend as Suspend,
)
from xentara_nb.protocol.commands.data import (
    DataChange as DataChange,
    Read as Read,
    Subscribe as Subscribe,
    SubscriptionTarget as SubscriptionTarget,
    Unsubscribe as Unsubscribe,
    Write as Write,
)
from xentara_nb.protocol.commands.model import (
    AttributeInfo as AttributeInfo,
    Browse as Browse,
    BrowseEntries as BrowseEntries,
    BrowseEntry as BrowseEntry,
    Lookup as Lookup,
    MetaData as MetaData,
    MetaDataAnswer as MetaDataAnswer,
    ServerInformation as ServerInformation,
)
from xentara_nb.protocol.commands.sessions import (
    Authentication as Authentication,
    Certificate as Certificate,
    CloseSubSession as CloseSubSession,
    CreateSubSession as CreateSubSession,
    Password as Password,
    Token as Token,
)
