"""What building an element needs of the rest of the model; factories and wiring share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import NoReturn, TypeAlias

from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import Attribute, Category
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.documents import JsonNode
from xentara_nb.simulator.model.model import ElementDescription, Model
from xentara_nb.simulator.model.references import References, find_references
from xentara_nb.simulator.plant.elements import Element, Identity, Kind

Factory: TypeAlias = "Callable[[BuildContext, ElementDescription], Element]"
"""Makes the running element of a description, without its place in the tree."""


class BuildContext:
    """The elements of a model that are built, each when it is first asked for.

    Parameters
    ----------
    model : Model
        The description.
    factories : mapping of str to Factory
        The factories by descriptor; a default dictionary has one for all other elements.
    now : TimePoint
        The time of the first readings.
    category_as_text : bool
        Whether reading the attribute ``category`` gives a text, as servers were seen to do.
    """

    def __init__(
        self,
        model: Model,
        factories: Mapping[str, Factory],
        now: TimePoint,
        *,
        category_as_text: bool,
    ) -> None:
        self.model = model
        self.now = now
        self.warned: set[str] = set()
        self._factories = factories
        self._category_as_text = category_as_text
        self._built: dict[str, Element] = {}
        # The keys of the elements that are being built, each needing the next one.
        self._pending: list[str] = []

    @cached_property
    def references(self) -> dict[str, References]:
        """What the elements are used for, by their primary keys."""
        return find_references(self.model)

    def identity(
        self, description: ElementDescription, category: Category, type_text: str
    ) -> Identity:
        """Return what the running element of a description is."""
        kind = Kind.of(category, type_text, category_as_text=self._category_as_text)
        return Identity(kind, description.uuid, description.key, description.name)

    def element(self, description: ElementDescription) -> Element:
        """Return the running element of a description, without its place in the tree."""
        element = self._built.get(description.key)
        if element is None:
            if description.key in self._pending:
                self._fail_cycle(description)
            self._pending.append(description.key)
            try:
                element = self._factories[description.descriptor](self, description)
            except RecursionError:
                description.node.fail(
                    "too many elements depend on each other in a row", "Shorten the chain."
                )
            self._pending.pop()
            self._built[description.key] = element
        return element

    def source(self, reference: JsonNode) -> tuple[Element, AttributeInfo]:
        """Return the element that a key means, which must have a value, and what is its value."""
        element = self.element(self.model.resolve(reference))
        value = element.table.info(Attribute.VALUE)
        if value is None:
            reference.fail(
                f"{element.key!r} ({element.kind.type_text}) has no value",
                "Name an input, an output, a register or a signal.",
            )
        return element, value

    def member(self, reference: JsonNode) -> tuple[Element, str]:
        """Return the element of a task or an event that a key means, and the name of that."""
        description, name = self.model.resolve_member(reference)
        return self.element(description), name

    def attribute(self, reference: JsonNode) -> tuple[Element, int]:
        """Return the attribute that a key names: its element, and its position there."""
        element, name = self.member(reference)
        if name not in element.table.names:
            reference.fail(
                f"{element.key!r} ({element.kind.type_text}) has no attribute {name!r}",
                f"Take one of {', '.join(element.table.names)}.",
            )
        return element, element.table.names[name]

    def _fail_cycle(self, description: ElementDescription) -> NoReturn:
        around = [*self._pending[self._pending.index(description.key) :], description.key]
        description.node.fail(
            f"the element depends on itself: {' -> '.join(around)}",
            "Let one of them take its value from elsewhere.",
        )
