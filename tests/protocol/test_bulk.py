"""The short way to what an inventory is made of: exactly the general way, or none."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xentara_nb.protocol import bulk
from xentara_nb.protocol.attribute_lists import AttributeInfo
from xentara_nb.protocol.bulk import (
    ListRecognizer,
    ListRequests,
    decode_browse,
    decode_results,
    encode_requests,
    first_answered,
)
from xentara_nb.protocol.commands import (
    Browse,
    BrowseEntry,
    GetStage,
    MetaData,
    MetaDataAnswer,
    Read,
)
from xentara_nb.protocol.errors import ProtocolError, server_error
from xentara_nb.protocol.identifiers import NIL_UUID, Access, Attribute, Category, DataType
from xentara_nb.protocol.packets import Event, Failure, Success, decode_answers, encode_packets

E = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
CUSTOM = UUID("00000000-0000-4000-8000-000000000001")
COMMAND = MetaData(E, (2,))
BROWSE = Browse(NIL_UUID)

VALUE = AttributeInfo("value", 11, 2, 10)
UNITS = AttributeInfo("units", CUSTOM, 0, 11)
# Names that look like the heads of packets and of attributes.
HEAD = AttributeInfo("\x01\x02¡\x02", 0x83, 0xA1, 0x02)
TRAP = AttributeInfo("ƒ\x01\x02¡\x02€", 1, 0, 0)
# A UUID may be any bytes: here the head of the packet with message id 2, and of an attribute.
TRAP_ID = AttributeInfo("t", UUID(hex="830102a10280830102a10280a4006130"), 0, 0)
LISTS = [(VALUE, UNITS), (), (HEAD,), (VALUE, UNITS), (TRAP, VALUE)]

FIRST_IDS = [0, 1, 20, 23, 24, 250, 255, 256, 257, 65_530, 65_535, 65_536, (1 << 32) - 3, 1 << 32]


def message(lists, first_id=1) -> bytes:
    """Return the answers as the general way encodes them."""
    return encode_packets(
        Success(message_id, COMMAND.build_answer(MetaDataAnswer(attributes=tuple(attributes))))
        for message_id, attributes in enumerate(lists, first_id)
    )


def general(command, data: bytes, first_id: int, count: int):
    """Read the answers the general way; None if they are not all there, in order."""
    try:
        answers = decode_answers(data)
        if [type(answer) for answer in answers] != [Success] * count:
            return None
        if [answer.message_id for answer in answers] != [*range(first_id, first_id + count)]:
            return None
        return [command.parse_answer(answer.item) for answer in answers]
    except ProtocolError:
        return None


def types(value):
    """Return a value with the types of all that is in it: True equals 1, and is another result."""
    if isinstance(value, tuple | list):
        return type(value), [types(each) for each in value]
    return type(value), value


def lists_of(data: bytes, first_id=1, count=1, recognizer=None):
    """Decode the short way; whatever comes of it must be what the general way gives."""
    recognizer = ListRecognizer() if recognizer is None else recognizer
    result = recognizer.decode(data, first_id, count)
    if result is not None:
        assert types(result) == types(general(COMMAND, data, first_id, count))
    return result


def entries_of(data: bytes, message_id=1):
    """Decode the short way; whatever comes of it must be what the general way gives."""
    result = decode_browse(data, message_id)
    if result is not None:
        assert types([result]) == types(general(BROWSE, data, message_id, 1))
    return result


# Requests.


def test_the_request_by_hand():
    assert ListRequests([E, CUSTOM]).encode(65).hex() == (
        "82"
        "84 00 1841 02 a2 00 d82550 e3ee10714d884ba18e5d0f1e4ce25ee8 01 81 02"
        "84 00 1842 02 a2 00 d82550 00000000000040008000000000000001 01 81 02"
    ).replace(" ", "")


@pytest.mark.parametrize("first_id", FIRST_IDS)
@pytest.mark.parametrize("count", [0, 1, 2, 7, 24, 300])
def test_requests_are_those_of_the_general_way(first_id, count):
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
    assert part._recognizer is requests._recognizer
    item = COMMAND.build_answer(MetaDataAnswer(attributes=(VALUE,)))
    assert requests.parse_answer(item) == COMMAND.parse_answer(item)


@pytest.mark.parametrize("first_id", FIRST_IDS)
def test_the_first_id(first_id):
    for count in (1, 24, 300):
        assert first_answered(message([()] * count, first_id)) == first_id
    assert first_answered(encode_packets([Success(first_id, 5)])) == first_id
    assert first_answered(encode_packets([Success(first_id)])) is None
    assert first_answered(encode_packets([Failure(first_id, server_error(-32100))])) is None


@pytest.mark.parametrize(
    "data", ["", "80", "83 01 01", "81 83 01", "81 83 01 19 01", "9f 83 01 01"]
)
def test_no_first_id(data):
    assert first_answered(bytes.fromhex(data)) is None


@pytest.mark.parametrize("first_id", FIRST_IDS)
def test_commands_are_encoded_as_by_the_general_way(first_id):
    reads = [
        Read(E, (11,)),
        Read(CUSTOM, (Attribute.VALUE, CUSTOM)),
        Read(E, (Attribute.VALUE,)),
        Read(NIL_UUID, ()),
        Read(E, (CUSTOM, 300, Attribute.QUALITY)),
    ]
    for commands in ([], reads, [GetStage()], [*reads, BROWSE, *reads], [BROWSE, COMMAND]):
        packets = [command.request(number) for number, command in enumerate(commands, first_id)]
        assert encode_requests(commands, first_id) == encode_packets(packets)
    requests = ListRequests([E, CUSTOM])
    assert encode_requests(requests, first_id) == requests.encode(first_id)


def test_what_cannot_be_sent():
    with pytest.raises(ProtocolError, match="cannot be sent"):
        encode_requests([Read(E, (1 << 64,))], 1)


def test_which_way_is_taken():
    lists = message([(VALUE,)])
    browse = encode_packets([Success(1, BROWSE.build_answer([BrowseEntry("A", E, 2)]))])
    assert decode_results(ListRequests([E]), lists, 1) == [MetaDataAnswer(attributes=(VALUE,))]
    assert decode_results([BROWSE], browse, 1) == [[BrowseEntry("A", E, 2)]]
    assert decode_results([BROWSE], lists, 1) is None
    assert decode_results([BROWSE, BROWSE], browse, 1) is None
    assert decode_results([COMMAND], lists, 1) is None
    assert decode_results([GetStage()], encode_packets([Success(1, 2)]), 1) is None


# Attribute lists.


def test_answers():
    data = message(LISTS)
    recognizer = ListRecognizer()
    first = lists_of(data, 1, len(LISTS), recognizer)
    assert [answer.attributes for answer in first] == LISTS
    assert first[0] is first[3]
    assert type(first[0].attributes[0].access) is Access
    assert type(first[0].attributes[0].data_type) is DataType
    again = lists_of(data, 1, len(LISTS), recognizer)
    assert all(one is other for one, other in zip(first, again, strict=True))


def test_a_new_list_of_known_attributes():
    recognizer = ListRecognizer()
    ((first,),) = [a.attributes for a in recognizer.decode(message([(VALUE,)]), 1, 1)]
    (answer,) = lists_of(message([(UNITS, VALUE)]), 1, 1, recognizer)
    assert answer.attributes == (UNITS, VALUE)
    assert answer.attributes[1] is first


def test_identifiers_of_a_newer_server_and_huge_lists():
    new = AttributeInfo("new", (1 << 64) - 1, (1 << 64) - 1, -(1 << 63))
    many = tuple(VALUE._replace(name=f"a{number}", attribute_id=number) for number in range(2000))
    data = message([(new,), many])
    assert [answer.attributes for answer in lists_of(data, 1, 2)] == [(new,), many]


@pytest.mark.parametrize(
    ("first_id", "count"), [(2, 5), (0, 5), (1, 4), (1, 6), (1, 0), (257, 5), (1, 261)]
)
def test_not_the_answers_that_were_waited_for(first_id, count):
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
def test_whatever_is_unusual_is_left_to_the_general_way(name):
    recognizer = ListRecognizer()
    # What is known already makes no difference.
    recognizer.decode(message([(), (AttributeInfo("a", 1, 0, 0),)]), 1, 2)
    assert lists_of(bytes.fromhex(UNUSUAL[name]), 1, 1, recognizer) is None
    assert entries_of(bytes.fromhex(UNUSUAL[name])) is None


@pytest.mark.parametrize("name", OTHER_FORMS)
def test_lists_in_another_form_are_decoded_all_the_same(name):
    recognizer = ListRecognizer()
    data = bytes.fromhex(OTHER_FORMS[name])
    assert general(COMMAND, data, 1, 1) is not None
    for _ in range(2):
        assert lists_of(data, 1, 1, recognizer) is not None


@pytest.mark.parametrize("depth", range(30, 45))
def test_the_limit_of_nesting_is_that_of_the_message(depth):
    # A key that is passed over, and holds arrays in arrays.
    nested = "81" * depth + "80"
    data = bytes.fromhex(f"81 83 01 01 a1 02 81 a5 006161 0101 0200 0300 04{nested}")
    assert (lists_of(data) is None) is (general(COMMAND, data, 1, 1) is None)
    inside = bytes.fromhex(f"81 83 01 01 a1 02 81 a4 006161 01{nested} 0200 0300")
    assert lists_of(inside) is None


def test_heads_of_packets_inside_of_an_attribute_cost_only_time():
    assert general(COMMAND, message([(TRAP_ID,), ()]), 1, 2) is not None
    assert lists_of(message([(TRAP_ID,), ()]), 1, 2) is None
    assert lists_of(message([(VALUE, HEAD)]), 1, 1) is not None


def test_heads_of_attributes_inside_of_an_attribute():
    inside = AttributeInfo("a", UUID(hex="a400613001010200a400613001010200"), 0, 0)
    (answer,) = lists_of(message([(VALUE, inside, UNITS)]))
    assert answer.attributes == (VALUE, inside, UNITS)


def test_cut_short_or_changed_in_any_byte():
    data = message(LISTS)
    recognizer = ListRecognizer()
    for length in range(len(data)):
        assert lists_of(data[:length], 1, len(LISTS), recognizer) is None
    for index in range(len(data)):
        for byte in (0x00, 0x01, 0x02, 0x18, 0x61, 0x80, 0x81, 0x82, 0x83, 0xA1, 0xA4, 0xF5, 0xFF):
            changed = data[:index] + bytes([byte]) + data[index + 1 :]
            lists_of(changed, 1, len(LISTS), recognizer)


# Whatever may look like something else.
PIECES = st.sampled_from(
    [
        bytes.fromhex(piece)
        for piece in (
            *("830101a102", "830102a102", "a400", "80", "81", "9f", "ff", "f5", "f6", "1801", "82"),
            *("a4006161010102000300", "01d82550", "0200a300", "a300", "60", "6161", "7801", "02"),
            *("8301", "820101", "830201a10000", "830800a0", "d82550" + "a3" * 16, "f93c00"),
        )
    ]
)
EDITS = st.lists(
    st.tuples(st.integers(0, 500), st.integers(0, 3), st.binary(max_size=3) | PIECES), max_size=3
)
TEXTS = st.text(max_size=4) | st.sampled_from(["\x01\x02¡\x02", "value", "", "a" * 23, "a" * 24])
UUIDS = st.sampled_from([CUSTOM, TRAP_ID.attribute_id, E]) | st.uuids()
INFOS = st.builds(
    AttributeInfo,
    TEXTS,
    st.integers(0, 300) | UUIDS,
    st.integers(-1, 300),
    st.integers(-1, 1 << 32),
)


def edited(data: bytes, edits) -> bytes:
    for place, removed, inserted in edits:
        place %= len(data) + 1
        data = data[:place] + inserted + data[place + removed :]
    return data


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(INFOS, max_size=3).map(tuple), max_size=6),
    st.integers(0, 30) | st.sampled_from([254, 65_534, (1 << 32) - 2]),
    EDITS,
)
@example([(TRAP_ID,), ()], 1, [])
def test_lists_are_exact_or_there_are_none(lists, first_id, edits):
    data = message(lists, first_id)
    recognizer = ListRecognizer()
    result = lists_of(data, first_id, len(lists), recognizer)
    assert result is None or [answer.attributes for answer in result] == lists
    lists_of(edited(data, edits), first_id, len(lists), recognizer)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=12), st.integers(0, 3))
def test_made_of_pieces(pieces, count):
    data = b"".join(pieces)
    recognizer = ListRecognizer()
    for start in (b"", b"\x81\x83\x01\x01", b"\x81\x83\x01\x01\xa1\x02", b"\x81\x83\x01\x01\x81"):
        lists_of(start + data, 1, count, recognizer)
        entries_of(start + data)


def test_not_everything_is_remembered(monkeypatch):
    monkeypatch.setattr(bulk, "_MAX_KNOWN", 10)
    recognizer = ListRecognizer()
    for number in range(50):
        attributes = (VALUE._replace(attribute_id=number),)
        (answer,) = lists_of(message([attributes]), 1, 1, recognizer)
        assert answer.attributes == attributes
        assert len(recognizer._lists) <= 10
        assert len(recognizer._attributes) <= 10


def test_nothing_long_is_remembered(monkeypatch):
    monkeypatch.setattr(bulk, "_MAX_BYTES", 20)
    recognizer = ListRecognizer()
    for attribute in (VALUE, VALUE._replace(name="v" * 20)):
        for _ in range(2):
            (answer,) = lists_of(message([(attribute,)]), 1, 1, recognizer)
            assert answer.attributes == (attribute,)
    assert [*recognizer._lists.values()] == [MetaDataAnswer(attributes=(VALUE,))]
    assert [*recognizer._attributes.values()] == [VALUE]


# Browse.


def browse_message(entries, message_id=1) -> bytes:
    return encode_packets([Success(message_id, BROWSE.build_answer(entries))])


ENTRIES = [
    BrowseEntry("", NIL_UUID, Category.ROOT_ELEMENT),
    BrowseEntry("Plant.Line 1", E, Category.DATA_POINT),
    BrowseEntry("Größe", CUSTOM, 16),
    BrowseEntry("x" * 23, CUSTOM, 23),
    BrowseEntry("x" * 24, CUSTOM, 24),
    BrowseEntry("x" * 255, CUSTOM, 255),
]


@pytest.mark.parametrize("message_id", FIRST_IDS)
@pytest.mark.parametrize("count", [1, 2, 6, 23, 24, 300])
def test_browse(message_id, count):
    entries = (ENTRIES * 50)[:count]
    found = entries_of(browse_message(entries, message_id), message_id)
    assert found == entries
    assert type(found[0].category) is Category


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [BrowseEntry("x" * 256, E, 2)],
        [BrowseEntry("x", E, 256)],
        [BrowseEntry("\x01Ø%P" + "x" * 16 + "\x02\x01£\x00", E, 2)],
    ],
)
def test_browse_left_to_the_general_way(entries):
    data = browse_message(entries)
    assert general(BROWSE, data, 1, 1) == [entries]
    assert entries_of(data) in (None, entries)


ENTRY = "a3 00 6161 01 d82550" + "05" * 16 + "02 02"


@pytest.mark.parametrize(
    "data",
    [
        f"81 83 01 01 81 {ENTRY} 00",
        f"81 83 01 01 82 {ENTRY}",
        f"81 83 01 01 81 {ENTRY} {ENTRY}",
        f"81 83 01 02 81 {ENTRY}",
        f"81 83 01 1801 81 {ENTRY}",
        f"82 83 01 01 81 {ENTRY} {SOUND}",
        f"81 83 01 01 9f {ENTRY} ff",
        f"81 83 01 01 9801 {ENTRY}",
        "81 83 01 01 81 a3 00 62 61 01 d82550" + "05" * 16 + "02 02",
        "81 83 01 01 81 a3 00 60 61 01 d82550" + "05" * 16 + "02 02",
        "81 83 01 01 81 a3 00 01 d82550" + "05" * 16 + "02 02",
        "81 83 01 01 81 a3 00 61ff 01 d82550" + "05" * 16 + "02 02",
        "81 83 01 01 81 a3 00 4161 01 d82550" + "05" * 16 + "02 02",
        "81 83 01 01 81 a3 00 780161 01 d82550" + "05" * 16 + "02 02",
        "81 83 01 01 81 a3 00 78 01 d82550" + "05" * 16 + "02 02",
        "81 83 01 01 81 a3 00 6161 01 d82550" + "05" * 16 + "02 20",
        "81 83 01 01 81 a3 00 6161 01 d82550" + "05" * 16 + "02 1802",
        "81 83 01 01 81 a3 00 6161 01 d82550" + "05" * 16 + "02 f5",
        "81 83 01 01 81 a3 00 6161 01 50" + "05" * 16 + "02 02",
        "81 83 01 01 81 a4 00 6161 01 d82550" + "05" * 16 + "02 02 03 00",
        "81 83 01 01 81 a3 00 6161 02 02 01 d82550" + "05" * 16,
    ],
)
def test_unusual_answers_to_browse(data):
    assert entries_of(bytes.fromhex(data)) is None


def test_browse_cut_short_or_changed_in_any_byte():
    data = browse_message(ENTRIES[:4])
    for length in range(len(data)):
        assert entries_of(data[:length]) is None
    for index in range(len(data)):
        for byte in (0x00, 0x01, 0x02, 0x18, 0x60, 0x61, 0x78, 0x81, 0x83, 0xA3, 0xD8, 0xF5, 0xFF):
            entries_of(data[:index] + bytes([byte]) + data[index + 1 :])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.builds(
            BrowseEntry,
            TEXTS | st.sampled_from(["\x01Ø%P", "£\x00", "x" * 300]),
            UUIDS,
            st.integers(0, 300),
        ),
        max_size=5,
    ),
    st.integers(0, 300),
    EDITS,
)
def test_browse_is_exact_or_there_is_none(entries, message_id, edits):
    data = browse_message(entries, message_id)
    assert entries_of(data, message_id) in (None, entries)
    entries_of(edited(data, edits), message_id)
