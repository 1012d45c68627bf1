"""OAuth 2.0 access tokens: ``oauth2.json``, key sets, and the check of a token.

A token is a JWT (RFC 9068). Its signature is checked against a key set, which is given with
``jwks=`` (``--jwks``), lies in the folder as ``jwks.json``, or is named or contained in the
``verification`` object of its issuer: as a key set, as a single JWK, or as the name of a file with
keys in JSON or PEM form. The simulator fetches nothing from the network.

Then come the claims: ``typ``, ``iss``, ``aud``, ``iat``, ``exp``, ``nbf`` (with a minute of
leeway), ``scope`` (all strings that the configuration lists), ``sub``, ``client_id`` and ``jti``;
the issuer's ``nonConformance`` says which may be missing.
"""

from __future__ import annotations

import copy
import logging
import math
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from joserfc import jwk, jwt
from joserfc.errors import InvalidClaimError, JoseError, SecurityWarning
from pydantic import BeforeValidator, Field, StrictBool, ValidationInfo

from xentara_nb.paths import read_file
from xentara_nb.protocol.errors import one_line
from xentara_nb.simulator.documents import (
    MAX_FILE,
    ConfigurationError,
    Document,
    JsonNode,
    Settings,
    Text,
    invalid,
    read_document,
    wrong_type,
)
from xentara_nb.simulator.security.access import Principal, roles

_log = logging.getLogger(__name__)

Key: TypeAlias = "jwk.RSAKey | jwk.ECKey | jwk.OKPKey | jwk.OctKey"

_LEEWAY = 60
_LATEST = 1 << 53  # seconds since 1970; whole ones are exact up to here
_LONGEST = 64 * 1024
_SHORTEST_RSA = 2048  # bits
_SHORTEST_SECRET = 32  # bytes: RFC 7518, 3.2 asks for those of the digest
_ALGORITHMS = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA", "Ed25519", "Ed448"),
    "oct": ("HS256", "HS384", "HS512"),
}
_HINT = "Give a JSON Web Key Set, such as an issuer publishes."
_TYPES = ("at+jwt", "application/at+jwt")


class NonConformance(Settings):
    """What an issuer may do against the standard."""

    allow_generic_jwt: StrictBool = False
    allow_missing_typ: StrictBool = False
    allow_missing_iat: StrictBool = False
    allow_missing_exp: StrictBool = False
    allow_missing_sub: StrictBool = False
    allow_missing_client_id: StrictBool = False
    allow_missing_jti: StrictBool = False


Roles: TypeAlias = tuple[Text, ...]


def _check_claim(value: Any) -> Any:
    if value == "implicit":
        return None
    if not isinstance(value, dict):
        raise invalid("this is no authorization claim", 'Write "implicit" or {"value": ["Role"]}.')
    return value


Claim: TypeAlias = Annotated[dict[str, Roles] | None, BeforeValidator(_check_claim)]


def read_keys(path: Path) -> tuple[Key, ...]:
    """Read keys from a file: a JSON key set, a single JWK, or a PEM public key or certificate.

    Raises ConfigurationError if there is no such file, or no key in it.
    """
    try:
        data = read_file(path, MAX_FILE)
        if b"-----BEGIN" in data:
            return (_pem_key(data),)
        keys = tuple(_jwks(read_document(path, path.name, _HINT).value))
    except OSError:
        raise ConfigurationError(str(path), "", "the key set cannot be read", _HINT) from None
    except _UNUSABLE as error:
        raise ConfigurationError(str(path), "", _unusable(error), _HINT) from None
    if not keys:
        raise ConfigurationError(str(path), "", "there is no key in it", _HINT)
    return keys


def _own_keys(verification: Any, info: ValidationInfo) -> tuple[Key, ...]:
    """Find the keys in a ``verification`` object, whose members the schema leaves open.

    The folder, and the keys that count for every issuer, are the context.
    """
    if not isinstance(verification, dict):
        raise wrong_type(verification, "an object, {...}")
    assert info.context is not None
    folder, shared = info.context
    keys: list[Key] = [*shared]
    waiting: list[Any] = [verification]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict) and not {"keys", "kty"}.isdisjoint(value):
            try:
                keys += _jwks(value)
            except _UNUSABLE as error:
                raise invalid(_unusable(error), _HINT) from None
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, str) and folder is not None and len(value) < 1000:
            path = folder / value
            if "://" not in value and "\0" not in value and os.path.isfile(path):
                keys += read_keys(path)
    return tuple(keys)


def _jwks(content: Any) -> Iterator[Key]:
    listed = content.get("keys", [content]) if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise ValueError("there is no array 'keys'")
    for item in listed:
        # Keys of kinds that no token here is signed with are ignored, as clients of an issuer do.
        if isinstance(item, dict) and item.get("kty") in _ALGORITHMS:
            yield _imported(jwk.import_key, copy.deepcopy(item))


_UNUSABLE = (JoseError, ValueError, TypeError, KeyError)


def _unusable(error: Exception) -> str:
    return f"a key cannot be used ({one_line(str(error), 200)})"


def _pem_key(data: bytes) -> Key:
    if b"BEGIN CERTIFICATE" in data:
        data = (
            x509.load_pem_x509_certificate(data)
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
    for kind in (jwk.RSAKey, jwk.ECKey, jwk.OKPKey):
        try:
            return _imported(kind.import_key, data)
        except _ShortKeyError:
            raise
        except (JoseError, ValueError, TypeError):
            continue
    raise ValueError("neither RSA nor EC nor Ed25519")


class _ShortKeyError(ValueError):
    """A key that is too short to be trusted."""


def _imported(import_key: Callable[[Any], Key], data: Any) -> Key:
    """Return a key that is long enough for its kind; raises _ShortKeyError for others."""
    with warnings.catch_warnings():
        # The library only warns of short ones.
        warnings.simplefilter("ignore", SecurityWarning)
        key = import_key(data)
    if isinstance(key, jwk.RSAKey) and key.raw_value.key_size < _SHORTEST_RSA:
        raise _ShortKeyError(
            f"an RSA key of {key.raw_value.key_size} bits; {_SHORTEST_RSA} are needed"
        )
    if isinstance(key, jwk.OctKey) and len(key.raw_value) < _SHORTEST_SECRET:
        raise _ShortKeyError(
            f"a secret of {len(key.raw_value)} bytes; {_SHORTEST_SECRET} are needed"
        )
    return key


class Issuer(Settings):
    """Who issues tokens, and which roles they give.

    An authorization claim has the roles of its values; with None the values are roles themselves.
    """

    hints: ClassVar[Mapping[str, str]] = {"verification": "Say how its tokens are verified."}

    iss: Text
    aud: Text
    # Any, because pydantic knows nothing of keys.
    keys: Annotated[Any, BeforeValidator(_own_keys)] = Field(alias="verification", repr=False)
    roles: Roles = ()
    authorization_claims: dict[str, Claim] = Field(default_factory=dict)
    non_conformance: NonConformance = NonConformance()


class OAuth2(Document):
    """``oauth2.json``: which tokens are accepted."""

    scope: tuple[Text, ...] = ()
    issuers: tuple[Issuer, ...] = ()

    def role_names(self) -> Iterator[str]:
        """Return the roles that are named, each as often as it is."""
        for issuer in self.issuers:
            yield from issuer.roles
            for roles_of in issuer.authorization_claims.values():
                for names in (roles_of or {}).values():
                    yield from names

    def verify(self, token: str, now: float | None = None) -> Principal | None:
        """Return the client that a token stands for, None if it is not accepted."""
        if len(token) > _LONGEST or token.count(".") != 2:
            return None
        now = time.time() if now is None else now
        for issuer in self.issuers:
            decoded = _decode(token, issuer.keys)
            if decoded is None:
                continue
            try:
                _check(decoded, issuer, self.scope, now)
            except JoseError as error:
                _log.info("a token is refused: %s", error)
                continue
            claims = decoded.claims
            name = claims.get("sub") or claims.get("client_id") or "token"
            expires = claims["exp"] + _LEEWAY if "exp" in claims else math.inf
            return Principal(str(name), roles(*issuer.roles, *_roles(claims, issuer)), expires)
        return None


def read_oauth2(document: JsonNode, folder: Path | None, keys: tuple[Key, ...] = ()) -> OAuth2:
    """Read ``oauth2.json``, and the files in the folder that it names; raises ConfigurationError.

    The keys count for every issuer.
    """
    oauth2 = document.validate(OAuth2, (folder, keys))
    for node, issuer in zip(document.items("issuers"), oauth2.issuers, strict=True):
        if not issuer.keys:
            _log.warning("%s: no key set, so its tokens are refused; give one as jwks", node)
    return oauth2


def _decode(token: str, keys: Iterable[Key]) -> jwt.Token | None:
    """Return the content of a token if one of the keys has signed it."""
    for key in keys:
        try:
            decoded = jwt.decode(token, key, algorithms=_ALGORITHMS[key.key_type])
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            # The token comes from the network; with any error it counts as not signed.
            continue
        if decoded.header.get("kid", key.kid) in (key.kid, None) or key.kid is None:
            return decoded
    return None


def _check(token: jwt.Token, issuer: Issuer, scope: Iterable[str], now: float) -> None:
    """Raise JoseError if a token must not be accepted though it is signed."""
    claims, allowed = token.claims, issuer.non_conformance
    typ = token.header.get("typ")
    types = (*_TYPES, "jwt") if allowed.allow_generic_jwt else _TYPES
    if not (typ is None and allowed.allow_missing_typ) and str(typ).lower() not in types:
        raise InvalidClaimError("typ")
    for name in ("iat", "exp", "nbf"):
        value = claims.get(name, 0)
        # JSON as Python reads it has NaN and infinities, which no comparison finds to be over; a
        # whole number of any size would not fit into a float.
        if type(value) not in (int, float) or not abs(value) < _LATEST:
            raise InvalidClaimError(name)
    jwt.JWTClaimsRegistry(
        now=int(now),
        leeway=_LEEWAY,
        iss={"essential": True, "value": issuer.iss},
        aud={"essential": True, "value": issuer.aud},
        sub={"essential": not allowed.allow_missing_sub},
        client_id={"essential": not allowed.allow_missing_client_id},
        jti={"essential": not allowed.allow_missing_jti},
        iat={"essential": not allowed.allow_missing_iat},
        exp={"essential": not allowed.allow_missing_exp},
    ).validate(claims)
    granted = claims.get("scope", "")
    if not set(scope) <= set(granted.split() if isinstance(granted, str) else _strings(granted)):
        raise InvalidClaimError("scope")


def _roles(claims: Mapping[str, Any], issuer: Issuer) -> Iterator[str]:
    for claim, roles_of in issuer.authorization_claims.items():
        for value in _strings(claims.get(claim)):
            yield from (value,) if roles_of is None else roles_of.get(value, ())


def _strings(value: object) -> list[str]:
    if isinstance(value, list):
        return [item for item in value if isinstance(item, str)]
    return [value] if isinstance(value, str) else []
