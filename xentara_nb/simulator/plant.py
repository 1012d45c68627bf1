"""The plant that a simulator serves: all running elements, by UUID and by primary key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from uuid import UUID

from xentara_nb.protocol.errors import UnknownElementError
from xentara_nb.protocol.identifiers import NIL_UUID, Stage
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.access import Acl
from xentara_nb.simulator.building import build
from xentara_nb.simulator.configuration import Security
from xentara_nb.simulator.elements import Element, Kind, table
from xentara_nb.simulator.model import Model, join_key, split_key
from xentara_nb.simulator.signals import Sampler


class Plant:
    """All elements, and what is common to them.

    Parameters
    ----------
    root : Element
        The root element, with the whole tree below it.
    acl : Acl
        The global access control list, which decides on what is no matter of an element.
    file : str
        Where the model came from.
    clock : callable
        Gives the time; tests bring their own.

    Attributes
    ----------
    stage : Stage
        The operational stage.
    """

    def __init__(
        self,
        root: Element,
        acl: Acl,
        file: str,
        clock: Callable[[], TimePoint] = TimePoint.now,
    ) -> None:
        self.root = root
        self.acl = acl
        self.file = file
        self.clock = clock
        self.stage = Stage.OPERATIONAL
        self._by_uuid: dict[UUID, Element] = {root.uuid: root}
        self._by_key: dict[str, Element] = {}
        for element in walk(root):
            self._by_uuid[element.uuid] = element
            self._by_key[element.key] = element

    @classmethod
    def from_model(
        cls,
        model: Model,
        security: Security,
        clock: Callable[[], TimePoint] = TimePoint.now,
        *,
        category_as_text: bool = True,
    ) -> Plant:
        """Build the plant of a model.

        Raises
        ------
        ConfigurationError
            If the model cannot be run.
        """
        root_kind, built = build(model, clock(), category_as_text=category_as_text)
        elements = {description.key: element for description, element in built}
        global_acl = global_list(security)
        root = root_element(root_kind, global_acl.below(model.acl))
        root.children = tuple(elements[child.key] for child in model.children)
        for description, element in built:
            element.children = tuple(elements[child.key] for child in description.children)
        acls = {description.key: description.acl for description, _ in built}
        for parent in (root, *walk(root)):
            for child in parent.children:
                child.parent = parent
                child.acl = parent.acl.below(acls[child.key])
        plant = cls(root, global_acl, model.file, clock)
        plant.start()
        return plant

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[Element]:
        return iter(self._by_key.values())

    def start(self) -> None:
        """Let every sampler generate once, so that there is something to see from the start."""
        now = self.clock()
        for element in self:
            if isinstance(element, Sampler):
                element.generate(now)

    def element(self, uuid: UUID) -> Element:
        """Return the element with a UUID, the nil UUID being the root.

        Raises
        ------
        UnknownElementError
            If there is none.
        """
        try:
            return self._by_uuid[uuid]
        except KeyError:
            raise UnknownElementError from None

    def lookup(self, key: str) -> Element:
        """Return the element with a primary key.

        Raises
        ------
        UnknownElementError
            If there is none.
        """
        element = self._by_key.get(key)
        if element is None:
            # With brackets around a name that needs none it is the same key.
            with suppress(ValueError):
                element = self._by_key.get(join_key(split_key(key)))
        if element is None:
            raise UnknownElementError
        return element

    def browse(
        self, start: UUID, depth: int | None = None, categories: Collection[int] | None = None
    ) -> Iterator[Element]:
        """Return the elements below one, but not that one itself.

        The order is not the model's, as with a real server: clients must not rely on it.

        Parameters
        ----------
        start : UUID
            The element to start from, nil for the root.
        depth : int, optional
            How many levels to go down; all of them when left out.
        categories : collection of int, optional
            The categories to return. The walk goes through the others all the same.

        Raises
        ------
        UnknownElementError
            If there is no such element.
        """
        found = walk(self.element(start), depth)
        if categories is None:
            return found
        wanted = frozenset(categories)
        return (element for element in found if element.kind.category in wanted)


def walk(start: Element, depth: int | None = None) -> Iterator[Element]:
    """Return every element below one, down to a depth."""
    waiting = [(start, 0)]
    while waiting:
        element, level = waiting.pop()
        if level:
            yield element
        if depth is None or level < depth:
            waiting += ((child, level + 1) for child in element.children)


def global_list(security: Security) -> Acl:
    """Return the access control list of a security configuration."""
    return Acl.default(security.entitlements).below(security.acl)


def root_element(kind: Kind, acl: Acl) -> Element:
    """Return the root of an element tree: it has no name, and its UUID is nil."""
    return Element(kind, NIL_UUID, "", "", table(), [], acl)
