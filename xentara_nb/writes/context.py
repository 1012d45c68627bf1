"""What a guarded write needs of its client."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.reconnecting import ReconnectingConnection
from xentara_nb.errors import OptionError, PolicyError
from xentara_nb.locking import Lock, locked
from xentara_nb.paths import setting_path, user_path
from xentara_nb.protocol.text import pasted
from xentara_nb.queries.model_cache import ModelCache
from xentara_nb.writes.journal import Journal
from xentara_nb.writes.policy import VARIABLE, WritePolicy, WritePolicyLike, read_policy

SETTLED = 0.05
"""For how long a policy file that has changed must stay the same before it counts, in seconds."""

_LONGEST = 2.0  # how long to wait for that, in seconds


class _PolicyFile:
    """A policy file, read again when it has changed.

    Raises :class:`PolicyError` if it cannot be used, or not any more; ``note`` is added to that.
    """

    def __init__(self, path: Path, note: str = "") -> None:
        self.path = path
        self._note = note
        self._seen: tuple[bytes, WritePolicy] | None = None

    def current(self) -> WritePolicy:
        """Return the policy in the file; the very same one as long as that does not change."""
        try:
            # All of it: it may be another one with the same size and time.
            data, seen = read_policy(self.path), self._seen
            if seen is not None and data != seen[0]:
                data = self._settled(data)
            if seen is None or data != seen[0]:
                seen = data, WritePolicy.from_bytes(data, self.path)
        except PolicyError as error:
            raise PolicyError(f"{error}{self._note}") from None
        self._seen = seen
        return seen[1]

    def _settled(self, data: bytes) -> bytes:
        """Return what the file holds once no one writes into it any more.

        Half of a policy may be one as well: one with less rules.
        """
        deadline = Deadline(_LONGEST)
        while not deadline.passed:
            time.sleep(SETTLED)
            before, data = data, read_policy(self.path)
            if data == before:
                return data
        raise PolicyError(
            f"the policy file {self.path} changes all the time; nothing is written without it."
        )


class PolicySource:
    """The policies that apply to a client: its own, and that which the environment names.

    Making one raises :class:`PolicyError` if a policy cannot be used.
    """

    def __init__(self, own: WritePolicyLike = None) -> None:
        self._own: WritePolicy | _PolicyFile | None = (
            own if own is None or isinstance(own, WritePolicy) else _PolicyFile(_own_path(own))
        )
        self._named: _PolicyFile | None = None
        self.current()

    def current(self) -> tuple[WritePolicy, ...]:
        """Return the policies that apply now, the very same ones as long as nothing changes.

        Raises :class:`PolicyError` if a file cannot be used any more.
        """
        found = []
        if self._own is not None:
            found.append(self._own.current() if isinstance(self._own, _PolicyFile) else self._own)
        if setting := pasted(os.environ.get(VARIABLE, "")):
            path = _absolute(setting)
            if self._named is None or self._named.path != path:
                self._named = _PolicyFile(path, _NAMED)
            named = self._named.current()
            # The same file given twice would say each of its reasons twice.
            if named not in found:
                found.append(named)
        return tuple(found)


_NAMED = f" ({VARIABLE} names this file.)"


def _own_path(path: str | os.PathLike[str]) -> Path:
    """Return the file that a client was given, the same one from then on, also after a chdir."""
    try:
        return user_path(path).absolute()
    except OptionError as error:
        raise PolicyError(
            f"the policy file cannot be read ({error}); nothing is written without it."
        ) from None


def _absolute(setting: str) -> Path:
    """Return the file that a setting names, the same one from then on, also after a chdir."""
    try:
        return setting_path(setting)
    except OptionError as error:
        raise PolicyError(f"{error}. Nothing is written without the policy.{_NAMED}") from None


class RateLimiter:
    """Keeps to the maximum number of writes per second, over all plans and writes of a client."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sent: deque[float] = deque()

    def grant(self, wanted: int, policies: Sequence[WritePolicy]) -> tuple[int, float]:
        """Return how many of the writes may be sent now, and how long to wait if none may.

        In any span of a second no more than the policies say; below one a second, one in a span
        that is longer accordingly.
        """
        rates = [each.max_writes_per_second for each in policies if each.max_writes_per_second]
        if not rates:
            return wanted, 0.0
        rate = min(rates)
        most = max(1, int(rate))
        span = most / rate
        return self._grant_in(span, most, wanted)

    @locked("_lock")
    def _grant_in(self, span: float, most: int, wanted: int) -> tuple[int, float]:
        """Grant what is wanted, or less, with at most so many in a span of seconds."""
        now = time.monotonic()
        while self._sent and self._sent[0] <= now - span:
            self._sent.popleft()
        granted = min(wanted, most - len(self._sent))
        if granted > 0:
            self._sent.extend([now] * granted)
            return granted, 0.0
        return 0, self._sent[0] + span - now


class ClientSettings(Protocol):
    """What a client says about writing; it may change at any time."""

    @property
    def read_only(self) -> bool:
        """Whether everything that changes something is refused."""

    @property
    def journal(self) -> Journal:
        """Where writes are journalled."""


class WriteContext(NamedTuple):
    """What a write needs."""

    settings: ClientSettings
    connection: ReconnectingConnection
    model_cache: ModelCache
    policies: PolicySource
    rate_limiter: RateLimiter
