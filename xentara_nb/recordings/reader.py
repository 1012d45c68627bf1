"""Reading a recording: only the hours, attributes and columns that are asked for."""

from __future__ import annotations

import functools
import numbers
import operator
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from xentara_nb.errors import OptionError, RecordingError, requiring
from xentara_nb.live.frames import column_names, long_frame, wide_frame
from xentara_nb.live.history import Changes
from xentara_nb.paths import user_path
from xentara_nb.protocol.text import quantity, safe
from xentara_nb.queries.reading import ResolvedAttribute
from xentara_nb.recordings.columns import decode, described, schema
from xentara_nb.recordings.folder import HOUR, extent, files, unreadable
from xentara_nb.recordings.selection import Selection, codes_of
from xentara_nb.tables.frames import make_frame, string_array
from xentara_nb.tables.id_arrays import id_array
from xentara_nb.tables.references import ElementsLike, Reference, element_references
from xentara_nb.tables.times import iso_time

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

MomentLike: TypeAlias = "str | datetime | pd.Timestamp"
"""A time; one without a time zone is in UTC."""

_IDENTITY = ("primary_key", "attribute_name", "data_type", "element_uuid", "attribute_id")
# More files or rows are not counted for a repr, which is to take a twentieth of a second at most.
_MOST_FOOTERS, _MOST_COUNTED = 100, 100_000
_MOST_TERMS = 100  # of a filter; more attributes are found behind one on their keys


class _Found(NamedTuple):
    """The rows of one attribute, in the order of their times."""

    attribute: ResolvedAttribute
    rows: slice
    column: Changes


def open_recording(
    folder: str | os.PathLike[str],
    *,
    start: MomentLike | None = None,
    end: MomentLike | None = None,
    rows: ElementsLike | None = None,
) -> Recording:
    """Open a recording that :meth:`Client.record` made. Nothing is read before it is asked for.

    Parameters
    ----------
    folder : path
        Its folder. It may be recorded into at the same time.
    start, end : str, datetime or pandas.Timestamp, optional
        From when to when, the end not included; without a time zone they are in UTC.
    rows : element, or list, Series or DataFrame of elements, optional
        Of which attributes: a primary key or UUID means all attributes of the element, a row of an
        inventory the one that it names. Left out, all. That something was never recorded is an
        error when it is asked for; that nothing is there in the time asked for is none.

    Returns
    -------
    Recording
        ``.frame()`` and ``.changes()`` are as those of a watch; they raise a NotFoundError if
        ``rows`` has what was never recorded.

    Raises
    ------
    RecordingError
        If there is no such folder.
    OptionError
        If a time cannot be used.
    MissingExtraError
        If pyarrow is not installed (the extra ``parquet``).

    Examples
    --------
    >>> import tempfile
    >>> from xentara_nb import simulate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with simulate() as plant, plant.connect() as client:
    ...         recording = client.record(["Plant.Line 1.Recipe"], folder, for_=0.2)
    ...     frame = open_recording(folder, rows=["Plant.Line 1.Recipe"]).frame()
    >>> frame["Plant.Line 1.Recipe"].tolist()
    ['Still 0.5 l']
    """
    with requiring("recordings need", "parquet"):
        import pyarrow.dataset  # noqa: F401 - now, not when something is to be read
    path = user_path(folder)
    if not path.is_dir():
        raise RecordingError(f"there is no recording in {path}: there is no such folder")
    return Recording(
        path,
        _moment("start", start),
        _moment("end", end),
        None if rows is None else list(element_references(rows)),
    )


def _moment(name: str, moment: MomentLike | None) -> int | None:
    if moment is None:
        return None
    try:
        if isinstance(moment, numbers.Number):  # pandas would take it for nanoseconds since 1970
            raise TypeError
        stamp = iso_time(moment) if isinstance(moment, str) else pd.Timestamp(moment)
        if pd.isna(stamp):
            raise ValueError
        stamp = stamp.tz_localize("UTC") if stamp.tz is None else stamp.tz_convert("UTC")
        return int(stamp.as_unit("ns").value)
    except (ValueError, TypeError, OverflowError):
        raise OptionError(f"{name}={moment!r} is no time: write it as '2026-11-26 14:00'") from None


def _second(moment: int) -> str:
    return f"{pd.Timestamp(moment, unit='ns', tz='UTC'):%Y-%m-%d %H:%M:%SZ}"


def _attributes_in(paths: Sequence[Path]) -> int:
    """Return how many attributes some files have rows of."""
    import pyarrow.dataset as ds

    names = ["element_uuid", "attribute_id"]
    table = ds.dataset([str(path) for path in paths], format="parquet").to_table(columns=names)
    return len(codes_of(table, names)[1])


class Recording:
    """The changes that were recorded into a folder; see :func:`open_recording`.

    Attributes
    ----------
    folder : pathlib.Path
        Where it is.

    Examples
    --------
    >>> recording = client.record("Plant.Line 1.Speed", "kept", for_=0.1, progress=False)
    >>> recording.attributes.columns.tolist()
    ['column', 'primary_key', 'attribute_name', 'element_uuid', 'attribute_id', 'rows']
    """

    def __init__(
        self,
        folder: Path,
        start: int | None = None,
        end: int | None = None,
        rows: Sequence[Reference] | None = None,
    ) -> None:
        self.folder = folder
        self._start, self._end = start, end
        self._rows = rows
        self._selection = None if rows is None else Selection(rows)

    def __repr__(self) -> str:
        limits = [
            f" {word} {_second(moment)}"
            for word, moment in (("from", self._start), ("to", self._end))
            if moment is not None
        ]
        which = "" if self._rows is None else f", {quantity(len(self._rows), 'row')} asked for"
        held = "" if limits or which else f", {self._extent()}"
        return safe(f"<Recording {self.folder}{''.join(limits)}{which}{held}>")

    def _extent(self) -> str:
        """Say how much the whole of it holds, as far as that is known at once."""
        try:
            found = files(self.folder, self._wanted)
            if not found:
                return "nothing in it"
            # Those of the first and the last hour have the first and the last time.
            ends = found[0][1], found[-1][1]
            counted = len(found) <= _MOST_FOOTERS
            paths = [path for path, hour in found if counted or hour in ends]
            rows, first, last = extent(paths)
            count = f"{quantity(rows, 'row')} " if counted else ""
            if counted and rows <= _MOST_COUNTED:
                count += f"of {quantity(_attributes_in(paths), 'attribute')} "
            span = f"{_second(first)} to {_second(last)}"
            return f"{span}, {count}in {quantity(len(found), 'file')}"
        except Exception:  # a file is damaged, or was replaced, and a repr never raises
            return "which cannot be read"

    @property
    def files(self) -> list[Path]:
        """The files that have something of what is asked for, as far as their names say."""
        return [path for path, _ in files(self.folder, self._wanted)]

    @property
    def attributes(self) -> pd.DataFrame:
        """What was recorded, with ``column`` of :meth:`frame`, what names it, and ``rows``.

        ``primary_key``, ``attribute_name`` (str), ``element_uuid``, ``attribute_id`` (xentara_id),
        ``rows`` (int64, how many there are).
        """
        found = list(self._attributes(self._table(["time"])))
        attributes = [each.attribute for each in found]
        texts = list(zip(*(each.attribute[:3] for each in found), strict=True)) or [()] * 3
        return make_frame(
            {
                "column": string_array(column_names(attributes)),
                "primary_key": string_array(texts[0]),
                "attribute_name": string_array(texts[2]),
                "element_uuid": id_array([each.element_uuid for each in attributes]),
                "attribute_id": id_array([each.attribute_id for each in attributes]),
                "rows": np.array([each.rows.stop - each.rows.start for each in found], np.int64),
            }
        )

    def frame(self, *, fill: str | None = None, freq: object = None) -> pd.DataFrame:
        """Return the changes, one column for each attribute and one row for each time.

        Parameters
        ----------
        fill, freq
            As for :meth:`Watch.frame`.

        Returns
        -------
        pandas.DataFrame
            As that of :meth:`Watch.frame`.

        Raises
        ------
        OptionError
            If it would be too large, or an argument is none.

        Examples
        --------
        >>> recording = client.record("Plant.Line 1.Speed", "kept", for_=0.1, progress=False)
        >>> recording.frame(freq="1min", fill="forward").index.name
        'time'
        """
        attributes, columns = self._columns(self._table(["time", "value", "text"]))
        return wide_frame(column_names(attributes), attributes, columns, fill, freq)

    def changes(self) -> pd.DataFrame:
        """Return the changes, one row for each.

        Returns
        -------
        pandas.DataFrame
            In the order of their times, as :meth:`Watch.changes` gives them: ``time``
            (datetime64[ns, UTC]), ``primary_key`` (str), ``element_uuid`` (xentara_id),
            ``attribute_name`` (str), ``attribute_id`` (xentara_id), ``value`` (typed if all have
            one data type, else object), ``quality`` (str), ``error`` (str).

        Examples
        --------
        >>> recording = client.record("Plant.Line 1.Speed", "kept", for_=0.1, progress=False)
        >>> recording.changes().columns.tolist()[:2]
        ['time', 'primary_key']
        """
        table = self._table(["time", "value", "text", "quality", "error"])
        attributes, columns = self._columns(table)
        qualities, errors = table["quality"].to_pylist(), table["error"].to_pylist()
        return long_frame(attributes, columns, qualities, errors)

    # Reading.

    def _wanted(self, hour: int) -> bool:
        return (self._start is None or (hour + 1) * HOUR > self._start) and (
            self._end is None or hour * HOUR < self._end
        )

    def _table(self, columns: list[str]) -> pa.Table:
        """Return columns of the rows that are asked for, sorted by attribute and time."""
        import pyarrow as pa

        paths = self.files
        try:
            table = self._loaded(paths, columns)
        except (OSError, ValueError, pa.ArrowException) as whole:
            for path in paths:
                try:
                    self._loaded([path], columns)
                except (OSError, ValueError, pa.ArrowException) as error:
                    raise unreadable(path, error) from None
            raise unreadable(self.folder, whole) from None
        if self._selection is not None:
            table = table.filter(pa.array(self._selection.chosen(table, self.folder)))
        codes, _ = codes_of(table, _IDENTITY)
        order = np.lexsort((table["time"].to_numpy().view(np.int64), codes))
        return table.take(pa.array(order))

    def _loaded(self, paths: Sequence[Path], columns: Sequence[str]) -> pa.Table:
        """Return columns of some files; raises one of many errors if that is not possible."""
        import pyarrow.dataset as ds

        dataset = ds.dataset([str(path) for path in paths], schema=schema(), format="parquet")
        table = dataset.to_table(columns=[*_IDENTITY, *columns], filter=self._filter())
        table.validate(full=True)  # a text may be no UTF-8
        for name in (*_IDENTITY, "time"):
            if table[name].null_count:
                raise ValueError(f"there are rows without {name}")
        return table

    def _filter(self) -> pc.Expression | None:
        """Return what rows must fulfil, as far as the statistics of the files can tell."""
        import pyarrow as pa
        import pyarrow.compute as pc

        terms = []
        stamp = pa.timestamp("ns", tz="UTC")
        # Of whole hours there are no other files.
        if self._start is not None and self._start % HOUR:
            terms.append(pc.field("time") >= pa.scalar(self._start, pa.int64()).cast(stamp))
        if self._end is not None and self._end % HOUR:
            terms.append(pc.field("time") < pa.scalar(self._end, pa.int64()).cast(stamp))
        keys = {each.primary_key for each in self._rows or ()}
        may_be_uuids = any(each.text_uuid is not None for each in self._rows or ())
        if self._rows is not None and None not in keys and not may_be_uuids:
            names = sorted(key for key in keys if key is not None)
            if not names or len(names) > _MOST_TERMS:
                terms.append(pc.field("primary_key").isin(pa.array(names, pa.string())))
            else:  # one by one, which skips more than isin does
                terms.append(
                    functools.reduce(operator.or_, [pc.field("primary_key") == n for n in names])
                )
        if self._rows and all(each.element_uuid for each in self._rows):
            uuids = sorted({str(each.element_uuid) for each in self._rows})
            terms.append(pc.field("element_uuid").isin(uuids))
        return functools.reduce(operator.and_, terms) if terms else None

    def _columns(self, table: pa.Table) -> tuple[list[ResolvedAttribute], list[Changes]]:
        found = list(self._attributes(table))
        return [each.attribute for each in found], [each.column for each in found]

    def _attributes(self, table: pa.Table) -> Iterator[_Found]:
        """Give the attributes of a table that is sorted by them, and their columns."""
        if not table.num_rows:
            return
        codes, texts = codes_of(table, _IDENTITY)
        bounds = np.flatnonzero(np.diff(codes)) + 1
        times = table["time"].to_numpy().view(np.int64)
        has_values = "value" in table.column_names
        if has_values:
            numbers = table["value"].to_numpy()
            missing = table["value"].is_null().to_numpy()
            whole_texts = table["text"]
        for start, end in zip([0, *bounds], [*bounds, len(codes)], strict=True):
            key, name, data_type, uuid, identifier = texts[codes[start]]
            try:
                attribute = described(key, name, data_type, uuid, identifier)
            except ValueError:
                wrong = ValueError(f"{key!r} has the ids {uuid!r} and {identifier!r}")
                raise unreadable(self.folder, wrong) from None
            column = Changes(times[start:end], times[start:end], np.zeros(end - start, bool))
            if has_values:
                some = whole_texts[start:end]
                few = np.full(end - start, None, dtype=object)
                if some.null_count < len(some):
                    few[:] = some.to_pylist()
                values, gone = decode(
                    numbers[start:end], missing[start:end], few, attribute.data_type
                )
                column = Changes(times[start:end], values, gone)
            yield _Found(attribute, slice(int(start), int(end)), column)
