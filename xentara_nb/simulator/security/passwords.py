"""Checking passwords against the hashes of ``passwords.json``.

Hashes are those of a Linux shadow file: ``$6$`` (SHA-512-crypt) is what Xentara writes, ``$5$``,
``$1$`` and ``$2b$`` are read as well. A check takes the same time whether or not the user exists,
so that its duration does not reveal user names. A hash that asks for far more work than usual is
refused, for log-ins are checked one after the other. Passwords are neither kept nor logged.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from passlib.context import CryptContext

_CONTEXT: Any = CryptContext(schemes=["sha512_crypt", "sha256_crypt", "md5_crypt", "bcrypt"])

# Of a random password that is not kept; the work of checking it is that of checking any other.
_DECOY = (
    "$6$nobody.at.all.$w..8rETyi9Hfo/kP7gLmeo5SWaSdGEjWEuHQy0ygpHmAQMdiEIgV1idWO8AW"
    "y/5wUlIoCH8ddpJDP5pjMEcnV."
)
_LONGEST = 4096

_MAX_ROUNDS = {"sha512_crypt": 1_000_000, "sha256_crypt": 1_000_000, "bcrypt": 14}
"""The most work of a check, a second or two: rounds, or for bcrypt their binary logarithm."""


def hash_problem(text: str) -> str | None:
    """Say what is wrong with a password hash; None if nothing is."""
    scheme = _CONTEXT.identify(text)
    if scheme is None:
        return "a hash of an unknown kind"
    try:
        parsed = _CONTEXT.handler(scheme).from_string(text)
    except (ValueError, TypeError) as error:
        return f"a damaged hash ({error})"
    if not parsed.checksum:
        return "a hash that ends too early"
    most = _MAX_ROUNDS.get(scheme)
    if most is not None and parsed.rounds > most:
        return f"a hash with a cost of {parsed.rounds:,}, and {most:,} is the most that is checked"
    if not getattr(_CONTEXT.handler(scheme), "has_backend", lambda: True)():
        return f"a hash of the kind {scheme}, which needs the package of that name"
    return None


def decoy_for(hashes: Iterable[str]) -> str:
    """Return the hash that users without one are checked against: as costly as the others."""
    return next(iter(hashes), _DECOY)


def verify(password: str, password_hash: str | None, decoy: str = _DECOY) -> bool:
    """Return whether the password belongs to the hash; takes some milliseconds of work.

    No password lets an unknown user in, for whom the decoy is checked.
    """
    if len(password) > _LONGEST or "\0" in password:
        return False
    matches: bool = _CONTEXT.verify(password, decoy if password_hash is None else password_hash)
    return matches and password_hash is not None
