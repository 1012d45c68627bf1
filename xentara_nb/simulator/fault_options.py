"""Faults as they are written on the command line: ``--fault NAME=VALUE``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from xentara_nb.protocol.identifiers import ErrorCode, Quality
from xentara_nb.simulator.fault_targets import FaultError
from xentara_nb.simulator.faults import Faults
from xentara_nb.simulator.simulator import Simulator

Cause = Callable[[Simulator], threading.Timer | None]
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
    if name not in _PARSERS:
        raise FaultError(f"there is no fault {name!r}. Take one of: {', '.join(USAGE)}")
    try:
        return _PARSERS[name](value)
    except ValueError:
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
        limit = {direction: int(size)}
        return _call(Faults.drop_after, **limit, connections=_connections(connections))

    return drop


def _lose(executed: bool) -> Callable[[str], Cause]:
    def lose(value: str) -> Cause:
        command, _, connections = value.partition(",")
        count = _connections(connections)
        return _call(Faults.lose, command, executed=executed, connections=count)

    return lose


def _connections(text: str) -> int | None:
    return None if text == "all" else int(text or 1)


def _refuse(value: str) -> Cause:
    share, code, seed, *_ = (*value.split(","), "", "")
    return _call(
        Faults.refuse_writes,
        float(share),
        int(code or ErrorCode.WRITE_ERROR),
        seed=int(seed) if seed else None,
    )


def _bad_quality(value: str) -> Cause:
    quality, _, key = value.partition(":")
    by_label = {member.label: member for member in Quality}
    # A key may have a colon itself, so only the manual's words before it count.
    if key and quality in by_label:
        return _call(Faults.bad_quality, key, by_label[quality])
    return _call(Faults.bad_quality, _given(value))


def _of_element(method: Callable[..., None]) -> Callable[[str], Cause]:
    return lambda value: _call(method, _given(value))


def _slow_follow(value: str) -> Cause:
    seconds, _, key = value.partition(":")
    return _call(Faults.no_follow, _given(key), float(seconds))


def _no_pong(value: str) -> Cause:
    if value:
        raise ValueError
    return _call(Faults.no_pong)


def _restart(value: str) -> Cause:
    seconds, _, model = value.partition(":")
    delay = float(seconds)

    def cause(simulator: Simulator) -> threading.Timer:
        timer = threading.Timer(delay, simulator.faults.restart, [model or None])
        timer.daemon = True
        timer.start()
        return timer

    return cause


def _given(value: str) -> str:
    if not value:
        raise ValueError
    return value


_FAULTS: Mapping[str, Callable[[str], Cause]] = {
    "delay=SECONDS[,JITTER]": _delay,
    "drop-in=BYTES[,CONNECTIONS|all]": _drop("bytes_in"),
    "drop-out=BYTES[,CONNECTIONS|all]": _drop("bytes_out"),
    "lose=COMMAND[,CONNECTIONS|all]": _lose(False),
    "lose-answer=COMMAND[,CONNECTIONS|all]": _lose(True),
    "refuse-writes=SHARE[,CODE[,SEED]]": _refuse,
    "bad-quality=[QUALITY:]KEY": _bad_quality,
    "read-error=KEY": _of_element(Faults.read_error),
    "no-follow=KEY": _of_element(Faults.no_follow),
    "slow-follow=SECONDS:KEY": _slow_follow,
    "vanish=KEY": _of_element(Faults.vanish),
    "no-pong": _no_pong,
    "restart=SECONDS[:MODEL_FILE]": _restart,
}
_PARSERS = {usage.partition("=")[0]: parser for usage, parser in _FAULTS.items()}
USAGE: Mapping[str, str] = MappingProxyType({usage.partition("=")[0]: usage for usage in _FAULTS})
"""How each fault is written, by its name."""
