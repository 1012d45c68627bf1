"""What the connections of a server share, and what belongs to one of them."""

from __future__ import annotations

from uuid import UUID

from xentara_nb.protocol.errors import AccessDeniedError, UnknownSessionIdError
from xentara_nb.protocol.identifiers import ServerInformationId
from xentara_nb.simulator.faults import Faults
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.access import Acl, Principal
from xentara_nb.simulator.security.authentication import Authenticator
from xentara_nb.simulator.server.channels import Broker
from xentara_nb.simulator.server.request_log import RequestLog
from xentara_nb.simulator.server.subscriptions import Subscriptions


class Service:
    """What all connections of a server share."""

    def __init__(
        self,
        plant: Plant,
        authenticator: Authenticator,
        version: str = "",
        request_log: RequestLog | None = None,
        faults: Faults | None = None,
        *,
        whole_events: bool = False,
    ) -> None:
        self.plant = plant
        self.authenticator = authenticator
        self.request_log = RequestLog() if request_log is None else request_log
        self.faults = Faults(lambda: plant) if faults is None else faults
        self.broker = Broker(plant.clock, whole_events)
        self.information: dict[int, str] = {
            ServerInformationId.VERSION: version,
            # The account that the server runs under is not shown to clients.
            ServerInformationId.USER_NAME: "xentara",
            ServerInformationId.MODEL_FILE_PATH: plant.file,
        }
        plant.on_vanish.append(self.broker.vanish)


class Session:
    """What one connection may do, and what it has under way; the log calls it by its number."""

    def __init__(self, service: Service, principal: Principal, number: int) -> None:
        self.service = service
        self.principal = principal
        self.number = number
        self.hello_received = False
        self.subscriptions = Subscriptions(service.broker)
        self.sub_sessions: dict[UUID, Principal] = {}

    def check_right(self, acl: Acl, entitlement: str, sub_session_id: UUID | None = None) -> None:
        """Make sure of a right: the connection's, and the sub-session's if one is named."""
        principals = [self.principal]
        if sub_session_id is not None:
            if sub_session_id not in self.sub_sessions:
                raise UnknownSessionIdError
            principals.append(self.sub_sessions[sub_session_id])
        for principal in principals:
            if not acl.allows(principal.roles, entitlement):
                raise AccessDeniedError
