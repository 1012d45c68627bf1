"""From the description of a model to its running elements.

Elements are made in the order in which they depend on each other, by :mod:`.factories` for the
skills that the simulator knows and by :mod:`.points` for all others; :mod:`.wiring` then connects
them.
"""

from __future__ import annotations

from collections import defaultdict

from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.model.model import ElementDescription, Model
from xentara_nb.simulator.plant.context import BuildContext
from xentara_nb.simulator.plant.elements import Element
from xentara_nb.simulator.plant.execution import Execution
from xentara_nb.simulator.plant.factories import FACTORIES
from xentara_nb.simulator.plant.points import driverless_point, simulated_point
from xentara_nb.simulator.plant.wiring import WIRING, wire_pipeline

_FACTORIES = defaultdict(
    lambda: driverless_point, {**FACTORIES, "@Skill.Simulator.Point": simulated_point}
)


def build(
    model: Model, now: TimePoint, *, category_as_text: bool = True
) -> tuple[list[tuple[ElementDescription, Element]], Execution]:
    """Make all elements of a model.

    Parameters
    ----------
    model : Model
        The description.
    now : TimePoint
        The time of the first readings.
    category_as_text : bool
        As for :class:`BuildContext`.

    Returns
    -------
    tuple
        Every element with its description, parents after their children, their places in the
        tree and their access lists not set yet; and what runs.

    Raises
    ------
    ConfigurationError
        If the model cannot be run.
    """
    context = BuildContext(model, _FACTORIES, now, category_as_text=category_as_text)
    built = [(description, context.element(description)) for description in model.by_key.values()]
    pipelines = []
    for description, _ in built:
        if description.descriptor == "@Pipeline":
            pipelines.append(wire_pipeline(context, description))
        elif description.descriptor in WIRING:
            WIRING[description.descriptor](context, description)
    execution = Execution((element for _, element in built), pipelines)
    return built, execution
