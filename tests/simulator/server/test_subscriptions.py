"""Subscriptions and their events, on the wire and without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import cbor2
import pytest

from tests.simulator.server.sessions import (
    NOWHERE,
    OWN,
    POINT,
    REGISTER,
    Subscriber,
    changes,
)
from tests.support.clock import Clock
from xentara_nb.protocol.commands import (
    GetStage,
    Subscribe,
    SubscriptionTarget,
    Unsubscribe,
    Write,
)
from xentara_nb.protocol.identifiers import NIL_UUID, Attribute
from xentara_nb.protocol.packets import (
    Request,
    Success,
    decode_answers,
    encode_packets,
)
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator import Simulator, simulate
from xentara_nb.simulator.security.access import Principal, roles
from xentara_nb.simulator.security.authentication import Authenticator
from xentara_nb.simulator.server.session import Service
from xentara_nb.simulator.server.subscriptions import LIMIT, unique_targets

Dial = Callable[..., Any]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which events are held back."""
    clock = Clock()
    monkeypatch.setattr("xentara_nb.simulator.server.subscriptions.time", clock)
    return clock


def test_first_all_then_what_has_changed(client: Subscriber) -> None:
    client.subscribe(11, 9, 8)
    (first,) = client.take()
    assert first.values == {11: 1.5, 9: 0, 8: TimePoint.NEVER}
    assert first.element_uuid == REGISTER
    assert first.time_stamp.is_finite
    assert client.take() == []
    client.ask(Write(REGISTER, 11, 2))
    (change,) = client.take()
    # The quality is the same as before. The event has the time of the change.
    assert change.values == {11: 2.0, 8: change.time_stamp}
    client.ask(Write(REGISTER, 11, 2))
    (again,) = client.take()
    assert set(again.values) == {8}


def test_nothing_before_the_answer(client: Subscriber) -> None:
    command = Subscribe((SubscriptionTarget(REGISTER, (11,)),))
    client.say(command.request(1), Write(REGISTER, 11, 2).request(2))
    assert client.take() == []
    client.session.subscriptions.activate_new()
    assert client.values() == [{11: 2.0}]


def test_changes_are_merged(client: Subscriber) -> None:
    client.subscribe(11)
    client.take()
    for number in range(5):
        client.ask(Write(REGISTER, 11, number))
    assert client.values() == [{11: 4.0}]
    assert client.take() == []


def test_unknown_elements_fail_as_a_whole(client: Subscriber) -> None:
    targets = (SubscriptionTarget(REGISTER, (11,)), SubscriptionTarget(NOWHERE, ()))
    assert client.code(Subscribe(targets)) == -32100
    assert client.take() == []
    assert len(client.session.service.broker) == 0


def test_desired_ids(client: Subscriber) -> None:
    assert client.subscribe(11, desired_subscription_id=OWN) == OWN
    client.take()
    # One that is there already is replaced.
    client.subscribe(9, desired_subscription_id=OWN)
    assert client.values() == [{9: 0}]
    assert len(client.session.subscriptions) == 1
    given = client.subscribe(11)
    assert given.version == 4
    nil = Request(1, 6, {0: [], 3: NIL_UUID})
    assert client.codes(nil) == [-32602]


def test_the_end_by_unsubscribe_and_with_the_connection(
    client: Subscriber, service: Service
) -> None:
    given = client.subscribe(11)
    client.take()
    assert client.ask(Unsubscribe(given)) is None
    assert client.code(Unsubscribe(given)) == -32110
    client.ask(Write(REGISTER, 11, 2))
    assert client.take() == []
    other = Subscriber(service)
    other.subscribe(11, desired_subscription_id=OWN)
    # It belongs to its connection.
    assert client.code(Unsubscribe(OWN)) == -32110
    other.session.subscriptions.clear()
    assert len(service.broker) == 0
    assert service.plant.element(REGISTER).watchers is None


def test_a_subscription_that_ends_in_the_message_that_began_it(client: Subscriber) -> None:
    requests = [
        Subscribe((SubscriptionTarget(REGISTER, (11,)),), desired_subscription_id=OWN).request(1),
        Unsubscribe(OWN).request(2),
    ]
    client.say(*requests)
    client.session.subscriptions.activate_new()
    assert client.take() == []


def test_the_shortest_time_between_events(client: Subscriber, clock: Clock) -> None:
    client.subscribe(11, maximum_update_rate=200)
    assert client.values() == [{11: 1.5}]
    for number in range(3):
        client.ask(Write(REGISTER, 11, number))
    assert client.woken
    assert client.wait() == 0.2
    clock.now += 0.2
    assert client.values() == [{11: 2.0}]
    # Long after the last event a change is sent at once.
    clock.now += 0.25
    client.ask(Write(REGISTER, 11, 7))
    assert client.values() == [{11: 7.0}]


def test_the_longest_time_between_events(client: Subscriber, clock: Clock) -> None:
    client.subscribe(11, 9, minimum_update_rate=100)
    first = client.take()
    for _ in range(2):
        assert client.wait() == 0.1
        clock.now += 0.1
        (again,) = client.take()
        assert again.values == {11: 1.5, 9: 0}
        assert again.time_stamp > first[0].time_stamp


def test_both_rates(client: Subscriber, clock: Clock) -> None:
    client.subscribe(11, maximum_update_rate=50, minimum_update_rate=50)
    client.take()
    client.ask(Write(REGISTER, 11, 2))
    assert client.wait() == 0.05
    clock.now += 0.05
    assert client.values() == [{11: 2.0}]
    assert client.take() == []


def test_rates_of_a_large_subscription_and_a_slow_reader(clock: Clock) -> None:
    plant = simulate(elements=2500).plant
    client = Subscriber(Service(plant, Authenticator([])), Principal("x", roles("Engineer")))
    points = [e for e in plant if (info := e.table.info(Attribute.VALUE)) and info.access]
    targets = tuple(SubscriptionTarget(e.uuid, (Attribute.WRITE_TIME,)) for e in points)
    client.ask(Subscribe(targets, maximum_update_rate=50, minimum_update_rate=100))
    last: dict[UUID, float] = {}
    for _ in range(40):
        clock.now += 0.03
        for point in points[::7]:
            point.write(Attribute.VALUE, point.values[0], TimePoint.now())
        for change in client.take():
            # Never sooner than the shortest time, though much is always waiting.
            assert clock.now - last.get(change.element_uuid, 0) >= 0.05
            last[change.element_uuid] = clock.now
    assert len(last) == len(points)


@pytest.mark.parametrize("rates", [(0, 0), (0, 2**64 - 1), (2**64 - 1, 0), (None, None)])
def test_rates_that_are_no_limit(rates: tuple[int | None, int | None], client: Subscriber) -> None:
    maximum, minimum = rates
    client.subscribe(11, maximum_update_rate=maximum, minimum_update_rate=minimum)
    assert client.values() == [{11: 1.5}]
    client.session.subscriptions.take()


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
def test_parameters_that_are_wrong(parameters: dict[int, Any], client: Subscriber) -> None:
    assert client.codes(Request(1, 6, parameters)) == [-32602]


def test_nothing_to_subscribe_to(client: Subscriber) -> None:
    assert isinstance(client.ask(Subscribe(())), UUID)
    assert isinstance(client.subscribe(), UUID)
    assert client.take() == []
    assert client.wait() is None


def test_large_subscriptions_come_in_slices() -> None:
    with simulate(elements=2500) as simulator:
        service = Service(simulator.plant, Authenticator([]))
        client = Subscriber(service, Principal("x", roles("Engineer")))
        targets = tuple(SubscriptionTarget(e.uuid, (11,)) for e in simulator.plant)
        client.ask(Subscribe(targets))
        sizes = [len(client.take()) for _ in range(4)]
    assert sizes == [LIMIT, LIMIT, 500, 0]


def test_targets_are_unique() -> None:
    targets = [(REGISTER, (11, 9, 11)), (POINT, ()), (REGISTER, (9, 6))]
    assert unique_targets(targets) == {REGISTER: (11, 9, 6), POINT: ()}


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


def test_ids_of_the_server_differ(client: Subscriber) -> None:
    given = {client.subscribe(11) for _ in range(3)} | {uuid4()}
    assert len(given) == 4
