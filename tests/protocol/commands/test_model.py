"""server_information, browse, meta_data and lookup."""

from __future__ import annotations

from uuid import UUID

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.protocol.commands import (
    AttributeInfo,
    Browse,
    BrowseEntry,
    Lookup,
    MetaData,
    MetaDataAnswer,
    ServerInformation,
)
from xentara_nb.protocol.commands.model import attributes_item, parse_attributes, shared_list
from xentara_nb.protocol.errors import InvalidParameterError, ProtocolError
from xentara_nb.protocol.identifiers import (
    NIL_UUID,
    Access,
    Category,
    DataType,
    MetaDataId,
    ServerInformationId,
)
from xentara_nb.protocol.packets import Request, Success, decode_answers, encode_packets

E = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
CUSTOM = UUID("00000000-0000-4000-8000-000000000001")
ODD = [None, b"bytes", [1, [2]], {1: {2: 3}}, cbor2.CBORTag(5000, "x"), cbor2.undefined]


def received(item: object) -> object:
    """Send an item from a server to a client."""
    (answer,) = decode_answers(encode_packets([Success(1, item)]))
    return answer.item


# server_information


def test_server_information_asks_for_everything():
    assert encode_packets([ServerInformation().request(2)]).hex() == "8184000200a10083000102"


def test_server_information_answer():
    command = ServerInformation()
    told = {0: "2.0.8", 1: "root", 2: "/etc/model.json"}
    assert command.build_answer({ServerInformationId(k): v for k, v in told.items()}) == told
    answer = command.parse_answer(received(told))
    assert answer == told
    assert list(answer) == list(ServerInformationId)
    assert all(type(key) is ServerInformationId for key in answer)


def test_server_information_gives_what_was_asked_for_and_answered():
    command = ServerInformation((1, 2, 7))
    answer = command.parse_answer(received({0: "not asked", 1: "root", 7: "new", 8: None}))
    assert answer == {1: "root", 7: "new"}
    assert [type(key) for key in answer] == [ServerInformationId, int]
    assert command.parse_answer({}) == {}


# browse


@pytest.mark.parametrize(
    ("command", "parameters"),
    [
        (Browse(NIL_UUID), {0: NIL_UUID}),
        (Browse(E, 1), {0: E, 1: 1}),
        (Browse(E, 0), {0: E, 1: 0}),
        (Browse(E, categories=()), {0: E, 2: []}),
        (Browse(E, 2, (1, 16)), {0: E, 1: 2, 2: [1, 16]}),
    ],
)
def test_browse_parameters(command, parameters):
    assert command.request(1).parameters == parameters
    assert Browse.from_request(Request(1, Browse.opcode, parameters)) == command


def test_browse_keeps_the_order_of_the_server():
    entries = [
        BrowseEntry("Z", UUID(int=3), Category.DEVICE),
        BrowseEntry("A.B", UUID(int=2), Category.DATA_POINT),
        BrowseEntry("A", UUID(int=1), Category.ELEMENT_GROUP),
    ]
    item = Browse(NIL_UUID).build_answer(entries)
    assert item == [
        {0: "Z", 1: UUID(int=3), 2: 6},
        {0: "A.B", 1: UUID(int=2), 2: 2},
        {0: "A", 1: UUID(int=1), 2: 1},
    ]
    assert all(type(entry[2]) is int for entry in item)
    back = Browse(NIL_UUID).parse_answer(received(item))
    assert back == entries
    assert [type(entry.category) for entry in back] == [Category] * 3
    assert Browse(NIL_UUID).parse_answer([]) == []


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_browse_a_newer_server(odd):
    (entry,) = Browse(E).parse_answer(received([{0: "A", 1: E, 2: 16, 3: odd, "new": odd}]))
    assert entry == BrowseEntry("A", E, 16)
    assert type(entry.category) is int


@pytest.mark.parametrize(
    "entry",
    [
        {0: "A", True: E, 2: 2},
        {False: "A", 1: E, 2: 2},
        {0: "A", 1: E, 2.0: 2},
        {0: "A", 1: E, 2: 2, 3.5: 0},
    ],
)
def test_browse_entries_have_integer_keys(entry):
    with pytest.raises(ProtocolError, match="an entry of browse must not have boolean or floating"):
        Browse(E).parse_answer([entry])


# meta_data


def test_meta_data_asks_for_everything():
    assert MetaData(E).identifiers == tuple(MetaDataId)
    assert MetaData(E, (2,)).request(1).parameters == {0: E, 1: [2]}


@pytest.mark.parametrize("identifier", [4, 83, 1 << 63])
def test_an_unknown_meta_data_identifier_fails_the_whole_request(identifier):
    with pytest.raises(InvalidParameterError, match=f"invalid meta data identifier {identifier}"):
        MetaData.from_request(Request(1, MetaData.opcode, {0: E, 1: [0, identifier, 1]}))


def test_meta_data_with_no_or_repeated_identifiers():
    for identifiers in ((), (1, 1)):
        assert MetaData.from_request(
            Request(1, MetaData.opcode, {0: E, 1: list(identifiers)})
        ) == MetaData(E, identifiers)
    assert MetaData(E, ()).build_answer(MetaDataAnswer()) == {}
    assert MetaData(E, (1, 1)).build_answer(MetaDataAnswer(category=2)) == {1: 2}


def test_meta_data_of_an_element_with_a_custom_attribute():
    answer = MetaDataAnswer(
        "P",
        Category.DEVICE,
        (
            AttributeInfo("units", CUSTOM, Access.READ_ONLY, DataType.STRING),
            AttributeInfo("command", CUSTOM, Access.WRITE_ONLY, DataType.FLOAT_64),
        ),
        True,
    )
    item = MetaData(E).build_answer(answer)
    assert item == {
        0: "P",
        1: 6,
        2: [{0: "units", 1: CUSTOM, 2: 0, 3: 11}, {0: "command", 1: CUSTOM, 2: 1, 3: 10}],
        3: True,
    }
    assert MetaData(E).parse_answer(received(item)) == answer


def test_meta_data_of_an_element_without_attributes():
    assert MetaData(E, (2,)).build_answer(MetaDataAnswer(attributes=())) == {2: []}
    assert MetaData(E, (2,)).build_answer(MetaDataAnswer()) == {2: []}
    assert MetaData(E, (2,)).parse_answer({2: []}) == MetaDataAnswer(attributes=())


def test_what_was_not_answered_is_none():
    assert MetaData(E).parse_answer({}) == MetaDataAnswer(None, None, None, None)
    assert MetaData(E).parse_answer({0: None, 1: None, 2: None, 3: None}) == MetaDataAnswer()


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_meta_data_of_a_newer_server(odd):
    attribute = {0: "new", 1: 83, 2: 3, 3: 23, 4: odd, -1: odd, "new": odd}
    item = {0: "P", 1: 16, 2: [attribute], 3: False, 4: odd, "new": odd}
    answer = MetaData(E).parse_answer(received(item))
    assert answer == MetaDataAnswer("P", 16, (AttributeInfo("new", 83, 3, 23),), False)
    assert type(answer.category) is int
    assert [type(part) for part in answer.attributes[0]] == [str, int, int, int]


# lookup


@pytest.mark.parametrize("key", ["Plant", "Plant.[1.5 bar].P", "Ωμέγα 🜁"])
def test_lookup(key):
    assert Lookup.from_request(
        Request(1, Lookup.opcode, Lookup(key).request(1).parameters)
    ) == Lookup(key)
    assert Lookup(key).build_answer(E) is E
    assert Lookup(key).parse_answer(received(E)) == E


def test_lookup_of_nothing():
    with pytest.raises(ProtocolError, match="the primary key must not be empty"):
        Lookup("")
    with pytest.raises(InvalidParameterError, match="the primary key must not be empty"):
        Lookup.from_request(Request(1, Lookup.opcode, {0: ""}))


# Attribute lists.
VALUE = {0: "value", 1: 11, 2: 2, 3: 10}
UNITS = {0: "units", 1: CUSTOM, 2: 0, 3: 11}


def test_both_ways():
    value, units = infos = parse_attributes([VALUE, UNITS])
    assert value == AttributeInfo("value", 11, Access.READ_AND_WRITE, DataType.FLOAT_64)
    assert units == AttributeInfo("units", CUSTOM, Access.READ_ONLY, DataType.STRING)
    assert (type(value.access), type(value.data_type)) == (Access, DataType)
    assert attributes_item(infos) == [VALUE, UNITS]
    assert [type(part) for part in attributes_item(infos)[0].values()] == [str, int, int, int]
    assert parse_attributes([]) == ()
    assert attributes_item(()) == []


def test_equal_attributes_and_lists_are_shared():
    first = parse_attributes([dict(VALUE), dict(UNITS)])
    assert parse_attributes([dict(VALUE), dict(UNITS)]) is first
    turned = parse_attributes([dict(UNITS), dict(VALUE)])
    assert turned == first[::-1]
    assert turned[0] is first[1]
    assert parse_attributes([dict(VALUE)]) == first[:1]


def test_other_keys_are_passed_over():
    assert parse_attributes([{**VALUE, 4: [None], -1: {}, "new": b""}]) == parse_attributes([VALUE])


@pytest.mark.parametrize(
    "other",
    [
        {**VALUE, 0: "Value"},
        {**VALUE, 1: 12},
        {**VALUE, 1: UUID(int=11)},
        {**VALUE, 2: 1},
        {**VALUE, 2: 3},
        {**VALUE, 3: 9},
        {**VALUE, 3: 23},
    ],
)
def test_what_differs_in_anything_is_another(other):
    (first,) = parse_attributes([VALUE])
    (second,) = parse_attributes([other])
    assert first != second
    assert attributes_item([second]) == [other]


@pytest.mark.parametrize(
    ("path", "wrong"),
    [(1, 1.0), (1, True), (2, 1.0), (2, True), (3, 1.0), (3, True), (1, [1]), (2, {}), (0, 5)],
)
def test_what_python_takes_for_equal_is_still_refused(path, wrong):
    # The sound one first, so that it is remembered.
    sound = {0: "x", 1: 1, 2: 1, 3: 1}
    parse_attributes([sound])
    with pytest.raises(ProtocolError, match="must be a"):
        parse_attributes([{**sound, path: wrong}])


@pytest.mark.parametrize("item", [["value", 11, 2, 10], ("value", 11, 2, 10), "value", 5, None])
def test_what_is_no_map(item):
    parse_attributes([VALUE])
    with pytest.raises(ProtocolError, match="an entry of the attribute list must be a map, not"):
        parse_attributes([item])


@pytest.mark.parametrize("key", range(4))
def test_what_is_missing(key):
    parse_attributes([VALUE])
    with pytest.raises(ProtocolError, match=rf"\(key {key}\) is missing"):
        parse_attributes([{k: v for k, v in VALUE.items() if k != key}])


@pytest.mark.parametrize("key", [True, 1.0])
def test_boolean_and_floating_point_keys(key):
    # The sound one first, so that it is remembered.
    parse_attributes([VALUE])
    with pytest.raises(ProtocolError, match="must not have boolean or floating point keys"):
        parse_attributes([VALUE, {0: "value", key: 11, 2: 2, 3: 10}])


def test_not_everything_is_remembered():
    for number in range(10_100):
        attribute = {**VALUE, 1: number}
        (info,) = infos = parse_attributes([attribute])
        assert info.attribute_id == number
        assert parse_attributes([dict(attribute)]) is infos
    assert shared_list.cache_info().currsize == 10_000


@given(
    st.lists(
        st.lists(
            st.builds(
                AttributeInfo,
                st.sampled_from(["a", "b", ""]),
                st.integers(0, 3) | st.sampled_from([CUSTOM, UUID(int=1)]),
                st.integers(-1, 4),
                st.integers(-1, 24),
            ),
            max_size=4,
        ),
        max_size=8,
    )
)
def test_many_lists_survive_beside_each_other(lists):
    for infos in lists:
        back = parse_attributes(attributes_item(infos))
        assert back == tuple(infos)
        assert [type(info.attribute_id) for info in back] == [
            type(info.attribute_id) for info in infos
        ]
