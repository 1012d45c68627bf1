"""The codec of answers to browse: exactly the generic decoder, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
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
from xentara_nb.protocol.codec import browsing
from xentara_nb.protocol.codec.browsing import decode_browse
from xentara_nb.protocol.commands import Browse, BrowseEntry
from xentara_nb.protocol.identifiers import NIL_UUID, Category
from xentara_nb.protocol.packets import Success, encode_packets
from xentara_nb.protocol.uuid_column import UuidColumn

BROWSE = Browse(NIL_UUID)


def entries_of(data: bytes, message_id=1):
    """Decode with the codec; a result must be what the generic decoder gives."""
    result = decode_browse(data, message_id)
    if result is not None:
        assert types([result]) == types(generic(BROWSE, data, message_id, 1))
    return result


def browse_message(entries, message_id=1) -> bytes:
    return encode_packets([Success(message_id, BROWSE.build_answer(entries))])


ENTRIES = [
    BrowseEntry("", NIL_UUID, Category.ROOT_ELEMENT),
    BrowseEntry("Plant.Line 1", E, Category.DATA_POINT),
    BrowseEntry("Größe", CUSTOM, 16),
    BrowseEntry("x" * 23, CUSTOM, 23),
    BrowseEntry("x" * 24, CUSTOM, 24),
    BrowseEntry("x" * 255, CUSTOM, 255),
    BrowseEntry("ü" * 128, CUSTOM, 2),
    BrowseEntry("x" * 300, CUSTOM, 2),
]


@pytest.mark.parametrize("message_id", FIRST_IDS)
@pytest.mark.parametrize("count", [1, 2, 8, 23, 24, 300])
def test_browse(message_id, count):
    entries = (ENTRIES * 50)[:count]
    found = entries_of(browse_message(entries, message_id), message_id)
    assert found == entries
    assert type(found[0].category) is Category
    assert type(found.uuids) is UuidColumn


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [BrowseEntry("x" * 65_536, E, 2)],
        [BrowseEntry("x", E, 256)],
        [BrowseEntry("\x01Ø%P" + "x" * 16 + "\x02\x01£\x00", E, 2)],
    ],
)
def test_browse_left_to_the_generic_decoder(entries):
    data = browse_message(entries)
    assert generic(BROWSE, data, 1, 1) == [entries]
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


@given(st.lists(PIECES, max_size=12))
def test_made_of_pieces(pieces):
    data = b"".join(pieces)
    for start in (b"", b"\x81\x83\x01\x01", b"\x81\x83\x01\x01\x81"):
        entries_of(start + data)


@pytest.mark.parametrize("size", [1, 20, 40, 41, 64, 100, 1000])
def test_cut_at_any_size(monkeypatch, size):
    monkeypatch.setattr(browsing, "CHUNK", size)
    data = browse_message(ENTRIES * 3)
    found = entries_of(data)
    assert found == (ENTRIES * 3 if size == 1000 else found)
    short = ENTRIES[:3] * 20
    found = entries_of(browse_message(short))
    assert found == (short if size >= 64 else found)
