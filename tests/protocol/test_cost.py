"""What a message costs in memory and in time, for every kind of content."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any
from uuid import UUID

import cbor2
import pytest

from xentara_nb.protocol import cbor, cost
from xentara_nb.protocol.commands import (
    Browse,
    Command,
    DataChange,
    GetStage,
    Lookup,
    MetaData,
    Read,
    ServerInformation,
    Subscribe,
)
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import NIL_UUID
from xentara_nb.protocol.packets import (
    Event,
    Success,
    decode_answers,
    encode_packets,
    iterate_answers,
)
from xentara_nb.protocol.values import Alternative, TimePoint

SIZE = 150_000
SMALL = cost.small(cost.ALWAYS)
UUID_KEY = b"\xd8\x25\x50"
EVENT = cbor.encode(
    DataChange(TimePoint(1704107471111587983), UUID(int=9 << 90), {11: 1.5, 9: 0}).event().packet()
)


@pytest.fixture
def no_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the ratio decide alone, so that small messages will do."""
    monkeypatch.setattr(cost, "ALWAYS", 0)
    monkeypatch.setattr(cost, "small", lambda always: 4096)


def array(item: bytes, size: int = SIZE) -> bytes:
    count = size // len(item)
    return b"\x9a" + count.to_bytes(4, "big") + item * count


def numbered(head: bytes, before: bytes, bits: int, behind: bytes) -> bytes:
    """Return a map or an array of as many entries as fit, each with a number of its own."""
    count = SIZE // (len(before) + bits // 8 + len(behind))
    step = max(1, (1 << bits) // count)
    items = (before + (n * step).to_bytes(bits // 8, "big") + behind for n in range(count))
    return head + count.to_bytes(4, "big") + b"".join(items)


CONTENTS = {
    "empty arrays": array(b"\x80"),
    "empty maps": array(b"\xa0"),
    "nested arrays": array(b"\x81" * 20 + b"\x80"),
    "nested maps": array(b"\xa1\x01" * 20 + b"\x80"),
    "maps of one": array(b"\xa1\x01\x01"),
    "maps in keys": array(b"\xa1\xa0\x01"),
    "maps in keys of keys": array(b"\xa1" * 20 + b"\xa0" + b"\x01" * 20),
    "nested maps in a tag": array(b"\xd8\x63" + b"\xa1\x01" * 20 + b"\x80"),
    "small integers": array(b"\x01"),
    "integers of 16 bits": array(b"\x19\xff\x01"),
    "integers of 64 bits": array(b"\x1b" + b"\x01" * 8),
    "half floats": array(b"\xf9\x3c\x01"),
    "no text": array(b"\x60"),
    "texts of one": array(b"\x61a"),
    "texts of two": array(b"\x62ab"),
    "texts of one emoji": array("\x64😀".encode()),
    "a long text": b"\x7a" + SIZE.to_bytes(4, "big") + b"a" * (SIZE - 4) + "😀".encode(),
    "byte strings": array(b"\x42ab"),
    "simple values": array(b"\xe5"),
    "unknown tags": array(b"\xd8\xff\x01"),
    "alternatives": array(b"\xd8\x79\x01"),
    "time points": array(cbor.encode(TimePoint(1704107471111587983))),
    "UUIDs": numbered(b"\x9a", UUID_KEY, 128, b""),
    "a map of integers": numbered(b"\xba", b"\x1a", 32, b"\x01"),
    "a map of UUIDs": numbered(b"\xba", UUID_KEY, 128, b"\x01"),
    "open arrays": array(b"\x9f\xff"),
    "open maps": array(b"\xbf\xff"),
    "an open array": b"\x9f" + b"\x80" * SIZE + b"\xff",
    "an open map": b"\xbf" + numbered(b"\xba", b"\x1a", 32, b"\x01")[5:] + b"\xff",
    "open texts": array(b"\x7f\x62ab\xff"),
    "an open text": b"\x7f" + b"\x62ab" * (SIZE // 3) + b"\xff",
}


def peak_of(message: bytes) -> int:
    """Return how many bytes reading a message takes, whether it is refused or not."""
    tracemalloc.start()
    try:
        for answer in iterate_answers(message):
            if isinstance(answer, Event):
                DataChange.from_event(answer)
    except ProtocolError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


@pytest.mark.usefixtures("no_allowance")
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_no_content_takes_more_than_ten_times_its_size(content: bytes) -> None:
    message = b"\x81\x83\x01\x01" + content
    assert peak_of(message) < 8 * len(message)  # receiving it takes two of the ten


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_no_message_takes_more_than_ten_times_its_size_or_what_is_always_taken(
    content: bytes,
) -> None:
    packet = b"\x83\x01\x01" + content
    for message in (b"\x81" + packet[: SMALL - 1], b"\x82" + 2 * packet[: 2 * SMALL]):
        assert peak_of(message) < cost.ALWAYS + 2 * len(message)


@pytest.mark.parametrize(
    "message",
    [
        array(EVENT, 50_000),
        b"\x9f" + EVENT * 1000 + b"\xff",
        array(b"\x83\x01\x01\x80", 50_000),
        array(b"\x83\x01\x01" + array(b"\x80", 250), 50_000),
    ],
    ids=["events", "an open array of events", "answers", "answers of empty arrays"],
)
def test_packets_do_not_exist_all_at_the_same_time(
    message: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert peak_of(message) < 9 * len(message) // 4


def test_a_large_message_of_events_is_read() -> None:
    message = array(EVENT)
    answers = list(iterate_answers(message))
    assert len(answers) == SIZE // len(EVENT)
    assert answers == decode_answers(array(EVENT, 60_000))[:1] * len(answers)


def test_packets_of_all_sizes_are_read() -> None:
    texts = ["a" * size for size in (10, SMALL // 2, SMALL, 5, 3 * SMALL, 1)]
    message = cbor.encode([[1, number, text] for number, text in enumerate(texts)])
    for form in (message, b"\x9f" + message[1:] + b"\xff"):
        assert list(iterate_answers(form)) == [Success(*each) for each in enumerate(texts)]
        assert decode_answers(form) == list(iterate_answers(form))


@pytest.mark.parametrize("cut", [1, 40, 100_000])
def test_a_large_message_that_is_cut_off(cut: int) -> None:
    with pytest.raises(ProtocolError, match="not well-formed"):
        list(iterate_answers(array(EVENT)[:-cut]))


def test_what_stands_behind_a_large_message() -> None:
    for message in (array(EVENT), b"\x9f" + EVENT * 3000 + b"\xff"):
        with pytest.raises(ProtocolError, match="1 bytes follow the CBOR item"):
            list(iterate_answers(message + b"\x01"))


def test_a_large_message_nested_as_deep_as_a_small_one() -> None:
    padding = b"\x82\x83\x01\x01" + b"\x5a" + SMALL.to_bytes(4, "big") + bytes(SMALL)
    for depth in range(cbor.MAX_DEPTH - 4, cbor.MAX_DEPTH + 2):
        packet = b"\x83\x01\x02" + b"\x81" * depth + b"\x01"
        try:
            small: object = decode_answers(b"\x81" + packet)
        except ProtocolError:
            small = None
        try:
            large: object = list(iterate_answers(padding + packet))[1:]
        except ProtocolError:
            large = None
        assert small == large


COUNT = 4_000
LISTED = [
    {0: f"Attribute {number}", 1: UUID(int=number << 90), 2: 2, 3: 10} for number in range(COUNT)
]
VALUES = {UUID(int=number << 90): Alternative(0, number + 0.5) for number in range(COUNT)}
# A command, the item of its answer, and how many are in the result.
LONG_ANSWERS: dict[str, tuple[Command[Any], object, Callable[[Any], int]]] = {
    "browse": (
        Browse(NIL_UUID),
        [{0: f"Element {number}", 1: UUID(int=number << 90), 2: 1} for number in range(COUNT)],
        len,
    ),
    "meta data": (
        MetaData(UUID(int=1)),
        {0: "Big", 1: 2, 2: LISTED, 3: False},
        lambda answer: len(answer.attributes),
    ),
    "read": (Read(UUID(int=1), tuple(VALUES)), VALUES, len),
}
# The heads of the message, of the packet and of the type, and what ends the two.
SPELLINGS = {
    "the usual one": (b"\x81", b"\x83", b"\x01", b"", b""),
    "long heads": (b"\x9a\x00\x00\x00\x01", b"\x98\x03", b"\x18\x01", b"", b""),
    "an open message": (b"\x9f", b"\x83", b"\x01", b"", b"\xff"),
    "an open packet": (b"\x81", b"\x9f", b"\x01", b"\xff", b""),
    "all open": (b"\x9f", b"\x9f", b"\x01", b"\xff", b"\xff"),
}


def long_results(message: bytes, command: Command[Any] | None = None) -> list[Any]:
    """Return what the first answer of a message is parsed into; the others are passed over."""
    found = []
    for answer in iterate_answers(message, long_items=True):
        assert isinstance(answer, Success)
        if command is not None and not found:
            found.append(command.parse_answer(answer.item))
    return found


def opened(item: bytes) -> bytes:
    """Return an array or a map of some thousand items as one of indefinite length."""
    return (b"\xbf" if item[0] >= 0xA0 else b"\x9f") + item[3:] + b"\xff"


@pytest.mark.parametrize("long_head", [False, True], ids=["of a length", "open"])
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("answer", LONG_ANSWERS.values(), ids=LONG_ANSWERS)
def test_a_long_answer_is_read_in_any_spelling(
    answer: tuple[Command[Any], object, Callable[[Any], int]],
    spelling: tuple[bytes, ...],
    long_head: bool,
) -> None:
    command, item, count = answer
    message_head, packet_head, kind, packet_end, message_end = spelling
    body = cbor.encode(item)
    if long_head and isinstance(command, MetaData):
        body = b"\xbf" + body[1:] + b"\xff"
    elif long_head:
        body = opened(body)
    packet = packet_head + kind + b"\x05" + body + packet_end
    # In front of another one, which begins where it ends.
    message = b"\x82" + packet + b"\x82\x01\x06"
    if message_head != b"\x81":
        message = message_head + packet + message_end
    tracemalloc.start()
    found = long_results(message, command)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [count(each) for each in found] == [COUNT]
    assert found == [command.parse_answer(item)]
    assert peak < cost.ALWAYS + 9 * len(message)
    for broken in (message[:-1], message + b"\x01", message.replace(b"\x05", b"\xff", 1)):
        with pytest.raises(ProtocolError):
            long_results(broken)


def test_a_long_event_is_read() -> None:
    change = DataChange(TimePoint(1), UUID(int=1), dict.fromkeys(VALUES, 1.5))
    message = encode_packets([change.event(), change.event()])
    events = iterate_answers(message, long_items=True)
    assert [DataChange.from_event(event) for event in events if isinstance(event, Event)] == [
        change,
        change,
    ]
    assert len(list(iterate_answers(message, long_items=True))) == 2  # if no one looks at them


def test_of_a_long_answer_to_read_only_what_was_asked_for_is_kept() -> None:
    message = encode_packets([Success(1, VALUES)])
    (wanted, *_) = VALUES
    tracemalloc.start()
    found = long_results(message, Read(NIL_UUID, (wanted,)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [{wanted: 0.5}]
    assert peak < 5 * len(message)  # all values take eight times the bytes


WRONG_PACKETS = {
    "a fourth item": b"\x84\x01\x05%b\x01",
    "a fourth item of an open packet": b"\x9f\x01\x05%b\x01\xff",
    "no message id": b"\x82\x01%b",
    "no integer as the message id": b"\x83\x01\x61a%b",
    "an array as the type": b"\x83%b\x05\x01",
    "an error": b"\x83\x02\x05%b",
    "a request": b"\x84\x00\x05\x01%b",
    "a map of a key without a value": b"\x83\x01\x05\xbf\x02%b\x01\xff",
    "a key twice": b"\x83\x01\x05\xa2\x02%b\x02\x80",
    "a key that is a boolean": b"\x83\x01\x05\xa2\xf5\x01\x02%b",
    "a list that is broken": b"\x83\x01\x05\xa1\x02\x82\x1c%b",
}


@pytest.mark.parametrize("packet", WRONG_PACKETS.values(), ids=WRONG_PACKETS)
def test_a_long_packet_that_is_wrong(packet: bytes) -> None:
    packet = packet % cbor.encode(LISTED)
    for message in (b"\x81" + packet, b"\x82" + packet + b"\x82\x01\x06"):
        with pytest.raises(ProtocolError):
            long_results(message, MetaData(UUID(int=1)))


@pytest.mark.parametrize("value", [[], {}, {0: 1}, "text"], ids=repr)
def test_a_long_item_where_another_one_is_expected(value: object) -> None:
    sound = {0: "Big", 1: 2, 2: LISTED, 3: False}
    for key in (0, 1, 3):
        wrong = {**sound, key: [value] * COUNT}
        for answer in iterate_answers(encode_packets([Success(1, wrong)]), long_items=True):
            assert isinstance(answer, Success)
            with pytest.raises(ProtocolError, match="not an array"):
                MetaData(UUID(int=1)).parse_answer(answer.item)
    for command in (Browse(NIL_UUID), Lookup("a"), GetStage(), Subscribe(())):
        for answer in iterate_answers(encode_packets([Success(1, sound)]), long_items=True):
            assert isinstance(answer, Success)
            with pytest.raises(ProtocolError, match="not a map"):
                command.parse_answer(answer.item)


def test_a_long_map_is_read_at_once_where_its_values_are_short() -> None:
    item = dict.fromkeys(range(3), "x" * 4000)
    for answer in iterate_answers(encode_packets([Success(1, item)]), long_items=True):
        assert isinstance(answer, Success)
        assert ServerInformation().parse_answer(answer.item) == item


def of_one_hash(count: int) -> list[bytes]:
    """Return UUIDs with the same hash."""
    prime = (1 << 61) - 1
    return [UUID_KEY + (7 + n * prime).to_bytes(16, "big") for n in range(count)]


@pytest.mark.parametrize("in_packets", [False, True], ids=["one map", "many maps"])
def test_keys_that_were_chosen_to_collide(
    monkeypatch: pytest.MonkeyPatch, in_packets: bool
) -> None:
    monkeypatch.setattr(cbor, "MAX_SECONDS", 0.05)
    monkeypatch.setattr(cbor, "SLOWEST", 2e-6)
    count = 1000 if in_packets else 5000
    content = b"\xb9" + count.to_bytes(2, "big") + b"\x01".join([*of_one_hash(count), b""])
    packets = 40 if in_packets else 1
    with pytest.raises(ProtocolError, match="takes far too long to decode"):
        list(iterate_answers(array(b"\x83\x01\x01" + content, packets * (len(content) + 3))))


@pytest.mark.parametrize(
    "message", [array(EVENT), b"\x81\x83\x01\x01" + array(b"\x1b" + b"\x01" * 8)]
)
def test_decoding_can_be_stopped(message: bytes) -> None:
    asked = 0

    def stopped() -> bool:
        nonlocal asked
        asked += 1
        return asked > 1

    with cbor.stoppable(stopped), pytest.raises(ProtocolError, match="decoding was stopped"):
        list(iterate_answers(message))
    assert asked == 2
    assert list(iterate_answers(message))
    with cbor.stoppable(lambda: True), pytest.raises(ProtocolError, match="decoding was stopped"):
        decode_answers(b"\x81\x82\x01\x01")


def test_a_value_of_an_unknown_kind_is_kept_unless_it_is_dear() -> None:
    read = Read(NIL_UUID, (11,))
    for value in (
        [1.5, -3, 1000] * 5000,
        {"a" * 20: [None, "b" * 20]},
        ["c" * 20] * 5000,
        [None] * 5000,
        [cbor2.CBORTag(99, 1)] * 20,
    ):
        (answer,) = decode_answers(cbor.encode([[1, 1, {11: Alternative(0, value)}]]))
        assert isinstance(answer, Success)
        assert read.parse_answer(answer.item) == {11: value}
    for dear in ([[]] * 100, [{}] * 5000, ["ab"] * 5000):
        (answer,) = decode_answers(cbor.encode([[1, 1, {11: Alternative(0, dear)}]]))
        assert isinstance(answer, Success)
        with pytest.raises(ProtocolError, match=r"'value' in the answer .* more memory than"):
            read.parse_answer(answer.item)


DEAR_VALUES = {
    "an array": {11: Alternative(0, [[]] * 60)},
    "arrays": {number: Alternative(0, [[]] * 2) for number in range(20)},
    "maps": {number: Alternative(0, {}) for number in range(20)},
    "an error": {11: Alternative(1, {0: -1})},
    "errors": {number: Alternative(1, {0: -1}) for number in range(20)},
    "a text": {11: Alternative(0, "ab")},
}


@pytest.mark.parametrize("values", DEAR_VALUES.values(), ids=DEAR_VALUES)
def test_small_messages_do_not_add_up_to_a_hundred_times_their_bytes(
    values: dict[int, Alternative],
) -> None:
    body = {0: TimePoint(1704107471111587983), 1: UUID(int=9 << 90), 2: values}
    message = cbor.encode([Event(0, body).packet()])
    tracemalloc.start()
    kept = [
        DataChange.from_event(event)
        for _ in range(100)
        for event in iterate_answers(message)
        if isinstance(event, Event)
    ]
    memory, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kept) == 100
    assert memory < 50 * 100 * len(message)


def test_an_answer_to_read_holds_what_was_asked_for() -> None:
    values = {number: Alternative(0, number) for number in range(5)}
    (answer,) = decode_answers(cbor.encode([[1, 1, values]]))
    assert isinstance(answer, Success)
    assert Read(NIL_UUID, (3, 9, 1)).parse_answer(answer.item) == {3: 3, 1: 1}
