"""Passwords that wait to be checked, so that many wrong ones do not keep the right ones out.

A check is slow on purpose and takes all of a processor, so there is one at a time. Those go first
whose address and user have failed least, and of those the one that has waited longest. A password
that has been checked is not checked again: what is kept of it is a digest under a key that the
server makes up at its start.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from xentara_nb.simulator.security.access import Principal

_log = logging.getLogger(__name__)

_MAX_KNOWN = 4096
_MAX_FAILED = 4096


class TooManyLoginsError(Exception):
    """A password is not checked, because too many are waiting."""

    def __init__(self) -> None:
        super().__init__("too many log-ins are being checked; try again in a second")


@dataclass(frozen=True, slots=True, eq=False)
class _Login:
    """A log-in that waits."""

    address: str
    user: str
    password: str
    digest: bytes
    result: asyncio.Future[Principal | None]


class PasswordQueue:
    """Checks the passwords of log-ins, one at a time.

    The function that checks returns the client, or None; it is called in a thread. Not more than
    ``max_waiting`` log-ins wait.
    """

    def __init__(self, check: Callable[[str, str], Principal | None], max_waiting: int) -> None:
        self._check = check
        self._max_waiting = max_waiting
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, Principal | None] = OrderedDict()
        # How often an address, and a user, has failed since it was last right.
        self._failures: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._waiting: dict[bytes, _Login] = {}
        self._worker: asyncio.Task[None] | None = None

    async def check(self, user: str, password: str, address: str = "") -> Principal | None:
        """Return the client with this user name and password, None if there is none.

        Raises TooManyLoginsError.
        """
        text = "\0".join((user, password)).encode("utf-8", "surrogatepass")
        digest = hmac.digest(self._key, text, hashlib.sha256)
        if digest in self._known:
            self._known.move_to_end(digest)
            return self._known[digest]
        login = self._waiting.get(digest)
        if login is None:
            login = self._admit(address, user, password, digest)
        # One who gives up does not take the result away from others with the same password.
        return await asyncio.shield(login.result)

    def _admit(self, address: str, user: str, password: str, digest: bytes) -> _Login:
        result: asyncio.Future[Principal | None] = asyncio.get_running_loop().create_future()
        # A refusal that no one waits for any more is not an error.
        result.add_done_callback(lambda done: done.cancelled() or done.exception())
        login = _Login(address, user, password, digest, result)
        self._waiting[digest] = login
        if len(self._waiting) > self._max_waiting:
            # The newest of those that are the least likely to be right.
            last = max(reversed(self._waiting.values()), key=self._failed)
            del self._waiting[last.digest]
            last.result.set_exception(TooManyLoginsError())
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return login

    def _failed(self, login: _Login) -> tuple[int, int]:
        address = self._failures.get(("address", login.address), 0)
        return address, self._failures.get(("user", login.user), 0)

    async def _work(self) -> None:
        # A thread of its own: what else runs in threads must not wait for passwords.
        with ThreadPoolExecutor(1, thread_name_prefix="simulator-passwords") as thread:
            try:
                while self._waiting:
                    login = min(self._waiting.values(), key=self._failed)
                    principal = None
                    try:
                        principal = await asyncio.get_running_loop().run_in_executor(
                            thread, self._check, login.user, login.password
                        )
                    except Exception:  # of what a client sends, it counts as a wrong password
                        _log.exception("a password could not be checked")
                    self._note(login, principal)
                    # Let the loop serve the others between two checks.
                    await asyncio.sleep(0)
            finally:
                self._worker = None

    def _note(self, login: _Login, principal: Principal | None) -> None:
        self._waiting.pop(login.digest, None)
        self._known[login.digest] = principal
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)
        for key in (("address", login.address), ("user", login.user)):
            failures = self._failures.pop(key, 0) + 1
            if principal is None:
                self._failures[key] = failures
            if len(self._failures) > _MAX_FAILED:
                self._failures.popitem(last=False)
        if not login.result.done():
            login.result.set_result(principal)
