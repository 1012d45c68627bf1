"""The commands, a function each: what it does for a session, and what it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import singledispatch
from itertools import combinations
from typing import Any
from uuid import UUID, uuid4

from xentara_nb.protocol import commands
from xentara_nb.protocol.cbor import Encoded
from xentara_nb.protocol.checks import NO_KEYS
from xentara_nb.protocol.codec import server_encoding
from xentara_nb.protocol.codec.heads import MAP, head
from xentara_nb.protocol.errors import (
    AccessDeniedError,
    InvalidParameterError,
    ServerError,
    UnknownSessionIdError,
    UnknownSubscriptionIdError,
)
from xentara_nb.protocol.identifiers import NIL_UUID, PROTOCOL_VERSION, MetaDataId
from xentara_nb.protocol.packets import Request
from xentara_nb.simulator.plant.elements import Element
from xentara_nb.simulator.security import access
from xentara_nb.simulator.server.password_queue import TooManyLoginsError
from xentara_nb.simulator.server.request_log import WriteRecord
from xentara_nb.simulator.server.session import Session
from xentara_nb.simulator.server.subscriptions import ServerSubscription, unique_targets

# Less than a millisecond of work in one turn.
_BROWSE_SLICE = 256
_SUBSCRIBE_SLICE = 128


@singledispatch
async def execute(command: commands.Command[Any], session: Session) -> Any:
    """Carry out a command for a session.

    These are coroutines, for browsing and subscribing take turns with other connections, and
    passwords are checked in a thread. Returns what ``command.build_answer`` takes, or the item of
    the answer if it is encoded already; raises the ServerError to answer.
    """
    raise NotImplementedError(type(command).__name__)


@execute.register
async def _client_hello(command: commands.ClientHello, session: Session) -> int:
    # That it is the first request has been checked.
    if not command.minimum_version <= PROTOCOL_VERSION <= command.maximum_version:
        raise InvalidParameterError(
            f"invalid parameter: this server speaks protocol version {PROTOCOL_VERSION} only"
        )
    session.hello_received = True
    return PROTOCOL_VERSION


@execute.register
async def _server_information(
    command: commands.ServerInformation, session: Session
) -> dict[int, str]:
    information = session.service.information
    for identifier in command.identifiers:
        if identifier not in information:
            raise InvalidParameterError(f"invalid server information identifier {identifier}")
    return {identifier: information[identifier] for identifier in command.identifiers}


@execute.register
async def _browse(command: commands.Browse, session: Session) -> Encoded:
    plant = session.service.plant
    wanted = None if command.categories is None else frozenset(command.categories)
    entries: list[bytes] = []
    for number, element in enumerate(plant.browse(command.element_uuid, command.depth)):
        if not number % _BROWSE_SLICE:
            await session.service.turns.next()
        if wanted is None or element.kind.category in wanted:
            entries.append(
                server_encoding.browse_entry(element.key, element.uuid, element.kind.category)
            )
    return Encoded(server_encoding.message(entries))


@execute.register
async def _meta_data(command: commands.MetaData, session: Session) -> Encoded:
    element = session.service.plant.element(command.element_uuid)
    return _meta_data_item(element, tuple(dict.fromkeys(command.identifiers)))


def ordinary_meta_data(session: Session, request: Request) -> Encoded | None:
    """Return the answer's item to a request for meta data as clients send it by the thousand.

    None if there is anything unusual about it; then it is answered as all others are.
    """
    parameters = request.parameters
    if parameters is None or not session.hello_received or len(parameters) != 2:
        return None
    listed, uuid = parameters.get(1), parameters.get(0)
    # True and 1.0 are no integers here, though Python takes them for one.
    if type(uuid) is not UUID or type(listed) is not list:
        return None
    if set(map(type, listed)) != {int} or not NO_KEYS.isdisjoint(map(type, parameters)):
        return None
    identifiers = tuple(listed)
    element = session.service.plant.find(uuid)
    if element is None or identifiers not in _ORDINARY:
        return None
    return _meta_data_item(element, identifiers)


# The identifiers that an inventory asks for: some or all of them, in their order.
_ORDINARY = frozenset(
    ids for size in range(1, 5) for ids in combinations(map(int, MetaDataId), size)
)
_META_DATA: dict[int, Callable[[Element], bytes]] = {
    MetaDataId.PRIMARY_KEY: lambda element: b"\x00" + server_encoding.text(element.key),
    MetaDataId.ELEMENT_CATEGORY: lambda element: b"\x01" + bytes((element.kind.category,)),
    MetaDataId.ATTRIBUTE_LIST: lambda element: b"\x02" + element.table.encoded,
    MetaDataId.HAS_CHILDREN: lambda element: b"\x03\xf5" if element.children else b"\x03\xf4",
}


def _meta_data_item(element: Element, identifiers: tuple[int, ...]) -> Encoded:
    parts = [head(MAP, len(identifiers))]
    parts += [_META_DATA[identifier](element) for identifier in identifiers]
    return Encoded(b"".join(parts))


@execute.register
async def _lookup(command: commands.Lookup, session: Session) -> UUID:
    return session.service.plant.lookup(command.primary_key).uuid


@execute.register
async def _read(command: commands.Read, session: Session) -> dict[Any, Any]:
    element = session.service.plant.element(command.element_uuid)
    session.check_right(element.acl, access.READ)
    return {attribute: element.read(attribute) for attribute in command.attribute_ids}


@execute.register
async def _write(command: commands.Write, session: Session) -> None:
    """Give an attribute a value, and log that, whether it is taken or refused."""
    service = session.service
    now = service.plant.clock()
    element, taken, code, text = None, None, 0, ""
    try:
        element = service.plant.element(command.element_uuid)
        session.check_right(element.acl, access.WRITE, command.sub_session_id)
        service.faults.check_write(element)
        taken = element.write(command.attribute_id, command.value, now)
    except ServerError as error:
        code, text = int(error.code), error.text
        raise
    finally:
        sub_session = session.sub_sessions.get(command.sub_session_id or NIL_UUID)
        info = None if element is None else element.table.info(command.attribute_id)
        service.request_log.add_write(
            WriteRecord(
                now.nanoseconds,
                session.number,
                session.principal.name,
                None if sub_session is None else sub_session.name,
                "" if element is None else element.key,
                command.element_uuid,
                "" if info is None else info.name,
                command.attribute_id if info is None else info.attribute_id,
                command.value,
                taken,
                code,
                text,
            )
        )


@execute.register
async def _subscribe(command: commands.Subscribe, session: Session) -> UUID:
    """Subscribe to attributes; the events begin when the answer is on its way."""
    plant, broker = session.service.plant, session.service.broker
    # All elements must be there before anything is subscribed to.
    targets = [(plant.element(uuid), ids) for uuid, ids in unique_targets(command.targets).items()]
    subscription = ServerSubscription(
        command.desired_subscription_id or uuid4(),
        lambda: session.subscriptions.wake(),
        command.maximum_update_rate,
        command.minimum_update_rate,
        sum(len(ids) for _, ids in targets),
    )
    # Taken in at once, so that it ends with its connection, should that end here.
    session.subscriptions.add(subscription)
    for number, (element, ids) in enumerate(targets):
        if not number % _SUBSCRIBE_SLICE:
            await session.service.turns.next()
        if ids:
            allowed = element.acl.allows(session.principal.roles, access.READ)
            channel = broker.join(subscription.mark, element, ids, allowed)
            subscription.channels.append(channel)
    return subscription.subscription_id


@execute.register
async def _unsubscribe(command: commands.Unsubscribe, session: Session) -> None:
    if not session.subscriptions.remove(command.subscription_id):
        raise UnknownSubscriptionIdError


@execute.register
async def _get_stage(command: commands.GetStage, session: Session) -> int:
    return session.service.plant.stage


@execute.register
async def _change_stage(
    command: commands.Suspend | commands.Resume | commands.Shutdown, session: Session
) -> None:
    """Suspend or resume the plant, or shut it down: then the server ends after the answer."""
    plant = session.service.plant
    suspend, shutdown = plant.stage_entitlements
    entitlement, change = {
        commands.Suspend: (suspend, plant.suspend),
        commands.Resume: (suspend, plant.resume),
        commands.Shutdown: (shutdown, plant.shutdown),
    }[type(command)]
    session.check_right(plant.acl, entitlement, command.sub_session_id)
    change()


@execute.register
async def _create_sub_session(command: commands.CreateSubSession, session: Session) -> UUID:
    """Log in to a sub-session; one that has the desired id already is replaced."""
    authenticator = session.service.authenticator
    session_id = command.desired_session_id or uuid4()
    session.check_sub_session(session_id)
    match command.authentication:
        case commands.Password(user, password):
            try:
                principal = await session.service.passwords.check(user, password.reveal())
            except TooManyLoginsError as error:
                raise AccessDeniedError(f"access denied: {error}") from None
        case commands.Token(token):
            principal = await asyncio.to_thread(authenticator.by_token, token.reveal())
        case commands.Certificate(der):
            principal = await asyncio.to_thread(authenticator.by_certificate, der)
    if principal is None:
        raise AccessDeniedError
    session.sub_sessions[session_id] = principal
    return session_id


@execute.register
async def _close_sub_session(command: commands.CloseSubSession, session: Session) -> None:
    if session.sub_sessions.pop(command.session_id, None) is None:
        raise UnknownSessionIdError
