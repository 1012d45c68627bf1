"""The codec of reads of one attribute: exactly the generic decoder, or none."""

from __future__ import annotations

import math
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.protocol.codec.helpers import CUSTOM, EDITS, FIRST_IDS, PIECES, TRAP, E, edited, generic
from tests.protocol.codec.test_reads import TAG, VALUE_OF_ANY_KIND, VALUES, exactly, message
from xentara_nb.protocol.codec.columns import ColumnReads
from xentara_nb.protocol.codec.read_values import ReadAnswers
from xentara_nb.protocol.commands import Read
from xentara_nb.protocol.errors import server_error
from xentara_nb.protocol.identifiers import NIL_UUID, Attribute
from xentara_nb.protocol.packets import Failure, Success, encode_packets

ANY = Read(NIL_UUID, ())
ATTRIBUTES = st.sampled_from([0, 11, Attribute.VALUE, 0xD8, 0xD879, CUSTOM, TRAP])
NUMBERS = st.integers(0, (1 << 64) - 1) | st.floats(allow_nan=False) | st.sampled_from(VALUES[2:13])


def column_of(data: bytes, count: int, first_id: int = 1, attribute=11) -> ReadAnswers | None:
    """Decode with the codec; a result must be what the generic decoder gives."""
    found = ColumnReads([E] * count, attribute).decode(data, first_id)
    if found is not None:
        expected = exactly(generic(ANY, data, first_id, count))
        assert exactly(list(found)) == expected
        assert exactly([{attribute: value} for value in found.values]) == expected
    return found


@given(
    st.lists(st.uuids(), max_size=30),
    ATTRIBUTES,
    st.sampled_from(FIRST_IDS) | st.integers(0, (1 << 64) - 31),
)
@example([E] * 300, 11, 20)  # ids of three sizes
@example([E] * 3, 11, (1 << 32) - 2)
def test_requests_are_those_of_the_generic_encoder(uuids, attribute, first_id):
    assert ColumnReads(uuids, attribute).encode(first_id) == encode_packets(
        Read(uuid, (attribute,)).request(number) for number, uuid in enumerate(uuids, first_id)
    )


def test_a_message_id_has_64_bits():
    with pytest.raises(ValueError, match="does not fit 64 bits"):
        ColumnReads([E, E], 11).encode((1 << 64) - 1)


def test_requests_and_answers_are_sequences():
    uuids = [UUID(int=number) for number in range(5)]
    requests = ColumnReads(uuids, Attribute.VALUE)
    assert list(requests) == [Read(uuid, (11,)) for uuid in uuids]
    part = requests[1:3]
    assert type(part) is ColumnReads
    assert list(part) == [Read(uuid, (11,)) for uuid in uuids[1:3]]
    answers = ReadAnswers([(11,), (11, 9)], [1.5, 2.5, 0])
    assert list(answers) == answers[:] == [{11: 1.5}, {11: 2.5, 9: 0}]
    assert answers[-1] == {11: 2.5, 9: 0}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:30])
def test_every_kind_of_value(value):
    for values in ([value], [value] * 3, [1.5, value, 2]):
        found = column_of(message([{11: each} for each in values]), len(values))
        assert found is not None


def test_not_a_number():
    found = ColumnReads([E, E], 11).decode(message([{11: math.nan}, {11: 1}]), 1)
    assert found is not None
    assert math.isnan(found.values[0])


@given(st.lists(NUMBERS, max_size=30), ATTRIBUTES, st.sampled_from(FIRST_IDS), EDITS)
@example([TAG] * 3, 0xD8, 0xD879, [])  # ids and values that look like the tag of a value
@example([0.0] * 300, 11, 20, [])
def test_numbers_are_exact_or_there_are_none(values, attribute, first_id, edits):
    data = message([{attribute: value} for value in values], first_id)
    column_of(data, len(values), first_id, attribute)
    column_of(edited(data, edits), len(values), first_id, attribute)


@given(st.lists(VALUE_OF_ANY_KIND, min_size=1, max_size=6), ATTRIBUTES, EDITS)
def test_values_are_exact_or_there_are_none(values, attribute, edits):
    data = message([{attribute: value} for value in values])
    column_of(data, len(values), 1, attribute)
    column_of(edited(data, edits), len(values), 1, attribute)


@given(st.lists(PIECES | st.just(b"\xd8\x79") | st.just(b"\xa1\x0b\xd8\x79"), max_size=12))
def test_made_of_pieces(pieces):
    data = b"".join(pieces)
    for start in (b"", b"\x81\x83\x01\x01", b"\x82\x83\x01\x01\xa1\x0b\xd8\x79"):
        for count in (0, 1, 2):
            column_of(start + data, count)


def test_cut_short_or_changed_in_any_byte():
    data = message([{11: 1.5}, {11: 300}, {11: 0.1}, {11: 3}])
    assert column_of(data, 4) is not None
    for length in range(len(data)):
        assert column_of(data[:length], 4) is None
    for index in range(len(data)):
        for byte in (0x00, 0x01, 0x0B, 0x18, 0x19, 0x61, 0x83, 0xA1, 0xD8, 0xF5, 0xF9, 0xFA, 0xFB):
            column_of(data[:index] + bytes([byte]) + data[index + 1 :], 4)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        message([{11: 1}]),
        message([{11: 1}] * 3),
        message([{11: 1}] * 2, 2),
        message([{11: 1}, {12: 1}]),
        message([{11: 1}, {}]),
        message([{11: 1}] * 2) + b"\x00",
        encode_packets([Success(1, ANY.build_answer({11: 1})), Failure(2, server_error(-32100))]),
        encode_packets([Success(number, ANY.build_answer({11: 1})) for number in (2, 1)]),
    ],
)
def test_anything_else_is_left_to_the_generic_decoder(data):
    assert column_of(data, 2) is None


def test_far_more_tags_than_values_are_not_cut():
    text = "\u0639" * 20_000
    data = message([{11: text}, {11: 1}]).replace(b"\xd8\xb9", b"\xd8\x79")
    assert column_of(data, 2) is None
