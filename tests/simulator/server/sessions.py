"""A session without a network: bytes in, bytes out."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from xentara_nb.protocol.commands import (
    ClientHello,
    Command,
    DataChange,
    Subscribe,
    SubscriptionTarget,
)
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.packets import (
    Answer,
    Event,
    Failure,
    Request,
    decode_answers,
    encode_packets,
)
from xentara_nb.simulator.config.configuration import Configuration
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.access import Principal, roles
from xentara_nb.simulator.security.authentication import Authenticator
from xentara_nb.simulator.server.dispatcher import Dispatcher
from xentara_nb.simulator.server.session import Service, Session

Documents = dict[str, dict[str, Any]]

GROUP = UUID("11111111-1111-4111-8111-111111111111")
REGISTER = UUID("22222222-2222-4222-8222-222222222222")
POINT = UUID("33333333-3333-4333-8333-333333333333")
NOWHERE = UUID("99999999-9999-4999-8999-999999999999")
OWN = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
SHIFT = Principal("anna", roles("Shift"))
GUEST = Principal("guest", roles())


def service_of(found: Configuration, **options: Any) -> Service:
    """Return a service of a configuration and its users."""
    plant = Plant.from_model(found.model, found.security)
    return Service(plant, Authenticator(found.users), **options)


class OfflineClient:
    """What one client says, and what it gets for an answer.

    Parameters
    ----------
    service : Service
        What is served.
    principal : Principal
        Who the client is.
    hello : bool
        Whether it has said hello.
    """

    def __init__(self, service: Service, principal: Principal = SHIFT, *, hello: bool = True):
        self.session = Session(service, principal, 7)
        self.dispatcher = Dispatcher(self.session)
        if hello:
            self.say(ClientHello().request(0))

    def send(self, message: bytes) -> bytes:
        """Send a message and return the answer, empty if there is none."""
        return asyncio.run(self.dispatcher.answer(message)) or b""

    def say(self, *requests: Request) -> list[Answer]:
        """Send requests in one message and return the packets of the answer."""
        return decode_answers(self.send(encode_packets(requests)))

    def codes(self, *requests: Request) -> list[int]:
        """Return the codes of the errors that answer requests, 0 for a success."""
        answers = self.say(*requests)
        return [int(a.error.code) if isinstance(a, Failure) else 0 for a in answers]

    def ask(self, command: Command[Any]) -> Any:
        """Return the result of one command, or the error."""
        (answer,) = self.say(command.request(7))
        assert answer.message_id == 7
        if isinstance(answer, Failure):
            return answer.error
        return command.parse_answer(answer.item)

    def code(self, command: Command[Any]) -> int:
        """Return the code of the error that answers a command."""
        error = self.ask(command)
        assert isinstance(error, ServerError)
        return int(error.code)


class Subscriber(OfflineClient):
    """A client whose events are taken by hand."""

    def __init__(self, service: Service, principal: Principal = SHIFT) -> None:
        super().__init__(service, principal)
        self.woken = 0
        self.session.subscriptions.wake = self._wake

    def _wake(self) -> None:
        self.woken += 1

    def ask(self, command: Command[Any]) -> Any:
        """Return the result of a command, or the error, as a client does that knows of it."""
        result = super().ask(command)
        self.session.subscriptions.activate_new()
        return result

    def subscribe(self, *attributes: Any, element: UUID = REGISTER, **options: Any) -> Any:
        """Subscribe to attributes of an element."""
        return self.ask(Subscribe((SubscriptionTarget(element, attributes),), **options))

    def take(self) -> list[DataChange]:
        """Return the events of the next message."""
        message, _ = self.session.subscriptions.take()
        return [] if message is None else changes(message)

    def values(self) -> list[dict[Any, Any]]:
        """Return the values in the events of the next message."""
        return [dict(change.values) for change in self.take()]

    def wait(self) -> float | None:
        """Return how long to wait for the next message, of which nothing is due yet."""
        message, wait = self.session.subscriptions.take()
        assert message is None
        return wait


def changes(message: bytes) -> list[DataChange]:
    """Return the events of a message."""
    packets = decode_answers(message)
    assert all(isinstance(packet, Event) for packet in packets)
    # Exactly these keys, and no others: there are clients that end at a fourth one.
    assert all(list(packet.body) == [0, 1, 2] for packet in packets)
    return [DataChange.from_event(packet) for packet in packets]
