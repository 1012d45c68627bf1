"""Some servers asked at the same time, by threads here or by an executor."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from functools import partial
from typing import Any

import pandas as pd

from xentara_nb._version import __version__
from xentara_nb.client.client import Client
from xentara_nb.connection.deadline import check_timeout
from xentara_nb.errors import ConnectionLostError, NotFoundError, XentaraError
from xentara_nb.fleet.call import Call, Names
from xentara_nb.fleet.checking import check_server, checked, empty_checks
from xentara_nb.fleet.clients import Clients
from xentara_nb.fleet.coverage import covering
from xentara_nb.fleet.failures import FailureLog, warn_of
from xentara_nb.fleet.frames import (
    by_server,
    empty_frame,
    rows_by_server,
    stacked,
    with_server,
)
from xentara_nb.fleet.pool import ProgressLike, check_threads, gather
from xentara_nb.fleet.servers import Server
from xentara_nb.fleet.tasks import Answer, ask, carry_out, command_of, run_task
from xentara_nb.protocol.sharing import sharing
from xentara_nb.protocol.text import listed
from xentara_nb.queries.inventory import category_ids
from xentara_nb.suggestions import did_you_mean
from xentara_nb.tables.provenance import with_provenance
from xentara_nb.tables.references import are_several, attribute_reference, element_references


class Asking:
    """Asks the servers of a fleet, and notes which of them fail."""

    def __init__(
        self,
        servers: Mapping[str, Server],
        clients: Clients,
        threads: int,
        deadline: float | None,
    ) -> None:
        self._servers = servers
        self._clients = clients
        self._failures = FailureLog(list(servers))
        self._threads = check_threads(threads)
        self._deadline = None if deadline is None else check_timeout(deadline)

    @property
    def failures(self) -> pd.DataFrame:
        """The servers that failed when they were asked last, see :attr:`Fleet.failures`."""
        return self._failures.frame()

    def note(self, ended: Mapping[str, XentaraError | None]) -> None:
        """Take in what became of some servers; raises the error of the first if all have failed."""
        failed = {name: error for name, error in ended.items() if error is not None}
        for name, error in ended.items():
            self._failures.note(name, error)
        if failed and len(failed) == len(ended):
            raise next(iter(failed.values()))
        warn_of(failed, len(ended))

    def names(self, servers: Names) -> list[str]:
        """Return the names of some servers; NotFoundError if one is not in the fleet."""
        if servers is None:
            return list(self._servers)
        names = [servers] if isinstance(servers, str) else list(dict.fromkeys(servers))
        for name in names:
            if name not in self._servers:
                offer = did_you_mean(name, self._servers, f"there are {listed(self._servers)}")
                raise NotFoundError(f"there is no server {name!r} in the fleet{offer}")
        return names

    def seconds(self, deadline: float | None) -> float | None:
        """Return the deadline of a call, that of the fleet where none is given."""
        return self._deadline if deadline is None else check_timeout(deadline)

    def portable(self, name: str) -> Server:
        """Return a server as another process can connect to it; OptionError if none can."""
        return self._servers[name].portable().trusting()

    def arguments(self, call: Call) -> dict[str, dict[str, Any]]:
        """Return the arguments for each server: rows that name their server are of that one."""
        names, arguments = self.names(call.servers), call.arguments
        _check(arguments)
        if call.command in ("inventory", "snapshot"):
            arguments = {**arguments, "progress": False}  # there is one for all servers
        rows = rows_by_server(arguments.get("elements"))
        if rows is None:
            return {name: dict(arguments) for name in names}
        self.names(rows)
        return {name: {**arguments, "elements": rows[name]} for name in names if name in rows}

    def answers(self, call: Call) -> Iterator[Answer]:
        """Ask servers for one command, and give what each answers as it comes."""
        command_of(call.command)
        title, wanted = call.command.capitalize(), self.arguments(call)
        enough = {} if call.enough is None else by_server(call.enough)
        if call.executor is None:
            work = {
                name: partial(carry_out, call.command, own, enough.get(name))
                for name, own in wanted.items()
            }
            answers = self.each(work, call.deadline, call.progress, title)
        else:
            seconds = self.seconds(call.deadline)
            tasks = {
                name: (
                    run_task,
                    (self.portable(name), call.command, own, seconds, enough.get(name)),
                )
                for name, own in wanted.items()
            }
            answers = self._gather(tasks, call.executor, call.progress, title)
        return _warning(answers, list(wanted))

    def frame(self, call: Call) -> pd.DataFrame:
        """Ask servers for one command, and return what they answer as one frame."""
        frames: dict[str, pd.DataFrame] = {}
        failed = set()
        for answer in self.answers(call):
            if answer.frame is None:
                failed.add(answer.server)
            else:
                frames[answer.server] = answer.frame
            del answer
        every = list(self._servers)
        note = {
            "servers": [name for name in every if name in frames],
            "failed": [name for name in every if name in failed],
            "library_version": __version__,
            "taken_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }
        frame = stacked(frames, every, empty_frame(call.command, call.arguments, every))
        return with_provenance(
            frame, {**note, **covering(call.command, call.arguments, len(frame))}
        )

    def check(self, call: Call) -> pd.DataFrame:
        """Check servers, see :meth:`Fleet.check`: those that fail are rows as well."""
        own, seconds = call.executor is None, self.seconds(call.deadline)
        tasks = {
            name: (check_server, (self._servers[name] if own else self.portable(name), seconds))
            for name in self.names(call.servers)
        }
        frames = {}
        for answer in self._gather(tasks, call.executor, call.progress, "Check"):
            each = answer if answer.frame is not None else checked(answer)  # the worker has ended
            assert each.frame is not None
            frames[each.server] = each.frame
        every = list(self._servers)
        return stacked(frames, every, with_server(empty_checks(), every[0], every))

    def each(
        self,
        work: Mapping[str, Callable[[Client], pd.DataFrame]],
        deadline: float | None,
        progress: ProgressLike,
        what: str,
    ) -> Iterator[Answer]:
        """Do some work with the client of each server, in threads, and give what each returns."""
        seconds = self.seconds(deadline)
        tasks = {
            name: (ask, (name, partial(self._clients.get, name), own, seconds))
            for name, own in work.items()
        }
        return self._gather(tasks, None, progress, what)

    def _gather(
        self, tasks: Mapping[str, Any], executor: Executor | None, progress: ProgressLike, what: str
    ) -> Iterator[Answer]:
        with sharing():
            for name, result in gather(tasks, self._threads, executor, progress, what):
                answer = _answer(name, result, executor)
                del result
                self._failures.note(name, answer.error)
                yield answer
                del answer


def _warning(answers: Iterator[Answer], asked: Sequence[str]) -> Iterator[Answer]:
    """Give answers, and warn in the end of the servers that have failed."""
    failed = {}
    for answer in answers:
        if answer.error is not None:
            failed[answer.server] = answer.error
        yield answer
        del answer
    warn_of({name: failed[name] for name in asked if name in failed}, len(asked))


def _answer(name: str, result: Answer | BaseException, executor: Executor | None) -> Answer:
    """Return what a task has returned; an error of the engine is a failure of the server."""
    if isinstance(result, Answer):
        return result
    engine = isinstance(result, BrokenExecutor | CancelledError) or (
        executor is not None and type(result).__module__.partition(".")[0] == "distributed"
    )
    if not engine:
        raise result
    text = f"the worker that asked it has ended ({type(result).__name__}: {result})"
    return Answer(name, None, ConnectionLostError(text), 0.0)


def _check(arguments: Mapping[str, Any]) -> None:
    """Raise a NotFoundError for what names nothing on any server, and would fail on each."""
    for name in ("root", "elements"):
        if arguments.get(name) is not None:
            element_references(arguments[name])
    attributes = arguments.get("attributes")
    if attributes is not None:
        for attribute in attributes if are_several(attributes) else [attributes]:
            attribute_reference(attribute)
    category_ids(arguments.get("categories"))
