"""Faults on purpose: what goes wrong in plants and on networks, for tests and for rehearsal.

Every method can be called while the simulator runs, from any thread, and holds from then on until
:meth:`Faults.clear`.

>>> from xentara_nb.simulator import simulate
>>> with simulate() as simulator:
...     simulator.faults.delay(0.25, jitter=0.05)            # a slow network
...     simulator.faults.drop_after(bytes_out=0)             # the next answer is lost
...     simulator.faults.refuse_writes(0.2, seed=7)          # one write in five fails
...     simulator.faults.no_follow("Plant.Line 1.Set point") # a stuck valve
...     simulator.faults.clear()
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any
from uuid import UUID

from xentara_nb.protocol.errors import ReadError, WriteError, server_error
from xentara_nb.protocol.identifiers import Attribute, OpCode, Quality
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.byte_limits import ByteLimit, ConnectionLimits, Countdown
from xentara_nb.simulator.fault_targets import (
    FaultError,
    Keys,
    chosen_elements,
    find_element,
    readable_source,
    write_path,
    written_target,
)
from xentara_nb.simulator.model.model import Model
from xentara_nb.simulator.plant.attributes import AttributeValue
from xentara_nb.simulator.plant.elements import Element, InjectedFault
from xentara_nb.simulator.plant.plant import Plant


@dataclass(frozen=True, slots=True)
class Refusal:
    """Some writes that are refused: those to some elements, None for all, or a share of them."""

    share: float
    code: int
    text: str | None
    dice: random.Random
    elements: frozenset[Element] | None

    def check(self, element: Element) -> None:
        """Raise the error for a write to an element, if it is refused."""
        concerned = self.elements is None or not self.elements.isdisjoint(write_path(element))
        if concerned and self.dice.random() < self.share:
            raise server_error(self.code, self.text)


class Faults:
    """What goes wrong in a simulator; see ``simulator.faults``.

    Parameters
    ----------
    plant : callable
        Gives the plant that is served now.
    run : callable
        Runs a function where the plant may be changed, and returns what it returns.
    restart : callable, optional
        Restarts the server with another model.

    Attributes
    ----------
    pongs : bool
        Whether pings are answered.
    """

    def __init__(
        self,
        plant: Callable[[], Plant],
        run: Callable[[Callable[[], Any]], Any] = lambda function: function(),
        restart: Callable[[Any], None] | None = None,
    ) -> None:
        self._plant = plant
        self._run = run
        self._restart = restart
        self.pongs = True
        self._delay = (0.0, 0.0)
        self._byte_limits: list[ByteLimit] = []
        self._connections: set[ConnectionLimits] = set()
        self._losses: list[tuple[OpCode, bool, Countdown]] = []
        self._refusals: list[Refusal] = []
        self._faulty: dict[Element, InjectedFault] = {}
        self._random = random.Random(0)

    def __repr__(self) -> str:
        active = {
            f"{len(self._faulty)} faulty elements": self._faulty,
            f"delay {self._delay[0]} s": any(self._delay),
            "drop": self._byte_limits,
            "lose": self._losses,
            "refuse writes": self._refusals,
            "no pong": not self.pongs,
        }
        return f"<Faults: {', '.join(name for name, on in active.items() if on) or 'none'}>"

    def delay(self, seconds: float, jitter: float = 0.0) -> None:
        """Let everything that the server sends arrive late.

        Requests are executed when they arrive; their answers, and events, are held back. Messages
        do not overtake each other, and several can be under way at once, as on a long line.

        Parameters
        ----------
        seconds : float
            How late; 0 ends the delay.
        jitter : float
            How much more or less it can be.
        """
        self._delay = (_seconds(seconds, "a delay"), _seconds(jitter, "a jitter"))

    def drop_after(
        self,
        *,
        bytes_in: int | None = None,
        bytes_out: int | None = None,
        connections: int | None = 1,
    ) -> None:
        """Break the connection, without a close frame, after so many bytes.

        Counted are the bytes of the content of WebSocket messages: on connections that exist,
        from now on; on later ones, from their beginning (a hello has 10 bytes, its answer 7).

        Parameters
        ----------
        bytes_in : int, optional
            Bytes from the client. The message that goes beyond them is not executed, so 0 loses
            the next request.
        bytes_out : int, optional
            Bytes to the client. The message that goes beyond them is cut off there, so 0 loses
            the next answer. The request behind it has been executed.
        connections : int or None
            How many connections break before the fault is used up; None for every one.
        """
        if (bytes_in is None) == (bytes_out is None):
            raise FaultError("give either bytes_in or bytes_out, one of the two")
        size = bytes_in if bytes_out is None else bytes_out
        assert size is not None
        if size < 0:
            raise FaultError("the bytes must be from 0 up")
        limit = ByteLimit(bytes_out is None, size, _countdown(connections))

        def add() -> None:
            self._byte_limits.append(limit)
            for connection in self._connections:
                connection.add(limit)

        self._run(add)

    def lose(
        self, command: str = "write", *, executed: bool = True, connections: int | None = 1
    ) -> None:
        """Break the connection at the next request of a command.

        Other requests that come before it are answered.

        Parameters
        ----------
        command : str
            The name of the command in the manual, such as ``write`` or ``create_sub_session``.
        executed : bool
            Whether the command is carried out, and only its answer lost, or lost itself.
        connections : int or None
            How many connections break before the fault is used up; None for every one.
        """
        opcodes = {opcode.name.lower(): opcode for opcode in OpCode}
        if command not in opcodes:
            raise FaultError(f"there is no command {command!r}; take one of {', '.join(opcodes)}")
        self._losses.append((opcodes[command], executed, _countdown(connections)))

    def refuse_writes(
        self,
        share: float = 1.0,
        code: int = WriteError.default_code,
        *,
        seed: int | None = None,
        keys: Keys | None = None,
        text: str | None = None,
    ) -> None:
        """Refuse some writes, as a device does that has a fault. They are not executed.

        Parameters
        ----------
        share : float
            How many of them, from 0 for none to 1 for all.
        code : int
            The error code of the answer.
        seed : int, optional
            Of the dice; the same seed refuses the same ones in a row.
        keys : str, UUID or several, optional
            Which elements, and those below them; all of them when left out.
        text : str, optional
            The message of the answer.
        """
        if not 0 <= share <= 1:
            raise FaultError(f"a share of {share}: it must be from 0 to 1")
        elements = None if keys is None else frozenset(chosen_elements(self._plant(), keys))
        self._refusals.append(Refusal(share, int(code), text, random.Random(seed), elements))

    def bad_quality(self, keys: Keys, quality: Quality = Quality.BAD) -> None:
        """Give elements, and those below them, a bad quality that stays until it is cleared.

        Parameters
        ----------
        keys : str, UUID or several
            Which elements. A data point means the input that it shows.
        quality : Quality
            Which quality; another one than bad if wanted.
        """
        elements = chosen_elements(self._plant(), keys, readable_source)

        def spoil() -> None:
            for element in elements:
                self._fault(element)
                element.show({Attribute.QUALITY: int(Quality(quality))}, self._plant().clock())

        self._run(spoil)

    def read_error(self, keys: Keys) -> None:
        """Let the values of elements, and those below them, fail to be read until it is cleared.

        Reads and events have the error in place of the value, the quality is bad, and the
        attribute ``error`` says why. What is written is taken all the same.

        Parameters
        ----------
        keys : str, UUID or several
            Which elements. A data point means the input that it shows.
        """
        chosen = chosen_elements(self._plant(), keys, readable_source)
        elements = [e for e in chosen if e.table.info(Attribute.VALUE) is not None]

        error = ReadError()
        shown: dict[Attribute, AttributeValue] = {
            Attribute.VALUE: error,
            Attribute.ERROR: error.text,
            Attribute.QUALITY: int(Quality.BAD),
        }

        def fail() -> None:
            for element in elements:
                self._fault(element)
                element.show(shown, self._plant().clock())

        self._run(fail)

    def no_follow(self, keys: Keys, after: float | None = None) -> None:
        """Let a device take set points without following them.

        The write succeeds, and the value that is read stays what it was.

        Parameters
        ----------
        keys : str, UUID or several
            Which elements. A data point means its output, and the input where that reports.
        after : float, optional
            After how many seconds the value follows, late; never when left out.
        """
        follows_after = math.inf if after is None else _seconds(after, "a delay")
        elements = chosen_elements(self._plant(), keys, written_target)

        def stick() -> None:
            for element in elements:
                self._fault(element).follows_after = follows_after

        self._run(stick)

    def vanish(self, key: str | UUID) -> None:
        """Take an element, and those below it, out of the plant; :meth:`clear` brings it back.

        Its subscribers get one last event, with the error "unknown element" for every attribute.
        """
        element = find_element(self._plant(), key)
        self._run(lambda: self._plant().hide(element))

    def no_pong(self) -> None:
        """Answer no more pings: the server looks alive only to those who do not ask."""
        self.pongs = False

    def restart(self, model: str | PathLike[str] | Mapping[str, Any] | Model | None = None) -> None:
        """End all connections, and start again on the same address with the same certificate.

        Registers begin with their default values again, and faults of elements are gone.

        Parameters
        ----------
        model : path, mapping or Model, optional
            The model to start with: a file, or its content. The old one when left out.
        """
        if self._restart is None:
            raise FaultError("this plant is not served, so it cannot be restarted")
        self._restart(model)

    def clear(self) -> None:
        """End all faults. A slow device still follows the set points that it was given."""

        def clear() -> None:
            self._delay = (0.0, 0.0)
            self._byte_limits.clear()
            for connection in self._connections:
                connection.clear()
            self._losses.clear()
            self._refusals.clear()
            self.pongs = True
            for element in self._faulty:
                element.clear_fault(self._plant().clock())
            self._faulty.clear()
            self._plant().show_all()

        self._run(clear)

    # What the server asks.

    def attach(self) -> ConnectionLimits:
        """Return the limits of a new connection, which hold until :meth:`detach`."""
        limits = ConnectionLimits(self._byte_limits)
        self._connections.add(limits)
        return limits

    def detach(self, limits: ConnectionLimits) -> None:
        """Forget the limits of a connection that has ended."""
        self._connections.discard(limits)

    def latency(self) -> float:
        """Return how late the next message is, in seconds."""
        seconds, jitter = self._delay
        return max(seconds + self._random.uniform(-jitter, jitter), 0.0) if jitter else seconds

    @property
    def may_lose(self) -> bool:
        """Whether :meth:`loses` can be true at all."""
        return bool(self._losses)

    def loses(self, opcode: int, executed: bool) -> bool:
        """Whether the connection is to break at a request, before or after it is executed."""
        return any(
            opcode == lost and executed is when and countdown.take()
            for lost, when, countdown in self._losses
        )

    def check_write(self, element: Element) -> None:
        """Raise the error with which a write is refused, if it is."""
        for refusal in self._refusals:
            refusal.check(element)

    def forget_elements(self) -> None:
        """Forget the faults of elements that are not there any more."""
        self._faulty.clear()
        self._refusals = [refusal for refusal in self._refusals if refusal.elements is None]

    def _fault(self, element: Element) -> InjectedFault:
        if element not in self._faulty:
            self._faulty[element] = element.fault = InjectedFault(self._later)
        return self._faulty[element]

    def _later(self, seconds: float, what: Callable[[TimePoint], None]) -> None:
        # Where no server runs there is no loop to wait in, and the device never follows.
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().call_later(seconds, lambda: what(self._plant().clock()))


def _seconds(value: float, what: str) -> float:
    if not (math.isfinite(value) and value >= 0):
        raise FaultError(f"{what} of {value} seconds: it must be a number from 0 up")
    return float(value)


def _countdown(connections: int | None) -> Countdown:
    if connections is not None and connections < 1:
        raise FaultError("the connections must be at least 1")
    return Countdown(connections)
