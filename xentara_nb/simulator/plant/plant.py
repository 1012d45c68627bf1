"""The plant that a simulator serves: all running elements by UUID and key, and its stage.

The operational stages: at the start start up, pre-operational, operational; suspend goes through
post-operational to suspended, resume through pre-operational to operational; shutdown through
post-operational, if it was operational, to shutdown, and the server ends. A request that does not
fit the present stage is refused. Tasks that belong to a stage run on the way; a simulated plant
needs no time for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from uuid import UUID

from xentara_nb.protocol.errors import InvalidStageChangeRequestError, UnknownElementError
from xentara_nb.protocol.identifiers import Stage
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.model.model import Model, join_key, split_key
from xentara_nb.simulator.plant.builder import Builder
from xentara_nb.simulator.plant.elements import Element, walk
from xentara_nb.simulator.plant.execution import Execution
from xentara_nb.simulator.plant.factories import FACTORIES
from xentara_nb.simulator.security.access import SHUTDOWN, SUSPEND, Acl
from xentara_nb.simulator.security.settings import Security


class Plant:
    """All elements, and what is common to them.

    The access control list is the global one, for what does not belong to an element. The stage
    entitlements are those to suspend and resume, and to shut down. Elements that disappear are told
    to those in ``on_vanish``.
    """

    def __init__(
        self,
        root: Element,
        acl: Acl,
        file: str,
        clock: Callable[[], TimePoint] = TimePoint.now,
        stage_entitlements: tuple[str, str] = (SUSPEND, SHUTDOWN),
        execution: Execution | None = None,
    ) -> None:
        self.root = root
        self.acl = acl
        self.file = file
        self.clock = clock
        self.stage = Stage.OPERATIONAL
        self.stage_entitlements = stage_entitlements
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
        stage_entitlements: tuple[str, str] = (SUSPEND, SHUTDOWN),
    ) -> Plant:
        """Build the plant of a model; raises ConfigurationError if it cannot be run."""
        acl = security.global_acl
        builder = Builder(model, FACTORIES, clock(), category_as_text=category_as_text)
        root, execution = builder.build(acl)
        plant = cls(root, acl, model.file, clock, stage_entitlements, execution)
        plant.start()
        return plant

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[Element]:
        return iter(self._by_key.values())

    def start(self) -> None:
        """Start up: every pipeline that a timer triggers runs once before anyone connects."""
        self.enter(Stage.START_UP, Stage.PRE_OPERATIONAL, Stage.OPERATIONAL)
        for _ in self.execution.run(self.clock):
            pass

    def element(self, uuid: UUID) -> Element:
        """Return the element with a UUID, nil for the root; raises UnknownElementError."""
        try:
            return self._by_uuid[uuid]
        except KeyError:
            raise UnknownElementError from None

    def find(self, uuid: UUID) -> Element | None:
        """Return the element with a UUID, None if there is none."""
        return self._by_uuid.get(uuid)

    def lookup(self, key: str) -> Element:
        """Return the element with a primary key; raises UnknownElementError."""
        element = self._by_key.get(key)
        if element is None:
            # With brackets around a name that needs none it is the same key.
            with suppress(ValueError):
                element = self._by_key.get(join_key(split_key(key)))
        if element is None:
            raise UnknownElementError
        return element

    def enter(self, *stages: Stage) -> None:
        """Enter operational stages one after the other, and do what belongs to them."""
        for stage in stages:
            self.stage = stage
            self.execution.enter(stage, self.clock())

    def suspend(self) -> None:
        """Suspend the plant; raises InvalidStageChangeRequestError if it is not operational."""
        self._only_from(Stage.OPERATIONAL)
        self.enter(Stage.POST_OPERATIONAL, Stage.SUSPENDED)

    def resume(self) -> None:
        """Resume the plant; raises InvalidStageChangeRequestError if it is not suspended."""
        self._only_from(Stage.SUSPENDED)
        self.enter(Stage.PRE_OPERATIONAL, Stage.OPERATIONAL)

    def shutdown(self) -> None:
        """End the server; raises InvalidStageChangeRequestError if it is ending already."""
        self._only_from(Stage.OPERATIONAL, Stage.SUSPENDED)
        if self.stage is Stage.OPERATIONAL:
            self.enter(Stage.POST_OPERATIONAL)
        self.enter(Stage.SHUTDOWN)

    def _only_from(self, *stages: Stage) -> None:
        if self.stage not in stages:
            raise InvalidStageChangeRequestError

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

    def browse(self, start: UUID, depth: int | None = None) -> Iterator[Element]:
        """Return the elements below one.

        The order is not the model's, as with a real server: clients must not rely on it. Raises
        UnknownElementError.
        """
        return walk(self.element(start), depth)
