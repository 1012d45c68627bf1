"""A Xentara configuration folder, read and checked.

Five files make a configuration: ``config.json`` (port, realm, authentication schemes),
``users.json``, ``passwords.json``, ``security.json`` (roles, entitlements, the global access
control list, the certificate) and ``model.json``. Two more may be there: ``oauth2.json`` (tokens)
and ``client-certs.json`` (certificates). Every fault stops with a
:class:`~xentara_nb.simulator.documents.ConfigurationError` that names file, place and mend.
Roles and entitlements that nothing declares are passed over with a warning, as a server does.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from xentara_nb.simulator.documents import (
    ConfigurationError,
    JsonNode,
    parse_document,
    read_document,
)
from xentara_nb.simulator.model.model import Model, read_model
from xentara_nb.simulator.security import access, passwords
from xentara_nb.simulator.security.access import AclSettings
from xentara_nb.simulator.security.client_certificates import (
    ClientCertificates,
    read_client_certificates,
)
from xentara_nb.simulator.security.tokens import Key, OAuth2, read_keys, read_oauth2

_log = logging.getLogger(__name__)

BASIC, BEARER = "Basic", "Bearer"

_MENDS = {
    "config.json": "Copy the whole folder, or simulate the model alone with model='model.json'.",
    "users.json": 'Copy the whole folder, or write {"users": []}.',
    "passwords.json": "Copy the whole folder, or write {}.",
    "security.json": "Copy the whole folder, or write {} to allow everyone to connect and read.",
    "model.json": "Copy the whole folder; the model is what a simulator serves.",
}
FILES = tuple(_MENDS)
"""The files of a configuration folder."""

OPTIONAL_FILES = ("oauth2.json", "client-certs.json")
"""The files that a folder may have; with them tokens and certificates are accepted."""
JWKS = "jwks.json"
"""The key set that tokens are checked against, if it lies in the folder."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PRINTABLE_ASCII = re.compile(r"[ -~]*")
_DEFAULT_CERTIFICATE = Path("certs", "xentara.pem")
_DEFAULT_KEY = Path("private", "xentara.key.pem")


@dataclass(frozen=True, slots=True)
class HttpServer:
    """The settings of the web server: ``httpServer`` in ``config.json``."""

    port: int = 8080
    realm: str = "Xentara"
    # A real server's default is Bearer alone; a simulator without passwords would be of no use.
    schemes: tuple[str, ...] = (BASIC, BEARER)
    scope: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """A user of ``users.json`` with the hash from ``passwords.json``, if there is one."""

    name: str
    uuid: UUID
    roles: tuple[str, ...] = ()
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Security:
    """``security.json``: what roles and entitlements there are, and the global list."""

    roles: tuple[str, ...] = ()
    entitlements: Mapping[str, bool] = field(default_factory=dict)
    acl: AclSettings | None = None
    certificate: Path | None = None
    private_key: Path | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that a configuration folder says."""

    model: Model
    server: HttpServer = HttpServer()
    users: tuple[User, ...] = ()
    security: Security = Security()
    folder: Path | None = None
    oauth2: OAuth2 = field(default_factory=OAuth2)
    client_certificates: ClientCertificates = field(default_factory=ClientCertificates)


def read_folder(
    folder: Path,
    model: Path | None = None,
    *,
    certificate: bool = True,
    keys: tuple[Key, ...] = (),
) -> Configuration:
    """Read a configuration folder.

    Parameters
    ----------
    folder : Path
        The folder with ``config.json`` and its companions.
    model : Path, optional
        A model to take in place of the folder's own.
    certificate : bool
        Whether the folder's TLS certificate is used, so that it must be there.
    keys : tuple
        Keys that tokens are checked against, beside those of ``oauth2.json`` and ``jwks.json``.

    Raises
    ------
    ConfigurationError
        If there is no such folder, or a file is missing or wrong.
    """
    if not folder.is_dir():
        problem = "this is a file" if folder.exists() else "there is no such folder"
        mend = "Give the folder that holds config.json; a single model file goes to model=."
        raise ConfigurationError(str(folder), "", problem, mend)
    documents: dict[str, JsonNode] = {}
    server = _http_server(
        read_document(folder / "config.json", "config.json", _MENDS["config.json"])
    )
    for name in FILES[1:]:
        # Where nobody logs in with a password, nobody misses the users.
        optional = BASIC not in server.schemes and name in ("users.json", "passwords.json")
        if optional and not (folder / name).exists():
            documents[name] = JsonNode({}, name)
        elif name == "model.json" and model is not None:
            documents[name] = _model_document(model)
        else:
            documents[name] = read_document(folder / name, name, _MENDS[name])
    for name in OPTIONAL_FILES:
        if (folder / name).exists():
            documents[name] = read_document(folder / name, name, "Look at the file.")
    if (folder / JWKS).exists():
        keys += read_keys(folder / JWKS)
    return _configuration(server, documents, folder, certificate=certificate, keys=keys)


def read_model_content(content: Mapping[str, Any]) -> Model:
    """Read the content of a model file; raises as :func:`read_folder`."""
    return read_model(parse_document(json.dumps(content), "model.json"))


def read_model_file(path: Path) -> Model:
    """Read a single model file; raises as :func:`read_folder`."""
    return read_model(_model_document(path))


def from_documents(documents: Mapping[str, Mapping[str, Any]]) -> Configuration:
    """Check the contents of configuration files that are not on disk, by the same rules.

    Parameters
    ----------
    documents : mapping of file name to content
        Of each of :data:`FILES`, what would stand in it; of :data:`OPTIONAL_FILES` if wanted.

    Raises
    ------
    ConfigurationError
        As for a folder.
    """
    names = (*FILES, *(name for name in OPTIONAL_FILES if name in documents))
    places = {name: parse_document(json.dumps(documents[name]), name) for name in names}
    return _configuration(_http_server(places["config.json"]), places, None)


def _model_document(path: Path) -> JsonNode:
    mend = "Check the path; it must be a model.json."
    if path.is_dir():
        mend = "Give the file, or the whole folder as config=."
        raise ConfigurationError(str(path), "", "this is a folder, not a model file", mend)
    return read_document(path, path.name, mend)


def _configuration(
    server: HttpServer,
    documents: Mapping[str, JsonNode],
    folder: Path | None,
    *,
    certificate: bool = True,
    keys: tuple[Key, ...] = (),
) -> Configuration:
    security = _security(documents["security.json"], folder, certificate=certificate)
    declared = (access.EVERYONE, *security.roles)
    users = _users(documents["users.json"], declared)
    users = _with_passwords(users, documents["passwords.json"])
    model = read_model(documents["model.json"])
    entitlements = {*access.BUILT_IN, *security.entitlements}
    acls = ((documents["security.json"], security.acl), *model.acls())
    _warn_of_unknown(acls, declared, entitlements)
    if not users and BASIC in server.schemes and BEARER not in server.schemes:
        _log.warning("users.json: there is no user, so nobody can log in")
    oauth2, certificates = OAuth2(), ClientCertificates()
    if "oauth2.json" in documents:
        oauth2 = read_oauth2(documents["oauth2.json"], folder, keys)
    if "client-certs.json" in documents:
        certificates = read_client_certificates(documents["client-certs.json"], folder)
    _warn_of_roles("oauth2.json", oauth2.role_names(), declared)
    _warn_of_roles("client-certs.json", certificates.role_names(), declared)
    # Whoever asks for a token says which scope it must have.
    server = replace(server, scope=tuple(dict.fromkeys((*server.scope, *oauth2.scope))))
    return Configuration(model, server, users, security, folder, oauth2, certificates)


def _http_server(document: JsonNode) -> HttpServer:
    for name, place in document.members():
        if name not in ("$schema", "httpServer") and not name.startswith("skill."):
            _log.warning("%s: an unknown member, passed over", place)
    settings = document.member(
        "httpServer",
        'A server without it has no WebSocket API; add "httpServer": {"port": 8080}.',
    )
    settings.only("port", "authentication")
    port = settings.member("port", 'Add "port": 8080.').integer(1, 65535)
    authentication = settings.optional("authentication")
    if authentication is None:
        return HttpServer(port)
    for name, place in authentication.members():
        # The one object that the vendor's schema leaves open.
        if name not in ("realm", "schemes", "scope"):
            _log.warning("%s: an unknown member, passed over", place)
    values: dict[str, Any] = {}
    if (realm := authentication.optional("realm")) is not None:
        values["realm"] = realm.text(empty=True)
        if not _PRINTABLE_ASCII.fullmatch(values["realm"]):
            realm.fault("a realm has printable ASCII characters only", "Write it without others.")
    if (schemes := authentication.optional("schemes")) is not None:
        values["schemes"] = tuple(place.text() for place in schemes.items())
        for place in schemes.items():
            if place.value not in (BASIC, BEARER):
                place.fault(f"{place.value!r} is no scheme", "Take 'Basic' or 'Bearer'.")
        if not values["schemes"]:
            schemes.fault("without a scheme nobody can log in", "List 'Basic', 'Bearer' or both.")
    if (scope := authentication.optional("scope")) is not None:
        values["scope"] = tuple(place.text() for place in scope.items())
    return HttpServer(port, **values)


def _users(document: JsonNode, declared: tuple[str, ...]) -> tuple[User, ...]:
    document.only("$schema", "users")
    users: list[User] = []
    names: dict[str, JsonNode] = {}
    uuids: dict[UUID, JsonNode] = {}
    listed = document.optional("users")
    for place in listed.items() if listed is not None else ():
        place.only("userName", "UUID", "roles")
        name_place, uuid_place = place.member("userName"), place.member("UUID")
        name, uuid = name_place.text(), uuid_place.uuid()
        name_place.once(names, name, "the user name")
        uuid_place.once(uuids, uuid, "the UUID")
        if ":" in name:
            _log.warning("%s: a user name with a colon cannot log in with Basic", place)
        users.append(User(name, uuid, _roles(place.optional("roles"), declared)))
    return tuple(users)


def _roles(place: JsonNode | None, declared: tuple[str, ...]) -> tuple[str, ...]:
    roles: list[str] = []
    for item in place.items() if place is not None else ():
        role = item.text()
        if role == access.EVERYONE:
            item.fault("every user has the role Everyone already", "Take it out of the list.")
        if role not in declared:
            _log.warning("%s: the role %r is not declared in security.json", item, role)
        roles.append(role)
    return tuple(roles)


def _with_passwords(users: tuple[User, ...], document: JsonNode) -> tuple[User, ...]:
    hashes: dict[UUID, str] = {}
    places: dict[UUID, JsonNode] = {}
    known = {user.uuid for user in users}
    for name, place in document.members():
        if name == "$schema":
            continue
        if not _UUID.fullmatch(name):
            document.fault(f"{name!r} is not the UUID of a user", "Take it out, or write a UUID.")
        uuid = UUID(name)
        place.once(places, uuid, "the password of the user")
        text = place.text()
        problem = passwords.hash_problem(text)
        if problem is not None:
            # The hash itself is not shown: even a damaged one is nobody's business.
            place.fault(
                f"this is {problem}",
                "Make one that can be checked here with: openssl passwd -6",
            )
        if uuid not in known:
            _log.warning("%s: users.json has no such user", place)
        hashes[uuid] = text
    return tuple(User(user.name, user.uuid, user.roles, hashes.get(user.uuid)) for user in users)


def _security(document: JsonNode, folder: Path | None, *, certificate: bool) -> Security:
    document.only("$schema", "TLS", "roles", "entitlements", "ACL")
    uuids: dict[UUID, JsonNode] = {}
    roles = _declared(document.optional("roles"), uuids, "the role", ("name", "UUID"))
    if access.EVERYONE in roles:
        roles[access.EVERYONE].member("name").fault(
            "the role Everyone is there already", "Take it out."
        )
    custom = _declared(
        document.optional("entitlements"),
        uuids,
        "the entitlement",
        ("name", "UUID", "default"),
    )
    entitlements: dict[str, bool] = {}
    for name, place in custom.items():
        default = place.optional("default")
        if default is not None and default.text() not in ("allow", "deny"):
            default.fault(f"{default.value!r} is no access", "Write 'allow' or 'deny'.")
        entitlements[name] = default is not None and default.value == "allow"
    acl = document.optional("ACL")
    paths = _certificate(document.optional("TLS"), folder) if certificate else (None, None)
    return Security(
        tuple(roles),
        entitlements,
        None if acl is None else access.read_acl(acl),
        *paths,
    )


def _declared(
    listed: JsonNode | None, uuids: dict[UUID, JsonNode], what: str, members: tuple[str, ...]
) -> dict[str, JsonNode]:
    declared: dict[str, JsonNode] = {}
    names: dict[str, JsonNode] = {}
    for place in listed.items() if listed is not None else ():
        place.only(*members)
        name_place, uuid_place = place.member("name"), place.member("UUID")
        name_place.once(names, name_place.text(), what)
        uuid_place.once(uuids, uuid_place.uuid(), "the UUID")
        declared[name_place.text()] = place
    return declared


def _certificate(tls: JsonNode | None, folder: Path | None) -> tuple[Path | None, Path | None]:
    settings = tls.optional("serverCertificate") if tls is not None else None
    if settings is None:
        paths = (folder / _DEFAULT_CERTIFICATE, folder / _DEFAULT_KEY) if folder else ()
        found = paths if paths and all(path.is_file() for path in paths) else (None, None)
        return found[0], found[1]
    settings.only("certificatePath", "privateKeyPath")
    found_paths = []
    for name in ("certificatePath", "privateKeyPath"):
        place = settings.member(name)
        path = (folder or Path()) / Path(place.text()).expanduser()
        if not path.is_file():
            place.fault(
                f"there is no file {path}",
                "Put it there, or let the simulator make its own certificate, with "
                "own_certificate=True or --own-certificate.",
            )
        found_paths.append(path)
    return found_paths[0], found_paths[1]


def _warn_of_roles(file: str, roles: Iterable[str], declared: tuple[str, ...]) -> None:
    for role in roles:
        if role not in declared:
            _log.warning("%s: the role %r is not declared in security.json", file, role)


def _warn_of_unknown(
    acls: Iterable[tuple[JsonNode, AclSettings | None]],
    declared: tuple[str, ...],
    entitlements: set[str],
) -> None:
    """Warn once of each name that nothing declares: a large model can have it everywhere."""
    known_roles, known = {*declared}, {*entitlements}
    for place, acl in acls:
        for entry in acl.entries if acl is not None else ():
            if entry.role not in known_roles:
                known_roles.add(entry.role)
                _log.warning("%s: the role %r is not declared in security.json", place, entry.role)
            for name in {*entry.allow, *entry.deny} - known:
                known.add(name)
                _log.warning("%s: the entitlement %r is not declared", place, name)
