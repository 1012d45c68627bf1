"""Who is let in: the upgrade request, checked for path, log-in and right, and what refuses it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from xentara_nb.simulator.config.configuration import BASIC, BEARER, HttpServer
from xentara_nb.simulator.faults import Faults
from xentara_nb.simulator.security import access
from xentara_nb.simulator.security.authentication import Principal, parse_basic, parse_bearer
from xentara_nb.simulator.server.dispatcher import Service

PATH = "/api/ws"
# With a query or without one; some clients and all proxies send the whole URL.
_PATH = re.compile(rf"(?:(?:https|wss)://[^/?]*)?{re.escape(PATH)}(?:\?.*)?")
SUBPROTOCOL = Subprotocol("xentara-v1")
_REFUSAL = "The request was refused.\n"


class _DiscreetLog(logging.LoggerAdapter[logging.Logger]):
    """Keeps from the log what the library writes in detail: every header and message.

    They hold the passwords of connections and of sub-sessions.
    """

    def isEnabledFor(self, level: int) -> bool:
        return level > logging.DEBUG and super().isEnabledFor(level)


# The library tells of every refused log-in and every scanner's half handshake as an error. Whoever
# wants to see that gives this logger a handler; by default it must not spill on standard error.
CONNECTION_LOG = _DiscreetLog(
    logging.getLogger("xentara_nb.simulator.server.server.connections"), {}
)
CONNECTION_LOG.logger.addHandler(logging.NullHandler())


class WebSocketConnection(ServerConnection):
    """A connection that knows who it belongs to, and may forget to answer pings."""

    client: Principal

    def __init__(self, protocol: ServerProtocol, server: Any, **options: Any) -> None:
        super().__init__(protocol, server, **options)
        self.faults: Faults | None = None
        send_frame = protocol.send_frame

        def send_frame_but_no_pong(frame: Frame) -> None:
            if frame.opcode is not Opcode.PONG or self.faults is None or self.faults.pongs:
                send_frame(frame)

        # The library answers pings deep inside of its protocol and has no switch for it.
        protocol.send_frame = send_frame_but_no_pong  # type: ignore[method-assign]  # see above


class Admission:
    """Decides on upgrade requests.

    Parameters
    ----------
    service : Service
        Who may log in and connect.
    settings : HttpServer
        Realm and schemes.
    workers : Executor
        Where passwords and tokens are checked.
    """

    def __init__(self, service: Service, settings: HttpServer, workers: Executor) -> None:
        self._service = service
        self._settings = settings
        self._workers = workers

    async def admit(self, connection: WebSocketConnection, request: Request) -> Response | None:
        """Refuse a request for an upgrade, or note who it comes from and return None."""
        if not _PATH.fullmatch(request.path):
            return connection.respond(
                HTTPStatus.NOT_FOUND, f"There is nothing here. The API is at {PATH}.\n"
            )
        client = await self._log_in(request)
        if client is None:
            response = connection.respond(
                HTTPStatus.UNAUTHORIZED, f"Log in with {' or '.join(self._settings.schemes)}.\n"
            )
            for challenge in self._challenges(request):
                response.headers["WWW-Authenticate"] = challenge
            return response
        if not self._service.plant.acl.allows(client.roles, access.CONNECT):
            return connection.respond(
                HTTPStatus.FORBIDDEN, "The user does not have the right to connect.\n"
            )
        connection.client = client
        return None

    async def _log_in(self, request: Request) -> Principal | None:
        headers = request.headers.get_all("Authorization")
        if len(headers) != 1:
            return None
        authenticator = self._service.authenticator
        work: Callable[[], Principal | None]
        if (token := parse_bearer(headers[0])) is not None and BEARER in self._settings.schemes:
            work = partial(authenticator.by_token, token)
        elif (login := parse_basic(headers[0])) is not None and BASIC in self._settings.schemes:
            work = partial(authenticator.by_password, *login)
        else:
            return None
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    def _challenges(self, request: Request) -> list[str]:
        """Return a challenge for each scheme; browsers ask for a password only after one."""
        realm = self._settings.realm.replace("\\", "\\\\").replace('"', '\\"')
        scope = f', scope="{" ".join(self._settings.scope)}"' if self._settings.scope else ""
        # RFC 6750: the error is told to those only who have sent a token.
        sent = any(parse_bearer(value) for value in request.headers.get_all("Authorization"))
        wrong = ', error="invalid_token"' if sent else ""
        challenges = {
            BASIC: f'Basic realm="{realm}"',
            BEARER: f'Bearer realm="{realm}"{scope}{wrong}',
        }
        return [
            challenges[scheme] for scheme in (BASIC, BEARER) if scheme in self._settings.schemes
        ]

    def check_refusal(
        self, connection: ServerConnection, request: Request, response: Response
    ) -> Response | None:
        """Keep the digits 101 out of refusals: there are clients that look for nothing else."""
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            return None
        length = response.headers.get("Content-Length", "")
        if b"101" not in response.body and "101" not in length:
            return None
        return connection.respond(HTTPStatus(response.status_code), _REFUSAL)


def select_subprotocol(
    connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Take ours where it is offered: a browser fails if it offered one and got none."""
    return SUBPROTOCOL if SUBPROTOCOL in offered else None
