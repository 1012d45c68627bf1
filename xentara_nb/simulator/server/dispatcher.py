"""The requests of one connection: the bytes of a message in, the bytes of its answer out."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from xentara_nb.protocol.cbor import Encoded
from xentara_nb.protocol.codec import server_encoding
from xentara_nb.protocol.commands import COMMANDS
from xentara_nb.protocol.errors import (
    CommandNotFoundError,
    DuplicateClientHelloError,
    InternalError,
    InvalidRequestError,
    MissingClientHelloError,
    ServerError,
)
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.protocol.packets import Failure, Request, Success, encode_packets
from xentara_nb.simulator.server import commands
from xentara_nb.simulator.server.decoding import BrokenRequest, read_requests
from xentara_nb.simulator.server.request_log import RequestRecord
from xentara_nb.simulator.server.session import Session

_log = logging.getLogger(__name__)

_LARGE = 16 * 1024  # bytes of a message that takes milliseconds to be decoded
_COMMAND_NAMES: dict[int | None, str] = {opcode: opcode.name.lower() for opcode in OpCode}
# How many requests, and seconds of work, are done in one turn at most.
_SLICE = 64
_FEW = 8  # requests that are answered at once
_LONGEST_TURN = 0.002


class Dispatcher:
    """Answers the messages of one connection."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._faults = session.service.faults
        self._limits = session.service.limits

    async def answer(self, message: bytes) -> bytes | None:
        """Return the answer to a message, None if it asks for nothing.

        Every request in the message gets its answer, in the same order, in one message. Raises
        ConnectionAbortedError if a fault breaks the connection here, and nothing else.
        """
        if len(message) < _LARGE:
            return await self._answer_all(read_requests(message, self._limits))
        # What is decoded takes many times the memory of its bytes, so only few are at a time.
        async with self._session.service.large_messages:
            # In one piece, but beside the other connections. One at a time: for each thread more
            # that is at work, the event loop would wait longer until it may go on.
            async with self._session.service.decoding:
                requests = await asyncio.to_thread(read_requests, message, self._limits)
            return await self._answer_all(requests)

    async def _answer_all(self, requests: list[Request | Failure]) -> bytes | None:
        answers: list[bytes] = []
        size = 0
        turns = self._session.service.turns
        if len(requests) > _FEW:
            await turns.next()
        turn = time.monotonic() + _LONGEST_TURN
        for number, request in enumerate(requests, 1):
            if isinstance(request, Failure):
                self._log_request(request, request.error, time.time_ns())
                answers.append(_encoded(request))
            elif size > self._limits.answer_bytes:
                answers.append(self._refuse(request))
            else:
                answers.append(await self._answer(request))
            size += len(answers[-1])
            # After the last one there is nothing to wait for, however long it took.
            more = number < len(requests)
            if more and (not number % _SLICE or time.monotonic() > turn):
                await turns.next()
                turn = time.monotonic() + _LONGEST_TURN
        if size > _LARGE:
            await turns.next()  # for encrypting it
        return server_encoding.message(answers) if answers else None

    def _refuse(self, request: Request) -> bytes:
        """Answer a request that is not executed, for too much has been asked for before it."""
        error = InvalidRequestError(
            f"invalid request: the answer to this message has more than {self._limits.answer_bytes}"
            " bytes already, so this request was not executed; send it in another message"
        )
        self._log_request(request, error, time.time_ns())
        return _encoded(Failure(request.message_id, error))

    async def _answer(self, request: Request) -> bytes:
        began = time.time_ns()
        if self._faults.losses:
            self._break_at(request, executed=False)
        item: Any = None
        failure: ServerError | None = None
        try:
            # Meta data come a hundred thousand times in a row.
            usual = request.opcode == OpCode.META_DATA
            item = commands.ordinary_meta_data(self._session, request) if usual else None
            if item is None:
                item = await self._execute(request)
        except ServerError as error:
            failure = error
        except Exception:
            # A fault of the simulator must cost one answer, not the connection.
            _log.exception("the command %s failed", request.opcode)
            failure = InternalError()
        self._log_request(request, failure, began)
        if self._faults.losses:
            self._break_at(request, executed=True)
        if failure is not None:
            return _encoded(Failure(request.message_id, failure))
        if isinstance(item, Encoded):
            return server_encoding.success(request.message_id, item.data)
        return _encoded(Success(request.message_id, item))

    async def _execute(self, request: Request) -> Any:
        """Carry out a request, and return the item of the success packet."""
        hello = request.opcode == OpCode.CLIENT_HELLO
        if self._session.hello_received and hello:
            raise DuplicateClientHelloError
        if not self._session.hello_received and not hello:
            raise MissingClientHelloError
        kind = COMMANDS.get(request.opcode)  # type: ignore[call-overload]  # any int may come
        if kind is None:
            raise CommandNotFoundError
        if isinstance(request, BrokenRequest):
            raise request.error
        command = kind.from_request(request)
        result = await commands.execute(command, self._session)
        return result if isinstance(result, Encoded) else command.build_answer(result)

    def _break_at(self, request: Request, *, executed: bool) -> None:
        if self._faults.loses(request.opcode, executed):
            raise ConnectionAbortedError("lost on purpose")

    def _log_request(
        self, request: Request | Failure, error: ServerError | None, began: int
    ) -> None:
        session = self._session
        opcode, parameters = None, None
        if isinstance(request, Request):
            opcode, parameters = request.opcode, request.parameters
        record = RequestRecord(
            began,
            session.number,
            session.principal.name,
            request.message_id,
            opcode,
            _COMMAND_NAMES.get(opcode, ""),
            parameters,
            0 if error is None else int(error.code),
            "" if error is None else error.text,
            (time.time_ns() - began) / 1e9,
        )
        session.service.request_log.add_request(record)


# A long answer is encoded packet by packet, for encoding all of it at once would stop the server
# for everyone. A message of one packet is that packet behind a head of one byte.
def _encoded(packet: Success | Failure) -> bytes:
    return encode_packets((packet,))[1:]
