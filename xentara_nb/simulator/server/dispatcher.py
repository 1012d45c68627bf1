"""One connection's conversation: the bytes of a message in, the bytes of its answer out.

There is no input or output here and no clock but the plant's. What takes long is handed back to
whoever runs the conversation: :meth:`Dispatcher.answer` is a generator that yields

* :data:`PAUSE` between slices of a long batch, so that other connections get their turn, and
* a function to be called in a thread, whose result is to be sent in, for checking a password.
"""

from __future__ import annotations

import logging
import time
from typing import Any, cast

from xentara_nb.protocol.cbor import Encoded
from xentara_nb.protocol.codec import server_encoding
from xentara_nb.protocol.commands import COMMANDS
from xentara_nb.protocol.errors import CommandNotFoundError, InternalError, ServerError
from xentara_nb.protocol.identifiers import OpCode, ServerInformationId
from xentara_nb.protocol.packets import Failure, Request, Success, encode_packets
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.authentication import Principal
from xentara_nb.simulator.server.commands import PAUSE, R, Service, Session, Steps
from xentara_nb.simulator.server.decoding import BrokenRequest, read_requests
from xentara_nb.simulator.server.request_log import RequestRecord
from xentara_nb.simulator.server.subscriptions import Subscriptions

_log = logging.getLogger(__name__)

_LARGE = 64 * 1024  # bytes of a message that takes milliseconds to be decoded
_SLICE = 64  # requests between two pauses, a few milliseconds of work


class ConnectionLost(Exception):  # it is no error, but wanted
    """The connection is to break at this request, on purpose."""


class Dispatcher:
    """What one connection may say, and what it gets for an answer.

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
        self._service = service
        self._session = Session(service, client, number)
        self._size = 0  # of one request of the message under way, in bytes

    @property
    def subscriptions(self) -> Subscriptions:
        """What the client has subscribed to."""
        return self._session.subscriptions

    def answer(self, message: bytes) -> Steps[bytes | None]:
        """Return the answer to a message, None if there is nothing to say.

        Whatever the message holds, every request in it gets its answer, in the same order, in one
        message.

        Raises
        ------
        ConnectionLost
            If a fault breaks the connection here; nothing else is raised.
        """
        answers: list[bytes] = []
        requests: list[Request | Failure]
        if len(message) < _LARGE:
            requests = read_requests(message)
        else:
            # In one piece, but beside the others.
            requests = yield lambda: read_requests(message)
        self._size = len(message) // max(len(requests), 1)
        for number, request in enumerate(requests, 1):
            if isinstance(request, Request):
                quick = self._quick_answer(request)
                answers.append((yield from self._answer(request)) if quick is None else quick)
            else:
                self._record(request.message_id, None, None, request.error, time.time_ns())
                answers.append(_encoded(request))
            if not number % _SLICE:
                yield PAUSE
        return server_encoding.message(answers) if answers else None

    def answered(self) -> None:
        """Let new subscriptions begin, now that the answers to them are on their way."""
        self._session.subscriptions.answered()

    def end(self) -> None:
        """Give up everything, because the connection has ended."""
        self._session.end()

    def _quick_answer(self, request: Request) -> bytes | None:
        """Return the answer to the one command that comes a hundred thousand times in a row.

        None if there is anything out of the ordinary about it; then it goes the way of all others.
        """
        if request.opcode != OpCode.META_DATA or self._may_break():
            return None
        began = time.time_ns()
        try:
            item = self._session.quick_meta_data(request.parameters)
        except Exception:
            # It must not cost the connection; the way of all others answers it.
            _log.exception("the quick way of the command %s failed", request.opcode)
            return None
        if item is None:
            return None
        self._record(request.message_id, request.opcode, request.parameters, None, began)
        return server_encoding.success(request.message_id, item)

    def _may_break(self) -> bool:
        return self._service.faults is not None and self._service.faults.may_lose

    def _answer(self, request: Request) -> Steps[bytes]:
        began = time.time_ns()
        self._break_at(request, executed=False)
        item: Any = None
        failure: ServerError | None = None
        try:
            item = yield from self._item(request)
        except ServerError as error:
            # The log keeps it for long, and must not keep all that its traceback leads to.
            failure = error.with_traceback(None)
            failure.__context__ = failure.__cause__ = None
        except Exception:
            # A fault of the simulator must cost one answer, not the connection.
            _log.exception("the command %s failed", request.opcode)
            failure = InternalError()
        self._record(request.message_id, request.opcode, request.parameters, failure, began)
        self._break_at(request, executed=True)
        if failure is not None:
            return _encoded(Failure(request.message_id, failure))
        if isinstance(item, Encoded):
            return server_encoding.success(request.message_id, item.data)
        return _encoded(Success(request.message_id, item))

    def _break_at(self, request: Request, *, executed: bool) -> None:
        faults = self._service.faults
        if faults is not None and faults.may_lose and faults.loses(request.opcode, executed):
            raise ConnectionLost

    def _item(self, request: Request) -> Steps[Any]:
        """Return the item of the success packet."""
        self._session.check_greeting(request.opcode == OpCode.CLIENT_HELLO)
        kind = COMMANDS.get(request.opcode)  # type: ignore[call-overload]  # any int may come
        if kind is None:
            raise CommandNotFoundError
        if isinstance(request, BrokenRequest):
            raise request.error
        return (yield from self._session.execute(kind.from_request(request)))

    def _record(
        self,
        message_id: int,
        opcode: int | None,
        parameters: dict[int, Any] | None,
        error: ServerError | None,
        began: int,
    ) -> None:
        # What logs somebody in is not kept, not even in memory.
        kept = {} if opcode == OpCode.CREATE_SUB_SESSION else parameters
        session = self._session
        duration = time.time_ns() - began
        self._service.recorder.request(
            RequestRecord(
                began,
                session.number,
                session.client.name,
                message_id,
                opcode,
                kept,
                error,
                duration,
            ),
            self._size,
        )


# A long answer is encoded packet by packet, for encoding all of it at once would stop the server
# for everyone. A message of one packet is that packet behind a head of one byte.
def _encoded(packet: Success | Failure) -> bytes:
    return encode_packets((packet,))[1:]


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


__all__ = [
    "PAUSE",
    "ConnectionLost",
    "Dispatcher",
    "Service",
    "Steps",
    "run",
    "server_information",
]
