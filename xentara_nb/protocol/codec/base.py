"""Requests of one kind, encoded and their answers decoded together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, Self, TypeVar, overload

from xentara_nb.protocol.commands.base import Command

C = TypeVar("C", bound=Command[Any])


class CodedRequests(Sequence[C], Generic[C], ABC):
    """Requests of one kind: a sequence of commands that need not exist one by one."""

    @abstractmethod
    def command(self, index: int) -> C:
        """Return one of the commands."""

    @abstractmethod
    def part(self, index: slice) -> Self:
        """Return some of the requests."""

    @overload
    def __getitem__(self, index: int) -> C: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> C | Self:
        return self.part(index) if isinstance(index, slice) else self.command(index)

    @abstractmethod
    def encode(self, first_id: int) -> bytes:
        """Return the message with all the requests, their message ids counting up.

        Raises
        ------
        AttributeError, ProtocolError, ValueError
            If a command cannot be sent: the generic encoder says why.
        """

    @abstractmethod
    def decode(self, message: bytes, first_id: int) -> Sequence[Any] | None:
        """Return the answers to all the requests, in order.

        Returns
        -------
        sequence, or None
            None if the message is anything but all these answers, in order and in their usual
            form: it is one for the generic decoder.
        """
