"""The short way to the attribute lists of many elements: exactly the general way, or none."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xentara_nb.protocol import bulk
from xentara_nb.protocol.attribute_lists import AttributeInfo
from xentara_nb.protocol.bulk import ListRecognizer, encode_requests
from xentara_nb.protocol.commands import MetaData, MetaDataAnswer
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.packets import Success, decode_answers, encode_packets

E = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
CUSTOM = UUID("00000000-0000-4000-8000-000000000001")
COMMAND = MetaData(E, (2,))

VALUE = AttributeInfo("value", 11, 2, 10)
UNITS = AttributeInfo("units", CUSTOM, 0, 11)
# Names that look like the heads of packets.
HEAD = AttributeInfo("\x01\x02¡\x02", 0x83, 0xA1, 0x02)
TRAP = AttributeInfo("ƒ\x01\x02¡\x02€", 1, 0, 0)
LISTS = [(VALUE, UNITS), (), (HEAD,), (VALUE, UNITS), (TRAP, VALUE)]


def message(lists, first_id=1) -> bytes:
    """Return the answers as the general way encodes them."""
    return encode_packets(
        Success(message_id, COMMAND.build_answer(MetaDataAnswer(attributes=tuple(attributes))))
        for message_id, attributes in enumerate(lists, first_id)
    )


def general(data: bytes, first_id: int, count: int):
    """Read the answers the general way; None if they are not all there, in order."""
    try:
        answers = decode_answers(data)
        if [type(answer) for answer in answers] != [Success] * count:
            return None
        if [answer.message_id for answer in answers] != [*range(first_id, first_id + count)]:
            return None
        return [COMMAND.parse_answer(answer.item).attributes for answer in answers]
    except ProtocolError:
        return None


def test_the_request_by_hand():
    assert encode_requests(65, [E, CUSTOM]).hex() == (
        "82"
        "84 00 1841 02 a2 00 d82550 e3ee10714d884ba18e5d0f1e4ce25ee8 01 81 02"
        "84 00 1842 02 a2 00 d82550 00000000000040008000000000000001 01 81 02"
    ).replace(" ", "")


@pytest.mark.parametrize(
    "first_id",
    [0, 1, 20, 23, 24, 250, 255, 256, 257, 65_530, 65_535, 65_536, (1 << 32) - 3, 1 << 32],
)
@pytest.mark.parametrize("count", [0, 1, 2, 7, 24, 300])
def test_requests_are_those_of_the_general_way(first_id, count):
    uuids = [UUID(int=number) for number in range(count)]
    packets = [c.request(n) for n, c in enumerate(bulk.commands(uuids), first_id)]
    assert encode_requests(first_id, uuids) == encode_packets(packets)
    answers = message([(VALUE,)] * count, first_id)
    assert ListRecognizer().decode(answers, first_id, count) == [(VALUE,)] * count


def test_the_last_message_ids():
    assert encode_requests((1 << 64) - 1, [E])[3:12].hex() == "1bffffffffffffffff"
    with pytest.raises(ValueError, match="does not fit 64 bits"):
        encode_requests((1 << 64) - 1, [E, E])


def test_the_commands_ask_for_the_list_alone():
    assert bulk.commands([E]) == [COMMAND]


def test_answers():
    data = message(LISTS)
    recognizer = ListRecognizer()
    first = recognizer.decode(data, 1, len(LISTS))
    assert first == LISTS
    assert first[0] is first[3]
    again = recognizer.decode(data, 1, len(LISTS))
    assert all(one is other for one, other in zip(first, again, strict=True))


@pytest.mark.parametrize(
    ("first_id", "count"), [(2, 5), (0, 5), (1, 4), (1, 6), (1, 0), (257, 5), (1, 261)]
)
def test_not_the_answers_that_were_waited_for(first_id, count):
    assert ListRecognizer().decode(message(LISTS), first_id, count) is None


SOUND = "83 01 01 a1 02 80"
UNUSUAL = {
    "nothing": "",
    "an empty message": "80",
    "a byte too many": f"81 {SOUND} 00",
    "a packet too many": f"81 {SOUND} {SOUND}",
    "an indefinite message": f"9f {SOUND} ff",
    "an error": "81 83 02 01 a1 00 397d63",
    "an event": "81 83 08 00 a0",
    "no item": "81 82 01 01",
    "null": "81 83 01 01 f6",
    "no list": "81 83 01 01 a0",
    "null for the list": "81 83 01 01 a1 02 f6",
    "a map for the list": "81 83 01 01 a1 02 a0",
    "a further key": "81 83 01 01 a2 02 80 01 02",
    "another key": "81 83 01 01 a1 01 02",
    "a long message id": "81 83 01 1801 a1 02 80",
    "message id true": "81 83 01 f5 a1 02 80",
    "a long head": "9801 83 01 01 a1 02 80",
    "a long list head": "81 83 01 01 a1 02 9800",
    "an indefinite list": "81 83 01 01 a1 02 9f ff",
    "a further key in an attribute": "81 83 01 01 a1 02 81 a5 006161 0101 0200 0300 0400",
    "keys in another order": "81 83 01 01 a1 02 81 a4 0101 006161 0200 0300",
    "true for a key": "81 83 01 01 a1 02 81 a4 006161 f501 0200 0300",
    "a long number": "81 83 01 01 a1 02 81 a4 006161 011801 0200 0300",
    "true for a number": "81 83 01 01 a1 02 81 a4 006161 01f5 0200 0300",
    "a missing key": "81 83 01 01 a1 02 81 a3 006161 0101 0200",
    "an attribute that is no map": "81 83 01 01 a1 02 81 84 6161 01 00 00",
    "not CBOR": "81 83 01 01 a1 02 ff",
    "half a list": "81 83 01 01 a1 02 82 a4 006161 0101 0200 0300",
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_whatever_is_unusual_is_left_to_the_general_way(name):
    recognizer = ListRecognizer()
    # What is known already makes no difference.
    recognizer.decode(message([(), (AttributeInfo("a", 1, 0, 0),)]), 1, 2)
    assert recognizer.decode(bytes.fromhex(UNUSUAL[name]), 1, 1) is None


def test_cut_short_or_changed_in_any_byte():
    data = message(LISTS)
    recognizer = ListRecognizer()
    for length in range(len(data)):
        assert recognizer.decode(data[:length], 1, len(LISTS)) is None
    for index in range(len(data)):
        for byte in (0x00, 0x01, 0x02, 0x18, 0x61, 0x80, 0x81, 0x82, 0x83, 0xA1, 0xA4, 0xF5, 0xFF):
            changed = data[:index] + bytes([byte]) + data[index + 1 :]
            result = recognizer.decode(changed, 1, len(LISTS))
            assert result is None or result == general(changed, 1, len(LISTS))


TEXTS = st.text(max_size=4) | st.sampled_from(["\x01\x02¡\x02", "value", ""])
INFOS = st.builds(
    AttributeInfo,
    TEXTS,
    st.integers(0, 300) | st.just(CUSTOM),
    st.integers(-1, 300),
    st.integers(-1, 1 << 32),
)


@settings(max_examples=150)
@given(
    st.lists(st.lists(INFOS, max_size=3).map(tuple), max_size=6),
    st.integers(0, 30) | st.sampled_from([254, 65_534, (1 << 32) - 2]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=3)), max_size=2),
)
def test_the_result_is_exact_or_there_is_none(lists, first_id, edits):
    data = message(lists, first_id)
    recognizer = ListRecognizer()
    assert recognizer.decode(data, first_id, len(lists)) == lists
    for place, removed, inserted in edits:
        place %= len(data) + 1
        data = data[:place] + inserted + data[place + removed :]
        result = recognizer.decode(data, first_id, len(lists))
        assert result is None or result == general(data, first_id, len(lists))


def test_not_everything_is_remembered(monkeypatch):
    monkeypatch.setattr(bulk, "_MAX_LISTS", 10)
    recognizer = ListRecognizer()
    for number in range(50):
        attributes = (VALUE._replace(attribute_id=number),)
        assert recognizer.decode(message([attributes]), 1, 1) == [attributes]
        assert len(recognizer._known) <= 10


def test_very_long_lists_are_left_to_the_general_way(monkeypatch):
    data = message([(VALUE,)])
    size = len(data) - 6
    monkeypatch.setattr(bulk, "_MAX_LIST_BYTES", size)
    assert ListRecognizer().decode(data, 1, 1) == [(VALUE,)]
    monkeypatch.setattr(bulk, "_MAX_LIST_BYTES", size - 1)
    assert ListRecognizer().decode(data, 1, 1) is None
