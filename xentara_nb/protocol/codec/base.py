"""Requests of one kind, encoded and their answers decoded together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from xentara_nb.protocol.commands.base import Command

C = TypeVar("C", bound=Command[Any])


class CodedRequests(Sequence[C], Generic[C], ABC):
    """Requests of one kind: a sequence of commands that need not exist one by one."""

    @abstractmethod
    def __getitem__(self, index: Any) -> Any: ...

    @abstractmethod
    def encode(self, first_id: int) -> bytes:
        """Return the message with all the requests, their message ids counting up.

        Raises an AttributeError, ProtocolError or ValueError if a command cannot be sent: the
        generic encoder says why.
        """

    @abstractmethod
    def decode(self, message: bytes, first_id: int) -> Sequence[Any] | None:
        """Return the answers to all the requests, in order.

        None if the message is anything but these, in order and in their usual form: it is one for
        the generic decoder.
        """
