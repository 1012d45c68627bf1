"""Which requests and which messages the codec takes."""

from __future__ import annotations

import pytest

from tests.protocol.codec.helpers import CUSTOM, FIRST_IDS, E
from xentara_nb.protocol.codec import coalesce, decode_results, encode_requests, first_answered
from xentara_nb.protocol.codec.attribute_lists import ListRequests
from xentara_nb.protocol.codec.reads import ReadRequests
from xentara_nb.protocol.codec.writes import WriteRequests
from xentara_nb.protocol.commands import (
    Browse,
    BrowseEntry,
    GetStage,
    MetaData,
    MetaDataAnswer,
    Read,
    Write,
)
from xentara_nb.protocol.commands.model import AttributeInfo
from xentara_nb.protocol.errors import ProtocolError, server_error
from xentara_nb.protocol.identifiers import NIL_UUID, Attribute
from xentara_nb.protocol.packets import Failure, Success, encode_packets

COMMAND = MetaData(E, (2,))
BROWSE = Browse(NIL_UUID)
VALUE = AttributeInfo("value", 11, 2, 10)


@pytest.mark.parametrize("first_id", FIRST_IDS)
def test_the_first_id(first_id):
    for count in (1, 24, 300):
        packets = [Success(number, {2: []}) for number in range(first_id, first_id + count)]
        assert first_answered(encode_packets(packets)) == first_id
    assert first_answered(encode_packets([Success(first_id, 5)])) == first_id
    assert first_answered(encode_packets([Success(first_id)])) == first_id
    assert first_answered(encode_packets([Failure(first_id, server_error(-32100))])) == first_id


@pytest.mark.parametrize(
    "data", ["", "80", "83 01 01", "81 83 01", "81 83 01 19 01", "9f 83 01 01"]
)
def test_no_first_id(data):
    assert first_answered(bytes.fromhex(data)) is None


@pytest.mark.parametrize("first_id", FIRST_IDS)
def test_commands_are_encoded_as_by_the_generic_encoder(first_id):
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


def test_which_answers_are_decoded():
    answer = COMMAND.build_answer(MetaDataAnswer(attributes=(VALUE,)))
    lists = encode_packets([Success(1, answer)])
    browse = encode_packets([Success(1, BROWSE.build_answer([BrowseEntry("A", E, 2)]))])
    assert decode_results(ListRequests([E]), lists, 1) == [MetaDataAnswer(attributes=(VALUE,))]
    assert decode_results([BROWSE], browse, 1) == [[BrowseEntry("A", E, 2)]]
    assert decode_results([BROWSE], lists, 1) is None
    assert decode_results([BROWSE, BROWSE], browse, 1) is None
    assert decode_results([COMMAND], lists, 1) is None
    assert decode_results([GetStage()], encode_packets([Success(1, 2)]), 1) is None


def test_requests_of_one_kind_are_coalesced():
    reads, writes = [Read(E, (11,))] * 2, [Write(E, 11, 1)] * 2
    assert type(coalesce(reads)) is ReadRequests
    assert list(coalesce(reads)) == reads
    assert type(coalesce(writes)) is WriteRequests
    assert list(coalesce(writes)) == writes
    for others in ([], [*reads, *writes], [BROWSE], [COMMAND, COMMAND]):
        assert coalesce(others) is others
    lists = ListRequests([E])
    assert coalesce(lists) is lists


@pytest.mark.parametrize(
    "commands",
    [
        [Write("Pump", 11, 1)],
        [Write(E, 11, 1, "session")],
        [Write(E, "value", 1)],
        [Read("Pump", (11,))],
    ],
)
def test_what_is_no_uuid_is_not_sent_as_one(commands):
    packets = [command.request(number) for number, command in enumerate(commands, 1)]
    assert encode_requests(coalesce(commands), 1) == encode_packets(packets)
