"""The names that users import from ``xentara_nb``, loaded when the first of them is used."""

# ruff: noqa: I001 - with "as", or type checkers do not offer the names

from xentara_nb.client import Client as Client, connect as connect
from xentara_nb.connection.address import Address as Address
from xentara_nb.errors import *  # noqa: F403 - all that __all__ names there
from xentara_nb.fleet.failures import FleetWarning as FleetWarning
from xentara_nb.fleet.files import read_fleet as read_fleet
from xentara_nb.fleet.fleet import Fleet as Fleet
from xentara_nb.fleet.recording import open_fleet_recording as open_fleet_recording
from xentara_nb.fleet.servers import Server as Server
from xentara_nb.fleet.simulated import simulated_fleet as simulated_fleet
from xentara_nb.live.collection import Change as Change
from xentara_nb.live.watch import Watch as Watch
from xentara_nb.protocol.commands import DataChange as DataChange
from xentara_nb.protocol.errors import (
    AccessDeniedError as AccessDeniedError,
    IllegalValueError as IllegalValueError,
    InvalidStageChangeRequestError as InvalidStageChangeRequestError,
    MissingAttributeError as MissingAttributeError,
    ReadError as ReadError,
    ReadOnlyError as ReadOnlyError,
    TypeMismatchError as TypeMismatchError,
    UnknownElementError as UnknownElementError,
    UnknownSessionIdError as UnknownSessionIdError,
    UnknownSubscriptionIdError as UnknownSubscriptionIdError,
    ValueOutOfRangeError as ValueOutOfRangeError,
    WriteError as WriteError,
    WriteOnlyError as WriteOnlyError,
)
from xentara_nb.protocol.identifiers import Category as Category, Quality as Quality, Stage as Stage
from xentara_nb.protocol.values import TimePoint as TimePoint
from xentara_nb.queries.inventory import InventoryWarning as InventoryWarning
from xentara_nb.queries.subscriptions import Subscription as Subscription
from xentara_nb.recordings.reader import (
    Recording as Recording,
    open_recording as open_recording,
)
from xentara_nb.tables.compare import compare as compare
from xentara_nb.tables.comparison import Comparison as Comparison
from xentara_nb.tables.files import read_inventory as read_inventory, read_table as read_table
from xentara_nb.tables.xentara_frame import XentaraFrame as XentaraFrame
from xentara_nb.writes.journal import Journal as Journal
from xentara_nb.writes.outcome import Outcome as Outcome
from xentara_nb.writes.plan import WritePlan as WritePlan
from xentara_nb.writes.policy import WritePolicy as WritePolicy
from xentara_nb.writes.journal_reading import read_journal as read_journal
from xentara_nb.writes.report import WriteReport as WriteReport
from xentara_nb.writes.results import WriteResult as WriteResult
from xentara_nb.writes.settings import SettingsWarning as SettingsWarning
from xentara_nb.writes.stage import StageChange as StageChange
from xentara_nb.writes.sub_session import SubSession as SubSession
