"""The DataFrames of the library: pandas', safe to show and to write with any text of a server.

A terminal obeys some characters that cannot be seen, so in a ``repr`` they are written out. And
pandas refuses to write some columns, which are written as ``.xentara.plain(writer)`` has them.
All else is as pandas has it, through the properties that it has for classes such as these.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Literal, TypeVar, cast

import pandas as pd

from xentara_nb.protocol.text import safe_lines
from xentara_nb.tables.pandas_methods import parameters_of, visible, visible_info

# Characters of a cell that are shown: by default, and where there are errors.
_WIDTH_OF_PANDAS, _WIDTH_OF_ERRORS = 50, 500

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _ours(method: _Method) -> _Method:
    """Return a method of pandas that makes a plain table of any, as one that makes one of ours."""

    @wraps(method)
    def ours(table: Any, *args: Any, **kwargs: Any) -> Any:
        found = method(table, *args, **kwargs)
        if type(found) is pd.DataFrame:
            return as_xentara(found)
        return _series(found) if type(found) is pd.Series else found

    return cast(_Method, ours)


def _also_plain(method: _Method) -> _Method:
    """Return a method of pandas that takes a table of its own class alone, for a plain one too."""

    @wraps(method)
    def also_plain(table: Any, other: Any, *args: Any, **kwargs: Any) -> Any:
        if type(other) is pd.DataFrame:
            other = XentaraFrame(other)
        elif type(other) is pd.Series:
            other = XentaraSeries(other)
        return method(table, other, *args, **kwargs)

    return cast(_Method, also_plain)


class _SeriesType(type):
    """The class of a class that is equal to Series.

    ``pandas.testing.assert_frame_equal`` compares the classes of columns by ``==``, and those of
    our frames pass for pandas'.
    """

    def __eq__(cls, other: object) -> bool:
        return other is cls or (cls is XentaraSeries and other is pd.Series)

    def __hash__(cls) -> int:
        return hash(pd.Series)


class _FrameType(type):
    """The class of a class that has every DataFrame as its instance, for the same reason."""

    def __instancecheck__(cls, instance: object) -> bool:
        if cls is XentaraFrame and isinstance(instance, pd.DataFrame):
            return True
        return super().__instancecheck__(instance)


@contextmanager
def _whole_errors(table: pd.DataFrame) -> Iterator[None]:
    """Let pandas show errors whole, for the end of each says what to do about it.

    A width that the user has chosen for all columns stays as it is.
    """
    width = pd.get_option("display.max_colwidth")
    texts = [table[name] for name in ("error", "reason") if name in table.columns]
    if width == _WIDTH_OF_PANDAS and any(each.notna().to_numpy().any() for each in texts):
        width = _WIDTH_OF_ERRORS
    with pd.option_context("display.max_colwidth", width):
        yield


_USUAL_WIDTH = 80  # of pandas, until the user chooses one


@contextmanager
def _whole_rows() -> Iterator[None]:
    """Let pandas break rows that are wider than the terminal.

    By itself it leaves out the columns in the middle there, which is where the values are; outside
    of a terminal, only those beyond twenty. What the user has chosen stays as it is.
    """
    if pd.get_option("display.max_columns") != 0:
        yield
        return
    width = pd.get_option("display.width")
    if width == _USUAL_WIDTH:
        width = shutil.get_terminal_size().columns
    with pd.option_context("display.max_columns", 20, "display.width", width):
        yield


class XentaraSeries(pd.Series, metaclass=_SeriesType):
    """A column of a :class:`XentaraFrame`, or a row: a Series that shows what cannot be seen."""

    @property
    def _constructor(self) -> Callable[..., pd.Series[Any]]:
        return _series

    @property
    def _constructor_expanddim(self) -> Callable[..., pd.DataFrame]:
        return _frame

    to_string = visible(pd.Series.to_string)
    to_markdown = visible(pd.Series.to_markdown)
    info = visible_info(pd.Series.info)
    describe = _ours(pd.Series.describe)  # type: ignore[misc]  # final in the stubs
    value_counts = _ours(pd.Series.value_counts)
    agg = aggregate = _ours(pd.Series.agg)  # type: ignore[misc]  # final in the stubs
    compare = _also_plain(pd.Series.compare)

    @parameters_of(pd.Series.to_excel)  # type: ignore[misc]  # final in the stubs
    def to_excel(self, *args: Any, **kwargs: Any) -> None:
        """Write the column as a table of one, see :meth:`XentaraFrame.to_excel`."""
        self.to_frame().to_excel(*args, **kwargs)

    @parameters_of(pd.Series.to_json)
    def to_json(self, *args: Any, **kwargs: Any) -> Any:
        """Write the column as JSON, UUIDs among values of other types as texts."""
        table: Any = self.to_frame(0)  # whose name is no text: no column of types comes beside it
        column = table.xentara.plain("json")[0].rename(self.name)
        return pd.Series.to_json(column, *args, **kwargs)

    @parameters_of(pd.Series.to_sql)  # type: ignore[misc]  # final in the stubs
    def to_sql(self, *args: Any, **kwargs: Any) -> int | None:
        """Write the column as a table of one, see :meth:`XentaraFrame.to_sql`."""
        return self.to_frame().to_sql(*args, **kwargs)


class XentaraFrame(pd.DataFrame, metaclass=_FrameType):
    r"""A DataFrame that can be shown and saved with any names that a server gives its elements.

    All tables of the library are of this class, and so is what pandas makes of them: rows, columns,
    copies, groups, merged tables. It is used like any ``pandas.DataFrame``; what it adds:

    * In its ``repr``, ``to_string``, ``info``, ``to_html`` and ``to_markdown``, and in those of its
      columns, every character that cannot be seen is written as an escape: a terminal would obey
      some of them. What is written to a file stays as it is, and so does what is no table, such as
      ``frame.columns``.
    * In a terminal its ``repr`` breaks wide rows, where pandas would leave out the values.
    * ``style`` escapes texts, which a page would obey as HTML.
    * ``to_excel``, ``to_parquet``, ``to_feather``, ``to_json`` and ``to_sql`` also write those
      values of a server that pandas refuses. All other tables they write as pandas does.

    A table that comes about with one of pandas in front, such as ``pandas.concat([plain, ours])``,
    is a plain one: make it ours with ``XentaraFrame(table)``, or save it with
    :meth:`~xentara_nb.tables.accessor.XentaraAccessor.plain`. ``pandas.testing.assert_frame_equal``
    takes both classes for the same; so does ``isinstance``, for every DataFrame.

    Parameters
    ----------
    data, index, columns, dtype, copy
        As those of ``pandas.DataFrame``.

    Examples
    --------
    >>> import pandas as pd
    >>> plain = pd.DataFrame({"primary_key": ["Pump\x1b[2J"], "value": [1.5]})
    >>> xentara_nb.XentaraFrame(plain)
      primary_key  value
    0    Pump\x1b[2J    1.5
    """

    xentara: Any  # its accessor is above: files, which it writes, make frames

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return _frame

    @property
    def _constructor_sliced(self) -> Callable[..., pd.Series[Any]]:
        return _series

    to_string = visible(pd.DataFrame.to_string)
    to_html = visible(pd.DataFrame.to_html)
    to_markdown = visible(pd.DataFrame.to_markdown)
    info = visible_info(pd.DataFrame.info)
    describe = _ours(pd.DataFrame.describe)  # type: ignore[misc]  # final in the stubs
    value_counts = _ours(pd.DataFrame.value_counts)
    agg = aggregate = _ours(pd.DataFrame.agg)  # type: ignore[assignment,misc]  # as above
    compare = _also_plain(pd.DataFrame.compare)

    def __repr__(self) -> str:
        with _whole_rows():
            return super().__repr__()

    def _repr_html_(self) -> str | None:
        with _whole_errors(self):
            html: str | None = super()._repr_html_()  # type: ignore[misc]  # not in its stubs
        return None if html is None else safe_lines(html)

    @property
    def style(self) -> Any:
        """What styles the table, see ``pandas.DataFrame.style``.

        A text is escaped, for in HTML a tag in the name of an element would be obeyed. For LaTeX
        give ``format(escape="latex")``.
        """
        try:
            from xentara_nb.tables.styling import XentaraStyler
        except ImportError as error:  # as in pandas, which needs Jinja for it
            raise AttributeError(str(error)) from None
        return XentaraStyler(self)

    @parameters_of(pd.DataFrame.to_excel)  # type: ignore[misc]  # final in the stubs
    def to_excel(self, *args: Any, **kwargs: Any) -> None:
        """Write the table to a sheet of Excel, also times with a time zone.

        Excel has none, so they are written in UTC without it. A column of values of several types
        with times among them has these as texts, and beside it a column such as ``value (type)``
        that says what each value is. A text that begins with ``=`` is a formula in what pandas
        writes; :meth:`~xentara_nb.tables.accessor.XentaraAccessor.to_file` writes a text. Neither
        writes a control character, which a sheet cannot hold: that is an InventoryFileError, and
        nothing is written.

        The parameters are those of ``pandas.DataFrame.to_excel``.

        Examples
        --------
        >>> snapshot = client.snapshot("Plant.Line 1")
        >>> snapshot.to_excel("line.xlsx", index=False)
        >>> xentara_nb.compare(snapshot, pd.read_excel("line.xlsx")).same
        True
        """
        pd.DataFrame.to_excel(self._for("excel"), *args, **kwargs)

    @parameters_of(pd.DataFrame.to_parquet)
    def to_parquet(self, *args: Any, **kwargs: Any) -> bytes | None:
        """Write the table to Parquet, also values of several types in one column.

        Such a column holds their texts, with one beside it, such as ``value (type)``, that says
        what each value is; so the columns of the file depend on the values. ``pandas.read_parquet``
        opens it with ids as texts; :func:`xentara_nb.read_table` gives back the same table.

        The parameters are those of ``pandas.DataFrame.to_parquet``.

        Examples
        --------
        >>> snapshot = client.snapshot("Plant.Line 1")
        >>> snapshot.to_parquet("line.parquet")
        >>> xentara_nb.read_table("line.parquet").equals(snapshot)
        True
        """
        written: bytes | None = pd.DataFrame.to_parquet(self._for("parquet"), *args, **kwargs)
        return written

    @parameters_of(pd.DataFrame.to_feather)
    def to_feather(self, *args: Any, **kwargs: Any) -> None:
        """Write the table to Feather, with the same columns as :meth:`to_parquet`.

        The parameters are those of ``pandas.DataFrame.to_feather``.

        Examples
        --------
        >>> client.snapshot("Plant.Line 1").to_feather("line.feather")
        """
        pd.DataFrame.to_feather(self._for("parquet"), *args, **kwargs)

    @parameters_of(pd.DataFrame.to_json)
    def to_json(self, *args: Any, **kwargs: Any) -> Any:
        """Write the table as JSON, also UUIDs among values of other types.

        They are texts, with a column beside them that says what each value is. pandas cuts numbers
        after ten digits unless ``double_precision=15``.

        The parameters are those of ``pandas.DataFrame.to_json``.

        Examples
        --------
        >>> client.read("Plant.Line 1.Batch", "value")[["value"]].to_json(orient="values")
        '[[4701]]'
        """
        return pd.DataFrame.to_json(self._for("json"), *args, **kwargs)

    @parameters_of(pd.DataFrame.to_sql)  # type: ignore[misc]  # final in the stubs
    def to_sql(self, *args: Any, **kwargs: Any) -> int | None:
        """Write the table to a database, also UUIDs and values of several types in one column.

        UUIDs are texts, and so are the values of such a column, with a column beside it, such as
        ``value (type)``, that says what each value is. Databases such as SQLite take no whole
        number from 2**63 on.

        The parameters are those of ``pandas.DataFrame.to_sql``.

        Examples
        --------
        >>> import sqlite3
        >>> database = sqlite3.connect(":memory:")
        >>> client.snapshot("Plant.Line 1.Speed").to_sql("line", database, index=False)
        1
        >>> database.execute("select display_name from line").fetchall()
        [('Line 1 speed',)]
        >>> database.close()
        """
        return pd.DataFrame.to_sql(self._for("sql"), *args, **kwargs)

    def _for(self, writer: Literal["excel", "json", "parquet", "sql"]) -> pd.DataFrame:
        if self.columns.is_unique:
            return cast(pd.DataFrame, self.xentara.plain(writer))
        # No columns are put beside those that are there twice.
        numbered: Any = self.set_axis(range(self.shape[1]), axis=1)
        return cast(pd.DataFrame, numbered.xentara.plain(writer).set_axis(self.columns, axis=1))


def as_xentara(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a DataFrame that was just made, and is in no other hands, as one of ours."""
    if type(frame) is pd.DataFrame:
        # Not XentaraFrame(frame), which copies the frame twice.
        frame.__class__ = XentaraFrame
    return frame


# What pandas makes of one of ours is first a frame of its own, which it hands over. That takes on
# the class; anything else goes through the constructor.


def _frame(data: Any = None, *args: Any, **kwargs: Any) -> pd.DataFrame:
    if type(data) is pd.DataFrame and not args and not kwargs:
        return as_xentara(data)
    return XentaraFrame(data, *args, **kwargs)


def _series(data: Any = None, *args: Any, **kwargs: Any) -> pd.Series[Any]:
    if type(data) is pd.Series and not args and not kwargs:
        data.__class__ = XentaraSeries
        same: pd.Series[Any] = data
        return same
    made: pd.Series[Any] = XentaraSeries(data, *args, **kwargs)
    return made
