"""The names that users import from ``xentara_nb``, loaded when the first of them is used."""

from __future__ import annotations

from xentara_nb.client import Client, connect
from xentara_nb.connection.address import Address
from xentara_nb.errors import (
    AddressError,
    CertificateNotTrustedError,
    ConnectError,
    ConnectionForbiddenError,
    ConnectionLostError,
    DeadlineError,
    InventoryFileError,
    LoginError,
    MissingExtraError,
    NotFoundError,
    NotTlsError,
    NotXentaraError,
    OptionError,
    OutputExistsError,
    PathNotFoundError,
    PolicyError,
    ServerUnreachableError,
    WriteDiffersError,
    WriteOutcomeUnknownError,
    WriteRefusedError,
)
from xentara_nb.protocol.commands import DataChange
from xentara_nb.protocol.errors import (
    AccessDeniedError,
    IllegalValueError,
    InvalidStageChangeRequestError,
    MissingAttributeError,
    ProtocolError,
    ReadError,
    ReadOnlyError,
    ServerError,
    TypeMismatchError,
    UnknownElementError,
    UnknownSessionIdError,
    UnknownSubscriptionIdError,
    ValueOutOfRangeError,
    WriteError,
    WriteOnlyError,
    XentaraError,
)
from xentara_nb.protocol.identifiers import Category, Quality, Stage
from xentara_nb.protocol.values import TimePoint
from xentara_nb.queries.inventory import InventoryWarning
from xentara_nb.queries.subscriptions import Subscription
from xentara_nb.tables.files import read_inventory
from xentara_nb.writes.journal import Journal
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.plan import WritePlan
from xentara_nb.writes.policy import WritePolicy
from xentara_nb.writes.records import read_journal
from xentara_nb.writes.report import WriteReport
from xentara_nb.writes.results import WriteResult
from xentara_nb.writes.sub_session import SubSession

__all__ = [
    "AccessDeniedError",
    "Address",
    "AddressError",
    "Category",
    "CertificateNotTrustedError",
    "Client",
    "ConnectError",
    "ConnectionForbiddenError",
    "ConnectionLostError",
    "DataChange",
    "DeadlineError",
    "IllegalValueError",
    "InvalidStageChangeRequestError",
    "InventoryFileError",
    "InventoryWarning",
    "Journal",
    "LoginError",
    "MissingAttributeError",
    "MissingExtraError",
    "NotFoundError",
    "NotTlsError",
    "NotXentaraError",
    "OptionError",
    "Outcome",
    "OutputExistsError",
    "PathNotFoundError",
    "PolicyError",
    "ProtocolError",
    "Quality",
    "ReadError",
    "ReadOnlyError",
    "ServerError",
    "ServerUnreachableError",
    "Stage",
    "SubSession",
    "Subscription",
    "TimePoint",
    "TypeMismatchError",
    "UnknownElementError",
    "UnknownSessionIdError",
    "UnknownSubscriptionIdError",
    "ValueOutOfRangeError",
    "WriteDiffersError",
    "WriteError",
    "WriteOnlyError",
    "WriteOutcomeUnknownError",
    "WritePlan",
    "WritePolicy",
    "WriteRefusedError",
    "WriteReport",
    "WriteResult",
    "XentaraError",
    "connect",
    "read_inventory",
    "read_journal",
]
