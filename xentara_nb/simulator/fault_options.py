"""Faults as they are written on the command line: ``--fault NAME=VALUE``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from xentara_nb.protocol.identifiers import Quality
from xentara_nb.simulator.faults import FaultError, Faults

if TYPE_CHECKING:
    from xentara_nb.simulator.simulator import Simulator

Cause = Callable[["Simulator"], threading.Timer | None]
"""Brings a fault about; returns the timer of one that comes later."""


def parse_fault(text: str) -> Cause:
    """Read one ``NAME=VALUE``.

    Raises
    ------
    FaultError
        If there is no such fault, or its value makes no sense; the elements that it names are
        looked for only when it is brought about.
    """
    name, _, value = text.partition("=")
    if name not in _FAULTS:
        raise FaultError(f"there is no fault {name!r}. Take one of: {', '.join(_FAULTS)}")
    try:
        return _FAULTS[name](value)
    except (ValueError, KeyError):
        raise FaultError(f"{text!r} makes no sense. Write it as {USAGE[name]}") from None


def _call(method: Callable[..., None], *arguments: Any, **options: Any) -> Cause:
    def cause(simulator: Simulator) -> None:
        method(simulator.faults, *arguments, **options)

    return cause


def _delay(value: str) -> Cause:
    seconds, _, jitter = value.partition(",")
    return _call(Faults.delay, float(seconds), float(jitter or 0))


def _drop(direction: str) -> Callable[[str], Cause]:
    def drop(value: str) -> Cause:
        size, _, connections = value.partition(",")
        count = None if connections == "all" else int(connections or 1)
        return _call(Faults.drop_after, **{direction: int(size)}, connections=count)

    return drop


def _lose(executed: bool) -> Callable[[str], Cause]:
    def lose(value: str) -> Cause:
        command, _, connections = value.partition(",")
        count = None if connections == "all" else int(connections or 1)
        return _call(Faults.lose, command, executed=executed, connections=count)

    return lose


def _refuse(value: str) -> Cause:
    share, code, seed, *_ = (*value.split(","), "", "")
    return _call(
        Faults.refuse_writes,
        float(share),
        int(code or -32109),
        seed=int(seed) if seed else None,
    )


def _bad_quality(value: str) -> Cause:
    quality, _, key = value.partition(":")
    by_label = {member.label: member for member in Quality}
    # A key may have a colon itself, so only the manual's words before it count.
    if key and quality in by_label:
        return _call(Faults.bad_quality, key, by_label[quality])
    return _call(Faults.bad_quality, _given(value))


def _slow_follow(value: str) -> Cause:
    seconds, _, key = value.partition(":")
    return _call(Faults.no_follow, _given(key), float(seconds))


def _restart(value: str) -> Cause:
    seconds, _, model = value.partition(":")
    delay = float(seconds)

    def cause(simulator: Simulator) -> threading.Timer:
        timer = threading.Timer(delay, simulator.faults.restart, [model or None])
        timer.daemon = True
        timer.start()
        return timer

    return cause


def _no_pong(value: str) -> Cause:
    if value:
        raise ValueError
    return _call(Faults.no_pong)


def _given(value: str) -> str:
    if not value:
        raise ValueError
    return value


_FAULTS: dict[str, Callable[[str], Cause]] = {
    "delay": _delay,
    "drop-in": _drop("bytes_in"),
    "drop-out": _drop("bytes_out"),
    "lose": _lose(False),
    "lose-answer": _lose(True),
    "refuse-writes": _refuse,
    "bad-quality": _bad_quality,
    "read-error": lambda value: _call(Faults.read_error, _given(value)),
    "no-follow": lambda value: _call(Faults.no_follow, _given(value)),
    "slow-follow": _slow_follow,
    "vanish": lambda value: _call(Faults.vanish, _given(value)),
    "no-pong": _no_pong,
    "restart": _restart,
}
USAGE: Mapping[str, str] = MappingProxyType(
    {
        "delay": "delay=SECONDS[,JITTER]",
        "drop-in": "drop-in=BYTES[,CONNECTIONS|all]",
        "drop-out": "drop-out=BYTES[,CONNECTIONS|all]",
        "lose": "lose=COMMAND[,CONNECTIONS|all]",
        "lose-answer": "lose-answer=COMMAND[,CONNECTIONS|all]",
        "refuse-writes": "refuse-writes=SHARE[,CODE[,SEED]]",
        "bad-quality": "bad-quality=[QUALITY:]KEY",
        "read-error": "read-error=KEY",
        "no-follow": "no-follow=KEY",
        "slow-follow": "slow-follow=SECONDS:KEY",
        "vanish": "vanish=KEY",
        "no-pong": "no-pong",
        "restart": "restart=SECONDS[:MODEL_FILE]",
    }
)
"""How each fault is written."""
