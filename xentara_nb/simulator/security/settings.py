"""``users.json``, ``passwords.json`` and ``security.json``: users, roles and the certificate.

Roles and entitlements that nothing declares are accepted with a warning, as a server does.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import UUID

from pydantic import Field

from xentara_nb.errors import OptionError
from xentara_nb.paths import user_path
from xentara_nb.simulator.documents import Document, JsonNode, JsonUuid, Settings, Text, quoted
from xentara_nb.simulator.security import access, passwords
from xentara_nb.simulator.security.access import Acl, AclSettings

_log = logging.getLogger(__name__)

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DEFAULT_CERTIFICATE = Path("certs", "xentara.pem")
_DEFAULT_KEY = Path("private", "xentara.key.pem")


@dataclass(frozen=True, slots=True)
class User:
    """A user of ``users.json`` with the hash from ``passwords.json``, if there is one."""

    name: str
    uuid: UUID
    roles: tuple[str, ...] = ()
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Security:
    """``security.json``: roles, the global list, the certificate and its key.

    Of the declared entitlements there is whether they are allowed by default.
    """

    roles: tuple[str, ...] = ()
    entitlements: Mapping[str, bool] = field(default_factory=dict)
    acl: AclSettings | None = None
    certificate: tuple[Path, Path] | None = None

    @property
    def global_acl(self) -> Acl:
        """The global access control list, with the default one above it."""
        return Acl.default(self.entitlements).below(self.acl)


class _Role(Settings):
    name: Text
    uuid: JsonUuid = Field(alias="UUID")


class _Entitlement(_Role):
    default: Literal["allow", "deny"] = "deny"


class _ServerCertificate(Settings):
    certificate_path: Text
    private_key_path: Text


class _Tls(Settings, extra="ignore"):
    server_certificate: _ServerCertificate | None = None


class _SecurityDocument(Document):
    tls: _Tls = Field(_Tls(), alias="TLS")
    roles: tuple[_Role, ...] = ()
    entitlements: tuple[_Entitlement, ...] = ()
    acl: AclSettings | None = Field(None, alias="ACL")


class _User(Settings):
    user_name: Text
    uuid: JsonUuid = Field(alias="UUID")
    roles: tuple[Text, ...] = ()


class _UsersDocument(Document):
    users: tuple[_User, ...] = ()


class _PasswordsDocument(Document, extra="allow"):
    __pydantic_extra__: dict[str, Text]


def read_security(document: JsonNode, folder: Path | None, *, certificate: bool) -> Security:
    """Read ``security.json``, and look for the certificate in the folder if it is used.

    Raises ConfigurationError.
    """
    settings = document.validate(_SecurityDocument)
    uuids: dict[UUID, JsonNode] = {}
    for member, declared in (("roles", settings.roles), ("entitlements", settings.entitlements)):
        names: dict[str, JsonNode] = {}
        for node, item in zip(document.items(member), declared, strict=True):
            node.unique("name", item.name, names, f"the {member.removesuffix('s')}")
            node.unique("UUID", item.uuid, uuids, "the UUID")
            if member == "roles" and item.name == access.EVERYONE:
                node.at("name").fail("the role Everyone is there already", "Take it out.")
    return Security(
        tuple(role.name for role in settings.roles),
        {item.name: item.default == "allow" for item in settings.entitlements},
        settings.acl,
        _certificate(document, settings.tls, folder) if certificate else None,
    )


def _certificate(document: JsonNode, tls: _Tls, folder: Path | None) -> tuple[Path, Path] | None:
    settings = tls.server_certificate
    if settings is None:
        paths = (folder / _DEFAULT_CERTIFICATE, folder / _DEFAULT_KEY) if folder else None
        return paths if paths is not None and all(map(os.path.isfile, paths)) else None
    found = []
    for name, text in settings.model_dump(by_alias=True).items():
        node = document.at("TLS", "serverCertificate", name)
        try:
            path = (folder or Path()) / user_path(text)
        except OptionError as error:
            node.fail(str(error), "Name another file.")
        if not os.path.isfile(path):
            node.fail(
                f"there is no file {path}",
                "Put it there, or let the simulator make its own certificate, with "
                "own_certificate=True.",
            )
        found.append(path)
    return found[0], found[1]


def read_users(
    document: JsonNode, hashes: JsonNode, declared_roles: Iterable[str]
) -> tuple[User, ...]:
    """Read ``users.json`` and ``passwords.json``; raises ConfigurationError."""
    users = document.validate(_UsersDocument).users
    declared = {*declared_roles}
    names: dict[str, JsonNode] = {}
    uuids: dict[UUID, JsonNode] = {}
    for node, user in zip(document.items("users"), users, strict=True):
        node.unique("userName", user.user_name, names, "the user name")
        node.unique("UUID", user.uuid, uuids, "the UUID")
        if ":" in user.user_name:
            _log.warning("%s: a user name with a colon cannot log in with Basic", node)
        for item, role in zip(node.items("roles"), user.roles, strict=True):
            if role == access.EVERYONE:
                item.fail("every user has the role Everyone already", "Take it out of the list.")
            if role not in declared:
                _log.warning("%s: the role %r is not declared in security.json", item, role)
    found = _read_hashes(hashes, uuids)
    return tuple(
        User(user.user_name, user.uuid, user.roles, found.get(user.uuid)) for user in users
    )


def _read_hashes(document: JsonNode, users: Mapping[UUID, JsonNode]) -> dict[UUID, str]:
    hashes: dict[UUID, str] = {}
    for name, text in (document.validate(_PasswordsDocument).model_extra or {}).items():
        node = document.at(name)
        if not _UUID.fullmatch(name):
            document.fail(
                f"{quoted(name)} is not the UUID of a user", "Take it out, or write a UUID."
            )
        uuid = UUID(name)
        if uuid in hashes:
            node.fail(f"the user {uuid} has another password here", "Take one of them out.")
        problem = passwords.hash_problem(text)
        if problem is not None:
            # The hash itself is not shown, not even a damaged one.
            node.fail(
                f"this is {problem}", "Make one that can be checked here with: openssl passwd -6"
            )
        if uuid not in users:
            _log.warning("%s: users.json has no such user", node)
        hashes[uuid] = text
    return hashes
