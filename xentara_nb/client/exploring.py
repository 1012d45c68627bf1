"""The part of the client that explores the model: everything comes back as a DataFrame."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pandas as pd

from xentara_nb.client.core import ClientCore
from xentara_nb.protocol.commands import BrowseEntries, Lookup, ServerInformation
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.identifiers import ServerInformationId
from xentara_nb.queries import inventory as _inventory
from xentara_nb.queries.inventory import CategoryLike, InventoryWarning, Progress
from xentara_nb.tables.frames import elements_frame, inventory_frame, inventory_frame_of
from xentara_nb.tables.provenance import with_provenance
from xentara_nb.tables.references import (
    ElementLike,
    ElementsLike,
    element_reference,
    element_references,
)


class Exploring(ClientCore):
    """server_information, browse, meta_data, lookup, and the inventory made of them."""

    def server_information(self) -> dict[str, Any]:
        """Return what the server tells of itself (the manual's server_information).

        Returns
        -------
        dict
            ``version``, ``user name`` (the account that the server runs under) and ``model file
            path``, as far as the server tells them.

        Raises
        ------
        ServerError, ConnectionLostError, DeadlineError
            If the server does not answer it.
        """
        answer = self._ask_one(ServerInformation(), "server_information")
        return {
            identifier.name.replace("_", " ").lower(): answer[identifier]
            for identifier in ServerInformationId
            if identifier in answer
        }

    def browse(
        self,
        root: ElementLike | None = None,
        depth: int | None = None,
        categories: CategoryLike | Iterable[CategoryLike] | None = None,
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
            ``primary_key`` (str), ``element_uuid`` (object: UUID), ``category`` (categorical),
            sorted by primary key.

        Raises
        ------
        UnknownElementError
            If there is no such element.
        NotFoundError
            If there is no such category.
        """
        entries = self._browse(root, depth, categories)
        return with_provenance(elements_frame(entries), self._provenance(elements=len(entries)))

    def inventory(
        self,
        root: ElementLike | None = None,
        depth: int | None = None,
        categories: CategoryLike | Iterable[CategoryLike] | None = None,
        progress: Progress = None,
    ) -> pd.DataFrame:
        """Return every attribute of every element: browse, then meta_data of all found.

        Parameters
        ----------
        root, depth, categories
            As in :meth:`browse`.
        progress : bool or callable, optional
            True for a progress bar, False for none, left out for one on long work; or a function
            that is called as ``progress(done, total)``.

        Returns
        -------
        pandas.DataFrame
            One row per attribute, as :meth:`meta_data` gives it, sorted by primary key and
            attribute name. ``frame.xentara`` filters and exports it.

        Raises
        ------
        UnknownElementError, NotFoundError
            As in :meth:`browse`.

        Warns
        -----
        InventoryWarning
            If elements vanished while the inventory was taken; the rest is there.
        """
        entries = self._browse(root, depth, categories)
        found, missing = _inventory.attribute_lists(self._link.ask, entries, progress)
        if missing:
            warnings.warn(_inventory.missing_text(missing), InventoryWarning, stacklevel=2)
        return with_provenance(
            inventory_frame_of(*found),
            self._provenance(elements=len(found.keys), vanished=list(missing)),
        )

    def meta_data(self, elements: ElementsLike) -> pd.DataFrame:
        """Return the attributes of elements (the manual's meta_data).

        Parameters
        ----------
        elements : element, or list, Series or DataFrame of elements
            Whose attributes.

        Returns
        -------
        pandas.DataFrame
            One row per attribute: ``primary_key`` (str), ``element_uuid`` (object: UUID),
            ``category`` (categorical), ``attribute_name`` (str), ``attribute_id`` (object: int or
            UUID), ``access`` (categorical), ``data_type`` (categorical).

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
        references = list(dict.fromkeys(element_references(elements)))
        uuids = list(dict.fromkeys(self._directory.uuids(references)))
        rows = []
        for element_uuid, answer in zip(uuids, self._directory.meta_data(uuids), strict=True):
            if isinstance(answer, ServerError):
                raise answer.within(f"meta_data of {element_uuid}")
            rows.append(
                (
                    answer.primary_key or "",
                    element_uuid,
                    answer.category or 0,
                    answer.attributes or (),
                )
            )
        return with_provenance(inventory_frame(rows), self._provenance(elements=len(rows)))

    def lookup(self, primary_key: str) -> UUID:
        """Return the UUID of an element (the manual's lookup).

        Raises
        ------
        UnknownElementError
            If there is no element with this primary key.
        """
        found: UUID = self._ask_one(Lookup(primary_key), f"lookup of {primary_key!r}")
        return found

    def _browse(
        self,
        root: ElementLike | None,
        depth: int | None,
        categories: CategoryLike | Iterable[CategoryLike] | None,
    ) -> BrowseEntries:
        root_uuid = None
        if root is not None:
            (root_uuid,) = self._directory.uuids([element_reference(root)])
        return _inventory.browse(
            self._link.ask, root_uuid, depth, _inventory.category_ids(categories)
        )
