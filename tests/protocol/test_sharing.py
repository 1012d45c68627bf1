"""What is made of the same is made once, and only while many servers are asked."""

from __future__ import annotations

from tests.protocol.codec.helpers import E
from xentara_nb.protocol.codec.attribute_lists import ListRequests
from xentara_nb.protocol.codec.browsing import decode_browse
from xentara_nb.protocol.commands import Browse, BrowseEntry
from xentara_nb.protocol.identifiers import NIL_UUID, Category
from xentara_nb.protocol.packets import Success, encode_packets
from xentara_nb.protocol.sharing import MOST, shared, sharing


def test_the_same_is_made_once_until_the_last_block_ends() -> None:
    with sharing():
        one = shared("kind", (1, b"x"), 1, list)
        with sharing():
            assert shared("kind", (1, b"x"), 1, list) is one
        assert shared("kind", (1, b"x"), 1, list) is one
        assert shared("kind", (1, b"y"), 1, list) is not one
        assert shared("other", (1, b"x"), 1, list) is not one
    assert shared("kind", (1, b"x"), 1, list) is not one
    with sharing():
        assert shared("kind", (1, b"x"), 1, list) is not one


def test_what_is_kept_is_bounded() -> None:
    with sharing():
        first = shared("kind", (1,), MOST, list)
        assert shared("kind", (1,), MOST, list) is first
        assert shared("kind", (2,), 1, list) is not shared("kind", (2,), 1, list)


def test_an_answer_is_decoded_once_with_any_message_id() -> None:
    def message(message_id: int, key: str) -> bytes:
        answer = Browse(NIL_UUID).build_answer([BrowseEntry(key, E, Category.DATA_POINT)])
        return encode_packets([Success(message_id, answer)])

    with sharing():
        one = decode_browse(message(1, "Plant"), 1)
        assert one is not None
        assert decode_browse(message(300, "Plant"), 300) is one
        assert decode_browse(message(300, "Plant"), 301) is None
        other = decode_browse(message(1, "Plans"), 1)
        assert other is not None
        assert other.keys == ["Plans"]
        # A message that is none is none again, and requests are those of their elements and ids.
        assert decode_browse(message(1, "Plant") + b"x", 1) is None
        assert decode_browse(message(1, "Plant") + b"x", 1) is None
        assert ListRequests([E]).encode(1) is ListRequests([E]).encode(1)
        assert ListRequests([E]).encode(1) != ListRequests([NIL_UUID]).encode(1)
        assert ListRequests([E]).encode(1) != ListRequests([E]).encode(2)
