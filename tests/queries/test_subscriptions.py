from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from xentara_nb.errors import ConnectionLostError, DeadlineError, ProtocolError, XentaraError
from xentara_nb.protocol.commands import DataChange, SubscriptionTarget
from xentara_nb.protocol.errors import InternalError, UnknownSubscriptionIdError
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.protocol.values import AttributeId, TimePoint
from xentara_nb.queries import subscriptions
from xentara_nb.queries.subscriptions import EventDispatcher, Subscription

A, B, C = (UUID(int=number) for number in (1, 2, 3))
CUSTOM = UUID(int=99)
NOW = TimePoint(1)


def change(element: UUID = A, **values: object) -> DataChange:
    return DataChange(NOW, element, {Attribute[key.upper()].value: v for key, v in values.items()})


class Ended:
    """Takes the place of the client: notes what is unsubscribed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.ids: list[UUID] = []

    def __call__(self, subscription_id: UUID) -> None:
        self.ids.append(subscription_id)
        if self.error is not None:
            raise self.error


def subscription(
    *targets: tuple[UUID, tuple[AttributeId, ...]],
    number: int = 7,
    unsubscribe: Ended | None = None,
    kind: type[Subscription] = Subscription,
) -> Subscription:
    return kind(
        UUID(int=number),
        [SubscriptionTarget(*target) for target in targets],
        Ended() if unsubscribe is None else unsubscribe,
    )


# One subscription.


def test_events_in_their_order() -> None:
    one = subscription((A, (11,)))
    for number in range(3):
        one.put(change(value=number))

    assert one.next_event(0) == change(value=0)
    assert list(one.events(0)) == [change(value=1), change(value=2)]
    with pytest.raises(DeadlineError, match=r"no event came within 0.01 s"):
        one.next_event(0.01)
    assert one.ended is None
    assert one.lost == 0


def test_an_event_wakes_up_who_waits() -> None:
    one = subscription((A, (11,)))
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(one.next_event, 5) for _ in range(4)]
        for number in range(4):
            one.put(change(value=number))
        values = [future.result(30).values[11] for future in waiting]
    assert sorted(values) == [0, 1, 2, 3]


def test_the_end_wakes_up_all_and_comes_after_the_events() -> None:
    one = subscription((A, (11,)))
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(one.next_event, 5) for _ in range(4)]
        one.put(change(value=1))
        one.end(ConnectionLostError("the plant is dark"))
        one.end(ConnectionLostError("and cold"))
        errors = [future.exception(5) for future in waiting]
    assert sum(error is None for error in errors) == 1
    assert {str(error) for error in errors if error} == {
        "the subscription has ended: the plant is dark"
    }
    for _ in range(2):
        with pytest.raises(ConnectionLostError, match="has ended: the plant is dark"):
            one.next_event(5)
    assert str(one.ended) == "the plant is dark"


def test_events_end_with_a_clear_error() -> None:
    one = subscription((A, (11,)))
    one.put(change(value=1))
    one.end(ProtocolError("nonsense came"))
    events = one.events(5)
    assert next(events) == change(value=1)
    with pytest.raises(ConnectionLostError, match="nonsense came"):
        next(events)


def test_more_events_than_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MAX_WAITING", 3)
    one = subscription((A, (11,)))
    for number in range(10):
        one.put(change(value=number))
    one.end(ConnectionLostError("over"))

    assert one.lost == 7
    events = one.events(0)
    assert [next(events).values[11] for _ in range(3)] == [7, 8, 9]
    with pytest.raises(ConnectionLostError, match="over"):
        next(events)


def test_unsubscribing_once() -> None:
    ended = Ended()
    one = subscription((A, (11,)), unsubscribe=ended)
    one.unsubscribe()
    one.unsubscribe()

    assert ended.ids == [one.id]
    with pytest.raises(ConnectionLostError, match="has ended: it was unsubscribed"):
        one.next_event(0)


def test_a_with_block() -> None:
    ended = Ended()
    with subscription((A, (11,)), unsubscribe=ended) as one:
        assert one.ended is None
    assert one.ended is not None

    with one:
        pass  # it has ended already
    assert ended.ids == [one.id]


@pytest.mark.parametrize("error", [ConnectionLostError("gone"), UnknownSubscriptionIdError()])
def test_leaving_a_with_block_when_it_has_ended_over_there(error: Exception) -> None:
    with subscription((A, (11,)), unsubscribe=Ended(error)):
        pass
    with (
        pytest.raises(RuntimeError, match="of the user"),
        subscription((A, (11,)), unsubscribe=Ended(error)),
    ):
        raise RuntimeError("of the user")


def test_leaving_a_with_block_when_it_cannot_be_ended() -> None:
    with pytest.raises(InternalError), subscription((A, (11,)), unsubscribe=Ended(InternalError())):
        pass


def test_it_shows_itself() -> None:
    assert repr(subscription((A, (11,)), (B, (9,)))) == (
        "<Subscription 00000000-0000-0000-0000-000000000007 to 2 elements>"
    )


# Many.


def received(one: Subscription) -> list[tuple[UUID, dict[AttributeId, object]]]:
    return [(event.element_uuid, dict(event.values)) for event in one.events(0)]


def test_every_subscription_gets_its_own_part_of_an_event() -> None:
    dispatcher = EventDispatcher()
    both = subscription((A, (11, 9)), number=1)
    value = subscription((A, (11,)), (B, (11,)), number=2)
    other = subscription((B, (9,)), number=3)
    for each in (both, value, other):
        dispatcher.add(each)

    dispatcher.dispatch(change(A, value=1.5, quality=0))
    dispatcher.dispatch(change(B, value=2.5))
    dispatcher.dispatch(change(C, value=3.5))
    dispatcher.dispatch(change(A, error="x"))

    assert received(both) == [(A, {11: 1.5, 9: 0})]
    assert received(value) == [(A, {11: 1.5}), (B, {11: 2.5})]
    assert received(other) == []


def test_attributes_by_integer_and_by_uuid() -> None:
    dispatcher = EventDispatcher()
    by_number = subscription((A, (11,)), number=1)
    by_uuid = subscription((A, (Attribute.VALUE.uuid, CUSTOM)), number=2)
    dispatcher.add(by_number)
    dispatcher.add(by_uuid)

    dispatcher.dispatch(DataChange(NOW, A, {11: 1}))
    dispatcher.dispatch(DataChange(NOW, A, {Attribute.VALUE.uuid: 2}))
    dispatcher.dispatch(DataChange(NOW, A, {CUSTOM: 3}))

    # The keys are those that the server used.
    assert received(by_number) == [(A, {11: 1}), (A, {Attribute.VALUE.uuid: 2})]
    assert received(by_uuid) == [(A, {11: 1}), (A, {Attribute.VALUE.uuid: 2}), (A, {CUSTOM: 3})]


def test_an_element_that_is_named_twice_gives_one_event() -> None:
    dispatcher = EventDispatcher()
    one = subscription((A, (11,)), (A, (9,)))
    dispatcher.add(one)
    dispatcher.dispatch(change(A, value=1, quality=0))
    assert received(one) == [(A, {11: 1, 9: 0})]

    assert dispatcher.remove(one.id) is one
    assert len(dispatcher) == 0


def test_removing() -> None:
    dispatcher = EventDispatcher()
    one, two = subscription((A, (11,)), number=1), subscription((A, (11,)), (B, (11,)), number=2)
    dispatcher.add(one)
    dispatcher.add(two)

    assert dispatcher.remove(two.id) is two
    assert dispatcher.remove(two.id) is None
    assert two.ended is not None
    dispatcher.dispatch(change(A, value=1))
    dispatcher.dispatch(change(B, value=1))
    assert received(one) == [(A, {11: 1})]
    assert one.ended is None


def test_a_server_that_chooses_another_id_than_was_desired() -> None:
    dispatcher = EventDispatcher()
    one = subscription((A, (11,)))
    dispatcher.add(one)
    one.id = UUID(int=1000)

    dispatcher.dispatch(change(A, value=1))
    assert received(one) == [(A, {11: 1})]
    assert dispatcher.remove(UUID(int=7)) is None
    assert dispatcher.remove(UUID(int=1000)) is one


def test_another_one_with_the_same_id_takes_its_place() -> None:
    dispatcher = EventDispatcher()
    ended = Ended()
    one = subscription((A, (11,)), number=1, unsubscribe=ended)
    two = subscription((A, (11,)), number=1)
    dispatcher.add(one)
    dispatcher.add(two)  # both get events until the server has answered
    dispatcher.dispatch(change(A, value=1))
    dispatcher.confirm(two, UUID(int=1))

    dispatcher.dispatch(change(A, value=2))
    assert one.next_event(0) == change(A, value=1)
    with pytest.raises(ConnectionLostError, match="another one was made with its id"):
        one.next_event(0)
    assert received(two) == [(A, {11: 1}), (A, {11: 2})]
    assert "another one was made with its id" in str(one.ended)
    assert two.ended is None
    # What has ended does not end the one that took its place.
    one.unsubscribe()
    assert ended.ids == []
    assert dispatcher.remove(UUID(int=1)) is two


def test_another_one_with_the_same_wish_and_an_id_of_its_own() -> None:
    dispatcher = EventDispatcher()
    one, two = subscription((A, (11,)), number=1), subscription((A, (11,)), number=1)
    dispatcher.add(one)
    dispatcher.add(two)
    dispatcher.confirm(two, UUID(int=2))
    assert one.ended is two.ended is None
    assert two.id == UUID(int=2)


def test_another_one_with_the_same_id_that_is_not_made() -> None:
    dispatcher = EventDispatcher()
    one, two = subscription((A, (11,)), number=1), subscription((A, (11,)), number=1)
    dispatcher.add(one)
    dispatcher.add(two)
    dispatcher.discard(two)
    assert one.ended is None
    assert two.ended is not None
    dispatcher.dispatch(change(A, value=1))
    assert received(one) == [(A, {11: 1})]
    with pytest.raises(ConnectionLostError, match="it was not made"):
        two.next_event(0)


def test_the_end_of_all() -> None:
    dispatcher = EventDispatcher()
    one, two = subscription((A, (11,)), number=1), subscription((B, (11,)), number=2)
    dispatcher.add(one)
    dispatcher.add(two)
    reason = ConnectionLostError("dark")
    dispatcher.end(reason)

    assert one.ended is two.ended is reason
    dispatcher.dispatch(change(A, value=1))
    with pytest.raises(ConnectionLostError, match="dark"):
        one.next_event(0)
    # Those that come afterwards belong to the next connection.
    three = subscription((A, (11,)), number=3)
    dispatcher.add(three)
    dispatcher.dispatch(change(A, value=2))
    assert received(three) == [(A, {11: 2})]


def test_a_subscription_that_is_no_longer_used_is_collected() -> None:
    dispatcher = EventDispatcher()
    one, two = subscription((A, (11,)), number=1), subscription((A, (11,)), (B, (9,)), number=2)
    dispatcher.add(one)
    dispatcher.add(two)
    del two
    assert dispatcher.subscriptions() == [one]
    assert len(dispatcher) == 1
    dispatcher.dispatch(change(A, value=1))
    assert received(one) == [(A, {11: 1})]
    assert dispatcher.remove(UUID(int=2)) is None
    del one
    assert len(dispatcher) == 0
    assert dispatcher.subscriptions() == []


def test_a_subscription_that_goes_in_the_middle_of_an_event() -> None:
    # The garbage collector may come at any moment, in the reader thread too.
    dispatcher = EventDispatcher()

    class Collecting(Subscription):
        def __hash__(self) -> int:
            going.clear()
            return id(self)

    kept = [
        subscription((A, (11,)), number=1),
        subscription((A, (11,)), number=2, kind=Collecting),
    ]
    going = [subscription((A, (11,)), number=3), subscription((A, (11,)), number=4)]
    for each in (*kept, *going):
        dispatcher.add(each)
    del each
    dispatcher.dispatch(change(A, value=1))
    assert not going
    assert [received(each) for each in kept] == [[(A, {11: 1})]] * 2
    assert dispatcher.subscriptions() == kept


def test_the_end_when_some_go_at_the_same_time() -> None:
    dispatcher = EventDispatcher()

    class Collecting(Subscription):
        def end(self, reason: XentaraError) -> None:
            super().end(reason)
            going.clear()

    one = subscription((A, (11,)), number=1, kind=Collecting)
    two = subscription((A, (11,)), number=2)
    going = [subscription((A, (11,)), number=3)]
    for each in (one, going[0], two):
        dispatcher.add(each)
    del each
    dispatcher.end(ConnectionLostError("dark"))
    assert not going
    assert one.ended is not None
    assert two.ended is not None


def test_subscribing_while_events_come() -> None:
    dispatcher = EventDispatcher()
    done = threading.Event()

    def events() -> None:
        while not done.is_set():
            dispatcher.dispatch(change(A, value=1))

    def come_and_go(number: int) -> int:
        seen = 0
        for turn in range(50):
            one = subscription((A, (11,)), (B, (9,)), number=1000 * number + turn)
            dispatcher.add(one)
            one.next_event(5)
            seen += 1
            assert dispatcher.remove(one.id) is one
        return seen

    with ThreadPoolExecutor(5) as pool:
        source = pool.submit(events)
        workers = [pool.submit(come_and_go, number) for number in range(4)]
        try:
            assert [worker.result(30) for worker in workers] == [50] * 4
        finally:
            done.set()
        source.result(30)
    assert len(dispatcher) == 0


@pytest.mark.slow
def test_many_events_are_fast() -> None:
    dispatcher = EventDispatcher()
    dispatcher.add(subscription(*((UUID(int=n), (11, 9)) for n in range(1000))))
    event = change(UUID(int=500), value=1.5, quality=0)
    start = time.thread_time()
    for _ in range(10_000):
        dispatcher.dispatch(event)
    assert time.thread_time() - start < 2
