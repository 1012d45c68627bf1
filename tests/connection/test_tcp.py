from __future__ import annotations

import errno
import socket

import pytest

from tests.conftest import Fake
from xentara_nb.connection.address import Address
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.tcp import open_socket
from xentara_nb.errors import DeadlineError, ServerUnreachableError


def test_no_such_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ServerUnreachableError, match=r"no host 'plant' .Name or service not known"):
        open_socket(Address("plant"), Deadline(5))


def test_no_name_of_a_host() -> None:
    with pytest.raises(ServerUnreachableError, match="there is no host"):
        open_socket(Address("a..b"), Deadline(5))


def test_no_server_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(
        ServerUnreachableError, match=f"no server answers at 127.0.0.1:{port} .*refused"
    ):
        open_socket(Address("127.0.0.1", port), Deadline(5))


class Answers:
    """Takes the place of socket.socket, so that no test goes out into the network."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *outcomes: OSError | None) -> None:
        self.outcomes = list(outcomes)
        self.timeouts: list[float] = []
        self.closed = 0
        answers = [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", (str(n), 1)) for n in range(len(outcomes))
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
        monkeypatch.setattr(socket, "socket", lambda *_: self)

    def settimeout(self, seconds: float) -> None:
        self.timeouts.append(seconds)

    def connect(self, address: tuple[str, int]) -> None:
        if (outcome := self.outcomes[int(address[0])]) is not None:
            raise outcome

    def setsockopt(self, *arguments: object) -> None:
        pass

    def close(self) -> None:
        self.closed += 1


def test_an_address_that_never_answers_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = Answers(monkeypatch, TimeoutError(), ConnectionRefusedError(), None)
    open_socket(Address("plant"), Deadline(6))

    assert [round(seconds) for seconds in answers.timeouts] == [2, 3, 6]
    assert answers.closed == 2


def test_no_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    Answers(monkeypatch, ConnectionRefusedError(), TimeoutError())
    with pytest.raises(
        DeadlineError, match="no server answered at plant:8080 within 6 s"
    ) as caught:
        open_socket(Address("plant"), Deadline(6))
    assert not caught.value.sent


def test_no_way_there(monkeypatch: pytest.MonkeyPatch) -> None:
    Answers(monkeypatch, OSError(errno.ENETUNREACH, "Network is unreachable"))
    with pytest.raises(ServerUnreachableError, match="Network is unreachable"):
        open_socket(Address("plant"), Deadline(6))

    Answers(monkeypatch)
    with pytest.raises(ServerUnreachableError, match="it has no address"):
        open_socket(Address("plant"), Deadline(6))


def test_ctrl_c_while_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        open_socket(Address("plant"), Deadline(6))
    assert answers.closed == 1


def test_a_system_without_every_option(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "TCP_KEEPIDLE", raising=False)
    server = fake(lambda wire: wire.until_gone())
    with open_socket(Address("127.0.0.1", server.port), Deadline(5)) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
