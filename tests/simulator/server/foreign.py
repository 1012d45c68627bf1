"""A client that shares nothing with this library: its own CBOR, its own WebSocket, its own checks.

Both ends of the library stand on the same protocol code, so they would agree on a wrong byte. This
one is written from the protocol's description alone, and is as strict as the vendor's page: what it
does not expect ends it.
"""

from __future__ import annotations

import base64
import os
import socket
import ssl
import struct
from dataclasses import dataclass
from typing import Any, Self

from xentara_nb.simulator import Simulator

_FLOATS = {25: ">e", 26: ">f", 27: ">d"}


@dataclass(frozen=True)
class Tag:
    """A tag and what it stands around."""

    number: int
    content: Any


class Raw(bytes):
    """Bytes that are CBOR already."""


def head(major: int, number: int) -> bytes:
    """Return the head of an item in its shortest form."""
    for low, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 24:
            return bytes((major << 5 | number,))
        if number < 1 << 8 * size:
            return bytes((major << 5 | low,)) + number.to_bytes(size, "big")
    raise ValueError(number)


def encode(item: Any) -> bytes:
    """Return an item as the vendor's page would encode it: whole numbers as integers."""
    match item:
        case Raw():
            return bytes(item)
        case bool():
            return b"\xf5" if item else b"\xf4"
        case int():
            return head(0, item) if item >= 0 else head(1, -1 - item)
        case float():
            return encode(int(item)) if item.is_integer() else b"\xfb" + struct.pack(">d", item)
        case str():
            return head(3, len(item.encode())) + item.encode()
        case bytes():
            return head(2, len(item)) + item
        case list():
            return head(4, len(item)) + b"".join(map(encode, item))
        case dict():
            return head(5, len(item)) + b"".join(encode(k) + encode(v) for k, v in item.items())
        case Tag():
            return head(6, item.number) + encode(item.content)
    raise TypeError(item)


class _Reader:
    """Reads one item, and insists on what the protocol says of its form."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        self.at += size
        assert self.at <= len(self.data), "cut off"
        return self.data[self.at - size : self.at]

    def number(self, low: int) -> int:
        if low < 24:
            return low
        assert low < 28, "an indefinite length: one client cannot read it"
        size = 1 << low - 24
        number = int.from_bytes(self.take(size), "big")
        assert number >= (24 if size == 1 else 1 << 4 * size), "not the shortest form"
        return number

    def item(self) -> Any:
        (first,) = self.take(1)
        major, low = first >> 5, first & 31
        if major == 7:
            return self.simple(low)
        number = self.number(low)
        match major:
            case 0:
                return number
            case 1:
                return -1 - number
            case 2:
                return self.take(number)
            case 3:
                return self.take(number).decode()
            case 4:
                return [self.item() for _ in range(number)]
            case 5:
                pairs = [(self.item(), self.item()) for _ in range(number)]
                found = dict(pairs)
                assert len(found) == len(pairs), "a key twice"
                return found
        return Tag(number, self.item())

    def simple(self, low: int) -> Any:
        if low in (20, 21):
            return low == 21
        assert low in _FLOATS, "null, or something else that no answer has"
        value = struct.unpack(_FLOATS[low], self.take(1 << low - 24))[0]
        for shorter in range(25, low):
            try:
                packed = struct.pack(_FLOATS[shorter], value)
            except OverflowError:
                continue
            assert struct.unpack(_FLOATS[shorter], packed)[0] != value, "not the shortest form"
        return value


def decode(data: bytes) -> Any:
    """Return the one item that the data are."""
    reader = _Reader(data)
    item = reader.item()
    assert reader.at == len(data), "something behind the item"
    return item


class ForeignClient:
    """A connection to a simulator.

    Parameters
    ----------
    simulator : Simulator
        Where to connect.
    *headers : str
        More lines of the upgrade request, such as ``Authorization``.
    path : str
        What to ask for.
    """

    def __init__(self, simulator: Simulator, *headers: str, path: str = "/api/ws") -> None:
        context = ssl.create_default_context(cafile=simulator.ca_file)
        plain = socket.create_connection(("127.0.0.1", simulator.port), timeout=10)
        self._socket = context.wrap_socket(plain, server_hostname="localhost")
        lines = [
            f"GET {path} HTTP/1.1",
            f"HOST: localhost:{simulator.port}",
            "connection: keep-alive, Upgrade",
            "upgrade: WebSocket",
            f"sec-websocket-key: {base64.b64encode(os.urandom(16)).decode()}",
            "sec-websocket-version: 13",
            *headers,
        ]
        self._socket.sendall("\r\n".join((*lines, "", "")).encode())
        self._received = b""
        while b"\r\n\r\n" not in self._received:
            self._receive()
        upgraded, _, self._received = self._received.partition(b"\r\n\r\n")
        self.answer = upgraded.decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, *packets: Any) -> None:
        """Send one message of packets."""
        self.frame(2, encode(list(packets)))

    def frame(self, opcode: int, data: bytes, *, final: bool = True) -> None:
        """Send one frame."""
        size = len(data)
        mask = os.urandom(4)
        length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        self._socket.sendall(bytes((opcode | 0x80 * final,)) + length + mask + masked)

    def next_frame(self) -> tuple[int, bytes]:
        """Return the next frame: all of it is there, and it is not masked."""
        first, size = self._take(2)
        assert first & 0x70 == 0, "an extension that was not asked for"
        assert first & 0x80, "a fragment: one client cannot put them together"
        assert size < 128, "a mask, which only clients use"
        if size == 126:
            size = int.from_bytes(self._take(2), "big")
        elif size == 127:
            size = int.from_bytes(self._take(8), "big")
        return first & 15, self._take(size)

    def next(self) -> list[Any]:
        """Return the packets of the next message."""
        opcode, data = self.next_frame()
        assert opcode == 2
        packets: list[Any] = decode(data)
        assert packets
        assert len({packet[0] == 8 for packet in packets}) == 1, "events among answers"
        return packets

    def ask(self, *packets: Any) -> list[Any]:
        """Send packets and return the answers, leaving out events that come before."""
        self.send(*packets)
        while (answers := self.next())[0][0] == 8:
            pass
        return answers

    def _take(self, size: int) -> bytes:
        while len(self._received) < size:
            self._receive()
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def _receive(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise EOFError
        self._received += data
