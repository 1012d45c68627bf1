"""From the description of a model to its running elements.

Elements are made in the order in which they depend on each other, by :mod:`.makers` for the skills
that the simulator knows and by :mod:`.points` for all others; :mod:`.wiring` then connects them.
"""

from __future__ import annotations

from functools import cached_property
from typing import NoReturn

from xentara_nb.protocol.identifiers import Attribute, Category
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.documents import ConfigurationError, JsonNode
from xentara_nb.simulator.model.model import ElementDescription, Model
from xentara_nb.simulator.model.references import References, usages
from xentara_nb.simulator.plant.elements import Element, Kind
from xentara_nb.simulator.plant.execution import Execution, Pipeline
from xentara_nb.simulator.plant.factories import FACTORIES
from xentara_nb.simulator.plant.points import driverless_point, simulated_point
from xentara_nb.simulator.plant.wiring import FINISHERS

_MAKERS = {**FACTORIES, "@Skill.Simulator.Point": simulated_point}


class Builder:
    """Makes the elements of one model.

    Parameters
    ----------
    model : Model
        The description.
    now : TimePoint
        The time of the first readings.
    category_as_text : bool
        Whether reading the attribute ``category`` gives a text, as servers were seen to do, or
        the number of the table.

    Attributes
    ----------
    warned : set of str
        What there were warnings of.
    """

    def __init__(self, model: Model, now: TimePoint, *, category_as_text: bool = True) -> None:
        self.model = model
        self.now = now
        self.pipelines: list[Pipeline] = []
        self.warned: set[str] = set()
        self._category_as_text = category_as_text
        self._built: dict[str, Element] = {}
        self._under_way: list[str] = []

    @cached_property
    def usages(self) -> dict[str, References]:
        """What the elements are used for, by their primary keys."""
        return usages(self.model)

    def kind(self, category: Category, type_text: str) -> Kind:
        """Return the kind of elements with this category and type."""
        value = category.label if self._category_as_text else int(category)
        return Kind(category, type_text, value)

    def element(self, description: ElementDescription) -> Element:
        """Return the running element of a description, without its place in the tree.

        Raises
        ------
        ConfigurationError
            If its properties are wrong, or name an element that is not there, or it depends on
            itself.
        """
        element = self._built.get(description.key)
        if element is None:
            if description.key in self._under_way:
                self._cycle(description)
            self._under_way.append(description.key)
            try:
                make = _MAKERS.get(description.descriptor, driverless_point)
                element = make(self, description)
            except RecursionError:
                raise ConfigurationError(
                    self.model.file,
                    description.place.path,
                    "too many elements depend on each other in a row",
                    "Shorten the chain.",
                ) from None
            self._under_way.pop()
            self._built[description.key] = element
        return element

    def referenced(self, reference: JsonNode) -> Element:
        """Return the element that a key in the model means."""
        return self.element(self.model.resolve(reference))

    def source(self, reference: JsonNode) -> Element:
        """Return the element that a key means, which must have a value."""
        element = self.referenced(reference)
        if Attribute.VALUE not in element.table.index:
            reference.fault(
                f"{element.key!r} ({element.kind.type_text}) has no value",
                "Name an input, an output, a register or a signal.",
            )
        return element

    def check_attribute(self, reference: JsonNode) -> tuple[Element, int]:
        """Return the attribute that a key names: its element, and its position there."""
        description, name = self.model.resolve_member(reference)
        element = self.element(description)
        if name not in element.table.names:
            reference.fault(
                f"{element.key!r} ({element.kind.type_text}) has no attribute {name!r}",
                f"Take one of {', '.join(element.table.names)}.",
            )
        return element, element.table.names[name]

    def _cycle(self, description: ElementDescription) -> NoReturn:
        around = [*self._under_way[self._under_way.index(description.key) :], description.key]
        description.place.fault(
            f"the element depends on itself: {' -> '.join(around)}",
            "Let one of them take its value from elsewhere.",
        )


def build(
    model: Model, now: TimePoint, *, category_as_text: bool = True
) -> tuple[Kind, list[tuple[ElementDescription, Element]], Execution]:
    """Make all elements of a model.

    Returns
    -------
    tuple
        The kind of the root element; every element with its description, parents after their
        children, their places in the tree and their access lists not set yet; and what runs.

    Raises
    ------
    ConfigurationError
        If the model cannot be run.
    """
    builder = Builder(model, now, category_as_text=category_as_text)
    built = [(description, builder.element(description)) for description in model.by_key.values()]
    for description, _ in built:
        finish = FINISHERS.get(description.descriptor)
        if finish is not None:
            finish(builder, description)
    execution = Execution((element for _, element in built), builder.pipelines)
    return builder.kind(Category.ROOT_ELEMENT, "root element"), built, execution
