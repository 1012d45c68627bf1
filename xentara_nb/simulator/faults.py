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
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from xentara_nb.protocol.errors import ReadError, UnknownElementError, XentaraError
from xentara_nb.protocol.identifiers import Attribute, ErrorCode, OpCode, Quality
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.plant.attributes import AttributeValue
from xentara_nb.simulator.plant.datapoints import DataPoint
from xentara_nb.simulator.plant.elements import Element, InjectedFault
from xentara_nb.simulator.plant.plant import Plant, walk
from xentara_nb.simulator.refusals import Refusal, write_path
from xentara_nb.simulator.server.transport import ByteLimit, Countdown, Transport

if TYPE_CHECKING:
    from xentara_nb.simulator.model.model import Model

R = TypeVar("R")
Keys = str | UUID | Iterable[str | UUID]


class FaultError(XentaraError):
    """A fault that makes no sense, such as a delay below zero or an element that is not there."""


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
        self._lines: set[Transport] = set()
        self._delay = (0.0, 0.0)
        self._budgets: list[ByteLimit] = []
        self._losses: list[tuple[OpCode, bool, Countdown]] = []
        self._refusals: list[Refusal] = []
        self._pongs = True
        self._faulty: dict[Element, InjectedFault] = {}
        self._random = random.Random(0)

    def __repr__(self) -> str:
        return f"<Faults: {', '.join(self._active()) or 'none'}>"

    def _active(self) -> list[str]:
        found = [f"{len(self._faulty)} faulty elements"] if self._faulty else []
        found += [f"delay {self._delay[0]} s"] if self._delay != (0.0, 0.0) else []
        kinds = {"drop": self._budgets, "lose": self._losses, "refuse writes": self._refusals}
        found += [name for name, faults in kinds.items() if faults]
        found += [] if self._pongs else ["no pong"]
        return found

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
        for value, what in ((seconds, "delay"), (jitter, "jitter")):
            if not (math.isfinite(value) and value >= 0):
                raise FaultError(f"a {what} of {value} seconds: it must be a number from 0 up")
        self._delay = (float(seconds), float(jitter))

    def drop_after(
        self,
        *,
        bytes_in: int | None = None,
        bytes_out: int | None = None,
        connections: int | None = 1,
    ) -> None:
        """Break the connection, without a good-bye, after so many bytes.

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
        if size < 0 or (connections is not None and connections < 1):
            raise FaultError("the bytes must be from 0 up, and the connections at least 1")
        budget = ByteLimit(bytes_out is None, size, Countdown(connections))

        def add() -> None:
            self._budgets.append(budget)
            for line in self._lines:
                line.budgets.append(budget.copy())

        self._run(add)

    def lose(
        self, command: str = "write", *, executed: bool = True, connections: int | None = 1
    ) -> None:
        """Break the connection at the next request of a command, whatever comes before it.

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
        if connections is not None and connections < 1:
            raise FaultError("the connections must be at least 1")
        self._losses.append((opcodes[command], executed, Countdown(connections)))

    def refuse_writes(
        self,
        share: float = 1.0,
        code: int = ErrorCode.WRITE_ERROR,
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
        elements = None if keys is None else frozenset(self._below(keys))
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
        elements = [element for key in _listed(keys) for element in self._sources(key)]

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
        elements = [
            element
            for key in _listed(keys)
            for element in self._sources(key)
            if element.table.info(Attribute.VALUE) is not None
        ]

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
        if after is not None and not (math.isfinite(after) and after >= 0):
            raise FaultError(f"following after {after} seconds: it must be a number from 0 up")
        elements = [element for key in _listed(keys) for element in self._targets(key)]

        def stick() -> None:
            for element in elements:
                self._fault(element).follows_after = math.inf if after is None else float(after)

        self._run(stick)

    def vanish(self, key: str | UUID) -> None:
        """Take an element, and those below it, out of the plant; :meth:`clear` brings it back.

        Its subscribers get one last event, with the error "unknown element" for every attribute.
        """
        element = self._element(key)
        self._run(lambda: self._plant().hide(element))

    def no_pong(self) -> None:
        """Answer no more pings: the server looks alive only to those who do not ask."""
        self._pongs = False

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

        def mend() -> None:
            self._delay = (0.0, 0.0)
            self._budgets.clear()
            for line in self._lines:
                line.budgets.clear()
            self._losses.clear()
            self._refusals.clear()
            self._pongs = True
            for element in self._faulty:
                element.clear_fault(self._plant().clock())
            self._faulty.clear()
            self._plant().show_all()

        self._run(mend)

    # What the server asks.

    def attach(self, line: Transport) -> None:
        """Take a new line in."""
        line.budgets.extend(budget.copy() for budget in self._budgets)
        self._lines.add(line)

    def detach(self, line: Transport) -> None:
        """Forget a line that has ended."""
        self._lines.discard(line)

    def latency(self) -> float:
        """Return how late the next message is, in seconds."""
        seconds, jitter = self._delay
        return max(seconds + self._random.uniform(-jitter, jitter), 0.0) if jitter else seconds

    @property
    def pongs(self) -> bool:
        """Whether pings are answered."""
        return self._pongs

    @property
    def may_lose(self) -> bool:
        """Whether :meth:`loses` can be true at all."""
        return bool(self._losses)

    def loses(self, opcode: int, executed: bool) -> bool:
        """Whether the connection is to break at a request, before or after it is executed."""
        return any(
            opcode == lost and executed is when and shots.take()
            for lost, when, shots in self._losses
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
        # Where no server runs there is nobody to wait, and the device never follows.
        with contextlib.suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            loop.call_later(seconds, lambda: what(self._plant().clock()))

    def _element(self, key: str | UUID) -> Element:
        plant = self._plant()
        try:
            return plant.element(key) if isinstance(key, UUID) else plant.lookup(key)
        except UnknownElementError:
            raise FaultError(f"the plant has no element {str(key)!r}. Check its key.") from None

    def _below(self, keys: Keys) -> list[Element]:
        chosen = [self._element(key) for key in _listed(keys)]
        return [element for start in chosen for element in (start, *walk(start))]

    def _sources(self, key: str | UUID) -> list[Element]:
        """Return the elements behind a key that have a quality of their own."""
        found: dict[Element, None] = {}
        for element in self._below(key):
            while isinstance(element, DataPoint) and (element.input or element.output) is not None:
                element = element.input or element.output  # type: ignore[assignment]  # not None
            if Attribute.QUALITY in element.table.index:
                found[element] = None
        if not found:
            raise FaultError(f"{str(key)!r} has no quality, and nothing below it has one")
        return list(found)

    def _targets(self, key: str | UUID) -> list[Element]:
        """Return the elements behind a key that take what is written."""
        found: dict[Element, None] = {}
        for element in self._below(key):
            *_, element = write_path(element)
            info = element.table.info(Attribute.VALUE)
            if info is not None and info.access:
                found[element] = None
        if not found:
            raise FaultError(f"{str(key)!r} cannot be written, and nothing below it can")
        return list(found)


def _listed(keys: Keys) -> list[str | UUID]:
    return [keys] if isinstance(keys, str | UUID) else list(keys)
