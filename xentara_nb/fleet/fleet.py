"""One class for many servers: the methods of a client, and of every frame the column ``server``."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from xentara_nb.client.client import Attributes, Categories, Client
from xentara_nb.fleet.asking import Asking
from xentara_nb.fleet.call import Call, Names
from xentara_nb.fleet.clients import Clients
from xentara_nb.fleet.comparing import compare_with_now
from xentara_nb.fleet.comparison import FleetComparison
from xentara_nb.fleet.files import read_fleet, write_answers
from xentara_nb.fleet.plan import FleetPlan
from xentara_nb.fleet.planning import plan_all, refuse_aliases, writes_by_server
from xentara_nb.fleet.pool import THREADS, ProgressLike
from xentara_nb.fleet.recorders import Run, record_all
from xentara_nb.fleet.recording import FleetRecording, open_fleet_recording, server_folder
from xentara_nb.fleet.servers import ServersLike, find_servers
from xentara_nb.paths import user_path
from xentara_nb.protocol.text import listed, quantity
from xentara_nb.recordings.recorder import FLUSH_EVERY, Recorder
from xentara_nb.tables.references import ElementLike, ElementsLike
from xentara_nb.tables.rendering import table_html
from xentara_nb.writes.journal import Journal, JournalLike
from xentara_nb.writes.policy import WritePolicyLike

if TYPE_CHECKING:
    import dask.dataframe as dd

DEADLINE = 60.0
"""How long a server may take for one call, in seconds, if nothing else is said."""


class Fleet:
    """Some servers, asked together, each by a connection of its own that is kept.

    A server that fails is a row in :attr:`failures` and a :class:`FleetWarning`; what the others
    have answered is there all the same. Safe from several threads.

    In the examples of its methods, ``fleet`` is one of two simulated plants, north and south.

    Parameters
    ----------
    servers : path, list or dict
        A TOML or CSV file, see :mod:`xentara_nb.fleet.servers`; a list of
        :class:`~xentara_nb.fleet.servers.Server`, dicts or addresses; or addresses by name.
    threads : int, default 32
        How many servers are asked at the same time.
    deadline : float or None, default 60.0
        How long a server may take for one call that reads or plans, in seconds; None for as long as
        it answers. It ends that call alone: what other threads ask of the server goes on. The next
        call has a fresh connection, unless others use this one.
    read_only : bool, default False
        Whether everything that changes something is refused.
    policy, journal
        As for :func:`xentara_nb.connect`. A policy holds for each server by itself: ``max_rows`` is
        of what a plan has for one server, not of all of it, and ``max_writes_per_second`` of what
        is sent to one server. The journal is one for all servers.

    Raises
    ------
    OptionError, AddressError
        If something of the servers cannot be used; nothing was sent.
    InventoryFileError, OSError
        If a file cannot be read.

    Examples
    --------
    >>> from xentara_nb import simulated_fleet
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
        self._servers = {server.name: server for server in find_servers(servers)}
        self._clients = Clients(
            self._servers.values(), read_only=read_only, policy=policy, journal=Journal(journal)
        )
        self._asking = Asking(self._servers, self._clients, threads, deadline)

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
        return self._asking.failures

    def __len__(self) -> int:
        return len(self._servers)

    def __repr__(self) -> str:
        failed = len(self.failures)
        state = f", {failed:,} of them fail" if failed else ""
        return f"<Fleet of {quantity(len(self), 'server')}{state}: {listed(self._servers)}>"

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
        >>> fleet.client("north").user
        'engineer'
        """
        (name,) = self._asking.names(server)
        return self._clients.get(name)

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
        >>> other = simulated_fleet(["west"])
        >>> other.close()
        """
        self._clients.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # Reading.

    def check(
        self,
        *,
        servers: Names = None,
        deadline: float | None = None,
        executor: Executor | None = None,
        progress: ProgressLike = None,
    ) -> pd.DataFrame:
        """Check that every server can be reached, is trusted, and lets its user in.

        By connections of its own, up to four to each server, which are closed again; nothing is
        read. With an executor, that its processes can do so, and find the secrets.

        Parameters
        ----------
        servers, deadline, executor, progress
            As for :meth:`inventory`.

        Returns
        -------
        pandas.DataFrame
            One row for each server, also for one that fails: ``server`` (categorical),
            ``reachable``, ``trusted``, ``logged_in`` (boolean, missing where it did not come to
            that), ``valid_until`` (datetime64[ns, UTC], of the certificate), ``protocol_version``
            (Int64), ``seconds`` (float64), ``error`` (str).

        Examples
        --------
        >>> fleet.check(progress=False)[["server", "reachable", "trusted", "logged_in"]]
          server  reachable  trusted  logged_in
        0  north       True     True       True
        1  south       True     True       True
        """
        return self._asking.check(Call("check", {}, servers, deadline, executor, progress))

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
            read only, by the process that asks it, with the secret from where it is found there.
            (Since Python 3.14, processes of a pool have the environment variables of the moment
            when this one started its first pool.) Left out, threads of this process with
            connections that are kept.
        progress : bool or callable, optional
            True for a bar that names who is slow, False for none, left out for one on long work, on
            a terminal or in a notebook; or a function that is given a ``FleetProgress``.

        Returns
        -------
        pandas.DataFrame
            ``server`` (categorical, with all servers of the fleet), then as
            :meth:`Client.inventory`; the servers in the order of the list. ``attrs`` says which
            have failed, and :attr:`failures` why.

        Raises
        ------
        NotFoundError
            If a name is no server of the fleet, or what is given could name nothing on any server.
        OptionError
            If an argument cannot be used, or a secret would have to go to another process.

        Warns
        -----
        FleetWarning
            If servers have failed.

        Examples
        --------
        >>> fleet.inventory("Plant.Line 1", depth=1, progress=False).columns.tolist()[:2]
        ['server', 'primary_key']
        """
        arguments = {"root": root, "depth": depth, "categories": categories}
        call = Call("inventory", arguments, servers, deadline, executor, progress)
        return self._asking.frame(call)

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

        The parameters, and what it raises, are those of :meth:`Client.snapshot` and
        :meth:`inventory`. Rows with a column ``server``, also dicts, are of that server.

        Examples
        --------
        >>> fleet.snapshot("Plant.Line 1.Set point", progress=False)["value"].tolist()
        [210.0, 210.0]
        """
        arguments = {"elements": elements, "attributes": attributes}
        call = Call("snapshot", arguments, servers, deadline, executor, progress)
        return self._asking.frame(call)

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
        """Read values of every server; ``value`` is object where their data types differ.

        The parameters, and what it raises, are those of :meth:`Client.read` and :meth:`inventory`.
        Rows with a column ``server``, also dicts, are read from that server alone.

        Examples
        --------
        >>> fleet.read("Plant.Line 1.Set point", "value")["value"].tolist()
        [210.0, 210.0]
        """
        arguments = {"elements": elements, "attributes": attributes}
        call = Call("read", arguments, servers, deadline, executor, progress)
        return self._asking.frame(call)

    def search(
        self,
        text: str,
        *,
        category: str | Collection[str] | None = None,
        type: str | Collection[str] | None = None,
        units: str | Collection[str] | None = None,
        writable: bool | None = None,
        servers: Names = None,
        deadline: float | None = None,
        executor: Executor | None = None,
        progress: ProgressLike = None,
    ) -> pd.DataFrame:
        """Return the elements that some words find, of each server the best first.

        The parameters, and what it raises, are those of :meth:`Client.search` and
        :meth:`inventory`.

        Examples
        --------
        >>> fleet.search("set line 1", writable=True)["server"].iloc[0]
        'north'
        """
        arguments = {
            "text": text,
            "category": category,
            "type": type,
            "units": units,
            "writable": writable,
        }
        call = Call("search", arguments, servers, deadline, executor, progress)
        return self._asking.frame(call)

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
        >>> len(fleet.save("fleet", "inventory", progress=False))
        2
        """
        call = Call(command, arguments, servers, deadline, executor, progress)
        answers = self._asking.answers(call)
        return write_answers(answers, call, user_path(folder), self.servers)

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

        Examples
        --------
        >>> from xentara_nb import Fleet
        >>> field = Fleet({"north": "10.0.1.5", "south": "10.0.2.5"})
        >>> field.to_dask("inventory", depth=1).npartitions
        2
        """
        from xentara_nb.fleet.dask_frames import to_dask

        call = Call(command, arguments, servers)
        return to_dask(
            [self._asking.portable(name) for name in self._asking.names(call.servers)],
            self.servers,
            command,
            self._asking.arguments(call),
            self._asking.seconds(deadline),
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

        A table that is just as the fleet has given it, or that :meth:`save` has kept, says which
        part of the servers it is of: the same is asked for again. Of any other table, one that was
        filtered or read from a CSV file, only what it has is compared, and nothing is ``added``;
        the summary says so. Where those are few elements of a server, it is asked for no others.

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
        >>> before = fleet.snapshot("Plant.Line 1.Set point", progress=False)
        >>> fleet.compare(before.assign(value=200.0), progress=False).changed_servers
        ['north', 'south']
        """
        if not isinstance(old, pd.DataFrame):
            old = read_fleet(old)
        call = Call("inventory", {}, servers, deadline, executor, progress)
        return compare_with_now(self._asking, old, call, tolerance=tolerance)

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
        writes : DataFrame, list, dict or path
            Rows as for :meth:`Client.plan_writes` with a column ``server``, also dicts, or a file
            with such rows; or what :meth:`Client.plan_writes` takes, by server. With ``servers``,
            what it takes, which is planned for each of them.
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
        >>> plan = fleet.plan_writes({"Plant.Line 1.Set point": 195}, servers=["north"])
        >>> plan.ok, plan.order
        (True, ['north'])
        """
        chosen = None if servers is None else self._asking.names(servers)
        by_name = writes_by_server(writes, chosen, self._servers)
        self._asking.names(by_name)
        plan = plan_all(self._asking, by_name, options, deadline, progress)
        refuse_aliases(self._servers[name] for name in plan.plans)
        return plan

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
        >>> recording = fleet.record("Plant.Line 1.Speed", "all", for_=0.1, progress=False)
        >>> type(recording).__name__
        'FleetRecording'
        """
        path = user_path(folder)
        path.mkdir(parents=True, exist_ok=True)
        call = Call("record", {"elements": elements, "attributes": attributes}, servers)
        wanted = self._asking.arguments(call)

        def connect(name: str) -> Run:
            client = self._clients.get(name)

            def record(report: Callable[[Recorder], object]) -> object:
                return client.record(
                    folder=server_folder(path, name),
                    **wanted[name],
                    every=every,
                    at_least=at_least,
                    for_=for_,
                    flush_every=flush_every,
                    progress=report,
                )

            return record

        failed = record_all({name: partial(connect, name) for name in wanted}, for_, progress)
        self._asking.note({name: failed.get(name) for name in wanted})
        return open_fleet_recording(path)
