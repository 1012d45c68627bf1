"""A session without a network: bytes in, bytes out."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from xentara_nb.protocol.commands import ClientHello, Command
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.packets import Answer, Failure, Request, decode_answers, encode_packets
from xentara_nb.simulator.config.configuration import Configuration
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.access import roles
from xentara_nb.simulator.security.authentication import Authenticator, Principal
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
        assert answer.message_id == 7  # type: ignore[union-attr]  # it is no event
        if isinstance(answer, Failure):
            return answer.error
        return command.parse_answer(answer.item)  # type: ignore[union-attr]  # it is no event

    def code(self, command: Command[Any]) -> int:
        """Return the code of the error that answers a command."""
        error = self.ask(command)
        assert isinstance(error, ServerError)
        return int(error.code)
