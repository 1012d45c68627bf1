"""What watches share: a subscription on the server, for as many of them as want it."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeAlias
from uuid import UUID

from xentara_nb.live.history import History
from xentara_nb.live.routing import Key
from xentara_nb.protocol.commands import Subscribe, SubscriptionTarget
from xentara_nb.protocol.errors import XentaraError
from xentara_nb.protocol.values import AttributeId

Rates: TypeAlias = tuple[int | None, int | None]
"""Maximum and minimum update rate of a subscription, in milliseconds."""


class Watcher(Protocol):
    """What a watch is to the manager, which calls it under its lock where it says nothing else."""

    number: int  # the manager's own, while it is there
    histories: dict[Key, History]
    rates: Rates

    def changed(self) -> None:
        """Take note that changes have come, or that a connection was lost or made."""

    def end(self, reason: XentaraError) -> None:
        """Take note that no more changes will come."""

    def notify(self) -> None:
        """Tell those who want to know of changes; called without the lock."""

    @property
    def waited_for(self) -> bool:
        """Whether someone wants to know of changes at once."""


class SharedSubscription(NamedTuple):
    """One subscription on the server, and the watches that it is for."""

    subscription_id: UUID
    rates: Rates
    targets: dict[UUID, list[AttributeId]]
    watchers: set[int]  # by their numbers

    @property
    def keys(self) -> set[Key]:
        """The attributes that it covers."""
        return {(element, each) for element, ids in self.targets.items() for each in ids}

    def command(self, targets: dict[UUID, list[AttributeId]]) -> Subscribe:
        """Return what makes it, for so much of it as there is."""
        maximum, minimum = self.rates
        return Subscribe(
            tuple(SubscriptionTarget(element, tuple(ids)) for element, ids in targets.items()),
            maximum,
            minimum,
            self.subscription_id,
        )
