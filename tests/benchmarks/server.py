"""A server that answers with bytes made beforehand, so that what is measured is the client.

``python -m tests.benchmarks.server CERTIFICATE KEY ELEMENTS [--delay SECONDS] [--distinct]
[--models COUNT] [--events COUNT EACH]`` prints its port and serves until its input ends. The first
time that it gets a message it makes the answer; a measurement is preceded by a run that is not
measured. A subscribe is followed by so many events, so many in each message. Of several models,
each connection gets the next one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import ssl
import sys

from websockets.asyncio.server import ServerConnection, basic_auth, serve
from websockets.exceptions import ConnectionClosed

from tests.benchmarks.model import (
    PASSWORD,
    USER,
    Model,
    State,
    event_messages,
    is_subscribe,
    subscribed,
)
from tests.support.server import BINARY, frame_bytes

AT_ONCE = 200
"""How many messages are handed to the network together."""


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("certificate")
    parser.add_argument("key")
    parser.add_argument("elements", type=int)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--distinct", action="store_true")
    parser.add_argument("--models", type=int, default=1)
    parser.add_argument("--events", type=int, nargs=2, default=(0, 1))
    arguments = parser.parse_args()
    events = [
        frame_bytes(BINARY, each) for each in event_messages(arguments.elements, *arguments.events)
    ]
    roots = itertools.cycle(
        [
            State(Model(arguments.elements, repeat=not arguments.distinct, number=number))
            for number in range(arguments.models)
        ]
    )
    loop = asyncio.get_running_loop()

    async def converse(connection: ServerConnection) -> None:
        state = next(roots)
        tasks = set()
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                assert isinstance(message, bytes)
                if events and is_subscribe(message):
                    await connection.send(subscribed(message))
                    for at in range(0, len(events), AT_ONCE):
                        # The library would take longer over each than a client does.
                        connection.transport.write(b"".join(events[at : at + AT_ONCE]))
                        await asyncio.sleep(0)
                    continue
                answer, state = state.answer(message)
                if arguments.delay:
                    tasks.add(asyncio.create_task(later(connection, answer)))
                else:
                    await connection.send(answer)
        for task in tasks:
            task.cancel()

    async def later(connection: ServerConnection, answer: bytes) -> None:
        await asyncio.sleep(arguments.delay)
        with contextlib.suppress(ConnectionClosed):
            await connection.send(answer)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.certificate, arguments.key)
    async with serve(
        converse,
        "127.0.0.1",
        0,
        ssl=context,
        process_request=basic_auth(realm="benchmark", credentials=(USER, PASSWORD)),
        compression=None,
        max_size=None,
        ping_interval=None,
    ) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
