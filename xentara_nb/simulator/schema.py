"""Declaring what stands in a configuration file, for pydantic to check.

Examples
--------
>>> from xentara_nb.simulator.documents import parse_document
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

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from xentara_nb.simulator.documents import invalid, quoted, wrong_type


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
                    raise invalid(
                        f"there is no member {quoted(name)} here",
                        f"Take it out, or spell it as one of: {', '.join(declared)}.",
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
            raise invalid(f"there is no {what} {quoted(text)}", f"Take one of {choices}.")
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
