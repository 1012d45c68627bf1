"""What takes long takes turns with what takes long, and what is short waits for none of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from tests.simulator.server.sessions import OfflineClient
from xentara_nb.protocol.commands import Browse, Command, GetStage, MetaData
from xentara_nb.protocol.identifiers import NIL_UUID
from xentara_nb.protocol.packets import encode_packets
from xentara_nb.simulator import simulate
from xentara_nb.simulator.plant.elements import Element
from xentara_nb.simulator.security.authentication import Authenticator
from xentara_nb.simulator.server.session import Service
from xentara_nb.simulator.server.turns import Turns

ELEMENTS = 2_000
VIEWERS = 20
PIECE = 256  # elements that are looked at in one turn at most


def test_one_piece_of_work_in_each_round() -> None:
    done: list[int] = []
    most = 0

    async def work(turns: Turns, number: int) -> None:
        for _ in range(5):
            await turns.next()
            done.append(number)

    async def watch() -> None:
        nonlocal most
        turns = Turns()
        async with asyncio.TaskGroup() as group:
            for number in range(10):
                group.create_task(work(turns, number))
            while len(done) < 50:
                before = len(done)
                await asyncio.sleep(0)
                most = max(most, len(done) - before)

    asyncio.run(watch())
    assert most == 1
    # In order, so that all get the same.
    assert done == [*range(10)] * 5


def test_one_who_gives_up_keeps_no_one_waiting() -> None:
    turns = Turns()

    async def give_up() -> None:
        tasks = [asyncio.create_task(turns.next()) for _ in range(5)]
        await asyncio.sleep(0)
        for task in tasks[:4]:
            task.cancel()
        await asyncio.wait(tasks)
        assert [task.cancelled() for task in tasks] == [True] * 4 + [False]

    for _ in range(2):  # also on another loop
        asyncio.run(asyncio.wait_for(give_up(), 10))


class Scene:
    """A large plant, of which it is counted how many elements were looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looked_at = 0
        plant = simulate(elements=ELEMENTS).plant
        self.service = Service(plant, Authenticator(()))
        browse, find = plant.browse, plant.find

        def counted(start: UUID, depth: int | None = None) -> Iterator[Element]:
            for element in browse(start, depth):
                self.looked_at += 1
                yield element

        def found(uuid: UUID) -> Element | None:
            self.looked_at += 1
            return find(uuid)

        monkeypatch.setattr(plant, "browse", counted)
        monkeypatch.setattr(plant, "find", found)

    def answers(self, *commands: Command[Any]) -> Callable[[], Any]:
        """Return what answers commands for a client of its own."""
        message = encode_packets([each.request(at) for at, each in enumerate(commands)])
        client = OfflineClient(self.service)
        return lambda: client.dispatcher.answer(message)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def inventory(scene: Scene) -> list[Command[Any]]:
    return [MetaData(element.uuid, (0, 1, 2)) for element in scene.service.plant][:500]


@pytest.mark.parametrize("kind", ["browse", "inventory"])
def test_a_short_request_beside_many_long_ones(scene: Scene, kind: str) -> None:
    commands = [Browse(NIL_UUID)] if kind == "browse" else inventory(scene)
    long = [scene.answers(*commands) for _ in range(VIEWERS)]
    short = scene.answers(GetStage())

    async def ask() -> None:
        viewers = [asyncio.create_task(answer()) for answer in long]
        while scene.looked_at < ELEMENTS:
            before = scene.looked_at
            await asyncio.sleep(0)
            # However many there are, one piece of the work of one of them.
            assert scene.looked_at - before <= PIECE
            before = scene.looked_at
            assert await short()
            assert scene.looked_at == before
        answers = await asyncio.gather(*viewers)
        assert len(set(answers)) == 1

    asyncio.run(ask())


def test_an_answer_of_medium_size_does_not_wait_for_long_ones(scene: Scene) -> None:
    long = [scene.answers(*[Browse(NIL_UUID)] * 5) for _ in range(VIEWERS)]
    medium = scene.answers(Browse(NIL_UUID))

    async def ask() -> None:
        viewers = [asyncio.create_task(answer()) for answer in long]
        await asyncio.sleep(0)
        await medium()
        # They have had as many turns as it has, and those of the others are left.
        assert not any(viewer.done() for viewer in viewers)
        assert scene.looked_at < 2 * VIEWERS * ELEMENTS
        await asyncio.gather(*viewers)

    asyncio.run(ask())
