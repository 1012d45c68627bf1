"""Password hashes, and that unknown users cost as much time as known ones."""

from __future__ import annotations

from unittest import mock

import pytest
from passlib.context import CryptContext
from passlib.hash import md5_crypt, sha256_crypt, sha512_crypt

from xentara_nb.simulator.security import passwords

HASHES = [
    sha512_crypt.using(rounds=1000).hash("secret"),
    sha256_crypt.using(rounds=1000).hash("secret"),
    md5_crypt.hash("secret"),
]


@pytest.mark.parametrize("password_hash", HASHES, ids=["SHA-512", "SHA-256", "MD5"])
def test_the_right_password_and_no_other(password_hash: str) -> None:
    assert passwords.hash_problem(password_hash) is None
    assert passwords.verify("secret", password_hash)
    for wrong in ("Secret", "", "secret ", "se\0cret", "x" * 5000):
        assert not passwords.verify(wrong, password_hash)


def test_an_unknown_user_costs_the_same_work() -> None:
    with mock.patch.object(CryptContext, "verify", return_value=True) as check:
        assert not passwords.verify("secret", None, HASHES[0])
    # The decoy is checked, and even when it matches the user stays unknown.
    check.assert_called_once_with("secret", HASHES[0])


def test_the_decoy_is_as_costly_as_the_others() -> None:
    assert passwords.decoy_for(HASHES) == HASHES[0]
    assert passwords.hash_problem(passwords.decoy_for([])) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("secret", "unknown kind"),
        ("", "unknown kind"),
        ("$y$j9T$abc$def", "unknown kind"),
        ("$6$salt$short", "damaged"),
        ("$6$rounds=5000$salt", "ends too early"),
        ("$6$rounds=x$salt$" + "a" * 86, "damaged"),
        # A check of these would take minutes or years, and all other log-ins wait behind it.
        ("$6$rounds=999999999$salt$" + "a" * 85 + ".", "a cost of 999,999,999, and 1,000,000 is"),
        ("$5$rounds=1000001$salt$" + "a" * 42 + ".", "a cost of 1,000,001"),
        ("$2b$31$" + "a" * 21 + "u" + "a" * 30 + "u", "a cost of 31, and 14 is the most"),
    ],
)
def test_what_is_no_hash(text: str, words: str) -> None:
    problem = passwords.hash_problem(text)
    assert problem is not None
    assert words in problem
