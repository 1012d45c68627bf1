"""How much is measured, and the lines of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How much is measured, and how often."""

    elements: int = 10_000
    many: int = 100_000
    few: int = 1_000
    delayed: int = 100  # elements that a script asks for over the slow line
    values: int = 10_000
    writes: int = 1_000
    orders: int = 10_000
    single_writes: int = 200
    events: int = 100_000
    polls: int = 50
    rounds: int = 9
    recorded: int = 1_000  # attributes
    recorded_minutes: int = 60
    rows: int = 1_000_000  # of an inventory in a file
    lines: int = 1_000_000  # of a journal
    keys: int = 1_000_000  # that are searched
    children: int = 50_000  # of one element
    servers: int = 50
    server_elements: int = 2_000
    idle_seconds: float = 15
    live_seconds: float = 30


SMOKE = Sizes(
    *(50, 50, 50, 3, 50, 10, 10, 3, 500, 3, 0),
    recorded=5,
    recorded_minutes=1,
    rows=100,
    lines=20,
    keys=50,
    children=10,
    servers=3,
    server_elements=20,
    idle_seconds=0.3,
    live_seconds=0.5,
)


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    baseline: str
    value: float
    goal: float | None
    most: bool = False
    unit: str = " times"
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None when there is none."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.most else self.value >= self.goal
