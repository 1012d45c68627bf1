"""Writes that are refused on purpose: which of them, and with which error."""

from __future__ import annotations

import random
from collections.abc import Iterable

from xentara_nb.protocol.errors import server_error
from xentara_nb.simulator.plant.datapoints import DataPoint
from xentara_nb.simulator.plant.elements import Element


class Refusal:
    """Some writes that are refused.

    Parameters
    ----------
    share : float
        How many of them, from 0 to 1.
    code : int
        The error code of the answer.
    text : str or None
        Its message; None for the code's own.
    dice : random.Random
        Decides which ones.
    elements : frozenset of Element or None
        Whose writes, and those that go through them; None for all.
    """

    def __init__(
        self,
        share: float,
        code: int,
        text: str | None,
        dice: random.Random,
        elements: frozenset[Element] | None,
    ) -> None:
        self.elements = elements
        self._share = share
        self._code = code
        self._text = text
        self._dice = dice

    def check(self, element: Element) -> None:
        """Raise the error for a write to an element, if it is refused."""
        if self.elements is not None and self.elements.isdisjoint(write_path(element)):
            return
        if self._dice.random() < self._share:
            raise server_error(self._code, self._text)


def write_path(element: Element) -> Iterable[Element]:
    """Return the elements that a write to an element goes through, down to the device's."""
    yield element
    while isinstance(element, DataPoint) and element.output is not None:
        element = element.output
        yield element
