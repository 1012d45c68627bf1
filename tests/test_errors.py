"""The tree of errors, and the rule that each of them is raised by some test."""

from __future__ import annotations

import ast
import inspect
import pickle
import re
from pathlib import Path

import pytest

from xentara_nb import errors
from xentara_nb.errors import (
    AddressError,
    CertificateNotTrustedError,
    ConnectError,
    ConnectionLostError,
    DeadlineError,
    InventoryFileError,
    MissingExtraError,
    NotFoundError,
    OptionError,
    OutputExistsError,
    WriteRefusedError,
    XentaraError,
)
from xentara_nb.protocol import errors as protocol_errors

HERE = Path(__file__).parent
KINDS = [getattr(errors, name) for name in errors.__all__]
# Nothing raises these themselves, only their kinds; ProtocolError and ServerError are raised too.
BASES = {XentaraError, ConnectError}


def test_all_is_all() -> None:
    public = {
        name
        for name, thing in vars(errors).items()
        if inspect.isclass(thing) and issubclass(thing, Exception) and not name.startswith("_")
    }
    assert public == set(errors.__all__)
    assert errors.__all__ == sorted(errors.__all__)


def test_one_tree() -> None:
    assert all(issubclass(kind, XentaraError) for kind in KINDS)
    connecting = {kind.__name__ for kind in KINDS if issubclass(kind, ConnectError)}
    assert connecting == {
        "AddressError",
        "CertificateChangedError",
        "CertificateNotTrustedError",
        "ConnectError",
        "ConnectionForbiddenError",
        "LoginError",
        "NotTlsError",
        "NotXentaraError",
        "PathNotFoundError",
        "ServerUnreachableError",
    }


@pytest.mark.parametrize(
    ("kind", "also"),
    [
        (AddressError, ValueError),
        (DeadlineError, TimeoutError),
        (NotFoundError, LookupError),
        (WriteRefusedError, ValueError),
        (InventoryFileError, ValueError),
        (MissingExtraError, ImportError),
        (OptionError, ValueError),
        (OutputExistsError, FileExistsError),
    ],
)
def test_an_error_is_also_what_python_calls_it(kind: type, also: type) -> None:
    assert issubclass(kind, also)


def test_the_tree_in_the_documentation() -> None:
    tree = (errors.__doc__ or "").partition("::")[2].partition("Examples")[0]
    for kind in KINDS:
        line = re.search(rf"^.*── {kind.__name__}\b(.*)$", tree, re.MULTILINE)
        assert line or kind is XentaraError, f"{kind.__name__} is not in the tree"
        for base in (ValueError, TimeoutError, LookupError, ImportError, FileExistsError):
            direct = base in kind.__bases__
            assert not line or (f"also a {base.__name__}" in line[1].replace("an ", "a ")) is direct


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_is_documented(kind: type[XentaraError]) -> None:
    assert kind.__doc__
    assert kind.__doc__.strip().splitlines()[0].endswith((".", ":"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_its_own_cure(kind: type[XentaraError]) -> None:
    assert "advice" in vars(kind)
    assert kind.advice.endswith(".") or "pip install" in kind.advice
    assert [each for each in KINDS if each.advice == kind.advice] == [kind]


@pytest.fixture(scope="module")
def expected() -> set[str]:
    """What stands in a ``raises(...)`` of the tests, or in a table that is handed to one."""
    names: set[str] = set()
    for path in HERE.rglob("test_*.py"):
        if path == Path(__file__):
            continue
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and re.search(
                "(raises|parametrize|refused)$", ast.unparse(call.func)
            ):
                names.update(node.id for node in ast.walk(call) if isinstance(node, ast.Name))
    return names


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in BASES], ids=lambda kind: kind.__name__
)
def test_every_error_is_raised_by_some_test(kind: type[XentaraError], expected: set[str]) -> None:
    assert kind.__name__ in expected


def test_the_errors_of_the_protocol_are_the_same() -> None:
    for name in ("ProtocolError", "ServerError", "XentaraError"):
        assert getattr(errors, name) is getattr(protocol_errors, name)


@pytest.mark.parametrize("kind", [ConnectionLostError, DeadlineError])
def test_whether_something_was_sent(kind: type[ConnectionLostError]) -> None:
    assert not kind("x").sent
    error = pickle.loads(pickle.dumps(kind("it took long", sent=True)))
    assert type(error) is kind
    assert error.sent
    assert str(error) == "it took long"


CERTIFICATE = {
    "subject": "commonName=Plant",
    "issuer": "itself (self-signed)",
    "not_before": "yesterday",
    "not_after": "tomorrow",
    "fingerprint": "AB:CD",
    "reason": "self-signed certificate",
}


def test_what_is_known_of_a_certificate() -> None:
    error = CertificateNotTrustedError("not trusted", **CERTIFICATE)
    assert str(error) == "not trusted"
    assert {name: getattr(error, name) for name in CERTIFICATE} == CERTIFICATE


def test_an_error_comes_through_a_process_pool() -> None:
    error = CertificateNotTrustedError("not trusted", **CERTIFICATE)
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == "not trusted"
    assert copy.fingerprint == "AB:CD"
