"""Load on the simulator: many clients, many subscribed attributes, and how late their events are.

Run it by itself for the figures, on a computer with two cores or more::

    python tests/benchmarks/simulator_load.py                  # 50 clients, 1,000 attributes, 5 s
    python tests/benchmarks/simulator_load.py --seconds 60
    python tests/benchmarks/simulator_load.py --distinct       # no two clients want the same

The server runs in a process of its own, all clients in this one. Every event is counted: each
client must get one for each of its attributes in every period of half a second. Of every message
the oldest time stamp is compared with the time of arrival, and some messages are decoded whole.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import multiprocessing
import ssl
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from websockets.asyncio.client import connect

from xentara_nb.protocol.commands import ClientHello, Subscribe, SubscriptionTarget
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.protocol.packets import Event, decode_answers, encode_packets
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator import simulate
from xentara_nb.simulator.config.configuration import read_model_content
from xentara_nb.simulator.config.demo import security_for
from xentara_nb.simulator.plant.elements import Element

PERIOD = 0.5
_NAMESPACE = UUID("8f0b8a4e-6f0e-4c39-9d0a-0c6ffb1c4c1d")
_WARM_UP = 2.0
_LATE = 2.0
_NEVER = 1 << 63
_DECODED_EVERY = 97  # messages, of which one is decoded whole


@dataclass
class Result:
    """What the clients have seen."""

    clients: int
    attributes: int
    seconds: float
    events: list[int] = field(default_factory=list)
    latest: float = 0.0
    mean_lateness: float = 0.0
    periods: int = 0
    sampled: int = 0
    server_cpu: float = 0.0
    server_memory: float = 0.0

    @property
    def lost(self) -> int:
        """How many changes of the plant did not reach a client as an event of their own."""
        return sum(abs(events - self.sampled * self.attributes) for events in self.events)

    def __str__(self) -> str:
        total = sum(self.events)
        return (
            f"{self.clients} clients, {self.attributes} attributes each, {self.seconds:.0f} s: "
            f"{total} events ({total / self.seconds:.0f} a second), {self.lost} lost, "
            f"{self.sampled} of {self.periods} periods sampled, "
            f"late by {self.mean_lateness * 1000:.0f} ms on average and "
            f"{self.latest * 1000:.0f} ms at most; the server took "
            f"{self.server_cpu / self.seconds:.2f} of a core and {self.server_memory:.0f} MB"
        )


def model(samplers: int, signals: int) -> dict[str, Any]:
    """Return a model whose signals all change every half second."""

    def uuid(name: str) -> str:
        return str(uuid5(_NAMESPACE, name))

    def signal(sampler: int, number: int) -> dict[str, Any]:
        return {
            "@Skill.SignalGenerator.Signal": {
                "name": f"Signal {number}",
                "UUID": uuid(f"{sampler}/{number}"),
                "dataType": "float64",
                "top": 1000 + number,
                "bottom": 0,
                "waveForm": {"@SawTooth": {"period": "1h"}},
            }
        }

    children: list[dict[str, Any]] = [
        {
            "@Skill.SignalGenerator.Sampler": {
                "name": f"Sampler {sampler}",
                "UUID": uuid(f"{sampler}"),
                "children": [signal(sampler, number) for number in range(signals)],
            }
        }
        for sampler in range(samplers)
    ]
    tasks = [{"function": f"Sampler {sampler}.generate"} for sampler in range(samplers)]
    timer = {"@Timer": {"name": "Timer", "UUID": uuid("timer"), "period": f"{PERIOD}s"}}
    pipeline = {
        "@Pipeline": {
            "name": "Pipeline",
            "UUID": uuid("pipeline"),
            "triggers": ["Track.Timer.expired"],
            "checkpoints": [{}, {}],
            "segments": [{"start": 0, "end": 1, "tasks": tasks}],
        }
    }
    track = {"name": "Track", "UUID": uuid("track"), "children": [timer, pipeline]}
    return {"children": [*children, {"@Track": track}]}


def signal_uuids(sampler: int, signals: int) -> list[UUID]:
    """Return the elements that a client subscribes to."""
    return [uuid5(_NAMESPACE, f"{sampler}/{number}") for number in range(signals)]


def _serve(pipe: Connection, samplers: int, signals: int) -> None:
    import resource  # which Windows does not have

    configuration = security_for(read_model_content(model(samplers, signals)))
    with simulate(configuration) as simulator:
        # What the command line does as well: the collector leaves the plant alone.
        gc.freeze()
        pipe.send((simulator.port, Path(simulator.ca_file).read_text(encoding="ascii")))
        sampled: list[int] = []

        def note(element: Element, changed: Sequence[int]) -> None:
            moment = element.read(Attribute.UPDATE_TIME)
            assert isinstance(moment, TimePoint)
            sampled.append(moment.nanoseconds)

        simulator.plant.lookup("Sampler 0").watch(note)
        while pipe.recv() == "usage":
            usage = resource.getrusage(resource.RUSAGE_SELF)
            pipe.send((usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, sampled))


@contextmanager
def server(samplers: int, signals: int) -> Iterator[tuple[int, str, Connection]]:
    """Run a simulator in a process of its own; yields port, certificate and how to talk to it."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, samplers, signals))
    process.start()
    try:
        port, certificate = here.recv()
        yield port, certificate, here
    finally:
        here.send("stop")
        process.join(20)
        if process.is_alive():
            process.kill()


class _Client:
    """One client that counts its events."""

    def __init__(self, uuids: list[UUID]) -> None:
        self.uuids = uuids
        self.window = (_NEVER, _NEVER)  # which changes count, by their time
        self.events = 0
        self.latest = 0.0
        self.lateness = 0.0
        self.messages = 0

    async def run(self, port: int, context: ssl.SSLContext, ready: asyncio.Semaphore) -> None:
        login = base64.b64encode(b"viewer:viewer-demo").decode()
        async with ready:
            connection = await connect(
                f"wss://127.0.0.1:{port}/api/ws",
                ssl=context,
                additional_headers={"Authorization": f"Basic {login}"},
                compression=None,
                proxy=None,
                max_size=None,
            )
        async with connection:
            targets = tuple(SubscriptionTarget(uuid, (Attribute.VALUE,)) for uuid in self.uuids)
            requests = [ClientHello().request(0), Subscribe(targets).request(1)]
            await connection.send(encode_packets(requests))
            await connection.recv()
            async for message in connection:
                assert isinstance(message, bytes)
                self._count(message)

    def _count(self, message: bytes) -> None:
        arrived = time.time_ns()
        size, start = _array(message)
        # An event begins with 83 08 00 a3 00 and a time stamp of 17 bytes.
        (then,) = struct.unpack_from(">Q", message, start + 14)
        if not self.window[0] <= then < self.window[1]:
            return
        late = (arrived - then) / 1e9
        self.events += size
        self.latest = max(self.latest, late)
        self.lateness += late
        self.messages += 1
        if not self.messages % _DECODED_EVERY:
            packets = decode_answers(message)
            assert len(packets) == size
            assert all(isinstance(packet, Event) for packet in packets)


def _array(message: bytes) -> tuple[int, int]:
    """Return how many items the array of a message has, and where they begin."""
    if message[0] == 0x99:
        return int.from_bytes(message[1:3], "big"), 3
    return (message[1], 2) if message[0] == 0x98 else (message[0] & 0x1F, 1)


async def _measure(
    port: int,
    certificate: str,
    pipe: Connection,
    clients: list[_Client],
    seconds: float,
    distinct: bool,
) -> tuple[float, float, int]:
    context = ssl.create_default_context(cadata=certificate)
    ready = asyncio.Semaphore(8)
    tasks = [asyncio.create_task(client.run(port, context, ready)) for client in clients]
    await asyncio.sleep(_WARM_UP + len(clients) / (5 if distinct else 25))
    # From between two periods to between two periods, and time for those that are late.
    begin = (time.time() // PERIOD + 1.5) * PERIOD
    window = (int(begin * 1e9), int((begin + seconds) * 1e9))
    for client in clients:
        client.window = window
    pipe.send("usage")
    before, _, _ = pipe.recv()
    await asyncio.sleep(begin + seconds - time.time())
    pipe.send("usage")
    after, memory, _ = pipe.recv()
    await asyncio.sleep(_LATE)
    pipe.send("usage")
    _, _, sampled = pipe.recv()
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        if not isinstance(error, asyncio.CancelledError):
            raise AssertionError("a client has ended before its time") from error
    return after - before, memory, sum(window[0] <= then < window[1] for then in sampled)


def measure(clients: int, attributes: int, seconds: float, distinct: bool = False) -> Result:
    """Subscribe with many clients, and return what they have seen."""
    # Whole periods, so that the number of events is known beforehand.
    periods = max(round(seconds / PERIOD), 1)
    result = Result(clients, attributes, periods * PERIOD, periods=periods)
    many = [_Client(signal_uuids(n if distinct else 0, attributes)) for n in range(clients)]
    with server(clients if distinct else 1, attributes) as (port, certificate, pipe):
        result.server_cpu, result.server_memory, result.sampled = asyncio.run(
            _measure(port, certificate, pipe, many, periods * PERIOD, distinct)
        )
    result.events = [client.events for client in many]
    result.latest = max(client.latest for client in many)
    result.mean_lateness = sum(c.lateness for c in many) / max(sum(c.messages for c in many), 1)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--attributes", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--distinct", action="store_true", help="no two clients want the same")
    args = parser.parse_args()
    print(measure(args.clients, args.attributes, args.seconds, args.distinct))


if __name__ == "__main__":
    main()
