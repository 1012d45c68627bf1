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
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakSet

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
from xentara_nb.suggestions import question


class Refusal(NamedTuple):
    """Some writes that are refused: those to some elements, None for all, or a share of them."""

    share: float
    code: int
    text: str | None
    dice: random.Random
    elements: frozenset[Element] | None


class Faults:
    """What goes wrong in a simulator; see ``simulator.faults``, which is the one to use.

    Attributes
    ----------
    pongs : bool
        Whether pings are answered.
    losses : list
        The requests at which connections break, nearly always none; see :meth:`lose`.

    Examples
    --------
    >>> plant.faults.delay(0.01)
    >>> plant.faults
    <Faults: delay 0.01 s>
    >>> plant.faults.clear()
    """

    def __init__(
        self,
        plant: Callable[[], Plant],
        run: Callable[[Callable[[], Any]], Any] = lambda function: function(),
        restart: Callable[[Any], None] | None = None,
    ) -> None:
        self._plant = plant  # gives the plant that is served now
        self._run = run  # runs a function where the plant may be changed
        self._restart = restart
        self.pongs = True
        self._delay = (0.0, 0.0)
        self._byte_limits: list[ByteLimit] = []
        self._connections: WeakSet[ConnectionLimits] = WeakSet()
        self.losses: list[tuple[OpCode, bool, Countdown]] = []
        self._refusals: list[Refusal] = []
        self._faulty: dict[Element, InjectedFault] = {}
        self._random = random.Random(0)

    def __repr__(self) -> str:
        active = {
            f"{len(self._faulty)} faulty elements": self._faulty,
            f"delay {self._delay[0]} s": any(self._delay),
            "drop": self._byte_limits,
            "lose": self.losses,
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

        Examples
        --------
        >>> plant.faults.delay(0.05, jitter=0.01)
        >>> plant.faults.delay(0)
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

        Examples
        --------
        >>> plant.faults.drop_after(bytes_out=1_000_000)
        >>> plant.faults.clear()
        """
        sizes = [size for size in (bytes_in, bytes_out) if size is not None]
        if len(sizes) != 1:
            raise FaultError("give either bytes_in or bytes_out, one of the two")
        if sizes[0] < 0:
            raise FaultError("the bytes must be from 0 up")
        limit = ByteLimit(bytes_out is None, sizes[0], _countdown(connections))

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

        Examples
        --------
        >>> plant.faults.lose("write", executed=True)
        >>> plant.faults.clear()
        """
        names = [opcode.name.lower() for opcode in OpCode]
        if command not in names:
            hint = f"{question(command, names)} Take one of {', '.join(names)}".strip()
            raise FaultError(f"there is no command {command!r}. {hint}")
        self.losses.append((OpCode[command.upper()], executed, _countdown(connections)))

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
            Of the random numbers; the same seed refuses the same ones in a row.
        keys : str, UUID or several, optional
            Which elements, and those below them; all of them when left out.
        text : str, optional
            The message of the answer.

        Examples
        --------
        >>> plant.faults.refuse_writes(0.1, seed=1, keys="Plant.Line 1")
        >>> plant.faults.clear()
        """
        if isinstance(share, str) or not 0 <= share <= 1:
            raise FaultError(
                f"a share of {share!r}: it must be from 0 to 1; elements are given as keys="
            )
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

        Examples
        --------
        >>> plant.faults.bad_quality("Plant.Line 2.Set point")
        >>> client.read("Plant.Line 2.Set point", "quality")["value"].tolist()
        ['bad']
        >>> plant.faults.clear()
        """
        elements = chosen_elements(self._plant(), keys, readable_source)
        self._show(elements, {Attribute.QUALITY: int(Quality(quality))})

    def read_error(self, keys: Keys) -> None:
        """Let the values of elements, and those below them, fail to be read until it is cleared.

        Reads and events have the error in place of the value, the quality is bad, and the
        attribute ``error`` says why. What is written is taken all the same.

        Parameters
        ----------
        keys : str, UUID or several
            Which elements. A data point means the input that it shows.

        Examples
        --------
        >>> plant.faults.read_error("Plant.Line 2.Set point")
        >>> client.read("Plant.Line 2.Set point", "value")["error"].notna().tolist()
        [True]
        >>> plant.faults.clear()
        """
        chosen = chosen_elements(self._plant(), keys, readable_source)
        elements = [e for e in chosen if e.table.info(Attribute.VALUE) is not None]
        error = ReadError()
        self._show(
            elements,
            {
                Attribute.VALUE: error,
                Attribute.ERROR: error.text,
                Attribute.QUALITY: int(Quality.BAD),
            },
        )

    def no_follow(self, keys: Keys, after: float | None = None) -> None:
        """Let a device take set points without following them.

        The write succeeds, and the value that is read stays what it was.

        Parameters
        ----------
        keys : str, UUID or several
            Which elements. A data point means its output, and the input where that reports.
        after : float, optional
            After how many seconds the value follows, late; never when left out.

        Examples
        --------
        >>> plant.faults.no_follow("Plant.Line 3.Set point")
        >>> client.write("Plant.Line 3.Set point", 150, verify_within=0.1).outcome
        <Outcome.DIFFERS: 'DIFFERS'>
        >>> plant.faults.clear()
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

        Parameters
        ----------
        key : str or uuid.UUID
            Which element.

        Examples
        --------
        >>> plant.faults.vanish("Plant.Line 3.Filler")
        >>> "Plant.Line 3.Filler" in client.browse()["primary_key"].tolist()
        False
        >>> plant.faults.clear()
        """
        element = find_element(self._plant(), key)
        self._run(lambda: self._plant().hide(element))

    def no_pong(self) -> None:
        """Answer no more pings: the server looks alive only to those who do not ask.

        Examples
        --------
        >>> plant.faults.no_pong()
        >>> plant.faults.clear()
        """
        self.pongs = False

    def restart(self, model: str | PathLike[str] | Mapping[str, Any] | Model | None = None) -> None:
        """End all connections, and start again on the same address with the same certificate.

        Registers begin with their default values again, and faults of elements are gone.

        Parameters
        ----------
        model : path, mapping or Model, optional
            The model to start with: a file, or its content. The old one when left out.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as other_plant:
        ...     other_plant.faults.restart()
        """
        if self._restart is None:
            raise FaultError("this plant is not served, so it cannot be restarted")
        self._restart(model)

    def clear(self) -> None:
        """End all faults. A slow device still follows the set points that it was given.

        Examples
        --------
        >>> plant.faults.clear()
        >>> plant.faults
        <Faults: none>
        """

        def clear() -> None:
            self._delay = (0.0, 0.0)
            self._byte_limits.clear()
            for connection in self._connections:
                connection.clear()
            self.losses.clear()
            self._refusals.clear()
            self.pongs = True
            for element in self._faulty:
                element.clear_fault(self._plant().clock())
            self._faulty.clear()
            self._plant().show_all()

        self._run(clear)

    # What the server asks.

    def attach(self) -> ConnectionLimits:
        """Return the limits of a new connection, which hold as long as it keeps them."""
        limits = ConnectionLimits(self._byte_limits)
        self._connections.add(limits)
        return limits

    def latency(self) -> float:
        """Return how late the next message is, in seconds."""
        seconds, jitter = self._delay
        return max(seconds + self._random.uniform(-jitter, jitter), 0.0) if jitter else seconds

    def loses(self, opcode: int, executed: bool) -> bool:
        """Whether the connection is to break at a request, before or after it is executed."""
        return any(
            opcode == lost and executed is when and countdown.take()
            for lost, when, countdown in self.losses
        )

    def check_write(self, element: Element) -> None:
        """Raise the error with which a write is refused, if it is."""
        for share, code, text, dice, elements in self._refusals:
            concerned = elements is None or not elements.isdisjoint(write_path(element))
            if concerned and dice.random() < share:
                raise server_error(code, text)

    def forget_elements(self) -> None:
        """Forget the faults of elements that are not there any more."""
        self._faulty.clear()
        self._refusals = [refusal for refusal in self._refusals if refusal.elements is None]

    def _show(self, elements: Iterable[Element], shown: Mapping[Attribute, AttributeValue]) -> None:
        def show() -> None:
            for element in elements:
                self._fault(element)
                element.show(shown, self._plant().clock())

        self._run(show)

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
    return Countdown(math.inf if connections is None else connections)
