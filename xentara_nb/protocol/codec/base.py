"""Requests of one kind, sent and answered together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from xentara_nb.protocol.commands.base import Command

C = TypeVar("C", bound=Command[Any])


class BulkRequests(Sequence[C], Generic[C], ABC):
    """Requests of one kind: a sequence of commands that need not exist one by one."""

    @abstractmethod
    def encode(self, first_id: int) -> bytes:
        """Return the message with all the requests, their message ids counting up.

        Raises
        ------
        ProtocolError
            If a command cannot be sent.
        """

    @abstractmethod
    def decode(self, message: bytes, first_id: int) -> Sequence[Any] | None:
        """Return the answers to all the requests, in order.

        Returns
        -------
        sequence, or None
            None if the message is anything but all these answers, in order and in their usual
            form: it must be decoded the general way.
        """

    @abstractmethod
    def parse_answer(self, item: Any) -> Any:
        """Return the answer to any one of the requests: which, makes no difference to it."""
