"""Where to look whether a write took effect, for devices that answer with another point.

``{"Plant.Valve.Command": "Plant.Valve.Position"}`` says that the value of the position follows what
is written to the command; ``("Plant.Valve.Position", 0.5)`` in its place, how far it may be off. In
a policy file that is a table::

    [verify_on]
    "Plant.Valve.Command" = "Plant.Valve.Position"
    "Plant.Fan.Command" = { read = "Plant.Fan.Speed", tolerance = 0.5 }

A key that no element has is an error with the first write: it would be passed over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from xentara_nb.errors import OptionError
from xentara_nb.protocol.values import is_number
from xentara_nb.tables.references import uuid_in

VerifyOnLike: TypeAlias = "Mapping[Any, Any] | str | UUID | tuple[Any, float] | None"
"""The element to read back by the key, or UUID, of the one that is written; or it alone."""


class Feedback(NamedTuple):
    """The element whose value follows what is written, and how far it may be off."""

    element: str | UUID
    tolerance: float | None = None  # that of the whole plan where there is none

    @classmethod
    def of(cls, given: Any) -> Feedback:
        """Read what a user gives: an element, or one with a tolerance; OptionError for the rest."""
        if isinstance(given, Feedback):
            return given
        element, tolerance = given, None
        if isinstance(given, tuple | list) and len(given) == 2:
            element, tolerance = given
        elif isinstance(given, Mapping):
            if not {"read"} <= set(given) <= {"read", "tolerance"}:
                raise OptionError(
                    f"verify_on: {dict(given)!r} does not have read, and perhaps tolerance"
                )
            element, tolerance = given["read"], given.get("tolerance")
        if not isinstance(element, str | UUID) or not element:
            raise OptionError(f"verify_on: {element!r} is no key and no UUID")
        if tolerance is not None and not (is_number(tolerance) and 0 <= tolerance < math.inf):
            raise OptionError(f"verify_on: the tolerance {tolerance!r} is no number from 0 up")
        return cls(element, None if tolerance is None else float(tolerance))


def feedbacks(given: object) -> dict[str, Feedback]:
    """Return where to look by the key of what is written; OptionError where it makes no sense."""
    if not isinstance(given, Mapping):
        raise OptionError("verify_on: it must give an element for each key, such as {'A': 'B'}")
    found = {}
    for key, element in given.items():
        if not isinstance(key, str | UUID) or not key:
            raise OptionError(f"verify_on: {key!r} is no primary key and no UUID")
        # However a UUID is written, it is one.
        found[str(uuid_in(key) or key)] = Feedback.of(element)
    return found
