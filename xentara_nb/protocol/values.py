"""The values of the protocol that Python has no type of its own for.

Time stamps have a resolution of one nanosecond and can be "never" or "for ever", so
:class:`datetime.datetime` cannot hold them. Alternatives are the protocol's way to say which of
several forms a value has.

Examples
--------
>>> TimePoint.parse("2024-01-01T11:11:11.111587983Z").nanoseconds
1704107471111587983
"""

from __future__ import annotations

import math
import re
import struct
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from numbers import Real
from typing import ClassVar, NamedTuple, TypeAlias, TypeGuard
from uuid import UUID

INT_MIN, INT_MAX = -(1 << 63), (1 << 64) - 1
"""The range of the integers of the protocol: 64 bits, signed or unsigned."""

_NS_MIN = -(1 << 63)
_NS_MAX = (1 << 63) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?"
    r"(?:([Zz])|([+-])(\d\d):(\d\d))",
    re.ASCII,
)


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a number, also one of numpy; a boolean is none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def float_32(number: float) -> float:
    """Return the Float32 nearest to a number: infinite where it is too large for one."""
    try:
        rounded: float = struct.unpack(">f", struct.pack(">f", number))[0]
    except OverflowError:
        return math.copysign(math.inf, number)
    return rounded


@dataclass(frozen=True, slots=True, order=True)
class TimePoint:
    """A point in time: nanoseconds since 1970-01-01T00:00Z, or never, or for ever.

    The two limits of a signed 64-bit integer stand for these; ValueError if a number does not fit
    it (years 1677 to 2262).

    Examples
    --------
    >>> TimePoint(1_500_000_000).isoformat()
    '1970-01-01T00:00:01.5Z'
    >>> TimePoint.NEVER.isoformat()
    'never'
    """

    nanoseconds: int

    NEVER: ClassVar[TimePoint]
    FOREVER: ClassVar[TimePoint]

    def __post_init__(self) -> None:
        if not _NS_MIN <= self.nanoseconds <= _NS_MAX:
            raise ValueError(
                f"a time stamp of {self.nanoseconds} ns does not fit 64 bits (years 1677 to 2262)"
            )

    @property
    def is_finite(self) -> bool:
        """Whether this is a real point in time, neither never nor for ever."""
        return _NS_MIN < self.nanoseconds < _NS_MAX

    @classmethod
    def now(cls) -> TimePoint:
        """Return the present time of this computer.

        Examples
        --------
        >>> TimePoint.now().is_finite
        True
        """
        return cls(time.time_ns())

    @classmethod
    def parse(cls, text: str) -> TimePoint:
        """Read a time stamp with its time zone as RFC 3339 writes it, or ``never``, ``for ever``.

        Parameters
        ----------
        text : str
            A blank is allowed in place of the ``T``, as in a model file.

        Raises
        ------
        ValueError
            If the text is not such a time stamp, or has no time zone.

        Examples
        --------
        >>> TimePoint.parse("2026-11-26 14:00:00+01:00")
        TimePoint(nanoseconds=1795698000000000000)
        """
        if text in ("never", "for ever"):
            return cls.NEVER if text == "never" else cls.FOREVER
        match = _RFC_3339.fullmatch(text)
        if match is None:
            raise ValueError(
                f"{text[:60]!r} is not a time stamp with a time zone, such as "
                "'2024-01-01T11:11:11.5Z' or '2024-01-01 12:11:11+01:00'"
            )
        year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
        try:
            moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            if match[9]:
                hours, minutes = int(match[10]), int(match[11])
                if hours > 23 or minutes > 59:
                    raise ValueError("the time zone is out of range")
                offset = timedelta(hours=hours, minutes=minutes)
                moment += offset if match[9] == "-" else -offset
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{text[:60]!r} is not a time stamp: {error}") from None
        since = moment - _EPOCH
        seconds = since.days * 86_400 + since.seconds
        return cls(seconds * 1_000_000_000 + int((match[7] or "0").ljust(9, "0")))

    def isoformat(self) -> str:
        """Return the time stamp as RFC 3339 writes it, in UTC, with as many digits as it needs.

        Examples
        --------
        >>> TimePoint.parse("2026-11-26T13:00:00.5Z").isoformat()
        '2026-11-26T13:00:00.5Z'
        """
        if not self.is_finite:
            return "never" if self.nanoseconds < 0 else "for ever"
        seconds, nanoseconds = divmod(self.nanoseconds, 1_000_000_000)
        text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
        fraction = f".{nanoseconds:09}".rstrip("0") if nanoseconds else ""
        return f"{text}{fraction}Z"

    def __str__(self) -> str:
        return self.isoformat()


def time_point_from(nanoseconds: int) -> TimePoint:
    """Return a point in time from a number that is known to fit, for they come by the thousand."""
    point = TimePoint.__new__(TimePoint)
    object.__setattr__(point, "nanoseconds", nanoseconds)
    return point


TimePoint.NEVER = TimePoint(_NS_MIN)
TimePoint.FOREVER = TimePoint(_NS_MAX)


class Alternative(NamedTuple):
    """One of several forms of a value: tags 121, 122 and 123 on the wire.

    In the answer to a read, and in events, alternative 0 is a value and alternative 1 an
    error. In create_sub_session the alternatives are the ways to log in.
    """

    number: int
    value: object


AttributeId: TypeAlias = int | UUID
"""How an attribute is addressed: the integer of a well-known one, or a UUID."""

Value: TypeAlias = bool | int | float | str | UUID | TimePoint
"""What an attribute can hold."""
