"""What the simulator's tests share: small configurations, and a client that is not ours."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from xentara_nb.protocol.commands import ClientHello, Command
from xentara_nb.protocol.packets import Answer, decode_answers, encode_packets
from xentara_nb.simulator import Simulator, simulate

Documents = dict[str, dict[str, Any]]

GROUP = "11111111-1111-4111-8111-111111111111"
REGISTER = "22222222-2222-4222-8222-222222222222"
POINT = "33333333-3333-4333-8333-333333333333"
USER = "44444444-4444-4444-8444-444444444444"
ROLE = "55555555-5555-4555-8555-555555555555"
# Of the password "secret".
HASH = (
    "$6$rounds=1000$tests$xtyxUfcApeV/83Wfp2v4utoRzxZz5uvSsaS.dff9VOF/O779dC7GjJ6.mQyybfj"
    "g/NHN88WNlAwk9GlSFkPYQ0"
)


def small_documents() -> Documents:
    """Return the smallest configuration that has a bit of everything."""
    return {
        "config.json": {"httpServer": {"port": 8080, "authentication": {"schemes": ["Basic"]}}},
        "users.json": {"users": [{"userName": "anna", "UUID": USER, "roles": ["Shift"]}]},
        "passwords.json": {USER: HASH},
        "security.json": {
            "roles": [{"name": "Shift", "UUID": ROLE}],
            "ACL": {
                "inherit": False,
                "entries": [
                    {"role": "Everyone", "allow": ["websocket.connect"]},
                    {"role": "Shift", "allow": ["read", "write"]},
                ],
            },
        },
        "model.json": {
            "children": [
                {
                    "@Group": {
                        "name": "Group",
                        "UUID": GROUP,
                        "children": [
                            {
                                "@Skill.SignalFlow.Register": {
                                    "name": "Register",
                                    "UUID": REGISTER,
                                    "defaultValue": ["float64", 1.5],
                                }
                            },
                            {
                                "@DataPoint": {
                                    "name": "Point",
                                    "UUID": POINT,
                                    "io": "Group.Register",
                                    "units": "kg",
                                }
                            },
                        ],
                    }
                }
            ]
        },
    }


@pytest.fixture
def small() -> Documents:
    return small_documents()


@pytest.fixture
def write_folder(tmp_path: Path) -> Callable[[Documents], Path]:
    """Return a function that writes documents into a folder."""

    def write(documents: Documents) -> Path:
        for name, content in documents.items():
            (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
        return tmp_path

    return write


class Wire:
    """A plain WebSocket connection to a simulator, and packets over it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, message: bytes | list[bytes]) -> bytes:
        """Send a message, whole or in fragments, and return the answer."""
        self.connection.send(message)
        answer = self.connection.recv(timeout=10)
        assert isinstance(answer, bytes)
        return answer

    def ask(self, *commands: Command[Any]) -> list[Answer]:
        """Send commands in one message and return the packets of the answer."""
        requests = [command.request(number) for number, command in enumerate(commands, 1)]
        return decode_answers(self.send(encode_packets(requests)))


Connect = Callable[..., Wire]


@pytest.fixture(scope="module")
def demo_simulator() -> Iterator[Simulator]:
    with simulate() as simulator:
        yield simulator


@pytest.fixture
def dial() -> Iterator[Connect]:
    """Return a function that connects to a simulator and, if wanted, says hello."""
    with ExitStack() as stack:

        def dial(
            simulator: Simulator,
            user: str = "engineer",
            password: str | None = None,
            *,
            hello: bool = True,
            bearer: str | None = None,
            **options: Any,
        ) -> Wire:
            context = ssl.create_default_context(cafile=simulator.ca_file)
            word = simulator.users.get(user, "") if password is None else password
            login = basic(user, word) if bearer is None else f"Bearer {bearer}"
            headers = {"Authorization": login}
            connection = connect(
                simulator.url,
                ssl=context,
                additional_headers=headers,
                proxy=None,
                max_size=None,
                **options,
            )
            wire = Wire(stack.enter_context(connection))
            if hello:
                wire.ask(ClientHello())
            return wire

        yield dial


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
