"""Configuration files: reading them, declaring what stands in them, and saying what is wrong.

Examples
--------
>>> class Server(Settings):
...     port: Annotated[int, whole_number(1, 65535)] = 8080
>>> parse_document('{"port": 80}', "server.json").validate(Server)
Server(port=80)
>>> parse_document('{"port": 0}', "server.json").validate(Server)
Traceback (most recent call last):
...
xentara_nb.simulator.documents.ConfigurationError: server.json: port: 0 is out of range. ...
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, NoReturn, TypeVar
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

from xentara_nb.errors import OptionError
from xentara_nb.paths import read_file
from xentara_nb.protocol.errors import XentaraError
from xentara_nb.protocol.text import quantity
from xentara_nb.suggestions import question

MAX_FILE = 256 << 20
"""The largest file of a configuration, in bytes: a model of some 500,000 elements."""


_CONFIGURATION = {"config.json", "users.json", "passwords.json", "security.json", "model.json"}
_LONGEST = 500  # characters of a message, about what is wrong
_LONGEST_QUOTE = 60  # characters of a text that a message quotes


class ConfigurationError(XentaraError):
    """A configuration that cannot be simulated: what is wrong, where, and what to do.

    Attributes
    ----------
    file : str
        The file, as it was named.
    place : str
        Where in the file, such as ``children[2].@Group.name``; empty for the file as a whole.
    problem : str
        What is wrong.
    hint : str
        What to do about it.
    """

    def __init__(self, file: str, place: str, problem: str, hint: str) -> None:
        self.file = file
        self.place = place
        self.problem = problem
        self.hint = hint
        super().__init__(file, place, problem, hint)

    def __str__(self) -> str:
        where = f"{self.file}: {self.place}" if self.place else self.file
        problem = self.problem
        if len(problem) > _LONGEST:  # what stands in a file may have any length
            problem = f"{problem[:_LONGEST]}…"
        return f"{where}: {problem}. {self.hint}"


def invalid(problem: str, hint: str) -> PydanticCustomError:
    """Return the error for a validator to raise; see :class:`ConfigurationError`."""
    return PydanticCustomError("configuration", "{problem}", {"problem": problem, "hint": hint})


def wrong_type(value: object, expected: str) -> PydanticCustomError:
    """Return the error for a value of another JSON type than the expected one."""
    return invalid(*_wrong_type(value, expected))


_S = TypeVar("_S", bound=BaseModel)


@dataclass(frozen=True, slots=True, eq=False)
class JsonNode:
    """A value of a configuration file, as JSON gave it, and the steps that lead to it there."""

    value: Any
    file: str
    steps: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return f"{self.file}: {self.path}" if self.steps else self.file

    @property
    def path(self) -> str:
        """The way from the top of the file to the value, such as ``users[0].UUID``."""
        shown = "".join(
            # A line break in a name must not make two lines of the message.
            f"[{step}]"
            if isinstance(step, int)
            else f".{step if step and step.isprintable() else quoted(step)}"
            for step in self.steps
        )
        return shown.removeprefix(".")

    def at(self, *steps: str | int) -> JsonNode:
        """Return the node of something in this value, which must be there."""
        value = self.value
        for step in steps:
            value = value[step]
        return JsonNode(value, self.file, (*self.steps, *steps))

    def items(self, name: str) -> Iterator[JsonNode]:
        """Return the nodes of the items of a member that is an array, if it is there."""
        for index in range(len(self.value.get(name, ()))):
            yield self.at(name, index)

    def fail(self, problem: str, hint: str) -> NoReturn:
        """Raise the error for this node."""
        raise ConfigurationError(self.file, self.path, problem, hint)

    def unique(self, name: str, key: object, seen: dict[Any, JsonNode], what: str) -> None:
        """Make sure that the key in a member has not been seen in another node, and note it."""
        if key in seen:
            other = seen[key].at(name).path
            self.at(name).fail(f"{what} {str(key)!r} is also at {other}", "Change one of them.")
        seen[key] = self

    def validate(self, settings: type[_S], context: Any = None) -> _S:
        """Return this value as an instance of a declared model; raises ConfigurationError.

        The context is what its validators need to know, such as the folder of the file.
        """
        try:
            return settings.model_validate(self.value, context=context)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
        node = self
        for step in first["loc"]:
            # Steps that lead nowhere name one of several forms that a value can have.
            with suppress(LookupError, TypeError):
                node = node.at(step)
        raise ConfigurationError(self.file, node.path, *_explain(first))


def _explain(error: ErrorDetails) -> tuple[str, str]:
    """Return what is wrong, and what to do, for an error of pydantic."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "configuration":
        return context["problem"], context["hint"]
    if kind == "string_too_short":
        return "the text is empty", "Fill it in."
    if kind == "too_short":
        found, wanted = context["actual_length"], context["min_length"]
        problem = f"the array has {found} of {wanted} items" if found else "the array is empty"
        return problem, f"List at least {quantity(wanted, 'item')}."
    if kind == "literal_error" and isinstance(value, str):
        return f"{quoted(value)} is not known here", f"Take {context['expected']}."
    if kind == "finite_number" or (kind == "float_type" and type(value) is int):
        return "the number is out of range", "Write one that a float can hold."
    if kind in _EXPECTED:
        return _wrong_type(value, _EXPECTED[kind])
    return error["msg"], "Look it up in the manual."


_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "an object, {...}",
    "float_type": "a number",
    "literal_error": "a text",
    "model_type": "an object, {...}",
    "string_type": "a text",
    "tuple_type": "an array, [...]",
}

_TYPES = {
    bool: "a boolean",
    str: "a text",
    list: "an array",
    dict: "an object",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def _wrong_type(value: object, expected: str) -> tuple[str, str]:
    return f"{_TYPES[type(value)]} stands here", f"Write {expected} instead."


def quoted(text: str) -> str:
    """Return a text in quotes, shortened if it is long."""
    return repr(text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…")


def read_document(path: Path, name: str, hint: str) -> JsonNode:
    """Read a JSON file; raises ConfigurationError, which calls the file by the name.

    The hint is what to do when the file is missing.
    """
    try:
        text = read_file(path, MAX_FILE).decode("utf-8-sig")
    except FileNotFoundError:
        problem = f"there is no such file in {path.parent}"
        hint = f"{beside(path)} {hint}".strip()
    except OSError as error:
        problem, hint = f"the file cannot be read ({error.strerror or error})", f"Look at {path}."
    except OptionError as error:
        problem, hint = f"the file cannot be read ({error})", f"Look at {path}."
    except UnicodeDecodeError as error:
        problem, hint = f"byte {error.start} is not UTF-8", "Save the file as UTF-8."
    else:
        return parse_document(text, name)
    raise ConfigurationError(name, "", problem, hint)


def beside(path: Path) -> str:
    """Return the question whether another file of the folder was meant; or nothing.

    The others that every configuration has are not meant.
    """
    if os.path.islink(path):
        return f"It is a link to {quoted(os.readlink(path))}."
    with suppress(OSError):
        names = {each.name for each in path.parent.iterdir()} - _CONFIGURATION
        return question(path.name, sorted(names))
    return ""


def parse_document(text: str, name: str) -> JsonNode:
    """Read the text of a JSON file; raises as :func:`read_document`."""
    repeated: list[_Repeated] = []

    def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            value = _Repeated(value)
            value.name = Counter(member for member, _ in pairs).most_common(1)[0][0]
            repeated.append(value)
        return value

    place = ""
    try:
        value = json.loads(text, object_pairs_hook=make_object, parse_constant=_no_constant)
        document = JsonNode(value, name)
        if repeated or _SURROGATE_ESCAPE.search(text):
            _check_names_and_texts(document)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        problem, hint = _not_json(error)
    except ValueError as error:
        # NaN or an infinity, or a number of more digits than Python is willing to read.
        problem, hint = f"a number cannot be read ({error})", "Write a finite, shorter number."
    except RecursionError:
        problem, hint = "the objects are nested too deeply", "Use fewer levels."
    else:
        return document
    raise ConfigurationError(name, place, problem, hint)


def _not_json(error: json.JSONDecodeError) -> tuple[str, str]:
    """Return what is wrong where a text is no JSON, and what to do: people leave traces there."""
    before, after = error.doc[: error.pos].rstrip(), error.doc[error.pos :].lstrip()
    if not before and not after:
        return "the file is empty", "Copy it again."
    if "\0" in error.doc:
        return "this is not UTF-8", "Save the file as UTF-8."
    if after.startswith(("//", "/*", "#")):
        return "JSON has no comments", "Take it out."
    # Python 3.13 says where the comma is, the older ones what stands behind it.
    if f"{before[-1:]}{after[:1]}" in (",}", ",]") or re.match(r",\s*[]}]", after):
        return "there is a comma behind the last item", "Take it out."
    if error.msg == "Extra data":
        return "something follows the end of the document", "Take it out, or look for a bracket."
    hint = "Look for a missing comma, quote or bracket there or just before."
    return f"this is not JSON ({error.msg})", hint


class _Repeated(dict[str, Any]):
    """A JSON object in which a member came twice; JSON itself would keep the last one silently."""

    name: str


# Half of a surrogate pair, which JSON lets through in this form, is no character and cannot be
# sent.
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def _check_names_and_texts(node: JsonNode) -> None:
    value = node.value
    if isinstance(value, _Repeated):
        node.fail(f"the member {quoted(value.name)} comes twice", "Take one of the two out.")
    if isinstance(value, str) and _SURROGATE.search(value):
        node.fail("the text holds half a character", "Write both halves, or the character.")
    steps: Iterable[str | int] = value if isinstance(value, dict) else ()
    for step in range(len(value)) if isinstance(value, list) else steps:
        if isinstance(step, str) and _SURROGATE.search(step):
            node.at(step).fail("the name holds half a character", "Write both halves of it.")
        _check_names_and_texts(node.at(step))


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"JSON has no number {text}")


class Settings(BaseModel):
    """An object in a configuration file; a subclass declares its members.

    Members have the names of the fields in camel case. A member is either left out or has a value:
    null is an error. So is a member that is not declared, unless the subclass allows it with
    ``extra`` in its ``model_config``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    hints: ClassVar[Mapping[str, str]] = {}
    """What to do when a member is missing, where the name alone does not say it."""

    @model_validator(mode="before")
    @classmethod
    def _check_members(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        declared = _members(cls)
        for name, required in declared.items():
            if name not in value:
                if required:
                    hint = cls.hints.get(name, f"Add {name!r}.")
                    raise invalid(f"the member {name!r} is missing", hint)
            elif value[name] is None:
                raise invalid(f"the member {name!r} is null", "Give it a value, or leave it out.")
        if cls.model_config.get("extra") == "forbid":
            for name in value:
                if name not in declared:
                    hint = f"Take it out, or spell it as one of: {', '.join(declared)}."
                    raise invalid(
                        f"there is no member {quoted(name)} here",
                        f"{question(name, declared)} {hint}".strip(),
                    )
        return value


class Document(Settings):
    """The outermost object of a configuration file, which may name its schema."""

    json_schema: Any = Field(default=None, alias="$schema")


@cache
def _members(settings: type[Settings]) -> dict[str, bool]:
    """Return the names of the members, and whether each is required."""
    return {
        field.alias or name: field.is_required() for name, field in settings.model_fields.items()
    }


def whole_number(low: int, high: int) -> BeforeValidator:
    """Return the validator of a whole number between two limits."""

    def check(value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(value, "a whole number")
        if not low <= value <= high:
            raise invalid(f"{value} is out of range", f"Give a number from {low} to {high}.")
        return value

    return BeforeValidator(check)


def from_text(parse: Callable[[str], Any]) -> BeforeValidator:
    """Return the validator of what is written as a text; the function makes the value of it."""

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            raise wrong_type(value, "a text")
        return parse(value)

    return BeforeValidator(check)


def one_of(values: Mapping[str, Any], what: str) -> BeforeValidator:
    """Return the validator of a text that stands for a value, and of which there are only these."""

    def parse(text: str) -> Any:
        if text not in values:
            choices = ", ".join(map(repr, values))
            hint = f"{question(text, values)} Take one of {choices}.".strip()
            raise invalid(f"there is no {what} {quoted(text)}", hint)
        return values[text]

    return from_text(parse)


def _parse_uuid(text: str) -> UUID:
    try:
        uuid = UUID(text)
    except ValueError:
        uuid = None
    # Python also reads UUIDs in braces and without hyphens, a server does not.
    if uuid is None or str(uuid) != text.lower():
        raise invalid(
            f"{quoted(text)} is not a UUID",
            "Write it as 8-4-4-4-12 hexadecimal digits, such as "
            "'e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8'.",
        )
    if not uuid.int:
        raise invalid("the nil UUID stands for the root element", "Give another UUID.")
    return uuid


Text = Annotated[str, Field(min_length=1)]
"""A text that is not empty."""
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A number, which is no boolean and finite."""
JsonUuid = Annotated[UUID, from_text(_parse_uuid)]
"""A UUID other than the nil one, written as a server writes it."""
