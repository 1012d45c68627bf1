"""Every error that the manual lists for a command, for the cause that it is there for."""

from __future__ import annotations

import uuid
from typing import Any
from unittest import mock

import cbor2
import pytest

from xentara_nb.protocol.packets import Failure, decode_answers
from xentara_nb.simulator import Simulator, simulate
from xentara_nb.simulator.config.configuration import from_documents
from xentara_nb.simulator.server import commands

DOCUMENTED: dict[int, tuple[int, ...]] = {
    0: (-32700, -32603, -32602, -32600, -32000),
    1: (-32700, -32603, -32602, -32600, -32000, -32100),
    2: (-32700, -32603, -32602, -32600, -32000, -32100),
    3: (-32700, -32603, -32602, -32600, -32000, -32100),
    4: (
        *(-32700, -32603, -32602, -32600, -32000, -32100, -32101, -32102),
        # The manual's page has the numbers of write; the codes of these causes are others.
        *(-32104, -32106, -32108),
    ),
    5: (
        *(-32700, -32603, -32602, -32600, -32000, -32100, -32101, -32102),
        *(-32103, -32105, -32106, -32107, -32109),
    ),
    6: (-32700, -32603, -32602, -32600, -32000, -32100),
    7: (-32700, -32603, -32602, -32600, -32000, -32110),
    8: (-32700, -32603, -32600, -32000),
    9: (-32700, -32603, -32602, -32600, -32000, -32102, -32112),
    10: (-32700, -32603, -32602, -32600, -32000, -32102, -32112),
    11: (-32700, -32603, -32602, -32600, -32000, -32102, -32112),
    12: (-32700, -32603, -32602, -32600, -32000, -32102),
    13: (-32700, -32603, -32602, -32600, -32000, -32111),
    14: (-32700, -32603, -32602, -32600, -32001),
}
NOWHERE = uuid.UUID(int=5)
ELSEWHERE = {
    **{opcode: {0: NOWHERE} for opcode in (1, 7, 13)},
    2: {0: NOWHERE, 1: [0]},
    3: {0: "Nowhere"},
    4: {0: NOWHERE, 1: [11]},
    5: {0: NOWHERE, 1: 11, 2: 1},
    6: {0: [{0: NOWHERE, 1: [11]}]},
}
GOOD: dict[int, dict[int, Any]] = {0: {0: [0]}, 8: {}, **ELSEWHERE, 14: {0: 1, 1: 1}}
LOGIN = cbor2.CBORTag(123, {0: "viewer", 1: "wrong"})
SPEED, LAMP, MODE = "Plant.Line 1.Set point", "Plant.Line 1.Capper.Lamp", "Water Controller.Mode"
PUMP, NONE = "Water Controller.Dosing pump", "Data Types.None"


@pytest.fixture
def simulator(plant: Simulator) -> Simulator:
    return plant


class Asker:
    """Sends packets that are made by hand."""

    def __init__(self, wire: Any) -> None:
        self.wire = wire

    def code(self, *packet: Any) -> int:
        """Return the code of the error that answers a packet, 0 for a success."""
        (answer,) = decode_answers(self.wire.send(cbor2.dumps([list(packet)])))
        return int(answer.error.code) if isinstance(answer, Failure) else 0

    def attribute(self, element: uuid.UUID, attribute: Any = 11) -> int:
        """Return the code of the error that an attribute has when it is read."""
        (answer,) = decode_answers(
            self.wire.send(cbor2.dumps([[0, 1, 4, {0: element, 1: [attribute]}]]))
        )
        alternative = answer.item[attribute]
        return int(alternative.value[0]) if alternative.number else 0


def _of(simulator: Simulator, key: str) -> uuid.UUID:
    return simulator.plant.lookup(key).uuid


@pytest.mark.parametrize("opcode", DOCUMENTED)
def test_errors_of_every_command(opcode: int, simulator: Simulator, dial: Any) -> None:
    asker = Asker(dial(simulator, hello=False))
    found = {}
    good = GOOD.get(opcode, {})
    if opcode != 14:
        found[asker.code(0, 1, opcode, good)] = "before the hello"
        assert asker.code(0, 1, 14, {0: 1, 1: 1}) == 0
    found[asker.code(0, 1, "x", good)] = "an opcode that is none"
    found[asker.code(7, 1, opcode, good)] = "a packet of another type"
    if opcode not in (8, 14):
        found[asker.code(0, 1, opcode, {0: "" if opcode == 3 else 1.5})] = "a wrong parameter"
    if opcode == 14:
        found[asker.code(0, 1, 14, {0: 2, 1: 1})] = "a wrong parameter"
        assert asker.code(0, 1, 14, {0: 1, 1: 1}) == 0
        found[asker.code(0, 1, 14, {0: 1, 1: 1})] = "a second hello"
    if opcode in ELSEWHERE:
        found[asker.code(0, 1, opcode, ELSEWHERE[opcode])] = "something that is not there"
    if opcode in (9, 10, 11):
        viewer = Asker(dial(simulator, "viewer"))
        found[viewer.code(0, 1, opcode, {})] = "no right"
    if opcode == 12:
        found[asker.code(0, 1, 12, {0: LOGIN})] = "a wrong password"
    others = {-32603, -32101, -32103, -32104, -32105, -32106, -32107, -32108, -32109, -32112}
    # The others need a test of their own, below.
    expected = set(DOCUMENTED[opcode]) - others - ({-32102} if opcode in (4, 5) else set())
    assert set(found) == expected


@pytest.mark.parametrize("opcode", DOCUMENTED)
def test_a_fault_of_the_simulator_is_an_internal_error(
    opcode: int, simulator: Simulator, dial: Any
) -> None:
    asker = Asker(dial(simulator, hello=opcode != 14))

    async def broken(*_: Any) -> Any:
        raise RuntimeError

    parameters = {12: {0: LOGIN}}.get(opcode, GOOD.get(opcode, {}))
    with mock.patch.object(commands, "execute", broken):
        assert asker.code(0, 1, opcode, parameters) == -32603
    assert asker.code(0, 1, 15, {}) in (-32601, -32000)


def test_errors_of_reading(simulator: Simulator, dial: Any) -> None:
    asker = Asker(dial(simulator))
    assert asker.attribute(_of(simulator, SPEED)) == 0
    assert asker.attribute(_of(simulator, "Plant")) == -32101
    assert asker.attribute(_of(simulator, SPEED), 99) == -32101
    assert asker.attribute(_of(simulator, LAMP)) == -32104
    typeless = simulator.plant.lookup(NONE)
    assert asker.attribute(typeless.uuid, typeless.table.infos[-1].attribute_id) == -32106
    simulator.faults.read_error(SPEED)
    assert asker.attribute(_of(simulator, SPEED)) == -32108


def test_errors_of_writing(simulator: Simulator, dial: Any) -> None:
    asker, viewer = Asker(dial(simulator)), Asker(dial(simulator, "viewer"))

    def write(key: str, value: Any, attribute: int = 11, asker: Asker = asker) -> int:
        return asker.code(0, 1, 5, {0: _of(simulator, key), 1: attribute, 2: value})

    assert write(SPEED, 5) == 0
    assert write("Plant", 5) == -32101
    assert write(SPEED, 5, asker=viewer) == -32102
    assert write(SPEED, "x", 0) == -32103
    assert write("Data Types.UnsignedInteger8", 256) == -32105
    assert write("Data Types.UnsignedInteger8", -1) == -32105
    assert write(PUMP, 100.5) == -32105
    assert write(SPEED, "x") == -32106
    assert write(MODE, 99) == -32107
    simulator.faults.refuse_writes()
    assert write(SPEED, 5) == -32109


def test_errors_of_stage_changes(dial: Any) -> None:
    with simulate() as simulator:
        asker = Asker(dial(simulator))
        assert [asker.code(0, 1, opcode) for opcode in (9, 10, 10, 9)] == [-32112, 0, -32112, 0]
        answers = decode_answers(asker.wire.send(cbor2.dumps([[0, 1, 11], [0, 2, 11]])))
        assert [isinstance(answer, Failure) for answer in answers] == [False, True]
        assert answers[1].error.code == -32112


def test_reading_without_the_right(small: dict[str, Any], dial: Any) -> None:
    small["security.json"]["ACL"]["entries"][1]["allow"] = ["write"]
    with simulate(from_documents(small)) as simulator:
        asker = Asker(dial(simulator, "anna", "secret"))
        register = _of(simulator, "Group.Register")
        assert asker.code(0, 1, 4, {0: register, 1: [11]}) == -32102
        assert asker.code(0, 1, 5, {0: register, 1: 11, 2: 5}) == 0
