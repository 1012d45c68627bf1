"""Reading configuration files, so that every fault names its file, its place and its mend.

A :class:`JsonNode` is a value together with where it stands: ``model.json``,
``children[2].@Group.name``. Whoever reads a configuration asks a place for what it must hold and
never sees an error that says nothing about where.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

from xentara_nb.protocol.errors import XentaraError


class ConfigurationError(XentaraError):
    """A configuration that cannot be simulated: what is wrong, where, and how to mend it.

    Attributes
    ----------
    file : str
        The file, as it was named.
    place : str
        Where in the file, such as ``children[2].@Group.name``; empty for the file as a whole.
    problem : str
        What is wrong.
    mend : str
        What to do about it.
    """

    def __init__(self, file: str, place: str, problem: str, mend: str) -> None:
        self.file = file
        self.place = place
        self.problem = problem
        self.mend = mend
        super().__init__(file, place, problem, mend)

    def __str__(self) -> str:
        where = f"{self.file}: {self.place}" if self.place else self.file
        return f"{where}: {self.problem}. {self.mend}"


class _Repeated(dict[str, Any]):
    """A JSON object in which a member came twice; JSON itself would keep the last one silently."""

    name = ""


class JsonNode:
    """A value of a configuration file and where it stands.

    Parameters
    ----------
    value
        The value, as JSON gave it.
    file : str
        The name of the file.
    step : str or int
        The way to the value: from the top of the file, or the last step from the place above.
    above : JsonNode, optional
        What the value is a member or item of.
    """

    __slots__ = ("_above", "_step", "file", "value")

    def __init__(
        self, value: Any, file: str, step: str | int = "", above: JsonNode | None = None
    ) -> None:
        self.value = value
        self.file = file
        # The path is put together when somebody asks for it: nearly nobody does.
        self._step = step
        self._above = above

    def __str__(self) -> str:
        return f"{self.file}: {self.path}" if self.path else self.file

    @property
    def path(self) -> str:
        """The way from the top of the file to the value."""
        steps: list[str] = []
        place: JsonNode | None = self
        while place is not None:
            step = place._step
            if isinstance(step, int):
                steps.append(f"[{step}]")
            elif step:
                # A line break in a name must not make two lines of the message.
                shown = step if step.isprintable() else _shown(step)
                above = place._above
                steps.append(f".{shown}" if above is not None and above._step != "" else shown)
            place = place._above
        return "".join(reversed(steps))

    def fault(self, problem: str, mend: str) -> NoReturn:
        """Raise the error for this place."""
        raise ConfigurationError(self.file, self.path, problem, mend)

    def has(self, name: str) -> bool:
        """Whether this object has the member."""
        return name in self.content()

    def content(self) -> dict[str, Any]:
        """Return this place's value, which must be an object."""
        value = self.value
        if type(value) is dict:
            return value
        if isinstance(value, _Repeated):
            self.fault(f"the member {_shown(value.name)} comes twice", "Take one of the two out.")
        if not isinstance(value, dict):
            self._wrong_kind("an object, {...}")
        return value

    def member(self, name: str, mend: str | None = None) -> JsonNode:
        """Return a member that this object must have."""
        content = self.content()
        if name not in content:
            self.fault(f"the member {_shown(name)} is missing", mend or f"Add {_shown(name)}.")
        return JsonNode(content[name], self.file, name, self)

    def optional(self, name: str) -> JsonNode | None:
        """Return a member that this object may have."""
        content = self.content()
        return JsonNode(content[name], self.file, name, self) if name in content else None

    def members(self) -> Iterator[tuple[str, JsonNode]]:
        """Return all members of this object."""
        for name, value in self.content().items():
            yield name, JsonNode(value, self.file, name, self)

    def only(self, *names: str) -> None:
        """Make sure that the object has no member beyond these."""
        for name in self.content():
            if name not in names:
                self.fault(
                    f"there is no member {_shown(name)} here",
                    f"Take it out, or spell it as one of: {', '.join(names)}.",
                )

    def items(self) -> Iterator[JsonNode]:
        """Return the items of this array."""
        if not isinstance(self.value, list):
            self._wrong_kind("an array, [...]")
        for index, value in enumerate(self.value):
            yield JsonNode(value, self.file, index, self)

    def text(self, *, empty: bool = False) -> str:
        """Return this text."""
        if not isinstance(self.value, str):
            self._wrong_kind("a text")
        if not self.value and not empty:
            self.fault("the text is empty", "Fill it in.")
        return self.value

    def number(self) -> int | float:
        """Return this number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            self._wrong_kind("a number")
        try:
            finite = math.isfinite(self.value)
        except OverflowError:
            finite = False
        if not finite:
            self.fault("the number is out of range", "Write one that a float can hold.")
        # A whole number of more than 64 bits is a float to everyone but Python.
        return self.value if abs(self.value) < 1 << 64 else float(self.value)

    def integer(self, low: int, high: int) -> int:
        """Return this whole number between two limits."""
        value = self.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self._wrong_kind("a whole number")
        if not low <= value <= high:
            self.fault(f"{value} is out of range", f"Give a number from {low} to {high}.")
        return value

    def boolean(self) -> bool:
        """Return this boolean."""
        if not isinstance(self.value, bool):
            self._wrong_kind("true or false")
        return self.value

    def uuid(self) -> UUID:
        """Return this UUID, which must not be nil."""
        text = self.text()
        try:
            uuid = UUID(text)
        except ValueError:
            uuid = None
        # Python also reads UUIDs in braces and without hyphens, a server does not.
        if uuid is None or str(uuid) != text.lower():
            self.fault(
                f"{_shown(text)} is not a UUID",
                "Write it as 8-4-4-4-12 hexadecimal digits, such as "
                "'e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8'.",
            )
        if not uuid.int:
            self.fault("the nil UUID stands for the root element", "Give another UUID.")
        return uuid

    def once(self, seen: dict[Any, JsonNode], value: object, what: str) -> None:
        """Make sure that a value which must be unique has not been seen, and note it as seen."""
        if value in seen:
            self.fault(
                f"{what} {str(value)!r} is also at {seen[value].path}", "Change one of them."
            )
        seen[value] = self

    def _wrong_kind(self, expected: str) -> NoReturn:
        self.fault(f"{_kind(self.value)} stands here", f"Write {expected} instead.")


def read_document(path: Path, name: str, mend: str) -> JsonNode:
    """Read a JSON file.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        How errors are to call it.
    mend : str
        What to do when the file is missing.

    Raises
    ------
    ConfigurationError
        If the file is missing, unreadable, no UTF-8, no JSON, or nested too deeply.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(
            name, "", f"there is no such file in {path.parent}", mend
        ) from None
    except OSError as error:
        raise ConfigurationError(
            name, "", f"the file cannot be read ({error.strerror or error})", f"Look at {path}."
        ) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            name, "", f"byte {error.start} is not UTF-8", "Save the file as UTF-8."
        ) from None
    return parse_document(text, name)


def parse_document(text: str, name: str) -> JsonNode:
    """Read the text of a JSON file; raises as :func:`read_document`."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
        if _SURROGATE.search(text):
            _check_texts(JsonNode(value, name))
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            name,
            f"line {error.lineno}, column {error.colno}",
            f"this is not JSON ({error.msg})",
            "Look for a missing comma, quote or bracket there or just before.",
        ) from None
    except _NoConstantError as error:
        raise ConfigurationError(
            name, "", f"JSON has no number {error}", "Write a finite number."
        ) from None
    except ValueError as error:
        # A number of more digits than Python is willing to read.
        raise ConfigurationError(
            name, "", f"a number cannot be read ({error})", "Write a shorter number."
        ) from None
    except RecursionError:
        raise ConfigurationError(
            name, "", "the objects are nested too deeply", "Use fewer levels."
        ) from None
    return JsonNode(value, name)


# Half of a pair, which JSON lets through in this form, is no character and cannot be sent.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _check_texts(place: JsonNode) -> None:
    if isinstance(place.value, str) and not _is_text(place.value):
        place.fault("the text holds half a character", "Write both halves, or the character.")
    if isinstance(place.value, list):
        for item in place.items():
            _check_texts(item)
    elif isinstance(place.value, dict) and not isinstance(place.value, _Repeated):
        for name, member in place.members():
            if not _is_text(name):
                member.fault("the name holds half a character", "Write both halves of it.")
            _check_texts(member)


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


class _NoConstantError(ValueError):
    """NaN or an infinity, which Python's parser would take."""


def _no_constant(text: str) -> NoReturn:
    raise _NoConstantError(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    repeated = _Repeated(value)
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            repeated.name = name
        seen.add(name)
    return repeated


def _kind(value: object) -> str:
    """Say what kind of JSON value this is."""
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    return "null"


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (str, "a text"),
    (list, "an array"),
    (dict, "an object"),
    (int, "a number"),
    (float, "a number"),
)


def _shown(text: str, limit: int = 60) -> str:
    return repr(text if len(text) <= limit else text[:limit] + "…")
