"""From the description of a model to its running elements.

Elements are made in the order in which they depend on each other, by :mod:`.factories` for the
skills that the simulator knows and by :mod:`.points` for all others; :mod:`.wiring` then connects
them.
"""

from __future__ import annotations

from collections import defaultdict

from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.model.model import Model
from xentara_nb.simulator.plant.context import BuildContext
from xentara_nb.simulator.plant.datapoints import DataPoint
from xentara_nb.simulator.plant.elements import Element, root_element
from xentara_nb.simulator.plant.execution import Execution
from xentara_nb.simulator.plant.factories import FACTORIES
from xentara_nb.simulator.plant.points import driverless_point, simulated_point
from xentara_nb.simulator.plant.wiring import WIRING, wire_pipeline
from xentara_nb.simulator.security.access import Acl

_FACTORIES = defaultdict(
    lambda: driverless_point, {**FACTORIES, "@Skill.Simulator.Point": simulated_point}
)


def build(
    model: Model, acl: Acl, now: TimePoint, *, category_as_text: bool
) -> tuple[Element, Execution]:
    """Make all elements of a model: the root, with the whole tree below it, and what runs.

    The access control list is the global one, and the time that of the first readings.

    Raises
    ------
    ConfigurationError
        If the model cannot be run.
    """
    context = BuildContext(model, _FACTORIES, now, category_as_text=category_as_text)
    elements = [context.element(description) for description in model.by_key.values()]
    pipelines = []
    for description in model.by_key.values():
        if description.descriptor == "@Pipeline":
            pipelines.append(wire_pipeline(context, description))
        elif description.descriptor in WIRING:
            WIRING[description.descriptor](context, description)
    for element in elements:
        if isinstance(element, DataPoint):
            element.pair()
    root = root_element(acl.below(model.acl), category_as_text=category_as_text)
    waiting = [(root, model.children)]
    while waiting:
        parent, descriptions = waiting.pop()
        parent.children = tuple(map(context.element, descriptions))
        for child, description in zip(parent.children, descriptions, strict=True):
            child.parent = parent
            child.acl = parent.acl.below(description.acl)
            waiting.append((child, description.children))
    return root, Execution(elements, pipelines)
