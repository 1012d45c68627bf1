"""Everything a server holds: browse, then the meta data of all that was found."""

from __future__ import annotations

import numbers
import operator
import sys
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from uuid import UUID

from xentara_nb.errors import NotFoundError
from xentara_nb.protocol.codec import ListRequests
from xentara_nb.protocol.commands import AttributeInfo, Browse, BrowseEntries
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.identifiers import NIL_UUID, Category
from xentara_nb.queries.model_cache import Ask

if TYPE_CHECKING:
    from collections.abc import Iterator

Progress: TypeAlias = "bool | Callable[[int, int], object] | None"
"""How to show progress: None for a bar on long work, True or False, or ``f(done, total)``."""

CategoryLike: TypeAlias = int | str
"""A category: its identifier, or the manual's words for it."""

_BAR_DELAY = 1.0  # seconds; work that is done by then shows no bar


class InventoryWarning(UserWarning):
    """Some elements are missing in an inventory; the message says which and why."""


def category_ids(
    categories: CategoryLike | Iterable[CategoryLike] | None,
) -> tuple[int, ...] | None:
    """Return the identifiers of categories.

    Raises
    ------
    NotFoundError
        If there is no such category; the message lists them all.
    """
    if categories is None:
        return None
    if isinstance(categories, str) or not isinstance(categories, Iterable):
        categories = (categories,)
    return tuple(_category_id(category) for category in categories)


def _category_id(category: CategoryLike) -> int:
    # One that this version does not know is asked for as it is. numpy's integers are no int, but
    # they are Integral.
    if isinstance(category, numbers.Integral) and not isinstance(category, bool) and category >= 0:
        return int(category)
    member = Category.find(category)
    if member is None:
        raise NotFoundError(f"{category!r} is no category; there are: {Category.labels()}")
    return int(member)


def browse(
    ask: Ask,
    root: UUID | None,
    depth: int | None,
    categories: tuple[int, ...] | None,
) -> BrowseEntries:
    """Return the elements below an element; the root's when there is none.

    Raises
    ------
    ServerError
        What the server says against it.
    """
    levels = None if depth is None else operator.index(depth)  # a plain int, also of numpy's
    command = Browse(NIL_UUID if root is None else root, levels, categories)
    (answer,) = ask([command])
    if isinstance(answer, ServerError):
        raise answer.within(f"browse of {'the root' if root is None else root}")
    entries: BrowseEntries = answer
    return entries


class ElementColumns(NamedTuple):
    """The elements of an inventory, column by column."""

    keys: list[str]
    uuids: list[UUID]
    categories: list[int]
    lists: list[tuple[AttributeInfo, ...]]


def attribute_lists(
    ask: Ask, entries: BrowseEntries, progress: Progress
) -> tuple[ElementColumns, dict[str, str]]:
    """Return the attributes of elements, and why some elements gave none.

    Returns
    -------
    found : ElementColumns
        The elements that there are.
    missing : dict of str
        The reason by primary key, for elements that vanished or cannot be asked.
    """
    lists: list[tuple[AttributeInfo, ...]] = []
    errors: dict[int, ServerError] = {}
    step = max(1, len(entries) // 100)
    with _progress(progress, len(entries)) as advance:
        for answer in ask(ListRequests(entries.uuids)):
            if isinstance(answer, ServerError):
                errors[len(lists)] = answer
                lists.append(())
            else:
                lists.append(answer.attributes or ())
            if len(lists) % step == 0:
                advance(step)
        if left := len(lists) % step:
            advance(left)
    found = ElementColumns(entries.keys, entries.uuids, entries.categories, lists)
    if errors:
        there = [at not in errors for at in range(len(lists))]
        found = ElementColumns._make(list(compress(column, there)) for column in found)
    return found, {entries.keys[at]: f"{error.text} ({error.code})" for at, error in errors.items()}


def missing_text(missing: dict[str, str]) -> str:
    """Say which elements an inventory lacks, in one line."""
    shown = [f"{key}: {reason}" for key, reason in list(missing.items())[:5]]
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    count = f"{len(missing)} element{'s are' if len(missing) > 1 else ' is'}"
    return f"{count} not in the inventory: {'; '.join(shown)}{more}"


@contextmanager
def _progress(progress: Progress, total: int) -> Iterator[Callable[[int], object]]:
    """Give a function to call with the number of elements that are done since the last time."""
    if progress is False or (progress is None and sys.stderr is None):
        yield lambda count: None
    elif callable(progress):
        yield _Counter(progress, total).advance
    else:
        from tqdm.auto import tqdm

        delay = 0.0 if progress else _BAR_DELAY
        bar: Any = tqdm(total=total, unit="element", desc="Inventory", delay=delay)
        with bar:
            yield bar.update


class _Counter:
    def __init__(self, report: Callable[[int, int], object], total: int) -> None:
        self._report, self._total, self._done = report, total, 0

    def advance(self, count: int) -> None:
        self._done += count
        self._report(self._done, self._total)
