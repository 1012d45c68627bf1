"""The elements that a fault is meant for: by their keys, and what stands behind data points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from xentara_nb.errors import OptionError
from xentara_nb.protocol.errors import UnknownElementError
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.simulator.plant.datapoints import DataPoint
from xentara_nb.simulator.plant.elements import Element, walk
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.suggestions import question

Keys = str | UUID | Iterable[str | UUID]
"""One element or several, by primary key or UUID."""


class FaultError(OptionError):
    """A fault that makes no sense, such as a delay below zero or an element that is not there."""


def find_element(plant: Plant, key: str | UUID) -> Element:
    """Return one element; raises FaultError if there is none."""
    try:
        return plant.element(key) if isinstance(key, UUID) else plant.lookup(key)
    except UnknownElementError:
        hint = question(key, (element.key for element in plant)) or "Check its key."
        raise FaultError(f"the plant has no element {str(key)!r}. {hint}") from None


def chosen_elements(
    plant: Plant, keys: Keys, behind: Callable[[Element], Element | None] = lambda element: element
) -> list[Element]:
    """Return some elements and those below them, or what stands behind them.

    Raises FaultError if there is no such element, or nothing fit for the fault.
    """
    found: dict[Element, None] = {}
    for key in [keys] if isinstance(keys, str | UUID) else keys:
        top = find_element(plant, key)
        chosen = [e for below in (top, *walk(top)) if (e := behind(below)) is not None]
        if not chosen:
            raise FaultError(f"{str(key)!r} {_PROBLEMS[behind]}, and nothing below it")
        found.update(dict.fromkeys(chosen))
    return list(found)


def readable_source(element: Element) -> Element | None:
    """Return the element behind one that has a quality of its own."""
    while isinstance(element, DataPoint):
        behind = element.input or element.output
        if behind is None:
            break
        element = behind
    return element if Attribute.QUALITY in element.table.index else None


def written_target(element: Element) -> Element | None:
    """Return the element behind one that takes what is written."""
    *_, element = write_path(element)
    info = element.table.info(Attribute.VALUE)
    return element if info is not None and info.access else None


def write_path(element: Element) -> Iterator[Element]:
    """Return the elements that a write to an element goes through, down to the device's."""
    yield element
    while isinstance(element, DataPoint) and element.output is not None:
        element = element.output
        yield element


_PROBLEMS: dict[Callable[[Element], Element | None], str] = {
    readable_source: "has no quality",
    written_target: "cannot be written",
}
