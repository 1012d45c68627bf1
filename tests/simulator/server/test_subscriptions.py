"""Subscriptions and their events, on the wire and without one."""

from __future__ import annotations

import base64
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID, uuid4

import cbor2
import pytest
from websockets.frames import Frame, Opcode

from tests.clock import Clock
from xentara_nb.protocol.commands import (
    ClientHello,
    DataChange,
    GetStage,
    Subscribe,
    SubscriptionTarget,
    Unsubscribe,
    Write,
)
from xentara_nb.protocol.identifiers import NIL_UUID, Attribute
from xentara_nb.protocol.packets import (
    Event,
    Failure,
    Request,
    Success,
    decode_answers,
    encode_packets,
)
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator import Simulator, simulate
from xentara_nb.simulator.config.configuration import from_documents
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.access import roles
from xentara_nb.simulator.security.authentication import Authenticator, Principal
from xentara_nb.simulator.server.dispatcher import Dispatcher, Service, run, server_information
from xentara_nb.simulator.server.subscriptions import LIMIT, merged

Dial = Callable[..., Any]
Documents = dict[str, dict[str, Any]]
REGISTER = UUID("22222222-2222-4222-8222-222222222222")
POINT = UUID("33333333-3333-4333-8333-333333333333")
GROUP = UUID("11111111-1111-4111-8111-111111111111")
OWN = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
NOWHERE = UUID("99999999-9999-4999-8999-999999999999")
SHIFT = Principal("anna", roles("Shift"))


class Talk:
    """A conversation whose events are taken by hand."""

    def __init__(self, service: Service, client: Principal = SHIFT) -> None:
        self.service = service
        self.conversation = Dispatcher(service, client)
        self.woken = 0
        self.conversation.subscriptions.wake = self._wake
        run(self.conversation.answer(bytes.fromhex("818400010ea200010101")))

    def _wake(self) -> None:
        self.woken += 1

    def ask(self, command: Any, *, answered: bool = True) -> Any:
        (answer,) = decode_answers(
            run(self.conversation.answer(encode_packets([command.request(1)]))) or b""
        )
        if answered:
            self.conversation.answered()
        return answer.error.code if isinstance(answer, Failure) else answer

    def subscribe(self, *attributes: Any, element: UUID = REGISTER, **options: Any) -> Any:
        return self.ask(Subscribe((SubscriptionTarget(element, attributes),), **options))

    def take(self) -> list[DataChange]:
        message, _ = self.conversation.subscriptions.take()
        return [] if message is None else changes(message)

    def values(self) -> list[dict[Any, Any]]:
        return [dict(change.values) for change in self.take()]

    def wait(self) -> float | None:
        message, wait = self.conversation.subscriptions.take()
        assert message is None
        return wait


def changes(message: bytes) -> list[DataChange]:
    packets = decode_answers(message)
    assert all(isinstance(packet, Event) for packet in packets)
    # Exactly these keys, and no others: there are clients that end at a fourth one.
    assert all(list(packet.body) == [0, 1, 2] for packet in packets)  # type: ignore[union-attr]  # see above
    return [DataChange.from_event(packet) for packet in packets]  # type: ignore[arg-type]  # see above


@pytest.fixture
def service(small: Documents) -> Service:
    small["security.json"]["ACL"]["entries"][0]["allow"].append("read")
    found = from_documents(small)
    plant = Plant.from_model(found.model, found.security)
    return Service(plant, Authenticator([]), server_information(plant, ""))


@pytest.fixture
def talk(service: Service) -> Talk:
    return Talk(service)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which events are held back."""
    clock = Clock()
    monkeypatch.setattr("xentara_nb.simulator.server.subscriptions.time", clock)
    return clock


def test_first_all_then_what_has_changed(talk: Talk) -> None:
    talk.subscribe(11, 9, 8)
    (first,) = talk.take()
    assert first.values == {11: 1.5, 9: 0, 8: TimePoint.NEVER}
    assert first.element_uuid == REGISTER
    assert first.time_stamp.is_finite
    assert talk.take() == []
    talk.ask(Write(REGISTER, 11, 2))
    (change,) = talk.take()
    # The quality is the same as before. The event has the time of the change.
    assert change.values == {11: 2.0, 8: change.time_stamp}
    talk.ask(Write(REGISTER, 11, 2))
    (again,) = talk.take()
    assert set(again.values) == {8}


def test_nothing_before_the_answer(talk: Talk) -> None:
    command = Subscribe((SubscriptionTarget(REGISTER, (11,)),))
    talk.ask(command, answered=False)
    talk.ask(Write(REGISTER, 11, 2), answered=False)
    assert talk.take() == []
    talk.conversation.answered()
    assert talk.values() == [{11: 2.0}]


def test_changes_are_merged(talk: Talk) -> None:
    talk.subscribe(11)
    talk.take()
    for number in range(5):
        talk.ask(Write(REGISTER, 11, number))
    assert talk.values() == [{11: 4.0}]
    assert talk.take() == []


def test_the_id_is_answered_as_it_was_asked(talk: Talk) -> None:
    by_uuid = Attribute.VALUE.uuid
    talk.subscribe(11, by_uuid, 11)
    assert talk.values() == [{11: 1.5, by_uuid: 1.5}]
    talk.ask(Write(REGISTER, 11, 2))
    assert talk.values() == [{11: 2.0, by_uuid: 2.0}]


def test_what_cannot_be_read(talk: Talk, service: Service) -> None:
    talk.subscribe(11, 12, 99)
    ((values),) = talk.values()
    assert values[11] == 1.5
    assert [values[missing].code for missing in (12, 99)] == [-32101, -32101]
    nobody = Talk(service, Principal("nobody", frozenset()))
    nobody.subscribe(11, 12)
    assert [error.code for error in nobody.values()[0].values()] == [-32102, -32102]
    talk.ask(Write(REGISTER, 11, 2))
    assert nobody.take() == []


def test_over_a_data_point_and_a_group(talk: Talk) -> None:
    talk.subscribe(11, 9, element=POINT)
    talk.subscribe(11, 0, element=GROUP)
    talk.subscribe(4, element=NIL_UUID)
    first = talk.values()
    assert first[0] == {11: 1.5, 9: 0}
    assert first[1][11].code == -32101
    assert first[1][0] == "Group"
    assert first[2] == {4: "root element"}
    talk.ask(Write(REGISTER, 11, 2))
    assert talk.values() == [{11: 2.0}]


def test_unknown_elements_fail_as_a_whole(talk: Talk) -> None:
    targets = (SubscriptionTarget(REGISTER, (11,)), SubscriptionTarget(NOWHERE, ()))
    assert talk.ask(Subscribe(targets)) == -32100
    assert talk.take() == []
    assert len(talk.service.hub) == 0


def test_desired_ids(talk: Talk) -> None:
    assert talk.subscribe(11, desired_subscription_id=OWN) == Success(1, OWN)
    talk.take()
    # One that is there already is replaced.
    talk.subscribe(9, desired_subscription_id=OWN)
    assert talk.values() == [{9: 0}]
    assert len(talk.conversation.subscriptions) == 1
    given = talk.subscribe(11).item
    assert given.version == 4
    nil = Request(1, 6, {0: [], 3: NIL_UUID})
    answer = run(talk.conversation.answer(encode_packets([nil])))
    assert cbor2.loads(answer or b"")[0][2][0] == -32602


def test_several_subscriptions_on_one_attribute(talk: Talk, service: Service) -> None:
    other = Talk(service)
    for one in (talk, talk, other):
        one.subscribe(11)
    assert talk.values() == [{11: 1.5}] * 2
    assert len(service.hub) == 1
    other.take()
    talk.ask(Write(REGISTER, 11, 2))
    assert talk.values() == [{11: 2.0}] * 2
    assert other.values() == [{11: 2.0}]


def test_the_end_by_unsubscribe_and_by_the_connections_end(talk: Talk, service: Service) -> None:
    given = talk.subscribe(11).item
    talk.take()
    assert talk.ask(Unsubscribe(given)) == Success(1)
    assert talk.ask(Unsubscribe(given)) == -32110
    talk.ask(Write(REGISTER, 11, 2))
    assert talk.take() == []
    other = Talk(service)
    other.subscribe(11, desired_subscription_id=OWN)
    # It belongs to its connection.
    assert talk.ask(Unsubscribe(OWN)) == -32110
    other.conversation.end()
    assert len(service.hub) == 0
    assert service.plant.element(REGISTER).watchers is None


def test_a_subscription_that_ends_in_the_message_that_began_it(talk: Talk) -> None:
    requests = [
        Subscribe((SubscriptionTarget(REGISTER, (11,)),), desired_subscription_id=OWN).request(1),
        Unsubscribe(OWN).request(2),
    ]
    run(talk.conversation.answer(encode_packets(requests)))
    talk.conversation.answered()
    assert talk.take() == []


def test_the_shortest_time_between_events(talk: Talk, clock: Clock) -> None:
    talk.subscribe(11, maximum_update_rate=200)
    assert talk.values() == [{11: 1.5}]
    for number in range(3):
        talk.ask(Write(REGISTER, 11, number))
    assert talk.woken
    assert talk.wait() == 0.2
    clock.now += 0.2
    assert talk.values() == [{11: 2.0}]
    # Long after the last event a change is told at once.
    clock.now += 0.25
    talk.ask(Write(REGISTER, 11, 7))
    assert talk.values() == [{11: 7.0}]


def test_the_longest_time_between_events(talk: Talk, clock: Clock) -> None:
    talk.subscribe(11, 9, minimum_update_rate=100)
    first = talk.take()
    for _ in range(2):
        assert talk.wait() == 0.1
        clock.now += 0.1
        (again,) = talk.take()
        assert again.values == {11: 1.5, 9: 0}
        assert again.time_stamp > first[0].time_stamp


def test_both_rates(talk: Talk, clock: Clock) -> None:
    talk.subscribe(11, maximum_update_rate=50, minimum_update_rate=50)
    talk.take()
    talk.ask(Write(REGISTER, 11, 2))
    assert talk.wait() == 0.05
    clock.now += 0.05
    assert talk.values() == [{11: 2.0}]
    assert talk.take() == []


@pytest.mark.parametrize("rates", [(0, 0), (0, 2**64 - 1), (2**64 - 1, 0), (None, None)])
def test_rates_that_are_no_limit(rates: tuple[int | None, int | None], talk: Talk) -> None:
    maximum, minimum = rates
    talk.subscribe(11, maximum_update_rate=maximum, minimum_update_rate=minimum)
    assert talk.values() == [{11: 1.5}]
    talk.conversation.subscriptions.take()


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {0: REGISTER},
        {0: [{0: REGISTER}]},
        {0: [{0: REGISTER, 1: [-1]}]},
        {0: [{0: REGISTER, 1: ["value"]}]},
        {0: [], 1: -1},
        {0: [], 2: 0.5},
        {0: [], 1: 200, 2: 100},
        {0: [], 3: "x"},
    ],
)
def test_parameters_that_are_wrong(parameters: dict[int, Any], talk: Talk) -> None:
    answer = run(talk.conversation.answer(encode_packets([Request(1, 6, parameters)])))
    assert cbor2.loads(answer or b"")[0][2][0] == -32602


def test_nothing_to_subscribe_to(talk: Talk) -> None:
    assert isinstance(talk.ask(Subscribe(())), Success)
    assert isinstance(talk.subscribe(), Success)
    assert talk.take() == []
    assert talk.wait() is None


def test_whole_events(small: Documents) -> None:
    found = from_documents(small)
    plant = Plant.from_model(found.model, found.security)
    talk = Talk(Service(plant, Authenticator([]), {}, whole_events=True))
    talk.subscribe(11, 9)
    talk.take()
    talk.ask(Write(REGISTER, 11, 2))
    assert talk.values() == [{11: 2.0, 9: 0}]


def test_large_subscriptions_come_in_slices() -> None:
    with simulate(elements=2500) as simulator:
        service = Service(simulator.plant, Authenticator([]), {})
        talk = Talk(service, Principal("x", roles("Engineer")))
        targets = tuple(SubscriptionTarget(e.uuid, (11,)) for e in simulator.plant)
        talk.ask(Subscribe(targets))
        sizes = [len(talk.take()) for _ in range(4)]
    assert sizes == [LIMIT, LIMIT, 500, 0]


def test_targets_are_merged_by_element() -> None:
    targets = [(REGISTER, (11, 9, 11)), (POINT, ()), (REGISTER, (9, 6))]
    assert merged(targets) == {REGISTER: (11, 9, 6), POINT: ()}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with simulate() as running:
        yield running


def _uuid(simulator: Simulator, key: str) -> UUID:
    return simulator.plant.lookup(key).uuid


def test_the_vendors_page(simulator: Simulator, dial: Dial) -> None:
    """Hello and subscribe in one message, keys unsorted, a duplicate, an empty list."""
    wire = dial(simulator, hello=False)
    sine, set_point = _uuid(simulator, "Test Signals.Sine"), _uuid(simulator, "Plant.Line 1.Batch")
    targets = [{0: sine, 1: [11, 9, 11]}, {0: set_point, 1: []}, {0: set_point, 1: [11]}]
    wire.connection.send(
        cbor2.dumps([[0, 0, 14, {0: 1, 1: 1}], [0, 1, 6, {2: 100, 3: OWN, 0: targets}]])
    )
    # The answers first, in a message of their own; id 0 is an id like any other.
    assert decode_answers(wire.connection.recv(timeout=10)) == [Success(0, {0: 1}), Success(1, OWN)]
    seen: dict[UUID, list[dict[Any, Any]]] = {sine: [], set_point: []}
    times: list[int] = []
    while len(seen[set_point]) < 6:
        for change in changes(wire.connection.recv(timeout=10)):
            seen[change.element_uuid].append(dict(change.values))
            if change.element_uuid == set_point:
                times.append(change.time_stamp.nanoseconds)
    # An unchanged value comes again every 100 ms, or later where the computer is busy.
    assert times[-1] - times[0] > 0.4e9
    assert set(seen[sine][0]) == {11, 9}
    assert len({values[11] for values in seen[sine]}) > 1
    assert set(map(repr, seen[set_point])) == {"{11: 4701}"}


def _falls_silent(wire: Any) -> bool:
    for _ in range(20):
        try:
            wire.connection.recv(timeout=1.2)
        except TimeoutError:
            return True
    return False


def test_signals_move_until_the_plant_is_suspended(dial: Dial) -> None:
    with simulate() as simulator:
        wire, control = dial(simulator), dial(simulator)
        sine = _uuid(simulator, "Test Signals.Sine")
        wire.ask(Subscribe((SubscriptionTarget(sine, (11, 6)),)))
        times = [changes(wire.connection.recv(timeout=10))[0].time_stamp for _ in range(3)]
        assert times == sorted(set(times))
        control.connection.send(encode_packets([Request(1, 10)]))
        assert decode_answers(control.connection.recv(timeout=10)) == [Success(1)]
        assert _falls_silent(wire)
        assert control.ask(GetStage()) == [Success(1, 5)]
        control.connection.send(encode_packets([Request(1, 9)]))
        assert decode_answers(control.connection.recv(timeout=10)) == [Success(1)]
        assert changes(wire.connection.recv(timeout=10))


@pytest.fixture
def deaf() -> Iterator[Callable[[Simulator, bytes], socket.socket]]:
    """Return a function that logs in, sends messages, and reads nothing at all."""
    with ExitStack() as stack:

        def send(simulator: Simulator, *messages: bytes) -> socket.socket:
            context = ssl.create_default_context(cafile=simulator.ca_file)
            plain = socket.create_connection(("127.0.0.1", simulator.port), timeout=10)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            tls = stack.enter_context(context.wrap_socket(plain, server_hostname="127.0.0.1"))
            login = base64.b64encode(b"engineer:engineer-demo").decode()
            tls.sendall(
                f"GET /api/ws HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
                "Sec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            tls.recv(4096)
            for message in messages:
                tls.sendall(Frame(Opcode.BINARY, message).serialize(mask=True))
            return tls

        yield send


def test_a_client_that_reads_nothing_disturbs_nobody(
    deaf: Callable[..., socket.socket], dial: Dial
) -> None:
    with simulate(elements=3000, ping_interval=None, ping_timeout=0.5) as simulator:
        other = dial(simulator)
        targets = tuple(SubscriptionTarget(e.uuid, (0, 1, 3, 4, 11)) for e in simulator.plant)
        subscribe = Subscribe(targets, minimum_update_rate=1).request(1)
        deaf(simulator, encode_packets([ClientHello().request(0), subscribe]))
        assert simulator._thread is not None
        hub = simulator._thread._service.hub
        for wanted in (True, False):  # it subscribes, and later it is dropped
            ended = time.monotonic() + 30
            while (len(hub) > 0) is not wanted:
                assert time.monotonic() < ended
                assert other.ask(GetStage()) == [Success(1, 2)]
        assert other.ask(GetStage()) == [Success(1, 2)]


def test_ids_of_the_server_differ(talk: Talk) -> None:
    given = {talk.subscribe(11).item for _ in range(3)} | {uuid4()}
    assert len(given) == 4
