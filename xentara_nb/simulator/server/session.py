"""What the connections of a server share, and what belongs to one of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import UUID

from xentara_nb.protocol.errors import (
    AccessDeniedError,
    InvalidRequestError,
    UnknownSessionIdError,
)
from xentara_nb.protocol.identifiers import ServerInformationId
from xentara_nb.simulator.faults import Faults
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.access import Acl, Principal
from xentara_nb.simulator.security.authentication import Authenticator
from xentara_nb.simulator.server.channels import Broker
from xentara_nb.simulator.server.limits import DEFAULT_LIMITS, Limits
from xentara_nb.simulator.server.password_queue import PasswordQueue
from xentara_nb.simulator.server.request_log import RequestLog
from xentara_nb.simulator.server.subscriptions import Quota, Subscriptions
from xentara_nb.simulator.server.turns import Turns

_LARGE_MESSAGES = 4  # that are decoded and answered at the same time


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
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.plant = plant
        self.authenticator = authenticator
        self.request_log = RequestLog() if request_log is None else request_log
        self.faults = Faults(lambda: plant) if faults is None else faults
        self.broker = Broker(plant.clock, whole_events)
        self.limits = limits
        self.large_messages = asyncio.Semaphore(_LARGE_MESSAGES)
        self.decoding = asyncio.Lock()
        self.turns = Turns()
        self.passwords = PasswordQueue(
            lambda user, password: authenticator.by_password(user, password),
            limits.pending_passwords,
        )
        # By the names of users: how many connections they have, and what these may subscribe to.
        self.connections: Counter[str] = Counter()
        self.quotas: dict[str, Quota] = {}
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
        self.subscriptions = Subscriptions(
            service.broker,
            service.limits.subscriptions,
            service.quotas.setdefault(principal.name, Quota(service.limits.subscribed_attributes)),
        )
        self.sub_sessions: dict[UUID, Principal] = {}

    def check_sub_session(self, session_id: UUID) -> None:
        """Make sure that there is room for a sub-session; raises InvalidRequestError."""
        most = self.service.limits.sub_sessions
        if session_id not in self.sub_sessions and len(self.sub_sessions) >= most:
            raise InvalidRequestError(
                f"invalid request: a connection has at most {most} sub-sessions; close one first"
            )

    def check_right(self, acl: Acl, entitlement: str, sub_session_id: UUID | None = None) -> None:
        """Make sure of a right: the connection's, and the sub-session's if one is named."""
        principals = [self.principal]
        if sub_session_id is not None:
            sub_session = self.sub_sessions.get(sub_session_id)
            if sub_session is not None and sub_session.has_expired():
                # As a log-in with the same token would be refused by now.
                del self.sub_sessions[sub_session_id]
                sub_session = None
            if sub_session is None:
                raise UnknownSessionIdError
            principals.append(sub_session)
        for principal in principals:
            if not acl.allows(principal.roles, entitlement):
                raise AccessDeniedError
