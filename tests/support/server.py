"""Servers that do what a test tells them: down to the last byte, and as wrong as they like.

A :class:`FakeServer` listens on 127.0.0.1 and runs one script for every connection, in a thread of
its own. The script gets a :class:`Wire`: the connection with a few lines of HTTP and WebSocket,
which check nothing and can be bypassed. Every wait is bounded. A script may simply return, which
closes the connection; when the client closes first it ends with :class:`ClientGoneError`, which is
no failure.

    def script(wire):
        wire.hello()
        requests = wire.requests()
        wire.answer(Success(requests[0].message_id, 2))
        wire.until_gone()

    server = fake(script)
    client = server.connect()
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import xentara_nb
from tests.support.certificates import Certificate
from tests.support.listener import PATIENCE, Listener
from xentara_nb.protocol.commands import (
    COMMANDS,
    AttributeInfo,
    Browse,
    BrowseEntry,
    ClientHello,
    Command,
    DataChange,
    GetStage,
    Lookup,
    MetaData,
    MetaDataAnswer,
    Read,
    Subscribe,
)
from xentara_nb.protocol.errors import server_error
from xentara_nb.protocol.identifiers import NIL_UUID, OpCode
from xentara_nb.protocol.packets import (
    NOTHING,
    Answer,
    Event,
    Failure,
    Request,
    Success,
    decode_requests,
    encode_packets,
)
from xentara_nb.protocol.values import TimePoint

TOO_MUCH = 8_000_000
"""More bytes than the network takes from a client when the server does not read."""

USER, PASSWORD = "tester", "s3cret-Wort"

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class ClientGoneError(Exception):
    """The client has ended the connection."""


class Wire:
    """One connection as a script sees it."""

    def __init__(self, server: FakeServer, sock: socket.socket, number: int) -> None:
        self.server = server
        self.sock = sock
        self.number = number
        self.received = bytearray()
        self.pongs: list[bytes] = []
        self.pings = 0
        self.close_frame: bytes | None = None
        self._buffer = bytearray()

    # Bytes.

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        try:
            self.sock.sendall(data)
        except TimeoutError:
            raise
        except OSError as error:
            raise ClientGoneError(str(error)) from None

    def receive(self, count: int) -> bytes:
        """Return exactly so many bytes."""
        while len(self._buffer) < count:
            self.receive_some()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def until_gone(self) -> None:
        """Wait until the client closes; what it sends until then is only recorded."""
        with contextlib.suppress(ClientGoneError):
            while True:
                self.receive_some()

    def cut(self) -> None:
        """End the connection without a close frame."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def cut_after(self, size: int) -> None:
        """Let so many more bytes out, and end the connection then."""
        send, left = self.send, size

        def some(data: bytes) -> None:
            nonlocal left
            send(data[:left])
            left -= len(data)
            if left <= 0:
                self.cut()

        self.send = some

    @property
    def unread(self) -> bytes:
        """What has come in and was not read by the script."""
        return bytes(self._buffer)

    def receive_some(self) -> None:
        """Wait for some more bytes, and leave them unread."""
        try:
            data = self.sock.recv(1 << 16)
        except TimeoutError:
            raise AssertionError("the client sent nothing") from None
        except OSError as error:
            raise ClientGoneError(str(error)) from None
        if not data:
            raise ClientGoneError
        self._buffer += data
        self.received += data

    # HTTP.

    def head(self) -> str:
        """Return the head of the next HTTP request."""
        while b"\r\n\r\n" not in self._buffer:
            self.receive_some()
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer[:] = rest
        return head.decode()

    def refuse(self, status: str, *headers: str, body: str = "") -> None:
        """Read the request and answer it with an HTTP status."""
        self.head()
        lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", body]
        self.send("\r\n".join(lines).encode())

    def upgrade(self, *headers: str, then: bytes = b"") -> str:
        """Read the request, answer it with 101, and return it."""
        head = self.head()
        key = header(head, "Sec-WebSocket-Key")
        accept = base64.b64encode(hashlib.sha1(key.encode() + _MAGIC).digest()).decode()
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept}",
            *headers,
            *("", ""),
        ]
        self.send("\r\n".join(lines).encode() + then)
        return head

    # WebSocket.

    def frame(self) -> tuple[int, bytes]:
        """Return opcode and payload of the next frame, which a client must mask."""
        first, second = self.receive(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self.receive(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.receive(8))
        assert second & 0x80, "a client must mask its frames"
        mask = self.receive(4)
        data = self.receive(length)
        full = (mask * (length // 4 + 1))[:length]
        number = int.from_bytes(data, "big") ^ int.from_bytes(full, "big")
        return first & 0x0F, number.to_bytes(length, "big")

    def send_frame(self, opcode: int, payload: bytes = b"", *, last: bool = True) -> None:
        """Send one frame."""
        self.send(frame_bytes(opcode, payload, last=last))

    def send_message(self, payload: bytes) -> None:
        """Send a binary message in one frame."""
        self.send_frame(BINARY, payload)

    def message(self) -> bytes:
        """Return the next binary message; notes pongs, and answers pings and a close."""
        while True:
            opcode, payload = self.frame()
            if opcode == PONG:
                self.pongs.append(payload)
            elif opcode == PING:
                self.pings += 1
                self.send_frame(PONG, payload)
            elif opcode == CLOSE:
                self.close_frame = payload
                self.send_frame(CLOSE, payload)
                raise ClientGoneError("the client sent a close frame")
            else:
                assert opcode == BINARY
                return payload

    def until_goodbye(self) -> None:
        """Take frames, and do nothing about them, until the client closes."""
        while True:
            self.message()

    # Xentara.

    def requests(self) -> list[Request]:
        """Return the requests of the next message."""
        requests = decode_requests(self.message())
        self.server.messages += 1
        for request in requests:
            assert isinstance(request, Request)
            self.server.seen.append(request)
        return requests

    def answer(self, *packets: Answer) -> None:
        """Send packets in one message."""
        self.send_message(encode_packets(packets))

    def hello(self) -> None:
        """Do what every good connection begins with."""
        self.upgrade()
        (request,) = self.requests()
        assert request.opcode == OpCode.CLIENT_HELLO
        self.answer(Success(request.message_id, {0: 1}))


Script = Callable[[Wire], object]


class FakeServer:
    """A server on 127.0.0.1 that runs a script for every connection.

    Attributes
    ----------
    wires : list of Wire
        Every connection so far, with all that was received on it.
    seen : list of Request
        Every request that a script has read.
    messages : int
        How many messages these came in.
    """

    def __init__(self, script: Script, certificate: Certificate | None = None) -> None:
        self.script = script
        self.certificate = certificate
        self.wires: list[Wire] = []
        self.seen: list[Request] = []
        self.messages = 0
        self.tls_failures: list[str] = []
        self._failures: list[BaseException] = []
        self._listener = Listener(self._run)
        # A small buffer that does not grow: a server that does not read is soon noticed.
        self._listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        self.port = self._listener.port

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if error is None and self._failures:
            raise self._failures[0]

    @property
    def netloc(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The address without credentials."""
        return f"{'ws' if self.certificate is None else 'wss'}://{self.netloc}/api/ws"

    @property
    def received(self) -> bytes:
        """Everything that came in over all connections, decrypted."""
        return b"".join(bytes(wire.received) for wire in self.wires)

    def connect(self, **options: Any) -> xentara_nb.Client:
        """Return a client of this server."""
        options = {"user": USER, "password": PASSWORD, "timeout": 30.0, **options}
        if self.certificate is not None and not {"ca_file", "fingerprint"} & set(options):
            options["ca_file"] = self.certificate.path
        return xentara_nb.connect(self.url, **options)

    def count(self, opcode: OpCode) -> int:
        """Return how many requests of a kind were seen."""
        return sum(request.opcode == opcode for request in self.seen)

    def join(self) -> None:
        """Wait until every script has ended by itself."""
        self._listener.join()

    def stop(self) -> None:
        """End everything; nothing happens if it has ended."""
        if self._listener.stopping:
            return
        self._listener.stop()
        for wire in self.wires:
            wire.cut()
        self.join()

    def _run(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        wire = Wire(self, sock, len(self.wires))
        self.wires.append(wire)
        try:
            if self.certificate is not None:
                try:
                    wire.sock = self.certificate.server_context.wrap_socket(sock, server_side=True)
                except OSError as error:
                    self.tls_failures.append(str(error))
                    return
            self.script(wire)
        except ClientGoneError:
            pass
        except BaseException as error:
            if not self._listener.stopping:
                self._failures.append(error)
        finally:
            wire.cut()
            wire.sock.close()
            sock.close()


def answering(reply: Callable[[Wire, Request], object]) -> Script:
    """Return a script that answers every single request after the hello."""

    def script(wire: Wire) -> None:
        wire.hello()
        while True:
            for request in wire.requests():
                reply(wire, request)

    return script


def publishing(*messages: Sequence[Event]) -> Script:
    """Return the script of a server with one element, which sends these events to a subscriber."""
    element = MetaDataAnswer("Tank", 2, (AttributeInfo("value", 11, 2, 10),), False)

    def script(wire: Wire) -> None:
        wire.hello()
        while True:
            for request in wire.requests():
                if request.opcode == OpCode.META_DATA:
                    command = MetaData.from_request(request)
                    wire.answer(Success(request.message_id, command.build_answer(element)))
                elif request.opcode == OpCode.SUBSCRIBE:
                    command = Subscribe.from_request(request)
                    wire.answer(Success(request.message_id, command.desired_subscription_id))
                    for events in messages:
                        wire.answer(*events)
                else:
                    wire.answer(Success(request.message_id))

    return script


def cut_after(requests: int) -> Script:
    """Return a script that reads so many messages after the hello, answering none, and cuts."""

    def script(wire: Wire) -> None:
        wire.hello()
        for _ in range(requests):
            wire.requests()

    return script


def header(head: str, name: str) -> str:
    """Return a header of an HTTP head, empty if it is not there."""
    for line in head.splitlines()[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name.lower():
            return value.strip()
    return ""


def frame_bytes(opcode: int, payload: bytes = b"", *, last: bool = True) -> bytes:
    """Return a frame as a server sends it."""
    length = len(payload)
    if length < 126:
        size = bytes([length])
    elif length < 1 << 16:
        size = b"\x7e" + struct.pack("!H", length)
    else:
        size = b"\x7f" + struct.pack("!Q", length)
    return bytes([(0x80 if last else 0) | opcode]) + size + payload


@dataclass
class Element:
    """An element of a :class:`Model`."""

    uuid: UUID
    category: int = 2
    attributes: tuple[AttributeInfo, ...] = ()
    values: dict[Any, Any] = field(default_factory=dict)


VALUE = AttributeInfo("value", 11, 2, 10)
QUALITY = AttributeInfo("quality", 9, 0, 18)


@dataclass
class Model:
    """Just enough of a Xentara server to answer the commands that change nothing, and write."""

    elements: dict[str, Element] = field(default_factory=dict)
    stage: int = 2
    written: list[Any] = field(default_factory=list)
    asked: list[Command[Any]] = field(default_factory=list)

    @classmethod
    def of_points(cls, count: int) -> Model:
        """Return a model of data points ``Point 0``, ``Point 1``... whose value is their number."""
        return cls(
            {
                f"Point {number}": Element(
                    UUID(int=number + 1), 2, (VALUE, QUALITY), {11: float(number), 9: 0}
                )
                for number in range(count)
            }
        )

    def answer(self, request: Request) -> Success | Failure:
        """Return the answer to a request."""
        command = COMMANDS[OpCode(request.opcode)].from_request(request)
        result = self._result(command)
        if isinstance(result, int) and result < 0:
            return Failure(request.message_id, server_error(result))
        return Success(request.message_id, result)

    def answers(self, requests: Iterable[Request]) -> list[Success | Failure]:
        """Return the answers to some requests."""
        return [self.answer(request) for request in requests]

    def ask(self, commands: Sequence[Command[Any]]) -> Iterator[Any]:
        """Do what a client's connection to such a server does, without a network."""
        for number, command in enumerate(commands):
            self.asked.append(command)
            answer = self.answer(command.request(number))
            yield (
                command.parse_answer(answer.item) if isinstance(answer, Success) else answer.error
            )

    def serve(self, wire: Wire) -> None:
        """Be a good server; a script."""
        wire.hello()
        self.go_on(wire)

    def go_on(self, wire: Wire) -> None:
        """Be a good server from now on."""
        while True:
            wire.answer(*self.answers(wire.requests()))

    def until_write(self, wire: Wire) -> None:
        """Be a good server up to the message that writes, which is answered as well."""
        requests: list[Request] = []
        while not any(request.opcode == OpCode.WRITE for request in requests):
            requests = wire.requests()
            wire.answer(*self.answers(requests))

    def swapped_at(self, opcode: int) -> Script:
        """Be a good server of two elements that is restarted once, before it answers a command.

        Each of the two has the other's UUID from then on.
        """
        one, two = self.elements.values()
        restarts = [opcode]

        def script(wire: Wire) -> None:
            wire.hello()
            while True:
                requests = wire.requests()
                if requests[0].opcode in restarts:
                    restarts.clear()
                    one.uuid, two.uuid = two.uuid, one.uuid
                    return
                wire.answer(*self.answers(requests))

        return script

    def _find(self, uuid: UUID) -> tuple[str, Element] | None:
        for key, element in self.elements.items():
            if element.uuid == uuid:
                return key, element
        return None

    def _result(self, command: Command[Any]) -> Any:
        match command:
            case ClientHello():
                return command.build_answer(1)
            case GetStage():
                return command.build_answer(self.stage)
            case Browse(element_uuid=root) if root != NIL_UUID:
                return -32100 if self._find(root) is None else []
            case Browse():
                return command.build_answer(
                    [
                        BrowseEntry(key, element.uuid, element.category)
                        for key, element in self.elements.items()
                        if command.categories is None or element.category in command.categories
                    ]
                )
            case Lookup(key):
                return self.elements[key].uuid if key in self.elements else -32100
            case Subscribe():
                return command.desired_subscription_id
            case MetaData() | Read() if (found := self._find(command.element_uuid)) is None:
                return -32100
            case MetaData():
                key, element = found
                return command.build_answer(
                    MetaDataAnswer(key, element.category, element.attributes, False)
                )
            case Read():
                missing = server_error(-32101)
                values = found[1].values
                return command.build_answer(
                    {name: values.get(name, missing) for name in command.attribute_ids}
                )
            case _:
                self.written.append(command)
                return NOTHING


def event(element: UUID, values: dict[Any, Any], nanoseconds: int = 0) -> Event:
    """Return the event of a change."""
    return DataChange(TimePoint(nanoseconds), element, values).event()
