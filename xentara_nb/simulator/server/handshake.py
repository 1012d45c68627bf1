"""Who is let in: the upgrade request, checked for path, log-in and right, and what refuses it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from xentara_nb.simulator.config.configuration import BASIC, BEARER, Authentication
from xentara_nb.simulator.faults import Faults
from xentara_nb.simulator.security import access
from xentara_nb.simulator.security.access import Principal
from xentara_nb.simulator.security.authentication import parse_basic, parse_bearer
from xentara_nb.simulator.server.password_queue import TooManyLoginsError
from xentara_nb.simulator.server.session import Service

PATH = "/api/ws"
# With a query or without one; some clients and all proxies send the whole URL.
_PATH = re.compile(rf"(?:(?i:https|wss)://[^/?]*)?{re.escape(PATH)}(?:\?.*)?")
_SUBPROTOCOL = Subprotocol("xentara-v1")
_PONG = b"\x8a"  # how the frame of a pong begins
_MAX_UNREAD = 1024 * 1024  # bytes that a client has not read, beyond which no pong is added


# The library logs every refused log-in and every scanner's half handshake as an error. To see
# them, give this logger a handler; by default they must not appear on standard error.
CONNECTION_LOG = logging.getLogger("xentara_nb.simulator.connections")
CONNECTION_LOG.addHandler(logging.NullHandler())
# What the library writes in detail, every header and message, has the passwords of connections and
# of sub-sessions in it.
CONNECTION_LOG.addFilter(lambda record: record.levelno > logging.DEBUG)


class WebSocketConnection(ServerConnection):
    """A connection that knows who it belongs to, and may fail to answer pings."""

    principal: Principal

    def __init__(
        self, protocol: ServerProtocol, server: Any, *, faults: Faults, **options: Any
    ) -> None:
        super().__init__(protocol, server, **options)
        data_to_send = protocol.data_to_send

        def data_without_pongs() -> list[bytes]:
            frames = data_to_send()
            # A client that pings and reads nothing must not fill the memory with its pongs.
            unread = self.transport.get_write_buffer_size() > _MAX_UNREAD
            if faults.pongs and not unread:
                return frames
            return [frame for frame in frames if not frame.startswith(_PONG)]

        # The library answers pings by itself and has no switch for it.
        protocol.data_to_send = data_without_pongs  # type: ignore[method-assign]  # see above


async def process_request(
    service: Service, settings: Authentication, connection: WebSocketConnection, request: Request
) -> Response | None:
    """Refuse an upgrade request, or note who it comes from and return None."""
    if not _PATH.fullmatch(request.path):
        return connection.respond(
            HTTPStatus.NOT_FOUND, f"There is nothing here. The API is at {PATH}.\n"
        )
    authorizations = request.headers.get_all("Authorization")
    host, *_ = connection.remote_address or ("",)
    try:
        principal = await _log_in(service, settings, authorizations, host)
    except TooManyLoginsError as error:
        return _unavailable(connection, f"{str(error).capitalize()}.\n")
    if principal is None:
        response = connection.respond(
            HTTPStatus.UNAUTHORIZED, f"Log in with {' or '.join(settings.schemes)}.\n"
        )
        for challenge in _challenges(settings, authorizations):
            response.headers["WWW-Authenticate"] = challenge
        return response
    if not service.plant.acl.allows(principal.roles, access.CONNECT):
        return connection.respond(
            HTTPStatus.FORBIDDEN, "The user does not have the right to connect.\n"
        )
    limits, connections = service.limits, service.connections
    if connections[principal.name] >= limits.user_connections:
        most = f"The user has {limits.user_connections} connections, more are not allowed.\n"
        return _unavailable(connection, most)
    if connections.total() >= limits.connections:
        return _unavailable(
            connection, f"There are {limits.connections} connections, more are not allowed.\n"
        )
    connection.principal = principal
    return None


def _unavailable(connection: WebSocketConnection, text: str) -> Response:
    """Return the refusal of what would be allowed if less were going on."""
    response = connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, text)
    response.headers["Retry-After"] = "1"
    return response


async def _log_in(
    service: Service, settings: Authentication, authorizations: Sequence[str], host: str
) -> Principal | None:
    if len(authorizations) != 1:
        return None
    if BEARER in settings.schemes and (token := parse_bearer(authorizations[0])) is not None:
        return await asyncio.to_thread(service.authenticator.by_token, token)
    if BASIC in settings.schemes and (login := parse_basic(authorizations[0])) is not None:
        return await service.passwords.check(*login, host)
    return None


def _challenges(settings: Authentication, authorizations: Sequence[str]) -> Iterator[str]:
    """Return a challenge for each scheme; browsers ask for a password only after one."""
    realm = settings.realm.replace("\\", "\\\\").replace('"', '\\"')
    if BASIC in settings.schemes:
        yield f'Basic realm="{realm}"'
    if BEARER in settings.schemes:
        scope = f', scope="{" ".join(settings.scope)}"' if settings.scope else ""
        # RFC 6750: only those who have sent a token are given the error.
        error = ', error="invalid_token"' if any(map(parse_bearer, authorizations)) else ""
        yield f'Bearer realm="{realm}"{scope}{error}'


def process_response(
    connection: ServerConnection, request: Request, response: Response
) -> Response | None:
    """Keep the digits 101 out of refusals: there are clients that look for nothing else."""
    if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
        return None
    length = response.headers.get("Content-Length", "")
    if b"101" not in response.body and "101" not in length:
        return None
    return connection.respond(HTTPStatus(response.status_code), "The request was refused.\n")


def select_subprotocol(
    connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Take ours where it is offered: a browser fails if it offered one and got none."""
    return _SUBPROTOCOL if _SUBPROTOCOL in offered else None
