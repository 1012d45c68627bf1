"""Reading and subscribing; writing has its own tests."""

from __future__ import annotations

import gc
import threading
from typing import Any
from uuid import UUID

import pandas as pd
import pytest

from tests.conftest import Fake
from tests.support.clients import reader_threads
from tests.support.server import QUALITY, VALUE, Element, Model, Wire, event
from xentara_nb import Client
from xentara_nb.errors import ConnectionLostError, DeadlineError, NotFoundError, ProtocolError
from xentara_nb.protocol.commands import AttributeInfo, DataChange
from xentara_nb.protocol.errors import (
    InvalidParameterError,
    UnknownElementError,
    UnknownSubscriptionIdError,
    server_error,
)
from xentara_nb.protocol.identifiers import Attribute, OpCode
from xentara_nb.protocol.packets import Event, Failure, Request, Success
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator import Simulator

COLUMNS = [
    "primary_key",
    "element_uuid",
    "attribute_name",
    "attribute_id",
    "value",
    "error",
    "time",
]
A, B = UUID(int=1), UUID(int=2)
CUSTOM = UUID(int=99)
CHANGED = AttributeInfo("changeTime", 7, 0, 16)
CATEGORY = AttributeInfo("category", 4, 0, 19)
OUTPUT = AttributeInfo("value", 11, 1, 10)
UNITS = AttributeInfo("units", CUSTOM, 0, 11)


def plant() -> Model:
    never, now = TimePoint.NEVER, TimePoint(1_704_107_471_111_587_983)
    return Model(
        {
            "Pump": Element(
                A,
                2,
                (VALUE, QUALITY, CHANGED, CATEGORY, UNITS),
                {11: 1.5, 9: 0, 7: now, 4: "Data Point", CUSTOM: "bar"},
            ),
            "Output": Element(
                B,
                2,
                (OUTPUT, QUALITY, CHANGED, CATEGORY),
                {11: server_error(-32104), 9: 3, 7: never, 4: 2},
            ),
        }
    )


# read.


def test_read(fake: Fake) -> None:
    with fake(plant().serve).connect() as client:
        before = pd.Timestamp.now("UTC")
        frame = client.read(["Pump", "Output"])
        after = pd.Timestamp.now("UTC")

    assert frame.columns.tolist() == COLUMNS
    assert frame.primary_key.tolist() == ["Pump"] * 5 + ["Output"] * 3
    assert frame.attribute_name.tolist() == [
        *("value", "quality", "changeTime", "category", "units"),
        *("quality", "changeTime", "category"),
    ]
    assert frame.value[:2].tolist() == [1.5, "good"]
    assert frame.value[2] == pd.Timestamp("2024-01-01T11:11:11.111587983Z")
    assert frame.value[2].nanosecond == 983
    assert frame.value[3:6].tolist() == ["data point", "bar", "bad"]
    assert frame.value[6] is pd.NaT
    assert frame.value[7] == "data point"
    assert frame.error.isna().all()
    assert frame.time.between(before, after).all()
    dtypes = [str(dtype) for dtype in frame.dtypes]
    assert dtypes == ["str", "object", "str", "object", "object", "str", "datetime64[ns, UTC]"]
    assert frame.element_uuid.tolist() == [A] * 5 + [B] * 3


def test_a_failed_attribute_does_not_sink_the_rest(fake: Fake) -> None:
    with fake(plant().serve).connect() as client:
        frame = client.read(["Output", "Pump"], ["value", "units"])
    assert frame.value.tolist() == [None, None, 1.5, "bar"]
    assert frame.error[:2].tolist() == [
        "value is write only (-32104)",
        "missing attribute (-32101)",
    ]
    assert frame.error[2:].isna().all()


def test_read_rows_of_an_inventory(client: Client) -> None:
    inventory = client.inventory("Plant.Line 1", categories="data point")
    chosen = inventory.query("attribute_name == 'value'").sample(frac=1, random_state=1)
    frame = client.read(chosen)
    assert frame.primary_key.tolist() == chosen.primary_key.tolist()
    for elements in (
        chosen.itertuples(),
        chosen.to_dict("records"),
        [r for _, r in chosen.iterrows()],
    ):
        again = client.read(elements)
        assert again.primary_key.tolist() == chosen.primary_key.tolist()
        assert again.attribute_id.tolist() == [11] * len(chosen)
    one = client.read(chosen.iloc[0])
    assert one.primary_key.tolist() == [chosen.primary_key.iloc[0]]


def test_read_everything_of_the_simulator(client: Client) -> None:
    inventory = client.inventory()
    readable = inventory[inventory.access != "write only"]
    frame = client.read(readable)
    # Hardly anything of the demo plant is broken, and that on purpose.
    assert frame.error.notna().sum() < 5
    assert frame.attribute_id.tolist() == readable.attribute_id.tolist()
    # What can only be written says so, and nothing else does.
    rest = client.read(inventory[inventory.access == "write only"])
    assert len(rest)
    assert rest.error.str.contains("write only").all()


def test_read_what_is_not_there(client: Client) -> None:
    with pytest.raises(UnknownElementError, match=r"lookup of 'Plant.Nowhere'"):
        client.read("Plant.Nowhere")
    with pytest.raises(NotFoundError, match="Plant has no attribute 'colour'; its attributes are"):
        client.read("Plant", "colour")
    frame = client.read("Plant", ["key", 4711])
    assert frame.error.isna().tolist() == [True, False]


def test_read_nothing(fake: Fake) -> None:
    with fake(plant().serve).connect() as client:
        full = client.read("Pump")
        for elements, attributes in (([], None), (full.iloc[:0], None), ("Pump", [])):
            frame = client.read(elements, attributes)
            assert len(frame) == 0
            assert frame.dtypes.equals(full.dtypes)


def test_reading_goes_on_after_a_cut(fake: Fake) -> None:
    model = plant()

    def script(wire: Wire) -> None:
        wire.hello()
        while True:
            requests = wire.requests()
            if wire.number == 0 and requests[0].opcode == OpCode.READ:
                return
            wire.answer(*model.answers(requests))

    server = fake(script)
    with server.connect() as client:
        assert client.read("Pump", "value").value.tolist() == [1.5]
    # Unanswered; on a fresh connection; and again, for there the key may mean another element.
    assert server.count(OpCode.READ) == 3
    assert server.count(OpCode.LOOKUP) == 2
    assert len(server.wires) == 2


# subscribe.


class Plant:
    """A server that answers subscribe as a test wants it, and then sends events."""

    def __init__(self, *events: Event, answer: Any = None, first: tuple[Event, ...] = ()) -> None:
        self.events = list(events)
        self.first = first
        self.requests: list[Request] = []
        self.answered = answer
        self.cut = threading.Event()
        self.model = plant()

    def serve(self, wire: Wire) -> None:
        wire.hello()
        while True:
            requests = wire.requests()
            if requests[0].opcode not in (OpCode.SUBSCRIBE, OpCode.UNSUBSCRIBE):
                wire.answer(*self.model.answers(requests))
                continue
            (request,) = requests
            self.requests.append(request)
            if request.opcode == OpCode.UNSUBSCRIBE:
                wire.answer(Success(request.message_id))
                continue
            # As they are now: once it is answered, the test goes on.
            events, cut = self.events, self.cut.is_set()
            for change in self.first:
                wire.answer(change)
            wire.answer(self.answer(request))
            for change in events:
                wire.answer(change)
            if cut:
                return

    def answer(self, request: Request) -> Success | Failure:
        if isinstance(self.answered, int):
            return Failure(request.message_id, server_error(self.answered))
        item = self.answered or request.parameters[3]
        return Success(request.message_id, item)

    @property
    def parameters(self) -> Any:
        """The parameters of the last request."""
        return self.requests[-1].parameters


def values(subscription: Any, timeout: float = 0.2) -> list[dict[Any, Any]]:
    return [dict(change.values) for change in subscription.events(timeout)]


def test_subscribe(fake: Fake) -> None:
    server = Plant(event(A, {11: 1.5, 9: 0}, 77))
    with fake(server.serve).connect() as client:
        with client.subscribe("Pump") as subscription:
            assert subscription.next_event(5) == DataChange(TimePoint(77), A, {11: 1.5, 9: 0})
            with pytest.raises(DeadlineError, match="no event came"):
                subscription.next_event(0.01)
            assert subscription.ended is None
            assert server.parameters == {0: [{0: A, 1: [11, 9]}], 3: subscription.id}
        assert server.parameters == {0: subscription.id}
        assert subscription.ended is not None
        subscription.unsubscribe()
        assert len(server.requests) == 2


def test_options(fake: Fake) -> None:
    server = Plant()
    mine = UUID(int=4711)
    with fake(server.serve).connect() as client:
        subscription = client.subscribe(
            ["Pump", "Output"],
            ["value", CUSTOM],
            maximum_update_rate=100,
            minimum_update_rate=5000,
            desired_subscription_id=mine,
        )
        assert subscription.id == mine
        assert server.parameters == {
            0: [{0: A, 1: [11, CUSTOM]}, {0: B, 1: [11, CUSTOM]}],
            1: 100,
            2: 5000,
            3: mine,
        }
        client.unsubscribe(mine)
        assert subscription.ended is not None


def test_subscribe_to_rows_of_an_inventory(fake: Fake) -> None:
    server = Plant()
    with fake(server.serve).connect() as client:
        client.subscribe(client.inventory().query("attribute_name in ('value', 'units')"))
        assert server.parameters[0] == [{0: B, 1: [11]}, {0: A, 1: [CUSTOM, 11]}]


@pytest.mark.parametrize("turn", range(5))
def test_the_first_event_is_never_missed(fake: Fake, turn: int) -> None:
    """It comes right behind the answer, maybe before the client has looked at that."""
    before = event(A, {11: 0.5})
    server = Plant(*[event(A, {11: float(n)}) for n in range(1, 50)], first=(before,))
    with fake(server.serve).connect() as client, client.subscribe("Pump", "value") as subscription:
        seen = [subscription.next_event(5).values[11] for _ in range(50)]
    assert seen == [0.5, *map(float, range(1, 50))]


def test_two_subscriptions_to_one_attribute_both_get_its_events(fake: Fake) -> None:
    server = Plant()
    with fake(server.serve).connect() as client:
        one = client.subscribe("Pump", ["value", "quality"])
        other = client.subscribe(["Output", "Pump"], "value")
        server.events = [event(A, {11: 1, 9: 0}), event(B, {11: 2}), event(A, {9: 1})]
        client.subscribe("Output", 4711)
        assert values(one) == [{11: 1, 9: 0}, {9: 1}]
        assert values(other) == [{11: 1}, {11: 2}]


def test_events_by_integer_and_by_uuid_and_with_errors(fake: Fake) -> None:
    error = server_error(-32108, "the wire is cut")
    server = Plant(
        event(A, {Attribute.VALUE.uuid: 1, CUSTOM: "bar"}),
        event(A, {11: error}),
        event(A, {12: "x"}),
        event(B, {11: 1}),
        Event(3, {0: "of another type"}),
    )
    with fake(server.serve).connect() as client:
        seen = values(client.subscribe("Pump", ["value", CUSTOM]))
    assert seen == [{Attribute.VALUE.uuid: 1, CUSTOM: "bar"}, {11: error}]


def test_a_server_that_chooses_the_id(fake: Fake) -> None:
    chosen = UUID(int=1000)
    server = Plant(event(A, {11: 1}), answer=chosen)
    with fake(server.serve).connect() as client:
        with client.subscribe("Pump") as subscription:
            assert subscription.id == chosen
            assert values(subscription) == [{11: 1}]
        assert server.parameters == {0: chosen}
        assert client.subscriptions == []


def test_a_desired_id_that_exists_is_replaced(fake: Fake) -> None:
    server = Plant()
    mine = UUID(int=4711)
    with fake(server.serve).connect() as client:
        with client.subscribe("Pump", "value", desired_subscription_id=mine) as one:
            server.events = [event(A, {11: 1})]
            other = client.subscribe("Pump", "value", desired_subscription_id=mine)
            assert values(other) == [{11: 1}]
            assert one.ended is not None
            # A failure ends nothing but itself.
            server.answered = -32602
            with pytest.raises(InvalidParameterError):
                client.subscribe("Pump", "value", desired_subscription_id=mine)
        # The first one has left its block, and the second one goes on.
        assert [request.opcode for request in server.requests] == [OpCode.SUBSCRIBE] * 3
        assert other.ended is None
        assert client.subscriptions == [other]


@pytest.mark.parametrize("answer", [-32100, "nonsense"])
def test_a_subscription_that_fails_leaves_nothing(fake: Fake, answer: Any) -> None:
    server = Plant(answer=answer)
    with fake(server.serve).connect() as client:
        with pytest.raises((UnknownElementError, ProtocolError), match="subscribe"):
            client.subscribe("Pump")
        assert client.subscriptions == []


def test_what_is_refused_before_it_is_sent(fake: Fake) -> None:
    server = Plant()
    with fake(server.serve).connect() as client:
        with pytest.raises(UnknownElementError, match="lookup of 'Nowhere'"):
            client.subscribe("Nowhere")
        with pytest.raises(NotFoundError, match="Pump has no attribute 'colour'"):
            client.subscribe("Pump", "colour")
        with pytest.raises(ProtocolError, match="above the longest"):
            client.subscribe("Pump", maximum_update_rate=5, minimum_update_rate=1)
    assert server.requests == []


def test_a_subscription_ends_with_its_connection(fake: Fake) -> None:
    server = Plant(event(A, {11: 1}))
    faked = fake(server.serve)
    with faked.connect() as client:
        with client.subscribe("Pump") as subscription:
            server.cut.set()
            client.subscribe("Output")
            assert subscription.next_event(5).values == {11: 1}
            events = subscription.events(5)
            assert next(events).values == {11: 1}
            with pytest.raises(ConnectionLostError, match=r"ended: the connection to 127.0.0.1"):
                next(events)
        # Leaving the block has not connected again only to say that.
        assert len(faked.wires) == 1
        # The client goes on, and so may a new subscription.
        server.cut.clear()
        with client.subscribe("Pump") as again:
            assert again.next_event(5).values == {11: 1}
        assert len(faked.wires) == 2
        assert subscription.ended is not None


def test_closing_the_client_ends_its_subscriptions(fake: Fake) -> None:
    with fake(Plant().serve).connect() as client:
        subscription = client.subscribe("Pump")
        client.close()
        with pytest.raises(ConnectionLostError, match="has ended: the client has closed"):
            subscription.next_event(5)
        subscription.unsubscribe()


def test_unsubscribing_what_is_not_there(client: Client) -> None:
    with pytest.raises(UnknownSubscriptionIdError):
        client.unsubscribe(UUID(int=12345))


def test_a_subscription_that_is_lost_on_the_way_is_not_sent_again(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.hello()
        wire.answer(*plant().answers(wire.requests()))
        wire.requests()

    server = fake(script)
    with server.connect() as client:
        client.lookup("Pump")
        with pytest.raises(ConnectionLostError, match="subscribe was sent and may have taken eff"):
            client.subscribe({"primary_key": "Pump", "element_uuid": A})
        assert client.subscriptions == []
    assert server.count(OpCode.SUBSCRIBE) == 1


def test_a_client_with_a_subscription_is_collected_when_it_is_no_longer_used(fake: Fake) -> None:
    server = Plant()
    before = set(reader_threads())
    client = fake(server.serve).connect()
    (thread,) = set(reader_threads()) - before
    subscription = client.subscribe("Pump")
    server.events = [event(A, {11: 1})]
    client.subscribe("Output")
    del client
    gc.collect()
    # Who has a subscription has its client.
    assert subscription.next_event(5).values == {11: 1}
    del subscription
    gc.collect()
    thread.join(30)
    assert not thread.is_alive()


# With the simulator.


def test_events_of_a_write(module_simulator: Simulator) -> None:
    key = "Plant.Line 1.Set point"
    with module_simulator.connect(journal=False) as client, client.subscribe(key) as subscription:
        first = subscription.next_event(5)
        assert set(first.values) == {11, 9}
        for value in (100.0, 150.0):
            client.write(key, value, verify=False)
            change = subscription.next_event(5)
            assert change.values[11] == value
            assert change.element_uuid == client.lookup(key)
    assert subscription.ended is not None


def test_two_clients_and_two_subscriptions(module_simulator: Simulator) -> None:
    key = "Plant.Line 1.Set point"
    with (
        module_simulator.connect(journal=False) as one,
        module_simulator.connect(user="viewer") as other,
        one.subscribe(key, "value") as first,
        other.subscribe(key, "value") as second,
        other.subscribe([key], ["value"]) as third,
    ):
        # An event does not say for which subscription it was sent, so second and third may get
        # each of them twice.
        for value in (123.0, 124.0):
            one.write(key, value, verify=False)
            for subscription in (first, second, third):
                while subscription.next_event(5).values != {11: value}:
                    pass
        third.unsubscribe()
        one.write(key, 125.0, verify=False)
        while second.next_event(5).values != {11: 125.0}:
            pass
