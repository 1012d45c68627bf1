"""Answers in which some elements have an error: exactly the generic decoder, or none."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.protocol.codec.helpers import EDITS, FIRST_IDS, E, edited, types
from xentara_nb.protocol.codec import decode_results
from xentara_nb.protocol.codec.attribute_lists import ListRequests
from xentara_nb.protocol.codec.columns import ColumnReads
from xentara_nb.protocol.codec.reads import ReadRequests
from xentara_nb.protocol.commands import AttributeInfo, MetaDataAnswer, Write
from xentara_nb.protocol.errors import ProtocolError, ServerError, server_error
from xentara_nb.protocol.packets import Failure, Success, decode_answers, encode_packets

GONE = server_error(-32100)
# An error packet for the request with the number 2 inside of a text, and of an error's text.
TRAP = "\x83\x02\x02\xa2\x00"
RESULTS = {
    "column": [1.5, 7, "text", TRAP, server_error(-32101), GONE],
    "reads": [1.5, 7, TRAP, server_error(-32101, TRAP), GONE],
    "lists": [(), (AttributeInfo("value", 11, 2, 10),), (AttributeInfo(TRAP, E, 0, 11),), GONE],
}


def requests_of(kind: str, count: int):
    if kind == "column":
        return ColumnReads([E] * count, 11)
    return (
        ReadRequests([E] * count, [(9, 11)] * count)
        if kind == "reads"
        else ListRequests([E] * count)
    )


def message_of(kind: str, results, first_id: int) -> bytes:
    """Return the answers; GONE is the error of an element, any other that of an attribute."""
    requests = requests_of(kind, len(results))

    def item(command, result):
        if kind == "lists":
            return command.build_answer(MetaDataAnswer(attributes=result))
        return command.build_answer({9: 0, 11: result} if kind == "reads" else {11: result})

    return encode_packets(
        Failure(number, GONE) if result is GONE else Success(number, item(command, result))
        for number, (command, result) in enumerate(zip(requests, results, strict=True), first_id)
    )


def generic(requests, data: bytes, first_id: int):
    """Return what the generic decoder gives; None if it is not all answers in their order."""
    try:
        answers = decode_answers(data)
        ids = [getattr(answer, "message_id", None) for answer in answers]
        if ids != [*range(first_id, first_id + len(requests))]:
            return None
        return [
            answer.error if isinstance(answer, Failure) else command.parse_answer(answer.item)
            for command, answer in zip(requests, answers, strict=True)
        ]
    except ProtocolError:
        return None


def exactly(results):
    return [
        list(map(repr, (result.items() if isinstance(result, dict) else types(result))))
        if not isinstance(result, ServerError)
        else repr(result)
        for result in results
    ]


def results_of(requests, data: bytes, first_id: int):
    found = decode_results(requests, data, first_id)
    if found is not None:
        expected = generic(requests, data, first_id)
        assert expected is not None
        assert exactly(found) == exactly(expected)
    return found


@st.composite
def answers(draw):
    kind = draw(st.sampled_from(sorted(RESULTS)))
    parts = draw(
        st.lists(st.tuples(st.sampled_from(RESULTS[kind]), st.integers(1, 20)), max_size=6)
    )
    return kind, [result for result, count in parts for _ in range(count)]


@given(answers(), st.sampled_from(FIRST_IDS), EDITS)
@example(("column", [1, TRAP, GONE] + [2] * 20), 1, [])
@example(("column", [GONE, 1]), 1, [(4, 1, b"\x03")])  # of another request
def test_results_are_exact_or_there_are_none(given_answers, first_id, edits):
    kind, results = given_answers
    requests, data = requests_of(kind, len(results)), message_of(kind, results, first_id)
    results_of(requests, data, first_id)
    results_of(requests, edited(data, edits), first_id)


@pytest.mark.parametrize("kind", RESULTS)
@pytest.mark.parametrize("places", [[0], [19], [0, 1, 7, 19], range(20)])
def test_some_elements_are_not_there(kind, places):
    results = [RESULTS[kind][0]] * 20
    for place in places:
        results[place] = GONE
    found = results_of(requests_of(kind, 20), message_of(kind, results, 250), 250)
    assert found is not None
    assert [at for at, each in enumerate(found) if isinstance(each, ServerError)] == [*places]


def test_what_the_generic_decoder_does_as_fast():
    requests = requests_of("column", 40)
    assert results_of(requests, message_of("column", [1, GONE] * 20, 1), 1) is None
    many = [server_error(-32100, f"{number}" * 700) for number in range(100)]
    data = encode_packets(Failure(number, error) for number, error in enumerate(many))
    assert results_of(requests_of("column", 100), data, 0) is None


def test_writes_are_done_or_left_to_the_generic_decoder():
    data = encode_packets([Failure(1, GONE)])
    assert decode_results([Write(E, 11, 1)], data, 1) is None
