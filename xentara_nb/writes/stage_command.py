"""The changes of the operational stage that can be asked of a server."""

from __future__ import annotations

from enum import StrEnum


class StageCommand(StrEnum):
    """What can be asked of a server, as policies and errors name it."""

    SUSPEND = "suspend"
    RESUME = "resume"
    SHUT_DOWN = "shut_down"

    @property
    def meaning(self) -> str:
        """What it does."""
        return _MEANINGS[self]


_MEANINGS = {
    StageCommand.SUSPEND: "stops the plant: no pipeline runs until it is resumed",
    StageCommand.RESUME: "starts the pipelines of the plant again",
    StageCommand.SHUT_DOWN: "ends the server, which cannot be started again from here",
}
