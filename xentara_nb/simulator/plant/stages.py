"""The operational stages of the server, and the ways from one to the other.

Start: start up, pre-operational, operational. Suspend: post-operational, suspended; resume:
pre-operational, operational. Shutdown: post-operational (if it was operational), shutdown, and the
server ends. A request that does not fit the present stage is refused. Tasks that belong to a stage
run on the way; a simulated plant needs no time for them.
"""

from __future__ import annotations

from xentara_nb.protocol.errors import InvalidStageChangeRequestError
from xentara_nb.protocol.identifiers import Stage
from xentara_nb.simulator.plant.plant import Plant

_UP = (Stage.PRE_OPERATIONAL, Stage.OPERATIONAL)


class StageMachine:
    """Takes a plant from stage to stage."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    @property
    def ended(self) -> bool:
        """Whether the server has been shut down."""
        return self._plant.stage in (Stage.SHUTDOWN, Stage.TERMINATED)

    def suspend(self) -> None:
        """Suspend the plant; raises InvalidStageChangeRequestError if it is not operational."""
        self._only_from(Stage.OPERATIONAL)
        self._walk(Stage.POST_OPERATIONAL, Stage.SUSPENDED)

    def resume(self) -> None:
        """Resume the plant; raises InvalidStageChangeRequestError if it is not suspended."""
        self._only_from(Stage.SUSPENDED)
        self._walk(*_UP)

    def shutdown(self) -> None:
        """End the server; raises InvalidStageChangeRequestError if it is ending already."""
        self._only_from(Stage.OPERATIONAL, Stage.SUSPENDED)
        post = (Stage.POST_OPERATIONAL,) if self._plant.stage is Stage.OPERATIONAL else ()
        self._walk(*post, Stage.SHUTDOWN)

    def _only_from(self, *stages: Stage) -> None:
        if self._plant.stage not in stages:
            raise InvalidStageChangeRequestError

    def _walk(self, *stages: Stage) -> None:
        for stage in stages:
            self._plant.enter(stage)
