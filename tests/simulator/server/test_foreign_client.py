"""What the clients of others do, done by one that shares no code with this library."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulator.server.foreign import ForeignClient, Raw, Tag, encode
from xentara_nb.simulator import Simulator, simulate

LOGIN = "Authorization: Basic " + base64.b64encode(b"engineer:engineer-demo").decode()
HELLO = [0, 0, 14, {0: 1, 1: 1}]
ROOT = Tag(37, bytes(16))
OWN = Tag(37, uuid.uuid4().bytes)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with simulate() as running:
        yield running


@pytest.fixture
def client(simulator: Simulator) -> Iterator[ForeignClient]:
    with ForeignClient(simulator, LOGIN) as client:
        assert client.ask(HELLO) == [[1, 0, {0: 1}]]
        yield client


def _uuid(simulator: Simulator, key: str) -> Tag:
    return Tag(37, simulator.plant.lookup(key).uuid.bytes)


def _is_event(packet: list[Any], element: Tag, ids: set[int]) -> bool:
    kind, event_type, body = packet
    assert (kind, event_type, set(body)) == (8, 0, {0, 1, 2})
    assert body[0].number == 1001
    assert body[0].content[4].number == 4
    assert body[0].content[4].content[0] == -9
    assert body[1] == element
    assert all(value.number == 121 for value in body[2].values())
    return set(body[2]) == ids


def test_the_upgrade_as_a_browser_does_it(simulator: Simulator) -> None:
    page = (
        "Origin: https://page.example:3000",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    )
    with ForeignClient(simulator, *page) as bare:
        lines = bare.answer.lower().splitlines()
        assert lines[0].startswith("http/1.1 401 ")
        assert 'www-authenticate: basic realm="xentara"' in lines
        assert "101" not in bare.answer
    for offer, echoed in (((), False), (("Sec-WebSocket-Protocol: xentara-v1",), True)):
        with ForeignClient(simulator, *page, LOGIN, *offer) as upgraded:
            lines = upgraded.answer.lower().splitlines()
            assert lines[0].startswith("http/1.1 101 ")
            assert ("sec-websocket-protocol: xentara-v1" in lines) is echoed


def test_hello_and_the_first_command_in_one_message(simulator: Simulator) -> None:
    with ForeignClient(simulator, LOGIN) as client:
        client.send([0, 1, 14, {1: 1, 0: 0}], [0, 2, 1, {0: ROOT, 1: 2, 2: [1, 2]}])
        hello, browse = client.next()
        assert hello == [1, 1, {0: 1}]
        assert browse[:2] == [1, 2]
        for entry in browse[2]:
            assert set(entry) == {0, 1, 2}
            assert type(entry[0]) is str
            assert (entry[1].number, len(entry[1].content)) == (37, 16)
            assert entry[2] in (1, 2)


def test_an_inventory(client: ForeignClient, simulator: Simulator) -> None:
    ((_, _, entries),) = client.ask([0, 1, 1, {0: ROOT}])
    assert len(entries) == len(simulator.plant)
    answers = client.ask(
        *([0, number, 2, {1: [0, 1, 2, 3], 0: entry[1]}] for number, entry in enumerate(entries))
    )
    for number, (entry, answer) in enumerate(zip(entries, answers, strict=True)):
        assert answer[:2] == [1, number]
        meta = answer[2]
        assert set(meta) == {0, 1, 2, 3}
        assert (meta[0], meta[1]) == (entry[0], entry[2])
        assert type(meta[3]) is bool
        for attribute in meta[2]:
            assert set(attribute) == {0, 1, 2, 3}
            assert type(attribute[0]) is str
            known = type(attribute[1]) is int
            assert attribute[1] in range(14) if known else attribute[1].number == 37
            assert attribute[2] in range(3)
            assert attribute[3] in range(23)
        # Everything that can be read is of a kind that a client can make something of.
        wanted = [attribute[1] for attribute in meta[2]]
        ((_, _, values),) = client.ask([0, 9, 4, {0: entry[1], 1: wanted}])
        assert list(values) == wanted
        for value in values.values():
            assert value.number in (121, 122)
            if value.number == 122:
                assert set(value.content) <= {0, 1}
                assert type(value.content[0]) is int
            elif isinstance(value.content, Tag):
                assert value.content.number in (37, 1001)
            else:
                assert type(value.content) in (bool, int, float, str)


def test_a_subscription_of_the_vendors_page(client: ForeignClient, simulator: Simulator) -> None:
    element = _uuid(simulator, "Plant.Line 1.Set point")
    client.send([0, 5, 6, {2: 100, 3: OWN, 0: [{1: [11, 9, 11], 0: element}]}])
    assert client.next() == [[1, 5, OWN]]
    seen = 0
    while seen < 6:  # though nothing changes
        for packet in client.next():
            assert _is_event(packet, element, {11, 9})
            seen += 1
    assert client.ask([0, 6, 7, {0: OWN}]) == [[1, 6]]
    ((kind, number, error),) = client.ask([0, 7, 7, {0: OWN}])
    assert (kind, number, error[0], set(error)) == (2, 7, -32110, {0, 1})


@pytest.mark.parametrize(
    ("key", "sent", "held"),
    [
        ("Data Types.Float64", 3, 3.0),
        ("Data Types.Float64", 0.5, 0.5),
        ("Data Types.Float64", Raw(bytes.fromhex("f93e00")), 1.5),
        ("Data Types.Float64", Raw(bytes.fromhex("fa47800040")), 65536.5),
        ("Data Types.Float64", Raw(bytes.fromhex("1b0000000000000007")), 7.0),
        ("Data Types.SignedInteger64", 18446744073709551611, -5),
        ("Data Types.SignedInteger16", -5, -5),
        ("Data Types.UnsignedInteger64", (1 << 64) - 1, (1 << 64) - 1),
        ("Data Types.Boolean", True, True),
        ("Data Types.String", Raw(bytes.fromhex("7f616162c3bcff")), "aü"),
        ("Data Types.String", 42, "42"),
    ],
)
def test_values_as_others_send_them(
    key: str, sent: Any, held: Any, client: ForeignClient, simulator: Simulator
) -> None:
    element = _uuid(simulator, key)
    assert client.ask([0, 1, 5, {0: element, 1: 11, 2: sent}]) == [[1, 1]]
    ((_, _, values),) = client.ask([0, 2, 4, {0: element, 1: [11]}])
    assert values[11] == Tag(121, held)
    assert type(values[11].content) is type(held)


def test_a_message_in_odd_forms(client: ForeignClient, simulator: Simulator) -> None:
    """Lengths in longer forms and indefinite ones, in frames of a byte, a ping between them."""
    element = _uuid(simulator, "Plant").content
    message = (
        b"\x9f\x9f\x18\x00\x1b\0\0\0\0\0\0\0\x07\x19\0\x04\xbf\x01\x9b\0\0\0\0\0\0\0\x01\x18\x00"
        b"\x00\xd9\x00\x25\x5f\x48" + element[:8] + b"\x58\x08" + element[8:] + b"\xff\xff\xff\xff"
    )
    for at, byte in enumerate(message):
        client.frame(0 if at else 2, bytes((byte,)), final=at == len(message) - 1)
        if at == 3:
            client.frame(9, b"are you there?")
    assert client.next_frame() == (10, b"are you there?")
    assert client.next() == [[1, 7, {0: Tag(121, "Plant")}]]


def test_a_bare_packet_and_what_comes_after_it(client: ForeignClient) -> None:
    client.frame(2, encode([0, 1, 14, {0: 1, 1: 1}]))
    answers = client.next()
    assert len(answers) == 4
    assert all(answer[0] == 2 and answer[2][0] in (-32600, -32700) for answer in answers)
    assert client.ask([0, 2, 8]) == [[1, 2, 2]]


def test_the_close_of_the_vendors_page(client: ForeignClient) -> None:
    client.frame(8, b"\x03\xe8closing websocket")
    assert client.next_frame() == (8, b"\x03\xe8closing websocket")
    with pytest.raises(EOFError):
        client.next_frame()
