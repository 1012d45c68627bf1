from __future__ import annotations

import pytest

from tests.protocol.codec.helpers import FIRST_IDS
from xentara_nb.protocol import cbor
from xentara_nb.protocol.codec.heads import (
    ARRAY,
    MAP,
    NEGATIVE,
    UNSIGNED,
    head,
    id_heads,
    numbered,
    text_of,
    uuid_requests,
)
from xentara_nb.protocol.uuid_column import UuidColumn

NUMBERS = sorted({n + d for n in (0, 24, 1 << 8, 1 << 16, 1 << 32) for d in (-1, 0, 1)} - {-1})


@pytest.mark.parametrize("number", [*NUMBERS, (1 << 64) - 1])
def test_heads_of_numbers(number):
    assert head(UNSIGNED, number) == cbor.encode(number)
    if number < 1 << 63:
        assert head(NEGATIVE, number) == cbor.encode(-1 - number)


@pytest.mark.parametrize("size", [0, 1, 23, 24, 255, 256, 70_000])
def test_heads_of_containers(size):
    assert head(ARRAY, size) == cbor.encode([0] * size)[: -size or None]
    assert cbor.encode(dict.fromkeys(range(size))).startswith(head(MAP, size))


def test_no_head():
    with pytest.raises(ValueError, match="does not fit 64 bits"):
        head(UNSIGNED, 1 << 64)


@pytest.mark.parametrize("first_id", FIRST_IDS)
@pytest.mark.parametrize("count", [0, 1, 2, 30, 700])
def test_message_ids(first_id, count):
    assert id_heads(first_id, count) == [
        cbor.encode(number) for number in range(first_id, first_id + count)
    ]


@pytest.mark.parametrize("first_id", [0, 22, 250, 65_530, (1 << 32) - 3])
def test_packets_that_differ_in_their_ids(first_id: int) -> None:
    parts = list(numbered(b"<", first_id, 10, b">"))
    assert b"".join(packets for packets, _ in parts) == b"".join(
        b"<" + head(UNSIGNED, number) + b">" for number in range(first_id, first_id + 10)
    )
    assert sum(count for _, count in parts) == 10
    assert all(len(packets) % count == 0 for packets, count in parts)


def test_no_packets() -> None:
    assert list(numbered(b"<", 5, 0, b">")) == []


@pytest.mark.parametrize("first_id", FIRST_IDS)
@pytest.mark.parametrize("count", [0, 1, 8, 9, 300])
def test_requests_that_differ_in_their_ids_and_uuids(first_id: int, count: int) -> None:
    uuids = UuidColumn(bytes(number % 251 for number in range(16 * count)))
    made = uuid_requests(b"<", first_id, b"-", uuids, b">")
    assert made == head(ARRAY, count) + b"".join(
        b"<" + head(UNSIGNED, number) + b"-" + cbor.encode(uuid) + b">"
        for number, uuid in enumerate(uuids, first_id)
    )


@pytest.mark.parametrize("count", [2, 9])
def test_no_requests_behind_the_last_message_id(count: int) -> None:
    with pytest.raises(ValueError, match="does not fit 64 bits"):
        uuid_requests(b"<", (1 << 64) - 1, b"-", UuidColumn(bytes(16 * count)), b">")


@pytest.mark.parametrize("size", [0, 1, 23, 24, 255, 256, 300, 65_535])
def test_texts(size):
    text = "x" * size
    assert text_of(cbor.encode(text)) == text


@pytest.mark.parametrize(
    "data",
    [
        *("", "01", "4161", "61", "6261", "616161", "61ff", "780161", "7817" + "61" * 23, "79"),
        *("79ffff61", "7900ff" + "61" * 255, "790100" + "61" * 255, "7f6161ff", "7901"),
    ],
)
def test_what_is_not_exactly_a_text_in_its_shortest_form(data):
    with pytest.raises(ValueError, match=r"not a text|can't decode"):
        text_of(bytes.fromhex(data))
