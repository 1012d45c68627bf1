"""The codec of attribute lists: exactly the generic decoder, or none."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.protocol.codec.helpers import (
    CUSTOM,
    EDITS,
    FIRST_IDS,
    PIECES,
    SOUND,
    TEXTS,
    UUIDS,
    E,
    edited,
    generic,
    types,
)
from tests.protocol.codec.helpers import TRAP as TRAP_UUID
from xentara_nb.protocol.codec import attribute_lists as module
from xentara_nb.protocol.codec.attribute_lists import ListRequests, known_attribute, known_list
from xentara_nb.protocol.commands import MetaData, MetaDataAnswer
from xentara_nb.protocol.commands.model import AttributeInfo
from xentara_nb.protocol.errors import server_error
from xentara_nb.protocol.identifiers import NIL_UUID, Access, DataType
from xentara_nb.protocol.packets import Event, Failure, Success, encode_packets

COMMAND = MetaData(E, (2,))

VALUE = AttributeInfo("value", 11, 2, 10)
UNITS = AttributeInfo("units", CUSTOM, 0, 11)
# Names that look like the heads of packets and of attributes.
HEAD = AttributeInfo("\x01\x02¡\x02", 0x83, 0xA1, 0x02)
TRAP = AttributeInfo("ƒ\x01\x02¡\x02€", 1, 0, 0)
TRAP_ID = AttributeInfo("t", TRAP_UUID, 0, 0)
LISTS = [(VALUE, UNITS), (), (HEAD,), (VALUE, UNITS), (TRAP, VALUE)]


def message(lists, first_id=1) -> bytes:
    """Return the answers as the generic encoder makes them."""
    return encode_packets(
        Success(message_id, COMMAND.build_answer(MetaDataAnswer(attributes=tuple(attributes))))
        for message_id, attributes in enumerate(lists, first_id)
    )


def lists_of(data: bytes, first_id=1, count=1):
    """Decode with the codec; a result must be what the generic decoder gives."""
    result = ListRequests([E] * count).decode(data, first_id)
    if result is not None:
        assert types(result) == types(generic(COMMAND, data, first_id, count))
    return result


@pytest.fixture(autouse=True)
def _nothing_remembered():
    known_list.cache_clear()
    known_attribute.cache_clear()


# Requests.


def test_the_request_by_hand():
    assert ListRequests([E, CUSTOM]).encode(65).hex() == (
        "82"
        "84 00 1841 02 a2 00 d82550 e3ee10714d884ba18e5d0f1e4ce25ee8 01 81 02"
        "84 00 1842 02 a2 00 d82550 00000000000040008000000000000001 01 81 02"
    ).replace(" ", "")


@pytest.mark.parametrize("first_id", FIRST_IDS)
@pytest.mark.parametrize("count", [0, 1, 2, 7, 24, 300])
def test_requests_are_those_of_the_generic_encoder(first_id, count):
    requests = ListRequests([UUID(int=number) for number in range(count)])
    packets = [command.request(number) for number, command in enumerate(requests, first_id)]
    assert requests.encode(first_id) == encode_packets(packets)
    answers = message([(VALUE,)] * count, first_id)
    assert lists_of(answers, first_id, count) == [MetaDataAnswer(attributes=(VALUE,))] * count
    assert requests.decode(answers, first_id) == [MetaDataAnswer(attributes=(VALUE,))] * count


def test_the_last_message_ids():
    assert ListRequests([E]).encode((1 << 64) - 1)[3:12].hex() == "1bffffffffffffffff"
    with pytest.raises(ValueError, match="does not fit 64 bits"):
        ListRequests([E, E]).encode((1 << 64) - 1)


def test_requests_are_a_sequence_of_commands():
    requests = ListRequests([E, CUSTOM, NIL_UUID])
    assert len(requests) == 3
    assert list(requests) == [MetaData(uuid, (2,)) for uuid in (E, CUSTOM, NIL_UUID)]
    assert requests[1] == MetaData(CUSTOM, (2,))
    assert requests[-1] == MetaData(NIL_UUID, (2,))
    part = requests[1:]
    assert type(part) is ListRequests
    assert list(part) == list(requests)[1:]


# Attribute lists.


def test_answers():
    data = message(LISTS)
    first = lists_of(data, 1, len(LISTS))
    assert [answer.attributes for answer in first] == LISTS
    assert first[0] is first[3]
    assert type(first[0].attributes[0].access) is Access
    assert type(first[0].attributes[0].data_type) is DataType
    again = lists_of(data, 1, len(LISTS))
    assert all(one is other for one, other in zip(first, again, strict=True))


def test_a_new_list_of_known_attributes():
    ((first,),) = [a.attributes for a in lists_of(message([(VALUE,)]), 1, 1)]
    (answer,) = lists_of(message([(UNITS, VALUE)]), 1, 1)
    assert answer.attributes == (UNITS, VALUE)
    assert answer.attributes[1] is first


@pytest.mark.parametrize("size", [0, 23, 24, 255, 256, 300])
@pytest.mark.parametrize(
    "attribute_id",
    [0, 23, 24, UUID(hex="a4006130" * 4), UUID(int=0x010B), UUID(int=0x01D82550)],
    ids=str,
)
def test_attributes_that_are_new(size, attribute_id):
    # Some of these names and UUIDs end as an attribute with a number for an id does.
    for name in ("a" * size, "\x01\x0b" + "a" * size, "a" * size + "\x01Ø%P"):
        for access, data_type in ((2, 10), (23, 23), (24, 24)):
            attribute = AttributeInfo(name, attribute_id, access, data_type)
            (answer,) = lists_of(message([(attribute,)]))
            assert answer.attributes == (attribute,)


@pytest.mark.parametrize(
    ("count", "each", "size", "attribute_id", "taken"),
    [(220, 1, 10_000, CUSTOM, True), (220, 110, 6, CUSTOM, True), (220, 110, 6, 5, False)],
)
def test_many_attributes_are_taken_if_they_take_little(count, each, size, attribute_id, taken):
    # No more than what results may keep where a message is counted packet by packet.
    lists = [
        tuple(
            AttributeInfo(f"{number * each + at:0{size}}", attribute_id, 0, 11)
            for at in range(each)
        )
        for number in range(count)
    ]
    result = ListRequests([E] * count).decode(message(lists), 1)
    assert [answer.attributes for answer in result or ()] == (lists if taken else [])


def test_identifiers_of_a_newer_server_and_huge_lists():
    new = AttributeInfo("new", (1 << 64) - 1, (1 << 64) - 1, -(1 << 63))
    many = tuple(VALUE._replace(name=f"a{number}", attribute_id=number) for number in range(2000))
    data = message([(new,), many])
    assert [answer.attributes for answer in lists_of(data, 1, 2)] == [(new,), many]


@pytest.mark.parametrize(
    ("first_id", "count"), [(2, 5), (0, 5), (1, 4), (1, 6), (1, 0), (257, 5), (1, 261)]
)
def test_not_the_answers_that_were_expected(first_id, count):
    assert lists_of(message(LISTS), first_id, count) is None


def test_answers_in_another_order_or_with_others_between_them():
    item = COMMAND.build_answer(MetaDataAnswer(attributes=(VALUE,)))
    one, two = Success(1, item), Success(2, item)
    for packets in (
        [two, one],
        [one, one],
        [one, two, one],
        [one, Failure(2, server_error(-32100))],
        [one, Event(0, {}), two],
        [Event(0, {}), one, two],
        [one, two, Event(0, {})],
        [one, Success(3, item)],
        [one, Success(2)],
    ):
        assert lists_of(encode_packets(packets), 1, 2) is None
    assert lists_of(encode_packets([one, two]), 1, 2) is not None


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
    "a map for the list": "81 83 01 01 a1 02 a0",
    "a further key": "81 83 01 01 a2 02 80 01 02",
    "another key": "81 83 01 01 a1 01 02",
    "a long message id": "81 83 01 1801 a1 02 80",
    "message id true": "81 83 01 f5 a1 02 80",
    "a long head": "9801 83 01 01 a1 02 80",
    "true for a key": "81 83 01 01 a1 02 81 a4 006161 f501 0200 0300",
    "a float for a key": "81 83 01 01 a1 02 81 a4 006161 f93c0001 0200 0300",
    "a key twice": "81 83 01 01 a1 02 81 a4 006161 0101 0200 0200",
    "true for a number": "81 83 01 01 a1 02 81 a4 006161 01f5 0200 0300",
    "a float for a number": "81 83 01 01 a1 02 81 a4 006161 01f93c00 0200 0300",
    "true for an access": "81 83 01 01 a1 02 81 a4 006161 0101 02f5 0300",
    "bytes for a name": "81 83 01 01 a1 02 81 a4 004161 0101 0200 0300",
    "no UTF-8": "81 83 01 01 a1 02 81 a4 0061ff 0101 0200 0300",
    "a missing key": "81 83 01 01 a1 02 81 a3 006161 0101 0200",
    "an attribute that is no map": "81 83 01 01 a1 02 81 84 6161 01 00 00",
    "not CBOR": "81 83 01 01 a1 02 ff",
    "half a list": "81 83 01 01 a1 02 82 a4 006161 0101 0200 0300",
    "one attribute too many": "81 83 01 01 a1 02 81" + " a4 006161 0101 0200 0300" * 2,
    "an attribute in two": "81 83 01 01 a1 02 82 a4 006161 a400 0101 0200 0300",
}
# These are unusual as well, and mean the same.
OTHER_FORMS = {
    "a null for the list": "81 83 01 01 a1 02 f6",
    "a long list head": "81 83 01 01 a1 02 9800",
    "an indefinite list": "81 83 01 01 a1 02 9f ff",
    "a further key in an attribute": "81 83 01 01 a1 02 81 a5 006161 0101 0200 0300 0400",
    "a further key of a newer kind": "81 83 01 01 a1 02 81 a5 006161 0101 0200 0300 6161f5",
    "keys in another order": "81 83 01 01 a1 02 81 a4 0101 006161 0200 0300",
    "an indefinite attribute": "81 83 01 01 a1 02 81 bf 006161 0101 0200 0300 ff",
    "a long number": "81 83 01 01 a1 02 81 a4 006161 011801 0200 0300",
    "a long key": "81 83 01 01 a1 02 81 a4 006161 180101 0200 0300",
    "a name in two": "81 83 01 01 a1 02 81 a4 007f61616161ff 0101 0200 0300",
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_anything_unusual_is_left_to_the_generic_decoder(name):
    # What is known already makes no difference.
    lists_of(message([(), (AttributeInfo("a", 1, 0, 0),)]), 1, 2)
    assert lists_of(bytes.fromhex(UNUSUAL[name]), 1, 1) is None


@pytest.mark.parametrize("name", OTHER_FORMS)
def test_lists_in_another_form_are_decoded_all_the_same(name):
    data = bytes.fromhex(OTHER_FORMS[name])
    assert generic(COMMAND, data, 1, 1) is not None
    for _ in range(2):
        assert lists_of(data, 1, 1) is not None


@pytest.mark.parametrize("depth", range(30, 45))
def test_the_limit_of_nesting_is_that_of_the_message(depth):
    # A key that is passed over, and holds arrays in arrays.
    nested = "81" * depth + "80"
    data = bytes.fromhex(f"81 83 01 01 a1 02 81 a5 006161 0101 0200 0300 04{nested}")
    assert (lists_of(data) is None) is (generic(COMMAND, data, 1, 1) is None)
    inside = bytes.fromhex(f"81 83 01 01 a1 02 81 a4 006161 01{nested} 0200 0300")
    assert lists_of(inside) is None


def test_heads_of_packets_inside_of_an_attribute_cost_only_time():
    assert generic(COMMAND, message([(TRAP_ID,), ()]), 1, 2) is not None
    assert lists_of(message([(TRAP_ID,), ()]), 1, 2) is None
    assert lists_of(message([(VALUE, HEAD)]), 1, 1) is not None


def test_heads_of_attributes_inside_of_an_attribute():
    inside = AttributeInfo("a", UUID(hex="a400613001010200a400613001010200"), 0, 0)
    (answer,) = lists_of(message([(VALUE, inside, UNITS)]))
    assert answer.attributes == (VALUE, inside, UNITS)


def test_cut_short_or_changed_in_any_byte():
    data = message(LISTS)
    for length in range(len(data)):
        assert lists_of(data[:length], 1, len(LISTS)) is None
    for index in range(len(data)):
        for byte in (0x00, 0x01, 0x02, 0x18, 0x61, 0x80, 0x81, 0x82, 0x83, 0xA1, 0xA4, 0xF5, 0xFF):
            changed = data[:index] + bytes([byte]) + data[index + 1 :]
            lists_of(changed, 1, len(LISTS))


INFOS = st.builds(
    AttributeInfo,
    TEXTS,
    st.integers(0, 300) | UUIDS,
    st.integers(-1, 300),
    st.integers(-1, 1 << 32),
)


@given(
    st.lists(st.lists(INFOS, max_size=3).map(tuple), max_size=6),
    st.integers(0, 30) | st.sampled_from([254, 65_534, (1 << 32) - 2]),
    EDITS,
)
@example([(TRAP_ID,), ()], 1, [])
def test_lists_are_exact_or_there_are_none(lists, first_id, edits):
    data = message(lists, first_id)
    result = lists_of(data, first_id, len(lists))
    assert result is None or [answer.attributes for answer in result] == lists
    lists_of(edited(data, edits), first_id, len(lists))


@given(st.lists(PIECES, max_size=12), st.integers(0, 3))
def test_made_of_pieces(pieces, count):
    data = b"".join(pieces)
    for start in (b"", b"\x81\x83\x01\x01", b"\x81\x83\x01\x01\xa1\x02"):
        lists_of(start + data, 1, count)


def test_not_everything_is_remembered():
    for number in range(1100):
        attributes = (VALUE._replace(attribute_id=number),)
        (answer,) = lists_of(message([attributes]))
        assert answer.attributes == attributes
    assert known_list.cache_info().currsize == 1024
    assert known_attribute.cache_info().currsize == 1024


def test_nothing_long_is_remembered(monkeypatch):
    monkeypatch.setattr(module, "MAX_REMEMBERED", 20)
    for attribute in (VALUE, VALUE._replace(name="v" * 20)):
        for _ in range(2):
            (answer,) = lists_of(message([(attribute,)]))
            assert answer.attributes == (attribute,)
    assert known_list.cache_info()[:2] == (1, 1)  # one hit, one miss
    assert known_attribute.cache_info().currsize == 1
