"""What the tests of the codec share: the generic decoder, and bytes that look like others."""

from __future__ import annotations

from uuid import UUID

from hypothesis import strategies as st

from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.packets import Success, decode_answers

E = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
CUSTOM = UUID("00000000-0000-4000-8000-000000000001")
# A UUID may be any bytes: here the head of the packet with message id 2, and of an attribute.
TRAP = UUID(hex="830102a10280830102a10280a4006130")
SOUND = "83 01 01 a1 02 80"

FIRST_IDS = [0, 1, 20, 23, 24, 250, 255, 256, 257, 65_530, 65_535, 65_536, (1 << 32) - 3, 1 << 32]


def generic(command, data: bytes, first_id: int, count: int):
    """Read the answers with the generic decoder; None if they are not all there, in order."""
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


# What may look like something else.
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
UUIDS = st.sampled_from([CUSTOM, TRAP, E]) | st.uuids()


def edited(data: bytes, edits) -> bytes:
    for place, removed, inserted in edits:
        place %= len(data) + 1
        data = data[:place] + inserted + data[place + removed :]
    return data
