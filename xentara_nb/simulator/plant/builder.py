"""From the description of a model to its running elements.

Elements are made in the order in which they need each other, by the factories of their descriptors.
What connects elements in both directions is done when all of them are there.
"""

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
from xentara_nb.simulator.plant.datapoints import DataPoint
from xentara_nb.simulator.plant.elements import Element, Identity, Kind, root_element
from xentara_nb.simulator.plant.execution import Execution, Pipeline
from xentara_nb.simulator.security.access import Acl

Factory: TypeAlias = "Callable[[Builder, ElementDescription], Element]"
"""Makes the running element of a description, without its place in the tree."""


class Builder:
    """The elements of a model that are built, each when it is first asked for.

    Factories append to ``wirings`` what is to be done when all elements are there, and to
    ``pipelines`` what runs.
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
        self.wirings: list[Callable[[], object]] = []
        self.pipelines: list[Pipeline] = []
        self._factories = factories
        self._category_as_text = category_as_text
        self._built: dict[str, Element] = {}
        # The keys of the elements that are being built, each needing the next one.
        self._pending: list[str] = []

    def build(self, acl: Acl) -> tuple[Element, Execution]:
        """Make all elements: the root, with the whole tree below it, and what runs.

        The access control list is the global one. Raises ConfigurationError.
        """
        elements = [self.element(description) for description in self.model.by_key.values()]
        for wire in self.wirings:
            wire()
        for element in elements:
            if isinstance(element, DataPoint):
                element.pair()
        root = root_element(acl.below(self.model.acl), category_as_text=self._category_as_text)
        waiting = [(root, self.model.children)]
        while waiting:
            parent, descriptions = waiting.pop()
            parent.children = tuple(map(self.element, descriptions))
            for child, description in zip(parent.children, descriptions, strict=True):
                child.parent = parent
                child.acl = parent.acl.below(description.acl)
                waiting.append((child, description.children))
        return root, Execution(elements, self.pipelines)

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
