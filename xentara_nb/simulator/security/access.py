"""Who may do what: roles, entitlements and access control lists.

Lists are inherited: the default list, the global one (``security.json``), the model's, and those
of the elements from the top level down. Every list adds to what stands above it, for each role by
itself, and ``"inherit": false`` drops what stands above. A client has an entitlement when one
of its roles has it in the end; so a denial for ``Everyone`` does not take from administrators
what a list allows to administrators.

Examples
--------
>>> top = Acl.default().below(AclSettings(entries=(AclEntry(role="Everyone", deny=("read",)),)))
>>> element = top.below(AclSettings(entries=(AclEntry(role="Operator", allow=("read", "write")),)))
>>> top.allows(roles("Operator"), "read"), element.allows(roles("Operator"), "read")
(False, True)
>>> element.allows(roles(), "write")
False
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import StrictBool

from xentara_nb.simulator.documents import Settings, Text

EVERYONE = "Everyone"
"""The role that every client has."""

READ = "read"
WRITE = "write"
CONNECT = "websocket.connect"
ANY_CONNECT = ".connect"
"""How the names of entitlements to connect end: those of other skills as well."""
SUSPEND = "suspend"
"""Allows suspend and resume. The manual's list is not public; the name is the simulator's."""
SHUTDOWN = "shutdown"
"""Allows shutdown. The name is the simulator's, as for :data:`SUSPEND`."""

BUILT_IN = (READ, WRITE, CONNECT, SUSPEND, SHUTDOWN)
"""The entitlements that need no declaration."""


class AclEntry(Settings):
    """What a list says of one role."""

    role: Text
    allow: tuple[Text, ...] = ()
    deny: tuple[Text, ...] = ()


class AclSettings(Settings):
    """An access control list, as it stands in ``security.json`` or in a model.

    A misspelt member is an error: it could be the denial that someone relies on.
    """

    entries: tuple[AclEntry, ...] = ()
    inherit: StrictBool = True


class Acl:
    """What each role is allowed at one place of the model, with inheritance applied.

    The lists say what is granted, by role and entitlement, True for allowed; anything else is not.
    """

    __slots__ = ("_answers", "_granted")

    def __init__(self, granted: Mapping[tuple[str, str], bool]) -> None:
        self._granted = granted
        # Elements share few lists and clients have few sets of roles, so this stays small.
        self._answers: dict[tuple[frozenset[str], str], bool] = {}

    @classmethod
    def default(cls, declared: Mapping[str, bool] = MappingProxyType({})) -> Acl:
        """Return the list above all others.

        Everyone may connect and read, and has the entitlements that are declared as allowed.
        """
        names = (READ, CONNECT, *(name for name, allowed in declared.items() if allowed))
        return cls({(EVERYONE, name): True for name in names})

    def below(self, settings: AclSettings | None) -> Acl:
        """Return the list that holds where these settings stand, under this one."""
        if settings is None or (settings.inherit and not settings.entries):
            return self
        granted = dict(self._granted) if settings.inherit else {}
        for entry in settings.entries:
            granted.update(((entry.role, name), True) for name in entry.allow)
        # For one and the same role of one list, a denial has precedence.
        for entry in settings.entries:
            granted.update(((entry.role, name), False) for name in entry.deny)
        return Acl(granted)

    def allows(self, client_roles: frozenset[str], entitlement: str) -> bool:
        """Return whether a client with these roles has the entitlement."""
        question = (client_roles, entitlement)
        answer = self._answers.get(question)
        if answer is None:
            said = [
                self._granted[role, entitlement]
                for role in client_roles
                if (role, entitlement) in self._granted
            ]
            answer = any(said)
            self._answers[question] = answer
        return answer


@dataclass(frozen=True, slots=True)
class Principal:
    """Someone who has logged in."""

    name: str
    roles: frozenset[str]
    expires: float = math.inf
    """When that ends, in seconds since 1970."""

    def has_expired(self) -> bool:
        """Whether that has ended."""
        return time.time() >= self.expires


def roles(*names: str) -> frozenset[str]:
    """Return the roles of a client: those named, and ``Everyone``."""
    return frozenset((EVERYONE, *names))
