"""``df.xentara``: what pandas cannot know of a frame that came from a Xentara server.

Examples
--------
>>> from uuid import UUID
>>> from xentara_nb.tables.frames import inventory_frame
>>> from xentara_nb.protocol.commands import AttributeInfo
>>> speed = (AttributeInfo("value", 11, 2, 10), AttributeInfo("quality", 9, 0, 18))
>>> inventory = inventory_frame([("Plant.Speed", UUID(int=1), 2, speed)])
>>> inventory.xentara.writable()[["primary_key", "attribute_name"]]
   primary_key attribute_name
1  Plant.Speed          value
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Any, Literal
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd

from xentara_nb.errors import NotFoundError, OptionError
from xentara_nb.protocol.identifiers import ATTRIBUTES_BY_NAME, Access, Attribute
from xentara_nb.protocol.text import quantity
from xentara_nb.suggestions import did_you_mean, question
from xentara_nb.tables import ELEMENT_COLUMNS, INVENTORY_COLUMNS
from xentara_nb.tables.frames import doubled_column
from xentara_nb.tables.id_arrays import IdArray, IdDtype
from xentara_nb.tables.provenance import provenance_of

_NAME = "xentara"


class NoInventoryError(OptionError, AttributeError):
    """A frame is no inventory. Also an AttributeError, as pandas asks of an accessor."""


class XentaraAccessor:
    """What ``df.xentara`` offers, on an inventory, on rows of it and with columns added to it.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any table can be saved; the other methods need columns of an inventory.

    Raises
    ------
    NoInventoryError
        If a column that a method needs is missing, or one of an inventory is there twice. The
        message names it.

    Examples
    --------
    >>> inventory = client.inventory("Plant.Line 1")
    >>> inventory.xentara
    <XentaraAccessor of 237 rows>
    >>> len(inventory.xentara.writable()) < len(inventory)
    True
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        if (name := doubled_column(frame, INVENTORY_COLUMNS)) is not None:
            raise NoInventoryError(
                f"this frame has two columns {name!r}: take one of them out, for example with "
                "frame.loc[:, ~frame.columns.duplicated()]"
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {quantity(len(self._frame), 'row')}>"

    def readable(self) -> pd.DataFrame:
        """Return the rows of the attributes that can be read, with their index.

        Examples
        --------
        >>> inventory = client.inventory("Plant.Line 1", depth=1)
        >>> inventory.xentara.readable().access.unique().tolist()
        ['read only', 'read and write']
        """
        return self._with_access(access for access in Access if access.readable)

    def writable(self) -> pd.DataFrame:
        """Return the rows of the attributes that can be written, with their index.

        Examples
        --------
        >>> inventory = client.inventory("Plant.Line 1", depth=1)
        >>> inventory.xentara.writable()[["primary_key", "attribute_name"]].head(2)
                             primary_key attribute_name
        10            Plant.Line 1.Batch          value
        55  Plant.Line 1.Last changeover          value
        """
        return self._with_access(access for access in Access if access.writable)

    def attribute(self, attribute: str | int | UUID) -> pd.DataFrame:
        """Return the rows of one attribute, with their index.

        Parameters
        ----------
        attribute : str, int or UUID
            A name, or an id. A well-known attribute is found by its integer and by its UUID,
            whichever of them the frame has.

        Raises
        ------
        NotFoundError
            If no row has it, and it is no well-known attribute either. Of these, there may be
            none: then there are no rows, as in a frame that has none at all.
        TypeError
            If the attribute is something else.

        Examples
        --------
        >>> inventory = client.inventory("Plant.Line 1", depth=1)
        >>> inventory.xentara.attribute("units")["primary_key"].head(2).tolist()
        ['Plant.Line 1.Batch', 'Plant.Line 1.Bottle count']
        """
        if isinstance(attribute, str):
            names = self._columns("attribute_name")["attribute_name"]
            return self._rows_or_not_found(names == attribute, attribute, ATTRIBUTES_BY_NAME)
        if isinstance(attribute, bool) or not isinstance(attribute, int | UUID):
            raise TypeError(
                f"an attribute is its name, an integer or a UUID, not {type(attribute).__name__}"
            )
        ids: list[int | UUID] = [attribute]
        known: list[int | UUID] = []
        for member in Attribute:
            if attribute in (member, member.uuid):
                ids = known = [int(member), member.uuid]
        column = self._columns("attribute_id")["attribute_id"]
        with suppress(TypeError):  # pandas may have read it from a file, as texts
            column = column.astype(IdDtype())
        found = column.isin(ids)
        return self._rows_or_not_found(found, attribute, known)

    def elements(self) -> pd.DataFrame:
        """Return the elements that the frame has rows of.

        Returns
        -------
        pandas.DataFrame
            One row per element in the order of the frame, numbered from 0, with the columns
            ``primary_key`` (str), ``element_uuid`` (xentara_id), ``category`` (categorical) and
            ``attributes`` (int64): how many rows it has in the frame.

        Examples
        --------
        >>> inventory = client.inventory("Plant.Line 1", depth=1)
        >>> inventory.xentara.elements()[["primary_key", "attributes"]].head(2)
                         primary_key  attributes
        0         Plant.Line 1.Batch          12
        1  Plant.Line 1.Bottle count          12
        """
        columns = list(ELEMENT_COLUMNS)
        frame = self._columns(*columns)[columns]
        starts = _starts_of_elements(frame)
        if starts is not None:
            counts = np.diff(starts, append=len(frame))
            found = frame.take(starts).reset_index(drop=True)
            return found.assign(attributes=counts.astype(np.int64))
        try:
            counts = frame.groupby(columns[:2], sort=False, dropna=False).size().to_numpy()
        except TypeError:  # such as lists, which pandas cannot group by
            raise NoInventoryError(
                "this frame is no inventory: its primary_key or element_uuid holds what names no "
                "element. Take client.inventory() or xentara_nb.read_inventory(path)"
            ) from None
        first = ~frame.duplicated(columns[:2])
        return frame[first].reset_index(drop=True).assign(attributes=counts)

    def search(
        self,
        text: str,
        *,
        category: str | Collection[str] | None = None,
        type: str | Collection[str] | None = None,
        units: str | Collection[str] | None = None,
        writable: bool | None = None,
    ) -> pd.DataFrame:
        """Return the rows of the elements that some words find, the best first.

        Parameters
        ----------
        text : str
            Words in any order, upper or lower case, whole or in part, with ``*`` and ``?`` as
            wildcards and small typos. They are looked for in the primary key and, where the frame
            has them, in ``display_name``, ``type`` and ``units``. An empty text finds everything.
        category, type, units : str or collection of str, optional
            Only rows with one of these in the columns ``category``, ``type`` and ``units``, with
            the same wildcards.
        writable : bool, optional
            Only rows that can be written, or only those that cannot.

        Returns
        -------
        pandas.DataFrame
            Rows of the frame with their index.

        Raises
        ------
        AttributeError
            If the frame has no such column to filter by.
        NotFoundError
            If there is no such category, or no row has such a type or unit. What has a wildcard may
            find nothing.

        Examples
        --------
        >>> inventory = client.inventory("Plant.Line 1", depth=1)
        >>> inventory.xentara.search("point set", writable=True)[["primary_key", "data_type"]]
                        primary_key data_type
        125  Plant.Line 1.Set point   Float64
        """
        from xentara_nb.tables.search import SearchTable

        needed = {"category": category, "type": type, "units": units, "access": writable}
        chosen = (name for name, wanted in needed.items() if wanted is not None)
        self._columns("primary_key", *chosen)
        return SearchTable(self._frame).search(
            text, category=category, type=type, units=units, writable=writable
        )

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the frame came from and when, as a copy, which is empty if nothing is known.

        It has ``server``, ``user``, ``protocol_version``, ``library_version``, ``taken_at`` (a
        text in ISO 8601), ``elements`` (how many) and, where some went while the inventory was
        taken, ``vanished`` (their keys). ``pandas.concat`` and ``merge`` lose it.
        """
        return provenance_of(self._frame)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the frame as CSV, also where the path ends otherwise.

        :func:`xentara_nb.read_inventory` gives back exactly the same of an inventory, and
        :func:`xentara_nb.read_table` of any other table. Unlike
        ``pandas.DataFrame.to_csv``, this is safe to open in a spreadsheet; see
        :mod:`xentara_nb.tables.files`.

        Parameters
        ----------
        path : path
            The file. One that is there is replaced once the new one is complete.

        Raises
        ------
        InventoryFileError
            If the frame holds what cannot be written.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> inventory = client.inventory("Plant.Line 1", depth=1)
        >>> inventory.xentara.to_csv("line 1.csv")
        >>> xentara_nb.read_inventory("line 1.csv").equals(inventory)
        True
        """
        self._write(path, ".csv")

    def to_file(self, path: str | os.PathLike[str]) -> None:
        """Write the frame as CSV, JSON, Parquet or Excel, by the ending of the path.

        Inventories, snapshots, values, samples, reports and columns chosen from them alike.
        :func:`xentara_nb.read_table` gives back exactly the same, except for an index that only
        numbers the rows; a table that names no elements and begins with ``time`` comes back with
        that as its index, as samples do.

        Parameters
        ----------
        path : path
            A file that ends in ``.csv``, ``.json``, ``.parquet`` or ``.xlsx``.

        Raises
        ------
        InventoryFileError
            If the frame holds what this kind of file cannot, or an index that is no numbers of
            rows; or the ending is another.
        MissingExtraError
            If Parquet or Excel needs a package that is not installed.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> inventory = client.inventory("Plant.Line 1", depth=1)
        >>> inventory.xentara.to_file("line 1.parquet")
        >>> xentara_nb.read_table("line 1.parquet").equals(inventory)
        True
        """
        self._write(path, None)

    def plain(
        self, writer: Literal["excel", "json", "parquet", "sql"] | None = None
    ) -> pd.DataFrame:
        """Return the table with columns that everything takes, as a file has them.

        Ids are texts, times are in UTC without a time zone, and a column of values of several types
        holds their texts, with one beside it, such as ``value (type)``, that says what each of them
        is. So anything that takes a DataFrame of pandas takes it. What pandas reads from what it
        has written is taken wherever rows are, and by :func:`xentara_nb.compare`.

        The tables of this library do the same by themselves when they are written, as far as it is
        needed; see :class:`xentara_nb.XentaraFrame`. :meth:`to_file` keeps more.

        Parameters
        ----------
        writer : str, optional
            ``excel``, ``json``, ``parquet`` or ``sql``: only what this writer of pandas refuses is
            changed, and where that is nothing, it is the table itself. Feather is as Parquet.

        Returns
        -------
        pandas.DataFrame
            The same rows; samples with their index.

        Raises
        ------
        InventoryFileError
            If a column has no name, or its name is there twice; for Excel, if a sheet cannot hold
            one of the characters.
        OptionError
            If the writer is another.

        Examples
        --------
        >>> from uuid import UUID
        >>> ids = pd.Series([11, UUID(int=1)], dtype="xentara_id")
        >>> frame = pd.DataFrame({"primary_key": "A", "element_uuid": ids, "value": [1.5, "on"]})
        >>> frame.xentara.plain()[["element_uuid", "value", "value (type)"]]
                                   element_uuid value value (type)
        0                                    11   1.5        float
        1  00000000-0000-0000-0000-000000000001    on         text
        >>> frame.xentara.plain("parquet").to_parquet("a.parquet")
        """
        from xentara_nb.tables.files.plain import plain_table

        return plain_table(self._frame, writer)

    def _write(self, path: str | os.PathLike[str], ending: str | None) -> None:
        # This module is loaded with the library: what writes files is loaded when it is used.
        from xentara_nb.tables.files import write_table

        write_table(self._frame, path, ending=ending)

    def _with_access(self, accesses: Iterable[Access]) -> pd.DataFrame:
        labels = [access.label for access in accesses]
        return self._frame[self._columns("access")["access"].isin(labels)]

    def _rows_or_not_found(
        self, found: pd.Series[bool], attribute: object, known: Collection[object]
    ) -> pd.DataFrame:
        """Return the rows that were found; of what is known there may be none."""
        rows = self._frame[found]
        if len(rows) or attribute in known or not len(self._frame):
            return rows
        names: list[str] = []
        if "attribute_name" in self._frame:
            names = [str(each) for each in self._frame["attribute_name"].dropna().unique()]
        there = f"there are: {', '.join(sorted(names)[:40]) or 'none'}"
        raise NotFoundError(
            f"no row has the attribute {str(attribute)!r}{did_you_mean(attribute, names, there)}"
        )

    def _columns(self, *needed: str) -> pd.DataFrame:
        missing = [name for name in needed if name not in self._frame.columns]
        if not missing:
            return self._frame
        offer = question(missing[0], map(str, self._frame.columns))
        raise NoInventoryError(
            f"this frame is no inventory: it has no column {', '.join(map(repr, missing))}. "
            f"{offer and f'{offer} '}"
            "Take client.inventory() or xentara_nb.read_inventory(path), and choose rows of it "
            "rather than columns."
        )


def _starts_of_elements(frame: pd.DataFrame) -> npt.NDArray[np.intp] | None:
    """Return where the rows of each element begin; None unless those of each stand together."""
    ids, texts = frame["element_uuid"].array, frame["primary_key"].dtype
    if not isinstance(ids, IdArray) or not len(ids):
        return None
    if not isinstance(texts, pd.StringDtype) or texts.na_value is pd.NA:
        return None
    codes = ids.canonical()
    starts = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
    if codes[starts].min() < 0 or np.bincount(codes[starts]).max() > 1:
        return None
    keys = frame["primary_key"].to_numpy(object)
    if pd.isna(keys[starts]).any():
        return None
    # An element has one key; where it has not, its rows are those of several.
    other = np.flatnonzero(np.asarray(keys[1:] != keys[:-1], bool)) + 1
    return starts if np.isin(other, starts).all() else None


# pandas warns when a name is taken twice, so a module that is reloaded lets go of it first.
if getattr(getattr(pd.DataFrame, _NAME, None), "__module__", None) == __name__:
    delattr(pd.DataFrame, _NAME)
pd.api.extensions.register_dataframe_accessor(_NAME)(XentaraAccessor)
