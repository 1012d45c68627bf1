"""OAuth 2.0 tokens: what oauth2.json accepts, and log-in with them."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwk, jws
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from tests.simulator.server.sessions import OfflineClient
from xentara_nb.protocol.commands import (
    CloseSubSession,
    CreateSubSession,
    GetStage,
    Token,
    Write,
)
from xentara_nb.protocol.packets import Success
from xentara_nb.simulator import ConfigurationError, simulate
from xentara_nb.simulator.config.configuration import from_documents
from xentara_nb.simulator.documents import JsonNode
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security import certificates
from xentara_nb.simulator.security.access import Principal, roles
from xentara_nb.simulator.security.authentication import Authenticator
from xentara_nb.simulator.security.tokens import OAuth2, read_keys, read_oauth2
from xentara_nb.simulator.server.session import Service

NOW = 1_800_000_000
KEY = jwk.ECKey.generate_key("P-256", {"kid": "one"})
OTHER = jwk.ECKey.generate_key("P-256", {"kid": "two"})
RSA = jwk.RSAKey.generate_key(2048)
ISSUER = {"iss": "https://login.example", "aud": "xentara", "verification": {}}
CLAIMS = {
    "iss": "https://login.example",
    "aud": "xentara",
    "iat": NOW - 10,
    "exp": NOW + 600,
    "sub": "anna",
    "client_id": "panel",
    "jti": "1",
}


def token(
    claims: dict[str, Any] | None = None, key: Any = KEY, alg: str = "ES256", **header: Any
) -> str:
    full = {"alg": alg, "typ": "at+jwt", **header}
    content = {**CLAIMS, **(claims or {})}
    # Not with its jwt.encode, which adds a typ where there is none.
    return jws.serialize_compact(
        {name: value for name, value in full.items() if value is not None},
        json.dumps({name: value for name, value in content.items() if value is not None}),
        key,
        algorithms=[alg],
    )


def oauth2(scope: list[str] | None = None, **issuer: Any) -> OAuth2:
    content: dict[str, Any] = {"issuers": [{**ISSUER, **issuer}]}
    if scope is not None:
        content["scope"] = scope
    return read_oauth2(JsonNode(content, "oauth2.json"), None, (KEY, RSA))


def test_a_good_token() -> None:
    end = NOW + 600 + 60  # with a minute of leeway
    assert oauth2(roles=["Shift"]).verify(token(), NOW) == Principal("anna", roles("Shift"), end)
    assert oauth2().verify(token(kid="one"), NOW) == Principal("anna", roles(), end)
    assert oauth2().verify(token(typ="application/AT+JWT"), NOW) is not None
    assert oauth2().verify(token({"aud": ["x", "xentara"]}), NOW) is not None
    for alg in ("RS256", "PS256"):
        assert oauth2().verify(token(key=RSA, alg=alg), NOW) is not None


@pytest.mark.parametrize(
    "bad",
    [
        token(key=OTHER),
        token(kid="two"),
        token()[:-6],
        "",
        "a.b.c",
        "x" * 100_000,
        "eyJhbGciOiJub25lIn0.e30.",
        token({"iss": "https://evil.example"}),
        token({"aud": "other"}),
        token({"aud": None}),
        token({"exp": NOW - 61}),
        token({"exp": None}),
        token({"exp": "soon"}),
        token({"iat": NOW + 61}),
        token({"iat": None}),
        token({"nbf": NOW + 61}),
        token({"sub": None}),
        token({"sub": ""}),
        token({"client_id": None}),
        token({"jti": None}),
        token(typ=None),
        token(typ="JWT"),
    ],
)
def test_bad_tokens(bad: str) -> None:
    assert oauth2().verify(bad, NOW) is None


def test_a_key_of_the_wrong_kind_signs_nothing() -> None:
    # A public key is no secret, so no one may use it as the key of an HMAC.
    head = base64.urlsafe_b64encode(b'{"alg": "HS256", "typ": "at+jwt"}').rstrip(b"=")
    signed = head + b"." + token().split(".")[1].encode()
    digest = hmac.digest(RSA.as_pem(private=False), signed, "sha256")
    forged = signed + b"." + base64.urlsafe_b64encode(digest).rstrip(b"=")
    assert oauth2().verify(forged.decode(), NOW) is None


def test_a_minute_of_leeway() -> None:
    for claims in ({"exp": NOW - 59}, {"iat": NOW + 59}, {"nbf": NOW + 59}):
        assert oauth2().verify(token(claims), NOW) is not None


def test_what_an_issuer_may_leave_out() -> None:
    claims = ("iat", "exp", "sub", "jti")
    flags = {f"allowMissing{name.capitalize()}": True for name in claims}
    lenient = oauth2(nonConformance={**flags, "allowMissingTyp": True})
    assert lenient.verify(token(dict.fromkeys(claims), typ=None), NOW) == Principal(
        "panel", roles()
    )
    assert lenient.verify(token({"client_id": None}), NOW) is None
    generic = oauth2(nonConformance={"allowGenericJwt": True, "allowMissingTyp": False})
    assert generic.verify(token(typ="JWT"), NOW) is not None
    assert generic.verify(token(typ=None), NOW) is None


def test_scope() -> None:
    both = oauth2(scope=["read", "write"])
    assert both.verify(token({"scope": "write other read"}), NOW) is not None
    assert both.verify(token({"scope": ["read", "write"]}), NOW) is not None
    assert both.verify(token({"scope": "read"}), NOW) is None
    assert both.verify(token(), NOW) is None


def test_roles_by_claims() -> None:
    issuer = oauth2(
        roles=["Guest"],
        authorizationClaims={"groups": {"hall-7": ["Shift", "Guest"]}, "roles": "implicit"},
    )
    claims = {"groups": ["hall-7", "hall-8"], "roles": ["Boss"]}
    principal = issuer.verify(token(claims), NOW)
    assert principal is not None
    assert principal.roles == roles("Guest", "Shift", "Boss")
    principal = issuer.verify(token({"groups": 5}), NOW)
    assert principal is not None
    assert principal.roles == roles("Guest")
    assert list(issuer.role_names()) == ["Guest", "Shift", "Guest"]


def test_keys_of_the_issuer_itself(tmp_path: Path) -> None:
    public = KEY.as_dict(private=False)
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [public, {"kty": "odd"}]}))
    (tmp_path / "key.pem").write_bytes(RSA.as_pem(private=False))
    own = ec.generate_private_key(ec.SECP256R1())
    pem = own.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "ec.pem").write_bytes(pem)
    certificate, _ = certificates.write_certificate(tmp_path)
    for verification, count in (
        ({"keys": [public]}, 1),
        (public, 1),
        ({"anything": {"jwks": {"keys": [public]}}}, 1),
        ({"path": "keys.json"}, 1),
        ({"one": "keys.json", "two": "key.pem", "three": "ec.pem"}, 3),
        ({"certificate": certificate.name}, 1),
        ({"uri": "https://login.example/jwks.json", "path": "nowhere.json"}, 0),
    ):
        content = {"issuers": [{**ISSUER, "verification": verification}]}
        found = read_oauth2(JsonNode(content, "oauth2.json"), tmp_path)
        assert len(found.issuers[0].keys) == count


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"issuer": []}, ""),
        ({"issuers": [{"iss": "x", "aud": "y"}]}, "issuers[0]"),
        ({"issuers": [{**ISSUER, "aud": ""}]}, "issuers[0].aud"),
        (
            {"issuers": [{**ISSUER, "nonConformance": {"allowAll": True}}]},
            "issuers[0].nonConformance",
        ),
        ({"issuers": [{**ISSUER, "verification": []}]}, "issuers[0].verification"),
        ({"issuers": [{**ISSUER, "verification": {"keys": 5}}]}, "issuers[0].verification"),
        ({"issuers": [{**ISSUER, "verification": {"kty": {}}}]}, "issuers[0].verification"),
        (
            {"issuers": [{**ISSUER, "verification": {"jwks": {"keys": True}}}]},
            "issuers[0].verification",
        ),
        (
            {"issuers": [{**ISSUER, "verification": {"keys": [{"kty": "RSA", "n": []}]}}]},
            "issuers[0].verification",
        ),
        (
            {"issuers": [{**ISSUER, "nonConformance": {"allowMissingTyp": 1}}]},
            "issuers[0].nonConformance.allowMissingTyp",
        ),
        (
            {"issuers": [{**ISSUER, "authorizationClaims": {"x": "explicit"}}]},
            "issuers[0].authorizationClaims.x",
        ),
        (
            {"issuers": [{**ISSUER, "authorizationClaims": {"x": {"y": ["Shift", 5]}}}]},
            "issuers[0].authorizationClaims.x.y[1]",
        ),
    ],
)
def test_faults(content: dict[str, Any], place: str) -> None:
    with pytest.raises(ConfigurationError, match=r"oauth2\.json") as caught:
        read_oauth2(JsonNode(content, "oauth2.json"), None)
    assert caught.value.place == place


@pytest.mark.parametrize(
    "data", [b"{}", b'{"keys": [{"kty": "EC"}]}', b"nonsense", b"-----BEGIN PUBLIC KEY-----\n"]
)
def test_key_sets_that_are_none(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_bytes(data)
    for name in ("jwks.json", "nowhere.json"):
        with pytest.raises(ConfigurationError, match=name.removesuffix(".json")):
            read_keys(tmp_path / name)


def test_log_in_on_the_connection_and_in_sub_sessions(
    small: dict[str, Any], write_folder: Callable[[Any], Path], dial: Callable[..., Any]
) -> None:
    small["config.json"]["httpServer"]["authentication"]["schemes"] = ["Bearer"]
    issuer = {**ISSUER, "authorizationClaims": {"roles": "implicit"}}
    small["oauth2.json"] = {"scope": ["plant"], "issuers": [issuer]}
    assert from_documents(small).server.authentication.scope == ("plant",)
    folder = write_folder(small)
    (folder / "keys.json").write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    now = int(time.time())
    times = {"iat": now, "exp": now + 600, "scope": "plant"}
    shift = token({**times, "roles": ["Shift"]})
    guest = token(times)
    register = from_documents(small).model.by_key["Group.Register"].uuid

    def connect(simulator: Any, word: str) -> Any:
        return dial(simulator, "anna", "secret", bearer=word)

    with simulate(folder, jwks=folder / "keys.json") as simulator:
        wire = connect(simulator, shift)
        assert wire.ask(GetStage()) == [Success(1, 2)]
        (session,) = wire.ask(CreateSubSession(Token(guest)))
        codes = [
            getattr(getattr(answer, "error", None), "code", 0)
            for answer in wire.ask(Write(register, 11, 1), Write(register, 11, 2, session.item))
        ]
        assert codes == [0, -32102]
        writes = simulator.writes
        assert writes["user"].tolist() == ["anna", "anna"]
        assert writes["session_user"].fillna("").tolist() == ["", "anna"]
        with pytest.raises(InvalidStatus) as refused:
            connect(simulator, "x.y.z")
        challenge = refused.value.response.headers["WWW-Authenticate"]
        assert challenge == 'Bearer realm="Xentara", scope="plant", error="invalid_token"'
        # Basic is not offered, so it is not taken.
        with pytest.raises(InvalidStatus):
            dial(simulator, "anna", "secret")
    # Without the key set it cannot be known whether a token is good.
    with simulate(folder) as simulator, pytest.raises(InvalidStatus):
        connect(simulator, shift)
    (folder / "keys.json").rename(folder / "jwks.json")
    with simulate(folder) as simulator:
        connect(simulator, shift)


def test_a_connection_ends_with_its_token(
    small: dict[str, Any], dial: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    small["config.json"]["httpServer"]["authentication"]["schemes"] = ["Bearer"]
    soon = Principal("anna", roles("Shift"), time.time() + 0.3)
    monkeypatch.setattr(OAuth2, "verify", lambda self, token: soon)
    with simulate(from_documents(small)) as simulator:
        wire = dial(simulator, bearer="a.b.c", hello=False)
        with pytest.raises(ConnectionClosedError, match=r"1008.*the token has expired"):
            wire.connection.recv(timeout=10)
    assert soon.has_expired()


def test_tokens_are_not_kept(small: dict[str, Any]) -> None:
    word = base64.b64encode(b"secret").decode()
    assert word not in repr(Token(word))


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "value", [float("inf"), float("-inf"), float("nan"), 10**400, 1e300, True, "1800000600", [], {}]
)
def test_times_that_are_none(name: str, value: Any) -> None:
    lenient = {"allowMissingExp": True, "allowMissingIat": True}
    assert oauth2(nonConformance=lenient).verify(token({name: value}), NOW) is None


def test_a_token_without_an_end_never_ends() -> None:
    principal = oauth2(nonConformance={"allowMissingExp": True}).verify(token({"exp": None}), NOW)
    assert principal is not None
    assert principal.expires == float("inf")


def test_keys_that_are_too_short(tmp_path: Path) -> None:
    weak = rsa.generate_private_key(65537, 1024)
    pem = weak.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "weak.pem").write_bytes(pem)
    with pytest.raises(ConfigurationError, match="an RSA key of 1024 bits; 2048 are needed"):
        read_keys(tmp_path / "weak.pem")
    number = weak.public_key().public_numbers().n.to_bytes(128, "big")
    modulus = base64.urlsafe_b64encode(number).decode().rstrip("=")
    short = base64.urlsafe_b64encode(b"secret").decode().rstrip("=")
    for key, problem in (
        ({"kty": "RSA", "e": "AQAB", "n": modulus}, "an RSA key of 1024 bits"),
        ({"kty": "oct", "k": short}, "a secret of 6 bytes; 32 are needed"),
    ):
        (tmp_path / "keys.json").write_text(json.dumps({"keys": [key]}))
        with pytest.raises(ConfigurationError, match=problem):
            read_keys(tmp_path / "keys.json")
        content = {"issuers": [{**ISSUER, "verification": {"keys": [key]}}]}
        with pytest.raises(ConfigurationError, match=problem):
            read_oauth2(JsonNode(content, "oauth2.json"), None)


def test_a_sub_session_ends_with_its_token(
    small: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    verification = {"key": KEY.as_dict(private=False)}
    small["oauth2.json"] = {
        "issuers": [{**ISSUER, "roles": ["Shift"], "verification": verification}]
    }
    found = from_documents(small)
    plant = Plant.from_model(found.model, found.security)
    service = Service(plant, Authenticator(found.users, found.oauth2))
    client = OfflineClient(service)
    now = time.time()
    register = found.model.by_key["Group.Register"].uuid
    login = CreateSubSession(Token(token({"iat": int(now), "exp": int(now) + 100})))
    session = client.ask(login)
    assert client.ask(Write(register, 11, 1.0, session)) is None
    monkeypatch.setattr(time, "time", lambda: now + 161)
    assert client.code(Write(register, 11, 2.0, session)) == -32111
    assert client.code(CloseSubSession(session)) == -32111
    assert client.code(login) == -32102
    assert service.request_log.writes()["code"].tolist() == [0, -32111]
