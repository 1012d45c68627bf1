"""What the library is compared with: the least that anybody would have to do, or would do."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import logging
import os
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

import cbor2
import pandas as pd
import websocket

from tests.benchmarks.measuring import Server
from tests.benchmarks.model import PASSWORD, USER
from xentara_nb.protocol.commands import Command
from xentara_nb.protocol.packets import Request, Success, decode_answers, encode_packets

Exchange = Callable[[bytes], bytes]


@contextlib.contextmanager
def bare(server: Server) -> Iterator[Exchange]:
    """Connect with websocket-client alone; gives what sends a message and receives the answer."""
    with bare_socket(server) as socket:

        def exchange(message: bytes) -> bytes:
            socket.send_binary(message)
            answer = socket.recv()
            assert isinstance(answer, bytes)
            return answer

        yield exchange


@contextlib.contextmanager
def bare_socket(server: Server) -> Iterator[websocket.WebSocket]:
    """Connect with websocket-client alone."""
    context = ssl.create_default_context(cafile=server.ca_file)
    socket = websocket.create_connection(
        f"wss://localhost:{server.port}/api/ws",
        sslopt={"context": context},
        header={"Authorization": "Basic " + _basic()},
    )
    try:
        yield socket
    finally:
        socket.close()


def _basic() -> str:
    return base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def script(exchange: Exchange, most: int | None = None) -> pd.DataFrame:
    """Take an inventory as a script would: one request a message, a dict for every row."""
    exchange(cbor2.dumps([[0, 1, 8, {0: [2]}]]))
    ((_, _, entries),) = cbor2.loads(exchange(cbor2.dumps([[0, 2, 1, {0: UUID(int=0)}]])))
    rows = []
    for number, entry in enumerate(entries[:most], 3):
        request = [0, number, 2, {0: entry[1], 1: [2]}]
        ((_, _, answer),) = cbor2.loads(exchange(cbor2.dumps([request])))
        for attribute in answer[2]:
            rows.append(
                {
                    "primary_key": entry[0],
                    "element_uuid": entry[1],
                    "category": entry[2],
                    "attribute_name": attribute[0],
                    "attribute_id": attribute[1],
                    "access": attribute[2],
                    "data_type": attribute[3],
                }
            )
    return pd.DataFrame(rows).sort_values(["primary_key", "attribute_name"], ignore_index=True)


def decode(messages: Iterable[bytes]) -> None:
    """Decode messages with cbor2 and nothing else."""
    for message in messages:
        cbor2.loads(message)


def packets(requests: Sequence[Request], size: int) -> list[bytes]:
    """Return the messages with some requests, so many in each."""
    return [encode_packets(requests[at : at + size]) for at in range(0, len(requests), size)]


def send(exchange: Exchange, messages: Iterable[bytes]) -> None:
    """Send messages and decode their answers with cbor2."""
    for message in messages:
        cbor2.loads(exchange(message))


def batched(exchange: Exchange, batches: Iterable[Sequence[Command[Any]]]) -> None:
    """Send commands in batches, and read their answers as the protocol's own modules do."""
    for batch in batches:
        message = encode_packets(command.request(at) for at, command in enumerate(batch, 2))
        answers = decode_answers(exchange(message))
        for command, answer in zip(batch, answers, strict=True):
            assert isinstance(answer, Success)
            command.parse_answer(answer.item)


def receive(socket: websocket.WebSocket, request: bytes, count: int) -> None:
    """Subscribe, and decode so many messages behind the answer with cbor2."""
    socket.send_binary(request)
    for _ in range(1 + count):
        cbor2.loads(socket.recv())


def send_journalled(
    exchange: Exchange, messages: Iterable[bytes], lines: Sequence[bytes], file: int
) -> None:
    """Do that with a line in a file, on the disk, before each message and a line after it."""
    for message, intent, outcome in zip(
        messages, itertools.cycle(lines[::2]), itertools.cycle(lines[1::2])
    ):
        os.write(file, intent)
        os.fsync(file)
        cbor2.loads(exchange(message))
        os.write(file, outcome)


@contextlib.contextmanager
def opcua(port: int, count: int) -> Iterator[Callable[[], pd.DataFrame]]:
    """Connect with asyncua; gives what reads four attributes of all variables, in large requests.

    It knows the variables beforehand and need not browse.
    """
    from asyncua import Client, ua

    logging.getLogger("asyncua").setLevel(logging.ERROR)  # it tells of every session time-out
    attributes = ("BrowseName", "DisplayName", "DataType", "Value")
    loop = asyncio.new_event_loop()
    client = Client(f"opc.tcp://127.0.0.1:{port}", timeout=60)
    nodes = [ua.NodeId(number, 2) for number in range(1, count + 1)]

    async def read() -> dict[str, list[Any]]:
        columns: dict[str, list[Any]] = {}
        for attribute in attributes:
            values: list[Any] = []
            for at in range(0, count, 1000):
                found = await client.uaclient.read_attributes(
                    nodes[at : at + 1000], ua.AttributeIds[attribute]
                )
                values += [each.Value.Value for each in found]
            columns[attribute] = values
        return columns

    try:
        loop.run_until_complete(client.connect())
        yield lambda: pd.DataFrame(loop.run_until_complete(read()))
        loop.run_until_complete(client.disconnect())
    finally:
        loop.close()
