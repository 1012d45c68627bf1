"""The plant that a simulator serves: all running elements, by UUID and by primary key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from uuid import UUID

from xentara_nb.protocol.errors import UnknownElementError
from xentara_nb.protocol.identifiers import Stage
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.model.model import Model, join_key, split_key
from xentara_nb.simulator.plant.builder import build
from xentara_nb.simulator.plant.elements import Element
from xentara_nb.simulator.plant.execution import Execution
from xentara_nb.simulator.security.access import STAGE_ENTITLEMENTS, Acl, StageEntitlements
from xentara_nb.simulator.security.settings import Security


class Plant:
    """All elements, and what is common to them.

    Parameters
    ----------
    root : Element
        The root element, with the whole tree below it.
    acl : Acl
        The global access control list, for what does not belong to an element.
    file : str
        Where the model came from.
    clock : callable
        Gives the time.
    entitlements : StageEntitlements
        Which entitlements a stage change needs.
    execution : Execution, optional
        What runs in the plant.

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
        entitlements: StageEntitlements = STAGE_ENTITLEMENTS,
        execution: Execution | None = None,
    ) -> None:
        self.root = root
        self.acl = acl
        self.file = file
        self.clock = clock
        self.stage = Stage.OPERATIONAL
        self.entitlements = entitlements
        self.execution = Execution() if execution is None else execution
        self.on_vanish: list[Callable[[Element], None]] = []
        self._hidden: list[tuple[Element, Sequence[Element]]] = []
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
        entitlements: StageEntitlements = STAGE_ENTITLEMENTS,
    ) -> Plant:
        """Build the plant of a model.

        Raises
        ------
        ConfigurationError
            If the model cannot be run.
        """
        acl = security.global_acl
        root, execution = build(model, acl, clock(), category_as_text=category_as_text)
        plant = cls(root, acl, model.file, clock, entitlements, execution)
        plant.start()
        return plant

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[Element]:
        return iter(self._by_key.values())

    def start(self) -> None:
        """Start up: every pipeline that a timer triggers runs once before anyone connects."""
        for stage in (Stage.START_UP, Stage.PRE_OPERATIONAL, Stage.OPERATIONAL):
            self.enter(stage)
        for _ in self.execution.run(self.clock):
            pass

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

    def find(self, uuid: UUID) -> Element | None:
        """Return the element with a UUID, None if there is none."""
        return self._by_uuid.get(uuid)

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

    def enter(self, stage: Stage) -> None:
        """Enter an operational stage, and do what belongs to it."""
        self.stage = stage
        self.execution.enter(stage, self.clock())

    def hide(self, element: Element) -> None:
        """Take an element, and those below it, out of the plant."""
        parent = element.parent
        if parent is None or element.uuid not in self._by_uuid:
            return
        self._hidden.append((parent, parent.children))
        parent.children = tuple(child for child in parent.children if child is not element)
        for gone in (element, *walk(element)):
            del self._by_uuid[gone.uuid], self._by_key[gone.key]
            for notify in tuple(self.on_vanish):
                notify(gone)

    def show_all(self) -> None:
        """Bring back what was hidden."""
        while self._hidden:
            parent, children = self._hidden.pop()
            parent.children = children
            for element in walk(parent):
                self._by_uuid[element.uuid] = element
                self._by_key[element.key] = element

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
