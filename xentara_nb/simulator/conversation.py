"""One connection's conversation: the bytes of a message in, the bytes of its answer out.

There is no input or output here and no clock but the plant's. What takes long is handed back to
whoever runs the conversation: :meth:`Conversation.answer` is a generator that yields

* :data:`PAUSE` between slices of a long batch, so that other connections get their turn, and
* a function to be called in a thread, whose result is to be sent in, for checking a password.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar, cast
from uuid import UUID, uuid4

from xentara_nb.protocol import cbor
from xentara_nb.protocol.commands import (
    COMMANDS,
    Browse,
    BrowseEntry,
    ClientHello,
    CloseSubSession,
    Command,
    CreateSubSession,
    GetStage,
    Lookup,
    MetaData,
    MetaDataAnswer,
    Password,
    Read,
    ServerInformation,
    Write,
)
from xentara_nb.protocol.errors import (
    AccessDeniedError,
    CommandNotFoundError,
    DuplicateClientHelloError,
    InternalError,
    InvalidParameterError,
    MissingClientHelloError,
    ServerError,
    UnknownSessionIdError,
)
from xentara_nb.protocol.identifiers import PROTOCOL_VERSION, OpCode, ServerInformationId
from xentara_nb.protocol.packets import (
    Failure,
    Request,
    Success,
    decode_requests,
    encode_packets,
)
from xentara_nb.simulator import access
from xentara_nb.simulator.authentication import Authenticator, Client
from xentara_nb.simulator.elements import Element
from xentara_nb.simulator.plant import Plant

_log = logging.getLogger(__name__)

PAUSE: Final = None
"""Yielded where others should get their turn."""

Work: TypeAlias = Callable[[], Any]
"""Yielded to be called in a thread."""

R = TypeVar("R")
Steps: TypeAlias = Generator[Work | None, Any, R]

_SLICE = 64  # requests between two pauses, a few milliseconds of work
_BROWSE_SLICE = 16 * _SLICE


@dataclass(frozen=True, slots=True)
class Service:
    """What all conversations of a server share."""

    plant: Plant
    authenticator: Authenticator
    information: dict[int, str]


class Conversation:
    """What one connection may say, and what it gets for an answer.

    Parameters
    ----------
    service : Service
        The plant and who may log in.
    client : Client
        Who the connection belongs to.
    """

    def __init__(self, service: Service, client: Client) -> None:
        self._plant = service.plant
        self._service = service
        self._client = client
        self._greeted = False
        self._sub_sessions: dict[UUID, Client] = {}

    def answer(self, message: bytes) -> Steps[bytes | None]:
        """Return the answer to a message, None if there is nothing to say.

        Whatever the message holds, this does not raise, and every request in it gets its answer,
        in the same order, in one message.
        """
        answers: list[bytes] = []
        slice_: list[Success | Failure] = []
        for number, request in enumerate(decode_requests(message), 1):
            if isinstance(request, Failure):
                slice_.append(request)
            else:
                slice_.append((yield from self._answer(request)))
            if not number % _SLICE:
                answers += map(_encoded, slice_)
                slice_.clear()
                yield PAUSE
        answers += map(_encoded, slice_)
        return _message(answers) if answers else None

    def _answer(self, request: Request) -> Steps[Success | Failure]:
        try:
            item = yield from self._item(request)
        except ServerError as error:
            return Failure(request.message_id, error)
        except Exception:
            # A fault of the simulator must cost one answer, not the connection.
            _log.exception("the command %s failed", request.opcode)
            return Failure(request.message_id, InternalError())
        return Success(request.message_id, item)

    def _item(self, request: Request) -> Steps[Any]:
        """Return the item of the success packet."""
        hello = request.opcode == OpCode.CLIENT_HELLO
        if self._greeted and hello:
            raise DuplicateClientHelloError
        if not self._greeted and not hello:
            raise MissingClientHelloError
        kind = COMMANDS.get(request.opcode)  # type: ignore[call-overload]  # any int may come
        handler = _HANDLERS.get(kind)
        if kind is None or handler is None:
            raise CommandNotFoundError
        command = kind.from_request(request)
        result = yield from handler(self, command)
        return command.build_answer(result)

    def _hello(self, command: ClientHello) -> Steps[int]:
        if not command.minimum_version <= PROTOCOL_VERSION <= command.maximum_version:
            raise InvalidParameterError(
                f"invalid parameter: this server speaks protocol version {PROTOCOL_VERSION} only"
            )
        self._greeted = True
        return PROTOCOL_VERSION
        yield  # makes this a generator, as all handlers are

    def _server_information(self, command: ServerInformation) -> Steps[dict[int, str]]:
        for identifier in command.identifiers:
            if identifier not in self._service.information:
                raise InvalidParameterError(f"invalid server information identifier {identifier}")
        return {number: self._service.information[number] for number in command.identifiers}
        yield

    def _browse(self, command: Browse) -> Steps[list[BrowseEntry]]:
        entries: list[BrowseEntry] = []
        for element in self._plant.browse(command.element_uuid, command.depth, command.categories):
            entries.append(BrowseEntry(element.key, element.uuid, element.kind.category))
            if not len(entries) % _BROWSE_SLICE:
                yield PAUSE
        return entries

    def _meta_data(self, command: MetaData) -> Steps[MetaDataAnswer]:
        element = self._plant.element(command.element_uuid)
        return MetaDataAnswer(
            element.key, element.kind.category, element.table.infos, bool(element.children)
        )
        yield

    def _lookup(self, command: Lookup) -> Steps[UUID]:
        return self._plant.lookup(command.primary_key).uuid
        yield

    def _read(self, command: Read) -> Steps[dict[Any, Any]]:
        element = self._plant.element(command.element_uuid)
        self._check(element, access.READ)
        return {attribute: element.read(attribute) for attribute in command.attribute_ids}
        yield

    def _write(self, command: Write) -> Steps[None]:
        element = self._plant.element(command.element_uuid)
        self._check(element, access.WRITE, command.sub_session_id)
        element.write(command.attribute_id, command.value, self._plant.clock())
        return
        yield

    def _get_stage(self, command: GetStage) -> Steps[int]:
        return self._plant.stage
        yield

    def _create_sub_session(self, command: CreateSubSession) -> Steps[UUID]:
        login = command.authentication
        if not isinstance(login, Password):
            raise AccessDeniedError
        authenticator = self._service.authenticator
        client = yield lambda: authenticator.by_password(login.user, login.password)
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

    def _check(
        self, element: Element, entitlement: str, sub_session_id: UUID | None = None
    ) -> None:
        """Make sure of the right: the connection's, and the sub-session's if there is one."""
        clients = [self._client]
        if sub_session_id is not None:
            if sub_session_id not in self._sub_sessions:
                raise UnknownSessionIdError
            clients.append(self._sub_sessions[sub_session_id])
        for client in clients:
            if not element.acl.allows(client.roles, entitlement):
                raise AccessDeniedError


_HANDLERS: dict[type[Command[Any]] | None, Callable[[Conversation, Any], Steps[Any]]] = {
    ClientHello: Conversation._hello,
    ServerInformation: Conversation._server_information,
    Browse: Conversation._browse,
    MetaData: Conversation._meta_data,
    Lookup: Conversation._lookup,
    Read: Conversation._read,
    Write: Conversation._write,
    GetStage: Conversation._get_stage,
    CreateSubSession: Conversation._create_sub_session,
    CloseSubSession: Conversation._close_sub_session,
}


# A long answer is encoded packet by packet, for encoding all of it at once would stop the server
# for everyone. A message of one packet is that packet behind a head of one byte, and a message of
# nulls is a head with one byte for each of them behind it.
def _encoded(packet: Success | Failure) -> bytes:
    return encode_packets((packet,))[1:]


def _message(packets: list[bytes]) -> bytes:
    head = cbor.encode([None] * len(packets))[: -len(packets)]
    return b"".join((head, *packets))


def run(steps: Steps[R]) -> R:
    """Run a conversation's steps to the end at once, for those who can wait."""
    result = None
    try:
        while True:
            step = steps.send(result)
            result = None if step is PAUSE else step()
    except StopIteration as end:
        return cast(R, end.value)


def server_information(plant: Plant, version: str) -> dict[int, str]:
    """Return what the command server_information tells."""
    return {
        ServerInformationId.VERSION: version,
        # The real account is nobody's business.
        ServerInformationId.USER_NAME: "xentara",
        ServerInformationId.MODEL_FILE_PATH: plant.file,
    }
