"""One class for many servers: the methods of a client, and of every frame the column ``server``."""

from __future__ import annotations

import datetime
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from xentara_nb._version import __version__
from xentara_nb.client.client import Attributes, Categories, Client
from xentara_nb.connection.deadline import check_timeout
from xentara_nb.errors import (
    ConnectionLostError,
    NotFoundError,
    OptionError,
    WriteRefusedError,
)
from xentara_nb.fleet.comparison import FleetComparison, compare_fleets
from xentara_nb.fleet.failures import FailureLog, listed, warn_of
from xentara_nb.fleet.files import read_fleet, write_part
from xentara_nb.fleet.frames import SERVER, by_server, empty_frame, stacked
from xentara_nb.fleet.plan import FleetPlan
from xentara_nb.fleet.pool import THREADS, ProgressLike, check_threads, gather
from xentara_nb.fleet.recorders import record_all
from xentara_nb.fleet.recording import FleetRecording, open_fleet_recording, server_folder
from xentara_nb.fleet.servers import Server, ServersLike, find_servers
from xentara_nb.fleet.tasks import Answer, ask, command_of, run_task
from xentara_nb.paths import user_path
from xentara_nb.recordings.recorder import FLUSH_EVERY
from xentara_nb.suggestions import did_you_mean
from xentara_nb.tables.arrow import from_arrow
from xentara_nb.tables.provenance import with_provenance
from xentara_nb.tables.references import ElementLike, ElementsLike
from xentara_nb.tables.rendering import table_html
from xentara_nb.writes.files import names_file, read_writes
from xentara_nb.writes.journal import Journal, JournalLike
from xentara_nb.writes.plan import WritePlan
from xentara_nb.writes.policy import WritePolicyLike

if TYPE_CHECKING:
    import dask.dataframe as dd

DEADLINE = 60.0
"""How long a server may take for one call, in seconds, if nothing else is said."""

Names = str | Iterable[str] | None
"""Some servers of a fleet, or one; None for all."""


class Fleet:
    """Some servers, asked together, each by a connection of its own that is kept.

    A server that fails is a row in :attr:`failures` and a :class:`FleetWarning`; what the others
    have answered is there all the same. Safe from several threads.

    Parameters
    ----------
    servers : path, list or dict
        A TOML or CSV file, see :mod:`xentara_nb.fleet.servers`; a list of
        :class:`~xentara_nb.fleet.servers.Server`, dicts or addresses; or addresses by name.
    threads : int, default 32
        How many servers are asked at the same time.
    deadline : float or None, default 60.0
        How long a server may take for one call, in seconds; None for as long as it answers. Its
        connection is closed then, also for what other threads do with that server: a write that is
        not answered by then is UNKNOWN.
    read_only : bool, default False
        Whether everything that changes something is refused.
    policy, journal
        As for :func:`xentara_nb.connect`; the journal is one for all servers.

    Raises
    ------
    OptionError, AddressError
        If something of the servers cannot be used; nothing was sent.
    InventoryFileError, OSError
        If a file cannot be read.

    Examples
    --------
    >>> from xentara_nb.fleet.simulated import simulated_fleet
    >>> with simulated_fleet(["north", "south"]) as fleet:
    ...     found = fleet.search("set line 1", category="data point", writable=True)
    >>> found.groupby("server", observed=True)["primary_key"].first().to_dict()
    {'north': 'Plant.Line 1.Set point', 'south': 'Plant.Line 1.Set point'}
    """

    def __init__(
        self,
        servers: ServersLike,
        *,
        threads: int = THREADS,
        deadline: float | None = DEADLINE,
        read_only: bool = False,
        policy: WritePolicyLike = None,
        journal: JournalLike = None,
    ) -> None:
        found = find_servers(servers)
        self._servers = {server.name: server for server in found}
        self._threads = check_threads(threads)
        self._deadline = None if deadline is None else check_timeout(deadline)
        self._options: dict[str, Any] = {
            "read_only": read_only,
            "policy": policy,
            "journal": Journal(journal),
        }
        self._clients: dict[str, Client] = {}
        self._locks = {name: threading.Lock() for name in self._servers}
        self._failures = FailureLog(list(self._servers))
        self._closed = False

    @property
    def servers(self) -> list[str]:
        """The names of the servers, in the order of the list."""
        return list(self._servers)

    @property
    def failures(self) -> pd.DataFrame:
        """The servers that failed when they were asked last.

        ``server``, ``kind`` (str, the class of the error), ``error`` (str), ``since``
        (datetime64[ns, UTC]: when it failed first, with no success since).
        """
        return self._failures.frame()

    def __len__(self) -> int:
        return len(self._servers)

    def __repr__(self) -> str:
        failed = len(self.failures)
        state = f", {failed:,} of them fail" if failed else ""
        return f"<Fleet of {len(self):,} servers{state}: {listed(self._servers)}>"

    def _repr_html_(self) -> str:
        failed = self.failures.set_index("server")["error"].to_dict()
        rows = [
            [server.name, server.address, failed.get(server.name, "")]
            for server in self._servers.values()
        ]
        return table_html(
            ["server", "address", "failure"], rows, caption=f"Fleet of {len(self):,} servers"
        )

    def client(self, server: str) -> Client:
        """Return the client of a server, connected; the same one each time.

        Parameters
        ----------
        server : str
            The name of the server.

        Raises
        ------
        NotFoundError
            If there is no such server in the fleet.
        ConnectError, DeadlineError
            As :func:`xentara_nb.connect`.

        Examples
        --------
        >>> from xentara_nb import simulated_fleet
        >>> with simulated_fleet(["north", "south"]) as fleet:
        ...     fleet.client("north").user
        'engineer'
        """
        (name,) = self._names(server)
        return self._connected(name, None)

    def __getitem__(self, server: str) -> Client:
        """Return the client of a server: ``fleet["north"]``."""
        return self.client(server)

    __iter__ = None  # or Python would ask for the servers 0, 1, 2 and so on

    def _ipython_key_completions_(self) -> list[str]:
        return self.servers

    def close(self) -> None:
        """Close all connections. The fleet cannot be used any more; closing twice is no error.

        Examples
        --------
        >>> from xentara_nb import simulated_fleet
        >>> with simulated_fleet(["north", "south"]) as fleet:
        ...     pass
        >>> fleet.close()  # once more is no error
        """
        self._closed = True
        for client in list(self._clients.values()):
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # Reading.

    def inventory(
        self,
        root: ElementLike | None = None,
        depth: int | None = None,
        categories: Categories | None = None,
        *,
        servers: Names = None,
        deadline: float | None = None,
        executor: Executor | None = None,
        progress: ProgressLike = None,
    ) -> pd.DataFrame:
        """Return every attribute of every element of every server.

        Parameters
        ----------
        root, depth, categories
            As for :meth:`Client.inventory`.
        servers : str or iterable of str, optional
            Of which servers; left out, of all.
        deadline : float, optional
            How long each server may take, in seconds; left out, that of the fleet.
        executor : concurrent.futures.Executor, optional
            What runs the work in other processes, on this computer or others, such as a
            ``ProcessPoolExecutor`` or ``dask_client.get_executor()``. Each server is connected to,
            read only, by whoever asks it, with the secret from where it is found there. Left out,
            threads of this process with connections that are kept.
        progress : bool or callable, optional
            True for a bar that names who is slow, False for none, left out for one on long work;
            or a function that is given a ``FleetProgress``.

        Returns
        -------
        pandas.DataFrame
            ``server`` (categorical, with all servers of the fleet), then as
            :meth:`Client.inventory`; the servers in the order of the list. ``attrs`` says which
            have failed, and :attr:`failures` why.

        Raises
        ------
        NotFoundError
            If a name is no server of the fleet.
        OptionError
            If an argument cannot be used, or a secret would have to go to another process.

        Warns
        -----
        FleetWarning
            If servers have failed.

        Examples
        --------
        >>> from xentara_nb import simulated_fleet
        >>> with simulated_fleet(["north", "south"]) as fleet:
        ...     inventory = fleet.inventory("Plant.Line 1", depth=1, progress=False)
        >>> inventory.columns.tolist()[:2]
        ['server', 'primary_key']
        """
        arguments = {"root": root, "depth": depth, "categories": categories}
        return self._frame("inventory", arguments, servers, deadline, executor, progress)

    def snapshot(
        self,
        elements: ElementsLike | None = None,
        attributes: Attributes | None = None,
        *,
        servers: Names = None,
        deadline: float | None = None,
        executor: Executor | None = None,
        progress: ProgressLike = None,
    ) -> pd.DataFrame:
        """Return the present state of elements, one row for each element of each server.

        Parameters
        ----------
        elements, attributes
            As for :meth:`Client.snapshot`. Rows with a column ``server`` are of that server.
        servers, deadline, executor, progress
            As for :meth:`inventory`.

        Returns
        -------
        pandas.DataFrame
            ``server`` (categorical), then as :meth:`Client.snapshot`.

        Examples
        --------
        >>> from xentara_nb import simulated_fleet
        >>> with simulated_fleet(["north", "south"]) as fleet:
        ...     fleet.snapshot("Plant.Line 1.Set point", progress=False)["value"].tolist()
        [210.0, 210.0]
        """
        arguments = {"elements": elements, "attributes": attributes}
        return self._frame("snapshot", arguments, servers, deadline, executor, progress)

    def read(
        self,
        elements: ElementsLike,
        attributes: Attributes | None = None,
        *,
        servers: Names = None,
        deadline: float | None = None,
        executor: Executor | None = None,
        progress: ProgressLike = None,
    ) -> pd.DataFrame:
        """Read values of every server.

        Parameters
        ----------
        elements, attributes
            As for :meth:`Client.read`. Rows with a column ``server`` are read from that server.
        servers, deadline, executor, progress
            As for :meth:`inventory`.

        Returns
        -------
        pandas.DataFrame
            ``server`` (categorical), then as :meth:`Client.read`; ``value`` is object where the
            servers have different data types.

        Examples
        --------
        >>> from xentara_nb import simulated_fleet
        >>> with simulated_fleet(["north", "south"]) as fleet:
        ...     fleet.read("Plant.Line 1.Set point", "value")["value"].tolist()
        [210.0, 210.0]
        """
        arguments = {"elements": elements, "attributes": attributes}
        return self._frame("read", arguments, servers, deadline, executor, progress)

    def search(
        self,
        text: str,
        *,
        category: str | Collection[str] | None = None,
        type: str | Collection[str] | None = None,
        unit: str | Collection[str] | None = None,
        writable: bool | None = None,
        servers: Names = None,
        deadline: float | None = None,
        executor: Executor | None = None,
        progress: ProgressLike = None,
    ) -> pd.DataFrame:
        """Return the elements that some words find, of each server the best first.

        Parameters
        ----------
        text, category, type, unit, writable
            As for :meth:`Client.search`.
        servers, deadline, executor, progress
            As for :meth:`inventory`.

        Returns
        -------
        pandas.DataFrame
            ``server`` (categorical), then as :meth:`Client.search`.

        Examples
        --------
        >>> from xentara_nb import simulated_fleet
        >>> with simulated_fleet(["north", "south"]) as fleet:
        ...     fleet.search("set line 1", writable=True)["server"].iloc[0]
        'north'
        """
        arguments = {
            "text": text,
            "category": category,
            "type": type,
            "unit": unit,
            "writable": writable,
        }
        return self._frame("search", arguments, servers, deadline, executor, progress)

    def save(
        self,
        folder: str | os.PathLike[str],
        command: str = "inventory",
        *,
        servers: Names = None,
        deadline: float | None = None,
        executor: Executor | None = None,
        progress: ProgressLike = None,
        **arguments: Any,
    ) -> pd.DataFrame:
        """Ask every server, and write what it answers into a folder as it comes.

        The frames of a few servers are in memory at a time. :func:`read_fleet` reads the folder,
        and so do pandas, Dask and DuckDB, with ``server`` as a column.

        Parameters
        ----------
        folder : path
            Where to: ``server=NAME/inventory.parquet``. What is there of a server is replaced.
        command : {"inventory", "snapshot", "read", "search"}
            What is asked.
        servers, deadline, executor, progress
            As for :meth:`inventory`.
        **arguments
            Those of the command.

        Returns
        -------
        pandas.DataFrame
            ``server`` (str), ``rows`` (int64), ``seconds`` (float64), ``file`` (str), one row for
            each server that is in the folder now.

        Raises
        ------
        MissingExtraError
            If pyarrow is not installed (the extra ``parquet``).

        Examples
        --------
        >>> from xentara_nb import simulated_fleet
        >>> with simulated_fleet(["north", "south"]) as fleet:
        ...     saved = fleet.save("fleet", "inventory", progress=False)
        >>> len(saved)
        2
        """
        path = user_path(folder)
        path.mkdir(parents=True, exist_ok=True)
        saved = []
        for answer in self._answers(command, arguments, servers, deadline, executor, progress):
            if answer.frame is not None:
                file = write_part(answer.frame, path, answer.server, command)
                row = answer.server, len(answer.frame), answer.seconds, str(file)
                saved.append(row)
            del answer
        saved.sort(key=lambda row: self.servers.index(row[0]))
        names = ["server", "rows", "seconds", "file"]
        dtypes = {"server": "str", "rows": "int64", "seconds": "float64", "file": "str"}
        return pd.DataFrame(saved, columns=names).astype(dtypes)

    def to_dask(
        self,
        command: str = "inventory",
        *,
        servers: Names = None,
        deadline: float | None = None,
        errors: str = "raise",
        **arguments: Any,
    ) -> dd.DataFrame:
        """Return a lazy Dask DataFrame with one partition for each server.

        Nothing is asked before it is computed, and then by the workers: each connects read only,
        with the secret from where it is found there. No secret is in a task, its key or its name.

        Parameters
        ----------
        command : {"inventory", "snapshot", "read", "search"}
            What is asked.
        servers, deadline
            As for :meth:`inventory`.
        errors : {"raise", "skip"}
            What a server that fails does: end the computation with its error, or have an empty
            partition and a warning in the log of the worker.
        **arguments
            Those of the command.

        Returns
        -------
        dask.dataframe.DataFrame
            Its ``meta`` is exact: columns and dtypes of what :meth:`inventory` and the others give;
            ``value`` is object.

        Raises
        ------
        OptionError
            If an argument cannot be used, or a secret was given in this process.
        MissingExtraError
            If Dask is not installed (the extra ``fleet``).
        """
        from xentara_nb.fleet.dask_frames import to_dask

        names = self._names(servers)
        return to_dask(
            [self._portable(name) for name in names],
            self.servers,
            command,
            self._for_servers(command, arguments, names),
            self._seconds(deadline),
            errors,
        )

    # Comparing.

    def compare(
        self,
        old: pd.DataFrame | str | os.PathLike[str],
        *,
        tolerance: float = 0.0,
        servers: Names = None,
        deadline: float | None = None,
        executor: Executor | None = None,
        progress: ProgressLike = None,
    ) -> FleetComparison:
        """Compare what there was on each server with what there is now.

        Parameters
        ----------
        old : DataFrame or path
            An inventory, a snapshot or values that a fleet has given, or the folder or file that
            they were kept in, see :func:`~xentara_nb.fleet.files.read_fleet`.
        tolerance : float, default 0.0
            As for :func:`xentara_nb.compare`.
        servers, deadline, executor, progress
            As for :meth:`inventory`.

        Returns
        -------
        FleetComparison
            Shown, it is a line and a table; ``.frame`` has one row per change. A server that has
            failed, or of which there is nothing old, is named in ``.not_compared``.

        Raises
        ------
        OptionError
            If ``old`` does not say which server its rows are of.
        InventoryFileError, OSError
            If a file cannot be read.

        Examples
        --------
        >>> from xentara_nb import simulated_fleet
        >>> with simulated_fleet(["north", "south"]) as fleet:
        ...     before = fleet.snapshot("Plant.Line 1.Set point", progress=False)
        ...     fleet.compare(before.assign(value=200.0)).changed
        ['north', 'south']
        """
        if not isinstance(old, pd.DataFrame):
            old = read_fleet(old)
        if SERVER not in old.columns:
            raise OptionError(f"what is compared has a column {SERVER}; this has none")
        names = self._names(servers)
        there = [name for name in names if name in set(map(str, old[SERVER].dropna()))]
        common: dict[str, Any] = {
            "servers": there,
            "deadline": deadline,
            "executor": executor,
            "progress": progress,
        }
        if not there:
            return compare_fleets(old, old.iloc[:0], servers=names)
        if "attribute_id" not in old.columns:
            new = self.snapshot(**common)
        elif "value" in old.columns:
            new = self.read(old[old[SERVER].isin(there)], **common)
        else:
            new = self.inventory(**common)
        failed = self.failures.set_index("server")["error"].to_dict()
        not_asked = {name: str(failed[name]) for name in there if name in failed}
        return compare_fleets(old, new, tolerance=tolerance, not_asked=not_asked, servers=names)

    # Writing.

    def plan_writes(
        self,
        writes: Any,
        *,
        servers: Names = None,
        deadline: float | None = None,
        progress: ProgressLike = None,
        **options: Any,
    ) -> FleetPlan:
        """Plan writes to some servers: find, read and check everything, and send nothing.

        Parameters
        ----------
        writes : DataFrame, dict or path
            Rows as for :meth:`Client.plan_writes` with a column ``server``, or a file with such
            rows; or what :meth:`Client.plan_writes` takes, by server. With ``servers``, what it
            takes, which is planned for each of them.
        servers : str or iterable of str, optional
            To which servers the same is written, in this order. Of rows with a column ``server``,
            those of these servers are written.
        deadline, progress
            As for :meth:`inventory`.
        **options
            ``number_as_boolean`` and ``verify_on``, as for :meth:`Client.plan_writes`.

        Returns
        -------
        FleetPlan
            Shown, it is a table by server, in the order of ``servers`` or of the rows, in which
            ``plan.apply()`` sends it, once.

        Raises
        ------
        WriteRefusedError
            If it is not said which servers are meant, or two of them are one.
        NotFoundError
            If one of them is not in the fleet.

        Examples
        --------
        >>> from xentara_nb import simulated_fleet
        >>> with simulated_fleet(["north", "south"]) as fleet:
        ...     plan = fleet.plan_writes({"Plant.Line 1.Set point": 195}, servers=["north"])
        >>> plan.ok, plan.order
        (True, ['north'])
        """
        if names_file(writes):
            writes = read_writes(writes)
        by_name = self._writes_by_server(writes, servers)
        seconds = self._seconds(deadline)
        plans: dict[str, WritePlan] = {}

        def plan(name: str) -> Answer:
            def work(client: Client) -> pd.DataFrame:
                plans[name] = client.plan_writes(by_name[name], **options)
                return pd.DataFrame()

            return ask(self._servers[name], self._client_of(name), work, seconds)

        failed = {}
        tasks = {name: (plan, (name,)) for name in by_name}
        for name, result in gather(tasks, self._threads, None, progress, "Plans"):
            answer = self._answer(name, result, None)
            self._failures.note(name, answer.error)
            if answer.error is not None:
                failed[name] = answer.error
        made = {name: plans[name] for name in by_name if name not in failed}
        self._refuse_aliases(made)
        return FleetPlan(
            made,
            {name: failed[name] for name in by_name if name in failed},
        )

    # Recording.

    def record(
        self,
        elements: ElementsLike,
        folder: str | os.PathLike[str],
        attributes: Attributes | None = None,
        *,
        servers: Names = None,
        every: float | None = None,
        at_least: float | None = None,
        for_: float | None = None,
        flush_every: float = FLUSH_EVERY,
        progress: bool | Callable[[Mapping[str, Any]], object] | None = None,
    ) -> FleetRecording:
        """Record the changes of attributes of every server into one data set.

        Parameters
        ----------
        elements, attributes, every, at_least, for_, flush_every
            As for :meth:`Client.record`. Rows with a column ``server`` are of that server.
        folder : path
            Where to: ``server=NAME/day=2026-11-26/...``, which pandas, Dask, DuckDB and Polars read
            as one table. Record into the same folder again to go on.
        servers : str or iterable of str, optional
            Of which servers; left out, of all.
        progress : bool or callable, optional
            False for no line that shows progress; or a function that is called every second with
            the :class:`~xentara_nb.recordings.recorder.Recorder` of each server, by name.

        Returns
        -------
        FleetRecording
            What was recorded, everything in the folder.

        Raises
        ------
        RecordingError
            If nothing could be recorded from any server.
        MissingExtraError
            If pyarrow is not installed (the extra ``parquet``).

        Warns
        -----
        FleetWarning
            If servers have failed; the others are recorded all the same.

        Examples
        --------
        >>> from xentara_nb import simulated_fleet
        >>> with simulated_fleet(["north", "south"]) as fleet:
        ...     recording = fleet.record("Plant.Line 1.Speed", "all", for_=0.1, progress=False)
        >>> type(recording).__name__
        'FleetRecording'
        """
        path = user_path(folder)
        path.mkdir(parents=True, exist_ok=True)
        wanted = self._for_servers("record", {"elements": elements}, self._names(servers))

        def recording(name: str) -> Callable[[Callable[[Any], object]], object]:
            def run(report: Callable[[Any], object]) -> object:
                return self._connected(name, None).record(
                    wanted[name]["elements"],
                    server_folder(path, name),
                    attributes,
                    every=every,
                    at_least=at_least,
                    for_=for_,
                    flush_every=flush_every,
                    progress=report,
                )

            return run

        failed = record_all({name: recording(name) for name in wanted}, for_, progress)
        for name in wanted:
            self._failures.note(name, failed.get(name))
        if len(failed) == len(wanted):
            raise next(iter(failed.values()))
        warn_of(failed, len(wanted))
        return open_fleet_recording(path)

    # What the methods share.

    def _names(self, servers: Names) -> list[str]:
        if servers is None:
            return self.servers
        names = [servers] if isinstance(servers, str) else list(dict.fromkeys(servers))
        for name in names:
            if name not in self._servers:
                offer = did_you_mean(name, self._servers) or f"; there are {listed(self._servers)}"
                raise NotFoundError(f"there is no server {name!r} in the fleet{offer}")
        return names

    def _seconds(self, deadline: float | None) -> float | None:
        return self._deadline if deadline is None else check_timeout(deadline)

    def _portable(self, name: str) -> Server:
        return self._servers[name].portable().trusting()

    def _client_of(self, name: str) -> Callable[[float | None], Client]:
        return lambda seconds: self._connected(name, seconds)

    def _connected(self, name: str, seconds: float | None) -> Client:
        """Return the client of a server, a fresh one if there is none or it was closed."""
        if self._closed:
            raise ConnectionLostError("this fleet is closed: make a new one")
        with self._locks[name]:
            client = self._clients.get(name)
            if client is None or client.closed:
                client = self._servers[name].connect(timeout=seconds, **self._options)
                self._clients[name] = client
        if self._closed:  # meanwhile, by another thread
            client.close()
        return client

    def _for_servers(
        self, command: str, arguments: Mapping[str, Any], names: list[str]
    ) -> dict[str, dict[str, Any]]:
        """Return the arguments for each server: rows with a column ``server`` are of that one."""
        if command in ("inventory", "snapshot"):
            arguments = {**arguments, "progress": False}  # there is one for all servers
        elements = arguments.get("elements")
        if not isinstance(elements, pd.DataFrame) or SERVER not in elements.columns:
            return {name: dict(arguments) for name in names}
        rows = by_server(elements)
        self._names(rows)
        return {name: {**arguments, "elements": rows[name]} for name in names if name in rows}

    def _answers(
        self,
        command: str,
        arguments: Mapping[str, Any],
        servers: Names,
        deadline: float | None,
        executor: Executor | None,
        progress: ProgressLike,
    ) -> Iterator[Answer]:
        """Ask servers, give what each answers as it comes, and warn of failures in the end."""
        method = command_of(command)
        seconds = self._seconds(deadline)
        wanted = self._for_servers(command, arguments, self._names(servers))
        tasks: dict[str, Any] = {}
        for name, own in wanted.items():
            if executor is None:
                work = _calling(method, own)
                tasks[name] = ask, (self._servers[name], self._client_of(name), work, seconds)
            else:
                tasks[name] = run_task, (self._portable(name), command, own, seconds)
        failed = {}
        what = command.capitalize()
        for name, result in gather(tasks, self._threads, executor, progress, what):
            answer = self._answer(name, result, executor)
            del result
            self._failures.note(name, answer.error)
            if answer.error is not None:
                failed[name] = answer.error
            yield answer
            del answer
        warn_of({name: failed[name] for name in wanted if name in failed}, len(wanted))

    def _answer(
        self, name: str, result: Answer | BaseException, executor: Executor | None
    ) -> Answer:
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

    def _frame(
        self,
        command: str,
        arguments: Mapping[str, Any],
        servers: Names,
        deadline: float | None,
        executor: Executor | None,
        progress: ProgressLike,
    ) -> pd.DataFrame:
        frames: dict[str, pd.DataFrame] = {}
        failed = []
        for answer in self._answers(command, arguments, servers, deadline, executor, progress):
            if answer.frame is None:
                failed.append(answer.server)
            else:
                frames[answer.server] = answer.frame
            del answer
        asked = [name for name in self._servers if name in frames]
        empty = empty_frame(command, arguments, self.servers)
        return with_provenance(
            stacked(frames, self.servers, empty),
            {
                "servers": asked,
                "failed": [name for name in self._servers if name in failed],
                "library_version": __version__,
                "taken_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            },
        )

    def _writes_by_server(self, writes: Any, servers: Names) -> dict[str, Any]:
        writes = from_arrow(writes)
        if isinstance(writes, Iterator):
            writes = list(writes)  # which the servers would share, each taking a part of it
        if isinstance(writes, pd.DataFrame) and SERVER in writes.index.names:
            writes = writes.reset_index(SERVER)
        if isinstance(writes, pd.DataFrame) and SERVER in writes.columns:
            found: dict[str, Any] = dict(by_server(writes))
            if servers is not None:
                found = _rows_of(found, self._names(servers))
        elif servers is not None:
            _refuse_servers_in_rows(writes)
            found = dict.fromkeys(self._names(servers), writes)
        elif isinstance(writes, Mapping) and all(isinstance(name, str) for name in writes):
            found = dict(writes)
        else:
            raise WriteRefusedError(
                "say to which servers this is written: with a column server, as a dict by server, "
                "or with servers=[...]"
            )
        if not all(name in self._servers for name in found) and not isinstance(
            writes, pd.DataFrame
        ):
            unknown = next(name for name in found if name not in self._servers)
            raise WriteRefusedError(
                f"{unknown!r} is no server of the fleet: give what is written by server, or say to "
                "which servers it is written with servers=[...]"
            )
        self._names(found)
        return found

    def _refuse_aliases(self, names: Iterable[str]) -> None:
        """Refuse to write to a server under two of its names: it would get everything twice."""
        known: dict[tuple[str, str], str] = {}
        for name in names:
            other = known.setdefault(self._servers[name].place, name)
            if other != name:
                raise WriteRefusedError(
                    f"{other} and {name} are one server, {self._servers[name].address}, which "
                    "would be written to twice: correct the address of one of them, or write to "
                    "one alone with servers=[...]"
                )


def _rows_of(rows: Mapping[str, pd.DataFrame], names: Iterable[str]) -> dict[str, Any]:
    """Return the rows of some servers, all of which must have some."""
    for name in names:
        if name not in rows:
            raise WriteRefusedError(
                f"no row is of the server {name}: the column server says which one each row is "
                "of. Leave the column out to write the same to each of servers"
            )
    return {name: rows[name] for name in names}


def _refuse_servers_in_rows(writes: Any) -> None:
    """Refuse rows that say themselves which server they are of, which would be passed over."""
    if isinstance(writes, pd.DataFrame):
        for column in map(str, writes.columns):
            if column.strip().lower() == SERVER:
                raise WriteRefusedError(f"the column {column} is not known: call it {SERVER}")
    elif isinstance(writes, list | tuple):
        for row in writes:
            own = row if isinstance(row, Mapping | pd.Series) else getattr(row, "_fields", ())
            if SERVER in own:
                raise WriteRefusedError(
                    "rows that say which server they are of are given as a DataFrame"
                )


def _calling(
    method: Callable[..., pd.DataFrame], arguments: Mapping[str, Any]
) -> Callable[[Client], pd.DataFrame]:
    return lambda client: method(client, **arguments)
