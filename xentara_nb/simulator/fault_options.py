"""Faults as they are written on the command line: ``--fault NAME=VALUE``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from xentara_nb.protocol.identifiers import Quality
from xentara_nb.simulator.fault_targets import FaultError
from xentara_nb.simulator.faults import Faults
from xentara_nb.simulator.simulator import Simulator
from xentara_nb.suggestions import question

Cause = Callable[[Simulator], threading.Timer | None]
"""Brings a fault about; returns the timer of one that comes later."""

_Parser = Callable[[str], Cause]


def parse_fault(text: str) -> Cause:
    """Read one ``NAME=VALUE``; raises FaultError if it makes no sense.

    The elements that it names are looked for only when the fault is brought about.
    """
    name, _, value = text.partition("=")
    if name not in USAGE:
        hint = f"{question(name, USAGE)} Take one of: {', '.join(USAGE)}".strip()
        raise FaultError(f"there is no fault {name!r}. {hint}")
    try:
        return _FAULTS[USAGE[name]](value)
    except ValueError:
        raise FaultError(f"{text!r} makes no sense. Write it as {USAGE[name]}") from None


def _call(method: Callable[..., None], **arguments: Any) -> Cause:
    def cause(simulator: Simulator) -> None:
        method(simulator.faults, **arguments)

    return cause


def _parser(method: Callable[..., None], **parameters: Callable[[str], Any]) -> _Parser:
    """Return what reads a method's arguments between commas; the first one must be given."""

    def parse(value: str) -> Cause:
        first, *others = value.split(",", len(parameters) - 1)
        parts = zip(parameters, (first, *others), strict=False)
        given = {name: parameters[name](part) for name, part in parts if part or part is first}
        return _call(method, **given)

    return parse


def _connections(text: str) -> int | None:
    return None if text == "all" else int(text)


def _key(text: str) -> str:
    if not text:
        raise ValueError
    return text


def _bad_quality(value: str) -> Cause:
    quality, _, key = value.partition(":")
    found = Quality.find(quality)
    # A key may have a colon itself, so only the manual's words before it count.
    if key and found is not None and found.label == quality:
        return _call(Faults.bad_quality, keys=key, quality=found)
    return _call(Faults.bad_quality, keys=_key(value))


def _slow_follow(value: str) -> Cause:
    seconds, _, key = value.partition(":")
    return _call(Faults.no_follow, keys=_key(key), after=float(seconds))


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


_lose, _lose_answer = partial(Faults.lose, executed=False), partial(Faults.lose, executed=True)
_FAULTS: dict[str, _Parser] = {
    "delay=SECONDS[,JITTER]": _parser(Faults.delay, seconds=float, jitter=float),
    "drop-in=BYTES[,CONNECTIONS|all]": _parser(
        Faults.drop_after, bytes_in=int, connections=_connections
    ),
    "drop-out=BYTES[,CONNECTIONS|all]": _parser(
        Faults.drop_after, bytes_out=int, connections=_connections
    ),
    "lose=COMMAND[,CONNECTIONS|all]": _parser(_lose, command=str, connections=_connections),
    "lose-answer=COMMAND[,CONNECTIONS|all]": _parser(
        _lose_answer, command=str, connections=_connections
    ),
    "refuse-writes=SHARE[,CODE[,SEED]]": _parser(
        Faults.refuse_writes, share=float, code=int, seed=int
    ),
    "bad-quality=[QUALITY:]KEY": _bad_quality,
    "read-error=KEY": _parser(Faults.read_error, keys=_key),
    "no-follow=KEY": _parser(Faults.no_follow, keys=_key),
    "slow-follow=SECONDS:KEY": _slow_follow,
    "vanish=KEY": _parser(Faults.vanish, key=_key),
    "no-pong": _no_pong,
    "restart=SECONDS[:MODEL_FILE]": _restart,
}
USAGE = {usage.partition("=")[0]: usage for usage in _FAULTS}
"""How each fault is written, by its name."""
