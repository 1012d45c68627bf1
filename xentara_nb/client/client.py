"""One class, one method for every command of the manual; the work is done in the rooms below."""

from __future__ import annotations

import datetime
import os
import uuid
import warnings
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Self, TypeAlias, TypeVar
from uuid import UUID

import pandas as pd

import xentara_nb.tables.accessor  # noqa: F401 - registers df.xentara, which every answer offers
from xentara_nb._version import __version__
from xentara_nb.connection.address import Address
from xentara_nb.connection.deadline import check_seconds
from xentara_nb.connection.reconnecting import ReconnectingConnection
from xentara_nb.errors import (
    ConnectionLostError,
    DeadlineError,
    WriteRefusedError,
    XentaraError,
)
from xentara_nb.live.collection import KEEP, Keep
from xentara_nb.live.sampling import sample as _sample
from xentara_nb.live.subscribing import SubscriptionManager
from xentara_nb.live.watch import Watch
from xentara_nb.paths import user_path
from xentara_nb.protocol.commands import (
    CloseSubSession,
    Command,
    CreateSubSession,
    GetStage,
    Lookup,
    ServerInformation,
    Subscribe,
    Unsubscribe,
)
from xentara_nb.protocol.errors import UnknownElementError, result_of
from xentara_nb.protocol.identifiers import Attribute, ServerInformationId, Stage, label
from xentara_nb.protocol.secret import Secret, SecretLike
from xentara_nb.protocol.sharing import shared_arrays
from xentara_nb.protocol.text import safe
from xentara_nb.queries import inventory as _inventory
from xentara_nb.queries import reading as _reading
from xentara_nb.queries import snapshot as _snapshot
from xentara_nb.queries.inventory import CategoryLike, InventoryWarning
from xentara_nb.queries.model_cache import AskByMessage, ElementColumns, ModelCache
from xentara_nb.queries.progress import Progress, reported
from xentara_nb.queries.subscriptions import EventDispatcher, Subscription
from xentara_nb.recordings.progress import record
from xentara_nb.recordings.reader import Recording, open_recording
from xentara_nb.recordings.recorder import FLUSH_EVERY, Recorder, kept_for
from xentara_nb.recordings.writer import RecordingWriter
from xentara_nb.tables.files import read_table, write_table
from xentara_nb.tables.frames import (
    elements_frame,
    inventory_frame,
    inventory_frame_of,
)
from xentara_nb.tables.provenance import note_provenance
from xentara_nb.tables.references import AttributeLike, ElementLike, ElementsLike
from xentara_nb.tables.rendering import facts_html
from xentara_nb.tables.search import SearchTable
from xentara_nb.writes.context import PolicySource, RateLimiter, WriteContext
from xentara_nb.writes.feedback import VerifyOnLike
from xentara_nb.writes.files import names_file, read_writes
from xentara_nb.writes.guards import check_client
from xentara_nb.writes.journal import Journal, JournalLike
from xentara_nb.writes.plan import WritePlan, make_plan
from xentara_nb.writes.read_back import Predicate, Verification
from xentara_nb.writes.requests import request_for, write_requests
from xentara_nb.writes.results import WriteResult
from xentara_nb.writes.settings import plan_settings, take_settings
from xentara_nb.writes.single import write_one
from xentara_nb.writes.stage import StageChange, change_stage, check_stage_change
from xentara_nb.writes.stage_command import StageCommand
from xentara_nb.writes.sub_session import (
    SessionLike,
    SubSession,
    authentication,
    log_in,
    replace,
)

Writes: TypeAlias = (
    "pd.DataFrame | pd.Series[Any] | Mapping[Any, Any] | Iterable[Any] | os.PathLike[str]"
)
"""What to write where; see :meth:`Client.plan_writes`."""

Attributes: TypeAlias = AttributeLike | Iterable[AttributeLike]
"""One attribute or several."""

Categories: TypeAlias = CategoryLike | Iterable[CategoryLike]
"""One category or several."""

_Found = TypeVar("_Found")


def _milliseconds(name: str, seconds: float | None) -> int | None:
    """Return an update rate as the server takes it."""
    if seconds is None:
        return None
    return round(check_seconds(name, seconds, most=1e6) * 1000)


def _close(reference: weakref.ref[ReconnectingConnection]) -> None:
    """Close the connection of a client that is no longer used.

    By a weak reference: should an interrupt come in here, the connection ends as it has no owner.
    """
    connection = reference()
    if connection is not None:
        connection.close()


class Client:
    """A connection to a Xentara server; made by :func:`connect`. Safe from several threads.

    Wherever an element is asked for, a primary key, a :class:`uuid.UUID`, its text or a row of an
    inventory will do; wherever an attribute, its name, integer or UUID.

    Every table that it gives is a :class:`~xentara_nb.XentaraFrame`: ``.xentara.to_file("x.xlsx")``
    saves it so that :func:`~xentara_nb.read_table` gives back the same, and pandas' own
    ``to_excel``, ``to_parquet`` and others write it too.

    In the examples of its methods, ``plant`` is a simulated plant, and ``client`` is connected to
    it.

    Examples
    --------
    >>> from xentara_nb import simulate
    >>> with simulate() as plant, plant.connect() as client:
    ...     client.read_only, client.closed
    (False, False)
    >>> client.closed
    True
    """

    def __init__(
        self,
        connection: ReconnectingConnection,
        model_cache: ModelCache,
        dispatcher: EventDispatcher,
        watches: SubscriptionManager,
        *,
        read_only: bool,
        policies: PolicySource,
        journal: Journal,
    ) -> None:
        self._read_only = read_only
        self._connection = connection
        self._model_cache = model_cache
        self._dispatcher = dispatcher
        self._watches = watches
        self._policies = policies
        self._journal = journal
        self._rate_limiter = RateLimiter()
        self._stage: int | None = None
        # The connection lives in a thread, which must not hold the client: one that is no longer
        # used is collected, and its connection is closed.
        weakref.finalize(self, _close, weakref.ref(connection))

    @property
    def read_only(self) -> bool:
        """Whether everything that changes something is refused. True can be set, and stays.

        Raises
        ------
        WriteRefusedError
            If it is to be switched off: that takes a new connection.
        """
        return self._read_only

    @read_only.setter
    def read_only(self, wanted: bool) -> None:
        if self._read_only and not wanted:
            raise WriteRefusedError(
                "a client that is read only stays it: connect without read_only=True to change "
                "something"
            )
        self._read_only = bool(wanted)

    @property
    def address(self) -> Address:
        """Where the server is."""
        return self._connection.address

    @property
    def fingerprint(self) -> str | None:
        """The SHA-256 of the server's certificate; None without TLS."""
        return self._connection.fingerprint

    @property
    def user(self) -> str:
        """Who is logged in."""
        return self._connection.credentials.who

    @property
    def protocol_version(self) -> int:
        """The protocol version that the server chose."""
        return self._connection.protocol_version

    @property
    def timeout(self) -> float:
        """How long an answer may take, in seconds."""
        return self._connection.timeout

    @property
    def closed(self) -> bool:
        """Whether this client was closed, and will not connect again."""
        return self._connection.closed

    @property
    def ended(self) -> XentaraError | None:
        """Why there is no open connection; None while there is. The next command opens one."""
        return self._connection.ended

    def on_connection_change(
        self, callback: Callable[[XentaraError | None], object]
    ) -> Callable[[], None]:
        """Call a function whenever the connection ends and whenever there is one again.

        While there is such a function, or a subscription, a server that has sent nothing for 10 s
        is pinged: one that hangs is noticed though nothing is asked of it.

        Parameters
        ----------
        callback : callable
            Is called with the reason when the connection ends or the client is closed, and with
            None when the client has connected again, which the next command makes it do. It is
            called in the thread in which that happens, and must not call the client itself.

        Returns
        -------
        callable
            Ends the calls.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> reasons = []
        >>> with simulate() as plant, plant.connect() as client:
        ...     stop = client.on_connection_change(reasons.append)
        >>> print(reasons[-1])
        this client is closed: connect again with xentara_nb.connect(...)
        """
        return self._connection.listen(callback)

    @property
    def subscriptions(self) -> list[Subscription]:
        """The subscriptions of this client that have not ended."""
        return self._dispatcher.subscriptions()

    @property
    def journal(self) -> Journal:
        """Where writes are journalled; a path or False, set here, chooses another place."""
        return self._journal

    @journal.setter
    def journal(self, where: JournalLike) -> None:
        self._journal = Journal(where)

    def close(self) -> None:
        """Close the connection. The client cannot be used any more; closing twice is no error.

        Examples
        --------
        >>> other = plant.connect()
        >>> other.close()
        >>> other.closed
        True
        """
        try:
            # Here, and before the thread that looks after them finds no connection any more: what
            # shows a watch has its last values when this returns.
            self._watches.close()
        finally:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}: {fact}" for name, fact in self._facts().items())
        return f"<Xentara client, {safe(facts)}>"

    def _repr_html_(self) -> str:
        return facts_html(self._facts(), caption="Xentara client")

    def _facts(self) -> dict[str, str]:
        """Return what a client shows of itself: no secret, and nothing that has to be asked for."""
        if (ended := self.ended) is not None:
            stage = f"not connected: {ended}"
        else:
            stage = "not known" if self._stage is None else label(Stage, self._stage)
        return {
            "server": self.address.url,
            "user": self.user,
            "protocol version": str(self.protocol_version),
            "stage": stage,
            "access": "read and write" if check_client(self.read_only) is None else "read only",
        }

    # The model.

    def server_information(self) -> dict[str, Any]:
        """Return information about the server (the manual's server_information).

        Returns
        -------
        dict
            ``version``, ``user name`` (the account that the server runs under) and ``model file
            path``, as far as the server gives them.

        Examples
        --------
        >>> client.server_information()["version"]
        '2.0.8 (simulator)'
        """
        answer = self._ask(ServerInformation(), "server_information")
        return {
            identifier.name.replace("_", " ").lower(): answer[identifier]
            for identifier in ServerInformationId
            if identifier in answer
        }

    def browse(
        self,
        root: ElementLike | None = None,
        depth: int | None = None,
        categories: Categories | None = None,
    ) -> pd.DataFrame:
        """Return the elements below an element (the manual's browse).

        Parameters
        ----------
        root : element, optional
            Where to begin; it is not in the answer itself. Left out, the whole model.
        depth : int, optional
            How many levels down; 1 gives the children. Left out, all.
        categories : int, str or iterable of them, optional
            Only elements of these categories, such as ``"data point"``.

        Returns
        -------
        pandas.DataFrame
            ``primary_key`` (str), ``element_uuid`` (xentara_id), ``category`` (categorical),
            sorted by primary key.

        Raises
        ------
        UnknownElementError, NotFoundError
            If there is no such element or category.

        Examples
        --------
        >>> client.browse("Plant.Line 1.Filler", depth=1)[["primary_key", "category"]].head(3)
                               primary_key    category
        0  Plant.Line 1.Filler.Inlet valve  data point
        1        Plant.Line 1.Filler.Level  data point
        2     Plant.Line 1.Filler.Pressure  data point
        """
        entries = self._in_one_model(
            _inventory.browse, self._connection.ask, self._model_cache, root, depth, categories
        )
        return self._with_provenance(elements_frame(entries), elements=len(entries))

    def inventory(
        self,
        root: ElementLike | None = None,
        depth: int | None = None,
        categories: Categories | None = None,
        progress: Progress = None,
    ) -> pd.DataFrame:
        """Return every attribute of every element: browse, then meta_data of all found.

        It is the handle for everything else: filter it with pandas, and give rows of it to
        :meth:`read`, :meth:`watch`, :meth:`record` or :meth:`plan_writes`.

        Parameters
        ----------
        root : element, optional
            Where to begin; it is not in the answer itself. Left out, the whole model.
        depth : int, optional
            How many levels down; 1 gives the children. Left out, all.
        categories : int, str or iterable of them, optional
            Only elements of these categories, such as ``"data point"``.
        progress : bool or callable, optional
            True for a progress bar, False for none, left out for one on long work, on a terminal or
            in a notebook; or a function that is called as ``progress(done, total)``.

        Returns
        -------
        pandas.DataFrame
            One row per attribute, sorted by primary key and attribute name:

            - ``primary_key`` (str): the element, such as ``Plant.Line 1.Set point``
            - ``element_uuid`` (xentara_id): the element's UUID
            - ``category`` (categorical): ``data point``, ``device``, ``timer`` ...
            - ``attribute_name`` (str): ``value``, ``quality``, ``updateTime`` ...
            - ``attribute_id`` (xentara_id): an integer, or a UUID for an attribute of the plant's
            - ``access`` (categorical): ``read only``, ``write only``, ``read and write``
            - ``data_type`` (categorical): ``Float64``, ``Boolean``, ``String`` ...

            ``frame.xentara`` filters it (``writable()``, ``attribute("value")``, ``search(text)``)
            and keeps it in a file (``to_csv(path)``, ``to_file(path)``).

        Raises
        ------
        UnknownElementError, NotFoundError
            If there is no such element or category.

        Warns
        -----
        InventoryWarning
            If elements vanished while the inventory was taken; the rest is there.

        Examples
        --------
        >>> inventory = client.inventory("Plant.Line 1", categories="data point")
        >>> writable = inventory.xentara.writable()
        >>> writable[["primary_key", "attribute_name", "data_type"]].head(2)
                         primary_key attribute_name          data_type
        10        Plant.Line 1.Batch          value  UnsignedInteger32
        43  Plant.Line 1.Capper.Lamp          value            Boolean
        """
        ask, cache = self._connection.ask, self._model_cache

        def take(chosen: Categories | None) -> tuple[ElementColumns, dict[str, str]]:
            generation = cache.generation
            entries = _inventory.browse(ask, cache, root, depth, chosen)
            found = _inventory.attribute_lists(ask, entries, progress)
            cache.learn(found[0].uuids, found[0].lists, generation)
            return found

        columns, missing = self._in_one_model(take, categories)
        if missing:
            warnings.warn(_inventory.missing_text(missing), InventoryWarning, stacklevel=2)
        facts = {"vanished": list(missing)} if missing else {}
        count = len(columns.keys)
        made_of = columns.uuids, columns  # see attribute_lists
        frame = shared_arrays("inventory", made_of, count, lambda: inventory_frame_of(*columns))
        # Its own columns and note: what it stands on may be that of another server as well.
        return self._with_provenance(frame.copy(deep=False), elements=count, **facts)

    def meta_data(self, elements: ElementsLike) -> pd.DataFrame:
        """Return the attributes of elements (the manual's meta_data).

        Parameters
        ----------
        elements : element, or list, Series or DataFrame of elements
            Whose attributes.

        Returns
        -------
        pandas.DataFrame
            One row per attribute: ``primary_key`` (str), ``element_uuid`` (xentara_id),
            ``category`` (categorical), ``attribute_name`` (str), ``attribute_id`` (xentara_id),
            ``access`` (categorical), ``data_type`` (categorical).

        Raises
        ------
        UnknownElementError
            If one of the elements does not exist.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as plant, plant.connect() as client:
        ...     frame = client.meta_data("Plant")
        >>> frame.attribute_name.tolist()
        ['UUID', 'category', 'key', 'name', 'type']
        """
        rows = self._in_one_model(_inventory.meta_data, self._model_cache, elements)
        return self._with_provenance(inventory_frame(rows), elements=len(rows))

    def has_children(self, elements: ElementsLike) -> list[bool]:
        """Return for each element whether there is something below it (the manual's meta_data).

        True also where the server does not say.

        Parameters
        ----------
        elements : element, or list, Series or DataFrame of elements
            Of which elements.

        Returns
        -------
        list of bool
            In the order of the elements.

        Raises
        ------
        UnknownElementError
            If one of the elements does not exist.

        Examples
        --------
        >>> client.has_children(["Plant.Line 1", "Plant.Line 1.Set point"])
        [True, False]
        """
        return self._in_one_model(
            _inventory.has_children, self._connection.ask, self._model_cache, elements
        )

    def lookup(self, primary_key: str) -> UUID:
        """Return the UUID of an element (the manual's lookup).

        Parameters
        ----------
        primary_key : str
            The key of the element.

        Raises
        ------
        UnknownElementError
            If there is no element with this primary key.

        Examples
        --------
        >>> client.lookup("Plant.Line 1.Set point")
        UUID('3bba5588-3eb9-5429-9b0f-8d9cd782fef2')
        """
        try:
            found: UUID = self._ask(Lookup(primary_key), f"lookup of {primary_key!r}")
        except UnknownElementError as error:
            offers = self._model_cache.known_keys.offers([primary_key])
            raise error.offering(offers.get(primary_key, "")) from None
        return found

    # Values.

    def read(self, elements: ElementsLike, attributes: Attributes | None = None) -> pd.DataFrame:
        """Read values (the manual's read).

        Parameters
        ----------
        elements : element, or list, Series or DataFrame of elements
            What to read. Rows of an inventory name their attribute too.
        attributes : attribute or iterable of attributes, optional
            Which attributes of each element. Left out, those that the rows name, or all that can
            be read.

        Returns
        -------
        pandas.DataFrame
            One row per attribute, in the order asked for: ``primary_key`` (str),
            ``element_uuid`` (xentara_id), ``attribute_name`` (str), ``attribute_id`` (xentara_id),
            ``value``, ``error`` (str, missing where there is none), ``time`` (datetime64[ns, UTC],
            one for all: when the last answer was there). Where all rows have one data type,
            ``value`` is of that: float64, int64, uint64, bool, datetime64[ns, UTC] or str; Float64,
            Int64, UInt64 or boolean if some could not be read. Else it is object. Time stamps are
            pandas.Timestamp in UTC, never is NaT; qualities and categories are the manual's words.

        Raises
        ------
        UnknownElementError, NotFoundError
            If an element, or an attribute named by its name, does not exist. Everything else that
            fails is in the column ``error`` of its row.

        Examples
        --------
        >>> points = ["Plant.Line 1.Set point", "Plant.Line 2.Set point"]
        >>> client.read(points, "value")[["primary_key", "value"]]
                      primary_key  value
        0  Plant.Line 1.Set point  210.0
        1  Plant.Line 2.Set point  240.0
        >>> client.read("Plant.Line 1.Set point", ["value", "units"])[["attribute_name", "value"]]
          attribute_name        value
        0          value        210.0
        1          units  bottles/min
        """
        return self._read(self._connection.ask_by_message, elements, attributes)

    def snapshot(
        self,
        elements: ElementsLike | None = None,
        attributes: Attributes | None = None,
        progress: Progress = None,
    ) -> pd.DataFrame:
        """Return the present state of elements, one row for each.

        Parameters
        ----------
        elements : element, or list, Series or DataFrame of elements, optional
            Of which elements, each once. Left out, the whole model.
        attributes : attribute or iterable of attributes, optional
            What to read besides the usual columns. A well-known attribute has a column such as
            ``write_time``, any other one that has its own name.
        progress : bool or callable, optional
            As in :meth:`inventory`; a bar or a count for the model, while it is taken for the first
            time, and one for the values.

        Returns
        -------
        pandas.DataFrame
            ``primary_key`` (str), ``element_uuid`` (xentara_id), ``category`` (categorical),
            ``type``, ``display_name`` (str), ``value`` (object, as in :meth:`read`), ``units``
            (str), ``quality`` (categorical), ``update_time`` (datetime64[ns, UTC]), ``access`` and
            ``data_type`` of the value (categorical), a column for each of ``attributes``, ``error``
            (str: what could not be read, and why) and ``time`` (datetime64[ns, UTC]: when the
            reading began, the same in all rows). What an element does not have is missing.

        Raises
        ------
        UnknownElementError
            If one of the elements does not exist.
        NotFoundError
            If no element has one of ``attributes``.

        Warns
        -----
        InventoryWarning
            If elements vanished while the model was taken; the rest is there.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as plant, plant.connect() as client:
        ...     points = client.snapshot(["Plant.Line 1.Set point", "Plant.Line 1.Filler"])
        >>> points[["primary_key", "type", "value", "quality"]]
                      primary_key           type  value quality
        0  Plant.Line 1.Set point       register  210.0    good
        1     Plant.Line 1.Filler  element group   None     NaN
        """
        ask, cache = self._connection.ask, self._model_cache
        read = reported(self._connection.ask_by_message, progress)

        def take(
            named: ElementsLike | None, wanted: Attributes | None
        ) -> tuple[pd.DataFrame, dict[str, str]]:
            if named is None:
                found, missing = _inventory.whole_model(ask, cache, progress)
            else:
                found, missing = _snapshot.elements_of(cache, named), {}
            frame = _snapshot.take_snapshot(
                lambda asked: chain.from_iterable(read(asked)), found, wanted
            )
            return frame, missing

        frame, missing = self._in_one_model(take, elements, attributes)
        if missing:
            warnings.warn(_inventory.missing_text(missing), InventoryWarning, stacklevel=2)
        return self._with_provenance(frame, elements=len(frame))

    def search(
        self,
        text: str,
        *,
        category: str | Collection[str] | None = None,
        type: str | Collection[str] | None = None,
        units: str | Collection[str] | None = None,
        writable: bool | None = None,
    ) -> pd.DataFrame:
        """Return the elements that some words find, the best first.

        The keys, display names, types and units of all elements are read with the first search,
        and kept until the client connects again.

        Parameters
        ----------
        text : str
            Words in any order, upper or lower case, whole or in part, with ``*`` and ``?`` as
            wildcards and small typos. An empty text finds everything.
        category, type, units : str or collection of str, optional
            Only elements of such a category, type or unit, with the same wildcards.
        writable : bool, optional
            Only elements whose value can be written, or only the others.

        Returns
        -------
        pandas.DataFrame
            One row per element: ``primary_key`` (str), ``element_uuid`` (xentara_id),
            ``category`` (categorical), ``type``, ``display_name``, ``units`` (str), ``access`` and
            ``data_type`` of the value (categorical).

        Raises
        ------
        NotFoundError
            If there is no such category, or no element is of such a type or unit. What has a
            wildcard may find nothing.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as plant, plant.connect() as client:
        ...     found = client.search("set line 1", category="data point", writable=True)
        >>> found["primary_key"].iloc[0]
        'Plant.Line 1.Set point'
        """
        cache = self._model_cache

        def make() -> SearchTable:
            generation = cache.generation
            whole = self._whole_model(None, stacklevel=5)
            made = _snapshot.search_table(self._connection.ask, whole)
            if generation == cache.generation:
                cache.search_table = made
            return made

        table = cache.search_table
        if table is None:
            table = self._in_one_model(make)
        found = table.search(text, category=category, type=type, units=units, writable=writable)
        return self._with_provenance(found.reset_index(drop=True), elements=len(found))

    def __getitem__(self, element: ElementLike) -> pd.DataFrame:
        """Return the attributes of an element, as :meth:`meta_data` does: ``client["Plant"]``."""
        return self.meta_data(element)

    __iter__ = None  # or Python would ask for the elements 0, 1, 2 and so on

    def _ipython_key_completions_(self) -> list[str]:
        """Return the keys that Jupyter offers behind ``client["``."""
        try:
            return self._whole_model(False).keys
        except XentaraError:
            return []  # what is wrong is shown by the cell

    def write(
        self,
        element: ElementLike,
        value: object,
        attribute: AttributeLike | None = None,
        *,
        session: SessionLike | None = None,
        timeout: float | None = None,
        verify: bool | Predicate = True,
        verify_within: float = 5.0,
        tolerance: float = 0.0,
        number_as_boolean: bool = False,
        verify_on: VerifyOnLike = None,
    ) -> WriteResult:
        """Write one value, at most once, and read it back (the manual's write).

        The guards of :meth:`plan_writes` check it first, and it is in the journal before it is
        sent. Where the device follows slowly, this waits for it.

        Parameters
        ----------
        element : element
            What to write to; a row of an inventory names its attribute too.
        value : object
            A Python, numpy or pandas scalar that fits the attribute's data type.
        attribute : attribute, optional
            Which attribute. Left out, the one that the row names, or ``"value"`` where none is
            named.
        session : SubSession or uuid.UUID, optional
            A sub-session, whose rights are needed as well as those of the connection.
        timeout : float, optional
            How long to wait for the answer, in seconds; that of the client when left out.
        verify : bool or callable
            Whether to read the value before and after; or a function that is given the value to
            write and the value read back, and returns whether they agree.
        verify_within : float, default 5.0
            How long the device may take to follow, in seconds.
        tolerance : float, default 0.0
            How far a number that is read back may be from the one written.
        number_as_boolean : bool, default False
            Whether 0 and 1 are taken for a Boolean.
        verify_on : element, or (element, tolerance), or mapping, optional
            The element whose value follows, to be read back instead; or as in
            :meth:`plan_writes`.

        Returns
        -------
        WriteResult
            The outcome; a value read back that is another one (``DIFFERS``) is no error and is
            shown.

        Raises
        ------
        WriteRefusedError
            If the client is read only, the attribute cannot be written, the value does not fit,
            the write policy does not allow it, the row names another attribute than the one
            given, the sub-session has ended, or the journal cannot be written. Nothing was sent.
        NotFoundError, UnknownElementError
            If there is no such element or attribute, or no element has a key in ``verify_on``.
            Nothing was sent.
        WriteOutcomeUnknownError
            If the answer was lost. The write may have taken effect and is never sent again:
            ``error.result.resolve()`` reads the value to find out.
        ServerError
            If the server refused it, in the class of its error code.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as plant, plant.connect(journal=False) as client:
        ...     result = client.write("Plant.Line 1.Set point", 195)
        >>> result.old_value, result.value, result.read_back, result.outcome
        (210.0, 195.0, 195.0, <Outcome.VERIFIED: 'VERIFIED'>)
        """
        return write_one(
            self._write_context(),
            request_for(element, value, attribute),
            session=session,
            timeout=timeout,
            how=Verification(verify, tolerance, verify_within),
            number_as_boolean=number_as_boolean,
            verify_on=verify_on,
        )

    def plan_writes(
        self,
        writes: Writes,
        *,
        number_as_boolean: bool = False,
        verify_on: VerifyOnLike = None,
    ) -> WritePlan:
        """Plan some writes: find, read and check everything, and send nothing.

        Parameters
        ----------
        writes : DataFrame, dict, Series, list of rows or path
            A DataFrame with the columns ``primary_key`` (or ``element_uuid``), ``value`` and, for
            another attribute than ``value``, ``attribute_name`` or ``attribute_id``; so rows of an
            inventory, or of :meth:`read`, with a column ``value`` will do. Or a dict or Series of
            values by element, or by ``(element, attribute)``. Or a CSV, Excel, JSON or Parquet
            file with such columns: ``true``, ``42``, ``1.5``, ``2026-11-26 10:00+01:00`` and texts
            as they are, see :mod:`xentara_nb.writes.files`.
        number_as_boolean : bool, default False
            Whether 0 and 1 are taken for a Boolean.
        verify_on : mapping, optional
            Where a device answers with another point: the element to read back by the key of the
            one that is written, as ``{"Plant.Valve.Command": "Plant.Valve.Position"}``, or with
            how far it may be off, as ``("Plant.Valve.Position", 0.5)``.

        Returns
        -------
        WritePlan
            Shown, it is a table of old values, new values as they will be sent, and the result of
            every check; ``plan.apply()`` sends it, once.

        Raises
        ------
        WriteRefusedError
            If ``writes`` is nothing of that kind. What is wrong with single rows is in the plan.
        OptionError
            If ``verify_on`` makes no sense.
        InventoryFileError, OSError
            If a file cannot be read.
        NotFoundError, UnknownElementError
            If a row names no element or attribute, or no element has a key in ``verify_on``.
        ConnectionLostError, DeadlineError
            If the present values cannot be read.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as plant, plant.connect(journal=False) as client:
        ...     plan = client.plan_writes({"Plant.Line 1.Set point": 195, "Plant.Line 1.Run": 1})
        >>> plan.frame[["old_value", "value", "change", "severity"]]
          old_value  value change severity
        0     210.0  195.0  -15.0       ok
        1      True   None   None  refused
        """
        return make_plan(
            self._write_context(),
            write_requests(read_writes(writes) if names_file(writes) else writes),
            number_as_boolean=number_as_boolean,
            verify_on=verify_on,
        )

    def save_settings(
        self,
        path: str | os.PathLike[str],
        rows: pd.DataFrame | None = None,
        *,
        observe: float = 1.0,
        progress: Progress = None,
    ) -> pd.DataFrame:
        """Keep every value that can be written in a file, for :meth:`plan_restore`.

        Parameters
        ----------
        path : path
            A file that ends in ``.csv``, ``.json``, ``.parquet`` or ``.xlsx``.
        rows : DataFrame, optional
            Rows of an inventory, of which those that can be written are kept. Left out, the whole
            plant.
        observe : float, default 1.0
            How long to wait before all is read once more, in seconds: what has changed by then
            moves by itself, and is not restored. 0 for not at all.
        progress : bool or callable, optional
            As in :meth:`inventory`; a bar or a count for the inventory, if no rows are given, and
            for each reading of the values.

        Returns
        -------
        pandas.DataFrame
            What is in the file: ``primary_key`` (str), ``element_uuid`` (xentara_id),
            ``attribute_name`` (str), ``attribute_id`` (xentara_id), ``data_type`` (categorical),
            ``value`` (as in :meth:`read`), ``moving`` (bool), ``error`` (str: also that an
            attribute is write only), ``time`` (datetime64[ns, UTC]).

        Raises
        ------
        OptionError
            If the rows are no DataFrame.
        InventoryFileError, MissingExtraError, OSError
            If the file cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from xentara_nb import simulate
        >>> with tempfile.TemporaryDirectory() as folder, simulate() as plant:
        ...     client, path = plant.connect(journal=False), Path(folder, "before.csv")
        ...     rows = client["Plant.Line 1.Set point"]
        ...     settings = client.save_settings(path, rows, observe=0)
        ...     result = client.write("Plant.Line 1.Set point", 195)
        ...     plan = client.plan_restore(path)
        ...     client.close()
        >>> plan.frame[["primary_key", "old_value", "value"]]
                      primary_key old_value  value
        0  Plant.Line 1.Set point     195.0  210.0
        """
        if rows is None:
            rows = self.inventory(progress=progress)
        ask = reported(self._connection.ask_by_message, progress)
        settings = take_settings(lambda some: self._read(ask, some, None), rows, observe)
        write_table(settings, path)
        return settings

    def plan_restore(
        self, settings: pd.DataFrame | str | os.PathLike[str], *, tolerance: float = 0.0
    ) -> WritePlan:
        """Plan to write back what :meth:`save_settings` has kept, as far as it differs now.

        Parameters
        ----------
        settings : path or DataFrame
            The file, or what is in it, or rows of that.
        tolerance : float, default 0.0
            How far two numbers may be apart and still be the same value.

        Returns
        -------
        WritePlan
            One row for each value that is another one now, checked by all guards; nothing is sent.

        Raises
        ------
        WriteRefusedError
            If these are no settings.
        InventoryFileError, OSError
            If the file cannot be read.
        ConnectionLostError, DeadlineError
            If the present values cannot be read.

        Warns
        -----
        SettingsWarning
            If values are not restored: the plant moves them by itself, or they are write only or
            could not be read when they were kept. The message names them.

        Examples
        --------
        >>> rows = client["Plant.Line 2.Set point"]
        >>> settings = client.save_settings("before.csv", rows, observe=0)
        >>> client.plan_restore("before.csv")  # nothing has changed since
        Plan of 0 writes as engineer, there is nothing to send
        """
        if not isinstance(settings, pd.DataFrame):
            settings = read_table(settings)
        return plan_settings(self._write_context(), settings, tolerance=tolerance)

    def subscribe(
        self,
        elements: ElementsLike,
        attributes: Attributes | None = None,
        *,
        maximum_update_rate: int | None = None,
        minimum_update_rate: int | None = None,
        desired_subscription_id: UUID | None = None,
    ) -> Subscription:
        """Subscribe to the changes of attributes (the manual's subscribe).

        Parameters
        ----------
        elements : element, or list, Series or DataFrame of elements
            What to watch. Rows of an inventory name their attribute too.
        attributes : attribute or iterable of attributes, optional
            Which attributes of each element. Left out, the one that a row names, or ``"value"``
            and ``"quality"`` where none is named.
        maximum_update_rate : int, optional
            The shortest time between two events, in milliseconds.
        minimum_update_rate : int, optional
            The longest time between two events, in milliseconds.
        desired_subscription_id : uuid.UUID, optional
            The id that the subscription is to have; one that exists is replaced, and ends.

        Returns
        -------
        Subscription
            Gives the events; ends them when its ``with`` block is left.

        Raises
        ------
        UnknownElementError, NotFoundError
            If an element or attribute does not exist.

        Examples
        --------
        >>> with client.subscribe("Plant.Line 1.Set point", "value") as subscription:
        ...     event = subscription.next_event(timeout=5)
        >>> list(event.values.values())
        [210.0]
        """
        command = Subscribe(
            self._in_one_model(_reading.targets, self._model_cache, elements, attributes),
            maximum_update_rate,
            minimum_update_rate,
            uuid.uuid4() if desired_subscription_id is None else desired_subscription_id,
        )
        return self._dispatcher.subscribe(
            command, lambda: self._send_once(command, "subscribe"), self.unsubscribe
        )

    def sample(
        self,
        elements: ElementsLike,
        attributes: Attributes | None = None,
        *,
        every: float,
        for_: float,
        progress: Progress = None,
    ) -> pd.DataFrame:
        """Read values again and again in a fixed rhythm.

        Parameters
        ----------
        elements : element, or list, Series or DataFrame of elements
            What to read. Rows of an inventory name their attribute too.
        attributes : attribute or iterable of attributes, optional
            Which attributes of each element. Left out, the one that a row names, or the value.
        every : float
            The time from one reading to the next, in seconds.
        for_ : float
            How long, in seconds: the readings begin at 0, ``every``, 2 ``every``... below it.
        progress : bool or callable, optional
            As in :meth:`inventory`.

        Returns
        -------
        pandas.DataFrame
            One row for each reading, one column for each attribute. Index ``time``
            (datetime64[ns, UTC], when its last answer was there); columns and dtypes as in
            :meth:`Watch.frame`. A reading that could not begin in its time, or that the connection
            did not survive, is a row without values: ``attrs["missed"]`` counts them.
            ``attrs["errors"]`` has the last error of each attribute that could not be read.

        Raises
        ------
        UnknownElementError, NotFoundError
            If an element or attribute does not exist.
        OptionError
            If a time cannot be used.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as plant, plant.connect() as client:
        ...     frame = client.sample("Plant.Line 1.Set point", every=0.1, for_=0.3)
        >>> len(frame), frame["Plant.Line 1.Set point"].dropna().unique().tolist()
        (3, [210.0])
        """
        sampled = self._resolved(elements, attributes)
        return self._with_provenance(
            _sample(self._connection, sampled, every, for_, progress), attributes=len(sampled)
        )

    def watch(
        self,
        elements: ElementsLike,
        attributes: Attributes | None = None,
        *,
        every: float | None = None,
        at_least: float | None = None,
        keep: Keep = KEEP,
    ) -> Watch:
        """Watch attributes change: collect, wait for, and show what a subscription reports.

        Parameters
        ----------
        elements : element, or list, Series or DataFrame of elements
            What to watch. Rows of an inventory name their attribute too.
        attributes : attribute or iterable of attributes, optional
            Which attributes of each element. Left out, the one that a row names, or the value.
        every : float, optional
            Changes of an attribute come no faster than this, in seconds (the manual's maximum
            update rate); those in between are left out by the server.
        at_least : float, optional
            A value comes again after this time though it has not changed, in seconds (the manual's
            minimum update rate).
        keep : int, str or timedelta, default 10,000
            How many changes of each attribute are kept, or for how long, such as ``"10min"``;
            ``watch.dropped`` is how many were not.

        Returns
        -------
        Watch
            For ``with``. A lost connection is made again, and the gap is in the data.

        Raises
        ------
        UnknownElementError, NotFoundError
            If an element or attribute does not exist.
        OptionError
            If a time or ``keep`` cannot be used.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as plant, plant.connect() as client:
        ...     with client.watch("Plant.Line 1.Set point") as watch:
        ...         latest = watch.until(lambda latest: latest.value.notna().all(), timeout=30)
        >>> latest[["primary_key", "value", "quality"]]
                      primary_key  value quality
        0  Plant.Line 1.Set point  210.0    good
        """
        watched = self._resolved(elements, attributes)
        watch = Watch(
            self,
            self._watches,
            watched,
            _reading.companions(self._model_cache, watched, Attribute.QUALITY),
            (_milliseconds("every", every), _milliseconds("at_least", at_least)),
            keep,
        )
        watch.open()
        return watch

    def record(
        self,
        elements: ElementsLike,
        folder: str | os.PathLike[str],
        attributes: Attributes | None = None,
        *,
        every: float | None = None,
        at_least: float | None = None,
        for_: float | None = None,
        flush_every: float = FLUSH_EVERY,
        progress: bool | Callable[[Recorder], object] | None = None,
    ) -> Recording:
        """Record the changes of attributes into a folder of Parquet files.

        Every ``flush_every`` seconds what has come is put on the disk, in files that are complete
        at any moment: as much is lost at most when the process is killed. Record into the same
        folder again to go on; nothing stands there twice, and a row without a value says that
        nothing was recorded in between. Where the disk is busy for longer than a minute and six
        times ``flush_every``, a row says how much is lost. pandas, DuckDB, Polars and Dask read the
        folder as well; :mod:`xentara_nb.recordings.columns` has its columns.

        Parameters
        ----------
        elements, attributes, every, at_least
            As in :meth:`watch`.
        folder : path
            Where to; it is made if it is not there.
        for_ : float, optional
            How long to record, in seconds; where no value has come by then, until the first one
            or for ten seconds. Left out, until Ctrl-C (in a notebook: until the cell is
            interrupted), which is no error then.
        flush_every : float, default 10.0
            After how many seconds what has come is put on the disk.
        progress : bool or callable, optional
            False for no line that shows progress; or a function that is called every second with
            the :class:`~xentara_nb.recordings.recorder.Recorder`.

        Returns
        -------
        Recording
            What was recorded, everything in the folder.

        Raises
        ------
        UnknownElementError, NotFoundError
            If an element or attribute does not exist.
        RecordingError
            If the folder cannot be written, as when the disk is full, or another program records
            into it. What was written before is complete.
        OptionError
            If a time cannot be used.
        MissingExtraError
            If pyarrow is not installed (the extra ``parquet``).

        Examples
        --------
        >>> rows = client["Plant.Line 1.Set point"].xentara.attribute("value")
        >>> recording = client.record(rows, "recording", for_=0.1, progress=False)
        >>> recording.folder.name
        'recording'
        """
        path = user_path(folder)  # before elements are looked for: the two may be interchanged
        watched = self._resolved(elements, attributes)
        keep = kept_for(flush_every)
        with (
            RecordingWriter(path, watched) as writer,
            self.watch(elements, attributes, every=every, at_least=at_least, keep=keep) as watch,
        ):
            record(Recorder(watch, writer, watched, flush_every), for_, progress)
        return open_recording(path)

    def unsubscribe(self, subscription: Subscription | UUID) -> None:
        """End a subscription (the manual's unsubscribe).

        Parameters
        ----------
        subscription : Subscription or uuid.UUID
            Which one.

        Raises
        ------
        UnknownSubscriptionIdError
            If there is no such subscription on this connection.

        Examples
        --------
        >>> subscription = client.subscribe("Plant.Line 1.Set point")
        >>> client.unsubscribe(subscription)
        >>> client.subscriptions
        []
        """
        subscription_id = subscription if isinstance(subscription, UUID) else subscription.id
        self._send_once(Unsubscribe(subscription_id), "unsubscribe")
        self._dispatcher.remove(subscription_id)

    # The stage of the server.

    def get_stage(self) -> Stage | int:
        """Return the operational stage of the server (the manual's get_stage).

        A number if this version does not know it.

        Examples
        --------
        >>> client.get_stage()
        <Stage.OPERATIONAL: 2>
        """
        stage: int = self._ask(GetStage(), "get_stage")
        self._stage = stage
        return stage

    @property
    def stage(self) -> Stage | int:
        """The operational stage of the server, asked for now; see :meth:`get_stage`."""
        return self.get_stage()

    def check_stage_change(self, command: str) -> None:
        """Raise a WriteRefusedError if a guard or a policy refuses a change of the stage.

        Parameters
        ----------
        command : {"suspend", "resume", "shut_down"}
            What is to be done. Nothing is sent.

        Examples
        --------
        >>> client.check_stage_change("suspend")  # nothing is raised: it may be done
        """
        check_stage_change(self._write_context(), StageCommand(command))

    def suspend(
        self,
        *,
        confirm: bool = False,
        session: SessionLike | None = None,
        timeout: float | None = None,
        verify_within: float = 5.0,
    ) -> StageChange:
        """Take an operational server to suspended: its plant stops (the manual's suspend).

        Guarded like a write: confirmed, checked against the policies, in the journal before it is
        sent, and sent at most once. The stage is read before and after.

        Parameters
        ----------
        confirm : bool, default False
            True to send it. Without, the error says what it would do.
        session : SubSession or uuid.UUID, optional
            A sub-session, whose rights are needed as well as those of the connection.
        timeout : float, optional
            How long to wait for the answer, in seconds; that of the client when left out.
        verify_within : float, default 5.0
            How long the server may take to reach the stage, in seconds.

        Returns
        -------
        StageChange
            The outcome; another stage than the one asked for (``DIFFERS``) is no error.

        Raises
        ------
        WriteRefusedError
            If it is not confirmed, the client is read only, a policy does not allow it, the
            sub-session has ended, or the journal cannot be written. Nothing was sent.
        WriteOutcomeUnknownError
            If the answer was lost. It may have taken effect and is never sent again:
            ``error.result.resolve()`` reads the stage to find out.
        AccessDeniedError, InvalidStageChangeRequestError
            If the user may not do it, or the stage of the server is not one to do it from.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as plant, plant.connect(journal=False) as client:
        ...     change = client.suspend(confirm=True)
        >>> change.before.label, change.after.label, change.outcome
        ('operational', 'suspended', <Outcome.VERIFIED: 'VERIFIED'>)
        """
        return self._change_stage(StageCommand.SUSPEND, confirm, session, timeout, verify_within)

    def resume(
        self,
        *,
        confirm: bool = False,
        session: SessionLike | None = None,
        timeout: float | None = None,
        verify_within: float = 5.0,
    ) -> StageChange:
        """Take a suspended server back to operational (the manual's resume).

        The parameters, the result and the errors are those of :meth:`suspend`.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as other_plant, other_plant.connect(journal=False) as other:
        ...     change = other.suspend(confirm=True)
        ...     other.resume(confirm=True).after.label
        'operational'
        """
        return self._change_stage(StageCommand.RESUME, confirm, session, timeout, verify_within)

    def shut_down(
        self,
        *,
        confirm: bool = False,
        session: SessionLike | None = None,
        timeout: float | None = None,
    ) -> StageChange:
        """End the server (the manual's shutdown).

        The parameters, the result and the errors are those of :meth:`suspend`; the stage is not
        read after it, as there is no server left to ask.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as other_plant, other_plant.connect(journal=False) as other:
        ...     other.shut_down(confirm=True).outcome
        <Outcome.APPLIED: 'APPLIED'>
        """
        return self._change_stage(StageCommand.SHUT_DOWN, confirm, session, timeout, 0.0)

    # Sub-sessions.

    def create_sub_session(
        self,
        *,
        user: SecretLike | None = None,
        password: SecretLike | None = None,
        token: SecretLike | None = None,
        certificate: bytes | None = None,
        desired_id: UUID | None = None,
    ) -> UUID:
        """Log in to a sub-session (the manual's create_sub_session).

        Parameters
        ----------
        user, password : str, optional
            Log in with a password.
        token : str, optional
            Log in with an OAuth 2.0 token.
        certificate : bytes, optional
            Log in with a certificate in DER form.
        desired_id : uuid.UUID, optional
            The id that the session is to have; one that exists is replaced, and ends.

        Returns
        -------
        uuid.UUID
            The session's id, for ``write(..., session=...)``. It ends with the connection.

        Raises
        ------
        AccessDeniedError
            If the server does not accept the log-in.
        OptionError
            If not exactly one way to log in is given.

        Examples
        --------
        >>> session = client.create_sub_session(user="operator", password="operator-demo")
        >>> client.write("Plant.Line 3.Set point", 210, session=session).outcome
        <Outcome.VERIFIED: 'VERIFIED'>
        >>> client.close_sub_session(session)
        """
        # At once, so that a traceback that shows variables shows none of them.
        user, password, token = map(Secret.of, (user, password, token))
        how = authentication(user, password, token, certificate)
        connection = self._connection.connection()
        session: UUID = self._send_once(CreateSubSession(how, desired_id), "create_sub_session")
        replace(session, connection)
        return session

    def close_sub_session(self, session: UUID) -> None:
        """Log out of a sub-session (the manual's close_sub_session).

        Raises
        ------
        UnknownSessionIdError
            If there is no such session on this connection.

        Parameters
        ----------
        session : uuid.UUID
            The id that :meth:`create_sub_session` has given.

        Examples
        --------
        >>> session = client.create_sub_session(user="viewer", password="viewer-demo")
        >>> client.close_sub_session(session)
        """
        self._send_once(CloseSubSession(session), "close_sub_session")

    def sub_session(
        self,
        *,
        user: SecretLike | None = None,
        password: SecretLike | None = None,
        token: SecretLike | None = None,
        certificate: bytes | None = None,
        desired_id: UUID | None = None,
    ) -> SubSession:
        """Log in to a sub-session that closes itself (the manual's create_sub_session).

        The parameters and errors are those of :meth:`create_sub_session`.

        Returns
        -------
        SubSession
            For ``with``: it is closed at the end in any case. ``session.write(...)`` and
            ``plan.apply(session=session)`` need its rights as well as those of the connection.
            When the connection is lost it ends, and nothing is sent with it then.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as plant, plant.connect(journal=False) as client:
        ...     with client.sub_session(user="operator", password="operator-demo") as session:
        ...         result = session.write("Plant.Line 1.Set point", 195)
        >>> session
        <Sub-session of operator, ended: it was closed>
        """
        # At once, so that a traceback that shows variables shows none of them.
        user, password, token = map(Secret.of, (user, password, token))
        return log_in(
            self._connection.connection(),
            authentication(user, password, token, certificate),
            desired_id,
            timeout=self.timeout,
            write=self.write,
        )

    # What the methods share.

    def _ask(self, command: Command[Any], what: str) -> Any:
        (answer,) = self._connection.ask([command])
        return result_of(answer, what)

    def _send_once(self, command: Command[Any], what: str) -> Any:
        try:
            answer = self._connection.send_once(command)
        except (ConnectionLostError, DeadlineError) as error:
            if not error.sent:
                raise
            raise type(error)(
                f"{error}; {what} was sent and may have taken effect, and is not sent again",
                sent=True,
            ) from None
        return result_of(answer, what)

    def _change_stage(
        self,
        command: StageCommand,
        confirm: bool,
        session: SessionLike | None,
        timeout: float | None,
        verify_within: float,
    ) -> StageChange:
        self._stage = None
        change = change_stage(
            self._write_context(),
            command,
            confirm=confirm,
            session=session,
            timeout=timeout,
            verify_within=verify_within,
        )
        self._stage = change.after
        return change

    def _write_context(self) -> WriteContext:
        return WriteContext(
            self,
            self._connection,
            self._model_cache,
            self._policies,
            self._rate_limiter,
        )

    def _in_one_model(self, find: Callable[..., _Found], *arguments: Any) -> _Found:
        # An iterator can be gone through once only.
        held = [list(each) if isinstance(each, Iterator) else each for each in arguments]
        connect = self._connection.connection
        return self._model_cache.in_one_model(connect, lambda _: find(*held))[0]

    def _resolved(
        self, elements: ElementsLike, attributes: Attributes | None
    ) -> list[_reading.ResolvedAttribute]:
        return self._in_one_model(_reading.resolved, self._model_cache, elements, attributes)

    def _read(
        self,
        ask: AskByMessage,
        elements: ElementsLike,
        attributes: Attributes | None,
    ) -> pd.DataFrame:
        frame = self._in_one_model(
            _reading.read_frame, ask, self._model_cache, elements, attributes
        )
        return self._with_provenance(frame)

    def _whole_model(self, progress: Progress, stacklevel: int = 3) -> ElementColumns:
        whole, missing = _inventory.whole_model(self._connection.ask, self._model_cache, progress)
        if missing:
            warnings.warn(_inventory.missing_text(missing), InventoryWarning, stacklevel=stacklevel)
        return whole

    def _with_provenance(self, frame: pd.DataFrame, **facts: int | Sequence[str]) -> pd.DataFrame:
        return note_provenance(
            frame,
            {
                "server": self.address.url,
                "user": self.user,
                "protocol_version": self.protocol_version,
                "library_version": __version__,
                "taken_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                **facts,
            },
        )
