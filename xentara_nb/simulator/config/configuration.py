"""A Xentara configuration folder, read and checked.

Five files make a configuration: ``config.json`` (port, realm, authentication schemes),
``users.json``, ``passwords.json``, ``security.json`` (roles, entitlements, the global access
control list, the certificate) and ``model.json``. Two more may be there: ``oauth2.json`` (tokens)
and ``client-certs.json`` (certificates). Every error is a
:class:`~xentara_nb.simulator.documents.ConfigurationError` that names the file, the place and what
to do.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from xentara_nb.simulator.documents import (
    ConfigurationError,
    Document,
    JsonNode,
    Settings,
    Text,
    invalid,
    parse_document,
    read_document,
    whole_number,
)
from xentara_nb.simulator.model.model import Model, read_model
from xentara_nb.simulator.security import access
from xentara_nb.simulator.security.client_certificates import ClientCertificates
from xentara_nb.simulator.security.settings import Security, User, read_security, read_users
from xentara_nb.simulator.security.tokens import Key, OAuth2, read_keys, read_oauth2
from xentara_nb.suggestions import did_you_mean

_log = logging.getLogger(__name__)

BASIC: Literal["Basic"] = "Basic"
BEARER: Literal["Bearer"] = "Bearer"

_HINTS = {
    "config.json": "Copy the whole folder, or simulate the model alone with model=.",
    "users.json": 'Copy the whole folder, or write {"users": []}.',
    "passwords.json": "Copy the whole folder, or write {}.",
    "security.json": "Copy the whole folder, or write {} to allow everyone to connect and read.",
    "model.json": "Copy the whole folder; the model is what a simulator serves.",
}
FILES = tuple(_HINTS)
"""The files of a configuration folder."""

OPTIONAL_FILES = ("oauth2.json", "client-certs.json")
"""The files that a folder may have; with them tokens and certificates are accepted."""
JWKS = "jwks.json"
"""The key set that tokens are checked against, if it lies in the folder."""


def _check_realm(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise invalid("a realm has printable ASCII characters only", "Write it without others.")
    return text


class Authentication(Settings, extra="allow"):
    """How clients log in; the vendor's schema leaves this object open."""

    realm: Annotated[str, AfterValidator(_check_realm)] = "Xentara"
    # A real server's default is Bearer alone; a simulator without passwords would be of no use.
    schemes: Annotated[tuple[Literal["Basic", "Bearer"], ...], Field(min_length=1)] = (
        BASIC,
        BEARER,
    )
    scope: tuple[Text, ...] = ()


class HttpServer(Settings):
    """The settings of the web server: ``httpServer`` in ``config.json``."""

    hints: ClassVar[Mapping[str, str]] = {"port": 'Add "port": 8080.'}

    port: Annotated[int, whole_number(1, 65535)]
    authentication: Authentication = Authentication()


class _ConfigDocument(Document, extra="allow"):
    hints: ClassVar[Mapping[str, str]] = {
        "httpServer": 'A server without it has no WebSocket API; add "httpServer": {"port": 8080}.'
    }

    http_server: HttpServer


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that a configuration folder says."""

    model: Model
    server: HttpServer
    users: tuple[User, ...]
    security: Security
    oauth2: OAuth2
    client_certificates: ClientCertificates


def read_folder(
    folder: Path,
    model: Path | None = None,
    *,
    certificate: bool = True,
    keys: tuple[Key, ...] = (),
) -> Configuration:
    """Read a configuration folder; raises ConfigurationError.

    Another model can take the place of the folder's own. The TLS certificate must be there if it is
    used. Tokens are checked against the keys beside those of ``oauth2.json`` and ``jwks.json``.
    """
    if not os.path.isdir(folder):
        problem = "this is a file" if os.path.exists(folder) else "there is no such folder"
        hint = "Give the folder that holds config.json; a single model file goes to model=."
        raise ConfigurationError(str(folder), "", problem, hint)
    if not os.path.exists(folder / "config.json"):
        for below in folder.glob("*/config.json"):
            problem = "there is no config.json in this folder"
            raise ConfigurationError(
                str(folder), "", problem, f"Give {below.parent}, which has one."
            )
    documents: dict[str, JsonNode] = {}
    server = _http_server(
        read_document(folder / "config.json", "config.json", _HINTS["config.json"])
    )
    for name in FILES[1:]:
        # Users are only needed to log in with a password.
        optional = BASIC not in server.authentication.schemes and name in (
            "users.json",
            "passwords.json",
        )
        if optional and not os.path.exists(folder / name):
            documents[name] = JsonNode({}, name)
        elif name == "model.json" and model is not None:
            documents[name] = _model_document(model)
        else:
            documents[name] = read_document(folder / name, name, _HINTS[name])
    for name in OPTIONAL_FILES:
        if os.path.exists(folder / name):
            documents[name] = read_document(folder / name, name, "Look at the file.")
    if os.path.exists(folder / JWKS):
        keys += read_keys(folder / JWKS)
    return _configuration(server, documents, folder, certificate=certificate, keys=keys)


def read_model_content(content: Mapping[str, Any]) -> Model:
    """Read the content of a model file; raises as :func:`read_folder`."""
    return read_model(parse_document(json.dumps(content), "model.json"))


def read_model_file(path: Path) -> Model:
    """Read a single model file; raises as :func:`read_folder`."""
    return read_model(_model_document(path))


def from_documents(documents: Mapping[str, Mapping[str, Any]]) -> Configuration:
    """Check the contents of configuration files that are not on disk, as those of a folder.

    There must be all of :data:`FILES`, and can be :data:`OPTIONAL_FILES`.
    """
    names = (*FILES, *(name for name in OPTIONAL_FILES if name in documents))
    nodes = {name: parse_document(json.dumps(documents[name]), name) for name in names}
    return _configuration(_http_server(nodes["config.json"]), nodes, None)


def _model_document(path: Path) -> JsonNode:
    hint = "Check the path; it must be a model.json."
    if os.path.isdir(path):
        hint = "Give the file, or the whole folder as config=."
        raise ConfigurationError(str(path), "", "this is a folder, not a model file", hint)
    return read_document(path, path.name, hint)


def _configuration(
    server: HttpServer,
    documents: Mapping[str, JsonNode],
    folder: Path | None,
    *,
    certificate: bool = True,
    keys: tuple[Key, ...] = (),
) -> Configuration:
    security = read_security(documents["security.json"], folder, certificate=certificate)
    declared = (access.EVERYONE, *security.roles)
    users = read_users(documents["users.json"], documents["passwords.json"], declared)
    model = read_model(documents["model.json"])
    login = server.authentication
    if not users and BASIC in login.schemes and BEARER not in login.schemes:
        _log.warning("users.json: there is no user, so no one can log in")
    # Without the file it has no issuers and no rules.
    tokens, rules = (documents.get(name, JsonNode({}, name)) for name in OPTIONAL_FILES)
    oauth2 = read_oauth2(tokens, folder, keys)
    certificates = rules.validate(ClientCertificates, folder)
    acls = ((documents["security.json"], security.acl), *model.acls())
    entries = [(node, entry) for node, acl in acls if acl is not None for entry in acl.entries]
    roles: list[tuple[object, str]] = [(node, entry.role) for node, entry in entries]
    roles += (("oauth2.json", role) for role in oauth2.role_names())
    roles += (("client-certs.json", role) for role in certificates.role_names())
    _warn_of_undeclared("role", roles, declared)
    _warn_of_undeclared(
        "entitlement",
        (
            (node, name)
            for node, entry in entries
            for name in (*entry.allow, *entry.deny)
            # Every skill that clients connect to has an entitlement of its own for that.
            if not name.endswith(access.ANY_CONNECT)
        ),
        (*access.BUILT_IN, *security.entitlements),
    )
    # The server's demand for a token names the scope that the token must have.
    scope = tuple(dict.fromkeys((*login.scope, *oauth2.scope)))
    login = login.model_copy(update={"scope": scope})
    server = server.model_copy(update={"authentication": login})
    return Configuration(model, server, users, security, oauth2, certificates)


def _http_server(document: JsonNode) -> HttpServer:
    settings = document.validate(_ConfigDocument)
    for name in settings.model_extra or ():
        if not name.startswith("skill."):
            _log.warning("%s: an unknown member, ignored", document.at(name))
    for name in settings.http_server.authentication.model_extra or ():
        _log.warning(
            "%s: an unknown member, ignored", document.at("httpServer", "authentication", name)
        )
    return settings.http_server


def _warn_of_undeclared(
    what: str, used: Iterable[tuple[object, str]], declared: Iterable[str]
) -> None:
    """Warn once of each name that nothing declares: a large model can have it everywhere."""
    declared = frozenset(declared)
    known = set(declared)
    for where, name in used:
        if name not in known:
            known.add(name)
            offer = did_you_mean(name, sorted(declared))
            _log.warning(
                "%s: the %s %r is not declared in security.json%s", where, what, name, offer
            )
