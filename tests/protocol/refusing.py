"""What tests of refused input share: a client and a server that take any bytes."""

from __future__ import annotations

import contextlib
import time
from uuid import UUID

from xentara_nb.protocol.commands import (
    COMMANDS,
    Browse,
    ClientHello,
    CreateSubSession,
    DataChange,
    GetStage,
    Lookup,
    MetaData,
    Read,
    ServerInformation,
    Subscribe,
    Token,
    Write,
)
from xentara_nb.protocol.errors import (
    InvalidParameterError,
    ProtocolError,
    XentaraError,
)
from xentara_nb.protocol.packets import (
    Event,
    Failure,
    Request,
    Success,
    decode_answers,
    decode_requests,
    encode_packets,
)

BOUND = 5.0
"""Seconds of computing for any single input here. Most of them take microseconds."""

E = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
ANSWERED = [
    ServerInformation(),
    Browse(E),
    MetaData(E),
    Lookup("x"),
    Read(E, (11,)),
    Write(E, 11, 5),
    Subscribe(()),
    GetStage(),
    CreateSubSession(Token("x")),
    ClientHello(),
]


@contextlib.contextmanager
def bounded():
    started = time.thread_time()
    yield
    assert time.thread_time() - started < BOUND


def at_the_client(data: bytes) -> bool:
    """Take a message as a client does, each answer as the answer to every command.

    Gives whether anything was refused, and fails on every error but a ProtocolError.
    """
    refused = False
    with bounded():
        try:
            answers = decode_answers(data)
        except ProtocolError as error:
            check_text(error)
            return True
        for answer in answers:
            if type(answer) is Failure:
                check_text(answer.error)
            elif type(answer) is Event:
                refused |= not read_as(DataChange.from_event, answer)
            else:
                assert type(answer) is Success
                for command in ANSWERED:
                    refused |= not read_as(command.parse_answer, answer.item)
    return refused


def at_the_server(data: bytes) -> bool:
    """Take a message as a server does, and answer what is wrong with it."""
    failures = []
    with bounded():
        for request in decode_requests(data):
            if type(request) is Failure:
                failures.append(request)
                continue
            assert type(request) is Request
            command = COMMANDS.get(request.opcode)
            if command is not None:
                try:
                    assert type(command.from_request(request)) is command
                except InvalidParameterError as error:
                    failures.append(Failure(request.message_id, error))
        for failure in failures:
            check_text(failure.error)
        # Every one of these can be sent.
        assert len(decode_answers(encode_packets(failures))) == len(failures)
    return bool(failures)


def read_as(parse, item) -> bool:
    try:
        parse(item)
    except ProtocolError as error:
        check_text(error)
        return False
    return True


def check_text(error: XentaraError) -> None:
    """A message must be one line that fits a terminal, and say something."""
    text = str(error)
    assert 10 < len(text) < 1000
    assert text.isprintable()
