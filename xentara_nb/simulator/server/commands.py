"""One connection's session: who it belongs to, what it may do, and every command carried out.

Handlers are generators, as :mod:`xentara_nb.simulator.server.dispatcher` explains: they yield where
others should get their turn, and functions that take long to be called in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID, uuid4

from xentara_nb.protocol.cbor import Encoded
from xentara_nb.protocol.codec import server_encoding
from xentara_nb.protocol.codec.heads import MAP, head
from xentara_nb.protocol.commands import (
    Browse,
    Certificate,
    ClientHello,
    CloseSubSession,
    Command,
    CreateSubSession,
    GetStage,
    Lookup,
    MetaData,
    Password,
    Read,
    Resume,
    ServerInformation,
    Shutdown,
    Subscribe,
    Suspend,
    Token,
    Unsubscribe,
    Write,
)
from xentara_nb.protocol.errors import (
    AccessDeniedError,
    DuplicateClientHelloError,
    InvalidParameterError,
    MissingClientHelloError,
    ServerError,
    UnknownSessionIdError,
    UnknownSubscriptionIdError,
)
from xentara_nb.protocol.identifiers import NIL_UUID, PROTOCOL_VERSION, MetaDataId
from xentara_nb.protocol.values import TimePoint, Value
from xentara_nb.simulator.faults import Faults
from xentara_nb.simulator.plant.elements import Element
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.plant.stages import StageMachine
from xentara_nb.simulator.security import access
from xentara_nb.simulator.security.access import Acl
from xentara_nb.simulator.security.authentication import Authenticator, Principal
from xentara_nb.simulator.server.channels import Broker
from xentara_nb.simulator.server.request_log import Recorder, WriteRecord
from xentara_nb.simulator.server.subscriptions import ServerSubscription, Subscriptions, merged

PAUSE: Final = None
"""Yielded where others should get their turn."""

Work: TypeAlias = Callable[[], Any]
"""Yielded to be called in a thread."""

R = TypeVar("R")
Steps: TypeAlias = Generator[Work | None, Any, R]

_BROWSE_SLICE = 1024  # elements between two pauses, a few milliseconds of work
_SUBSCRIBE_SLICE = 256


@dataclass(frozen=True, slots=True)
class Service:
    """What all conversations of a server share."""

    plant: Plant
    authenticator: Authenticator
    information: dict[int, str]
    recorder: Recorder = field(default_factory=Recorder)
    faults: Faults | None = None
    whole_events: bool = False
    hub: Broker = field(init=False)
    operation: StageMachine = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hub", Broker(self.plant.clock, whole=self.whole_events))
        object.__setattr__(self, "operation", StageMachine(self.plant))
        self.plant.on_vanish.append(self.hub.vanish)


class Session:
    """What one connection may do, and what it has under way.

    Parameters
    ----------
    service : Service
        The plant and who may log in.
    client : Principal
        Who the connection belongs to.
    number : int
        What the log calls the connection.
    """

    def __init__(self, service: Service, client: Principal, number: int = 0) -> None:
        self.client = client
        self.number = number
        self.hello_received = False
        self.subscriptions = Subscriptions(service.hub, service.plant.clock)
        self._service = service
        self._plant = service.plant
        self._sub_sessions: dict[UUID, Principal] = {}

    def end(self) -> None:
        """Give up everything, because the connection has ended."""
        self.subscriptions.clear()
        self._sub_sessions.clear()

    def execute(self, command: Command[Any]) -> Steps[Any]:
        """Carry out a command, and return the item of the success packet.

        Raises
        ------
        ServerError
            The error to answer.
        """
        handler = _HANDLERS[type(command)]
        result = yield from handler(self, command)
        return result if isinstance(result, Encoded) else command.build_answer(result)

    def check_greeting(self, hello: bool) -> None:
        """Make sure that a connection says hello first, and once."""
        if self.hello_received and hello:
            raise DuplicateClientHelloError
        if not self.hello_received and not hello:
            raise MissingClientHelloError

    def _hello(self, command: ClientHello) -> Steps[int]:
        if not command.minimum_version <= PROTOCOL_VERSION <= command.maximum_version:
            raise InvalidParameterError(
                f"invalid parameter: this server speaks protocol version {PROTOCOL_VERSION} only"
            )
        self.hello_received = True
        return PROTOCOL_VERSION
        yield  # makes this a generator, as all handlers are

    def _server_information(self, command: ServerInformation) -> Steps[dict[int, str]]:
        for identifier in command.identifiers:
            if identifier not in self._service.information:
                raise InvalidParameterError(f"invalid server information identifier {identifier}")
        return {number: self._service.information[number] for number in command.identifiers}
        yield

    def _browse(self, command: Browse) -> Steps[Encoded]:
        entries: list[bytes] = []
        for element in self._plant.browse(command.element_uuid, command.depth, command.categories):
            entries.append(
                server_encoding.browse_entry(element.key, element.uuid, element.kind.category)
            )
            if not len(entries) % _BROWSE_SLICE:
                yield PAUSE
        return Encoded(server_encoding.message(entries))

    def _meta_data(self, command: MetaData) -> Steps[Encoded]:
        element = self._plant.element(command.element_uuid)
        return Encoded(_meta_data(element, tuple(dict.fromkeys(command.identifiers))))
        yield

    def quick_meta_data(self, parameters: dict[int, Any] | None) -> bytes | None:
        """Return the item of an ordinary request for meta data, None if it is not ordinary."""
        if parameters is None or not self.hello_received or len(parameters) != 2:
            return None
        listed, uuid = parameters.get(1), parameters.get(0)
        # True and 1.0 are no integers here, though Python takes them for one.
        if type(uuid) is not UUID or type(listed) is not list or set(map(type, listed)) != {int}:
            return None
        identifiers = tuple(listed)
        element = self._plant.find(uuid)
        if element is None or identifiers not in _ORDINARY:
            return None
        return _meta_data(element, identifiers)

    def _lookup(self, command: Lookup) -> Steps[UUID]:
        return self._plant.lookup(command.primary_key).uuid
        yield

    def _read(self, command: Read) -> Steps[dict[Any, Any]]:
        element = self._plant.element(command.element_uuid)
        self._check(element.acl, access.READ)
        return {attribute: element.read(attribute) for attribute in command.attribute_ids}
        yield

    def _write(self, command: Write) -> Steps[None]:
        element, taken, failure = None, None, None
        now = self._plant.clock()
        try:
            element = self._plant.element(command.element_uuid)
            self._check(element.acl, access.WRITE, command.sub_session_id)
            if self._service.faults is not None:
                self._service.faults.check_write(element)
            taken = element.write(command.attribute_id, command.value, now)
        except ServerError as error:
            failure = error
            raise
        finally:
            self._record_write(command, element, taken, failure, now)
        return
        yield

    def _record_write(
        self,
        command: Write,
        element: Element | None,
        taken: Value | None,
        failure: ServerError | None,
        now: TimePoint,
    ) -> None:
        session = self._sub_sessions.get(command.sub_session_id or NIL_UUID)
        info = None if element is None else element.table.info(command.attribute_id)
        self._service.recorder.write(
            WriteRecord(
                now.nanoseconds,
                self.number,
                self.client.name,
                None if session is None else session.name,
                command.element_uuid,
                "" if element is None else element.key,
                command.attribute_id if info is None else info.attribute_id,
                "" if info is None else info.name,
                command.value,
                taken,
                failure,
            )
        )

    def _subscribe(self, command: Subscribe) -> Steps[UUID]:
        targets = merged(command.targets)
        # All of them must be there before anything is subscribed to.
        elements = [(self._plant.element(uuid), ids) for uuid, ids in targets.items() if ids]
        for uuid in targets:
            self._plant.element(uuid)
        subscription = ServerSubscription(
            command.desired_subscription_id or uuid4(),
            lambda: self.subscriptions.wake(),
            command.maximum_update_rate,
            command.minimum_update_rate,
        )
        try:
            for number, (element, ids) in enumerate(elements, 1):
                allowed = element.acl.allows(self.client.roles, access.READ)
                subscription.feeds.append(
                    self._service.hub.join(subscription, element, ids, allowed)
                )
                if not number % _SUBSCRIBE_SLICE:
                    yield PAUSE
        except BaseException:
            # The connection has ended meanwhile.
            self._service.hub.leave(subscription, subscription.feeds)
            raise
        self.subscriptions.add(subscription)
        return subscription.subscription_id

    def _unsubscribe(self, command: Unsubscribe) -> Steps[None]:
        if not self.subscriptions.remove(command.subscription_id):
            raise UnknownSubscriptionIdError
        return
        yield

    def _get_stage(self, command: GetStage) -> Steps[int]:
        return self._plant.stage
        yield

    def _resume(self, command: Resume) -> Steps[None]:
        self._check(self._plant.acl, self._plant.entitlements.suspend, command.sub_session_id)
        self._service.operation.resume()
        return
        yield

    def _suspend(self, command: Suspend) -> Steps[None]:
        self._check(self._plant.acl, self._plant.entitlements.suspend, command.sub_session_id)
        self._service.operation.suspend()
        return
        yield

    def _shutdown(self, command: Shutdown) -> Steps[None]:
        self._check(self._plant.acl, self._plant.entitlements.shutdown, command.sub_session_id)
        self._service.operation.shutdown()
        return
        yield

    def _create_sub_session(self, command: CreateSubSession) -> Steps[UUID]:
        authenticator, login = self._service.authenticator, command.authentication
        work: Callable[[], Principal | None]
        match login:
            case Password():
                work = lambda: authenticator.by_password(login.user, login.password)  # noqa: E731  # as below
            case Token():
                work = lambda: authenticator.by_token(login.token)  # noqa: E731  # a name says no more
            case Certificate():
                work = lambda: authenticator.by_certificate(login.der)  # noqa: E731  # as above
        client = yield work
        if client is None:
            raise AccessDeniedError
        # A session that has the desired id already is replaced.
        session_id = command.desired_session_id or uuid4()
        self._sub_sessions[session_id] = client
        return session_id

    def _close_sub_session(self, command: CloseSubSession) -> Steps[None]:
        if self._sub_sessions.pop(command.session_id, None) is None:
            raise UnknownSessionIdError
        return
        yield

    def _check(self, acl: Acl, entitlement: str, sub_session_id: UUID | None = None) -> None:
        """Make sure of the right: the connection's, and the sub-session's if there is one."""
        clients = [self.client]
        if sub_session_id is not None:
            if sub_session_id not in self._sub_sessions:
                raise UnknownSessionIdError
            clients.append(self._sub_sessions[sub_session_id])
        for client in clients:
            if not acl.allows(client.roles, entitlement):
                raise AccessDeniedError


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


def _meta_data(element: Element, identifiers: tuple[int, ...]) -> bytes:
    parts = [head(MAP, len(identifiers))]
    parts += [_META_DATA[identifier](element) for identifier in identifiers]
    return b"".join(parts)


_HANDLERS: dict[type[Command[Any]], Callable[[Session, Any], Steps[Any]]] = {
    ServerInformation: Session._server_information,
    Browse: Session._browse,
    MetaData: Session._meta_data,
    Lookup: Session._lookup,
    Read: Session._read,
    Write: Session._write,
    Subscribe: Session._subscribe,
    Unsubscribe: Session._unsubscribe,
    GetStage: Session._get_stage,
    Resume: Session._resume,
    Suspend: Session._suspend,
    Shutdown: Session._shutdown,
    CreateSubSession: Session._create_sub_session,
    CloseSubSession: Session._close_sub_session,
    ClientHello: Session._hello,
}
