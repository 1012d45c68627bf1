"""Find an element by typing part of its key: all keys in memory, a hundred thousand in an instant.

Examples
--------
>>> from uuid import UUID
>>> index = KeyIndex()
>>> index.fill([("Plant.Line 1.Set point", UUID(int=1), "data point"),
...             ("Plant.Line 2.Set point", UUID(int=2), "data point")])
>>> [found.key for found in index.find("set 2")]
['Plant.Line 2.Set point']
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import UUID

import ipywidgets

from xentara_nb.client import Client
from xentara_nb.widgets.common.style import escape, plain, show, text_input
from xentara_nb.widgets.common.tasks import TaskRunner

SHOWN = 100
"""How many hits a list shows; more of them say only that the search is not done."""

_RANKED = 5_000  # hits that are put in order; with more, nobody knows yet what is meant


class SearchHit(NamedTuple):
    """An element that was found."""

    key: str
    element_uuid: UUID
    category: str


class KeyIndex:
    """The keys of all elements of a server."""

    def __init__(self) -> None:
        self._elements: list[SearchHit] = []
        self._folded: list[str] = []
        self._lock = threading.Lock()
        self.loaded = False
        self.hits = 0

    def __len__(self) -> int:
        return len(self._elements)

    def fill(self, elements: Iterable[tuple[str, UUID, str]]) -> None:
        """Take the elements; in the order in which they shall be found."""
        found = [SearchHit(*element) for element in elements]
        folded = [element.key.casefold() for element in found]
        self._elements, self._folded, self.loaded = found, folded, True

    def load(self, client: Client) -> None:
        """Fetch the elements, once."""
        with self._lock:
            if self.loaded:
                return
            frame = client.browse()
            self.fill(
                zip(
                    frame["primary_key"].tolist(),
                    frame["element_uuid"].tolist(),
                    frame["category"].tolist(),
                    strict=True,
                )
            )

    def find(self, text: str, limit: int = SHOWN) -> list[SearchHit]:
        """Return the elements whose key has every word of the text in it, the best first.

        ``hits`` then says how many there are in all.
        """
        words = text.casefold().split()
        if not words:
            self.hits = 0
            return []
        folded = self._folded
        rows: Iterable[int] = range(len(folded))
        for word in sorted(words, key=len, reverse=True):
            rows = [row for row in rows if word in folded[row]]
        found = list(rows)
        self.hits = len(found)
        if len(found) <= _RANKED:
            found.sort(key=lambda row: _rank(folded[row], words))
        return [self._elements[row] for row in found[:limit]]


def _rank(key: str, words: list[str]) -> tuple[int, int, str]:
    """Return what to sort by: whole names first, then the words in the order as they were typed."""
    text = " ".join(words)
    if key == text or key.endswith("." + text):
        order = 0
    elif key.startswith(text) or f".{text}" in key:
        order = 1
    else:
        at = 0
        for word in words:
            at = key.find(word, at)
            if at < 0:
                return 3, len(key), key
            at += len(word)
        order = 2
    return order, len(key), key


class SearchBox:
    """An input, and a list of what was found that follows it as one types.

    Parameters
    ----------
    desk : TaskRunner
        Where the work is done.
    client : Client
        Whose elements.
    choose : callable
        Called with the :class:`SearchHit` that the user chooses.
    index : KeyIndex, optional
        The index, to be shared between forms.
    """

    def __init__(
        self,
        desk: TaskRunner,
        client: Client,
        choose: Callable[[SearchHit], object],
        index: KeyIndex | None = None,
    ) -> None:
        self._desk, self._client, self._choose = desk, client, choose
        self.index = KeyIndex() if index is None else index
        self._found: list[SearchHit] = []
        self._filling = False
        self.text = text_input("Find", placeholder="part of a name, such as: line 1 set")
        self.results = ipywidgets.Select(
            options=[], rows=8, description="SearchHit", style={"description_width": "0"}
        )
        self.results.add_class("xnb-found")
        self.status = ipywidgets.HTML()
        self.box = ipywidgets.VBox([self.text, self.status, self.results])
        self.text.observe(desk.guard(lambda change: self._typed()), "value")
        self.text.on_msg(desk.guard(self._entered))
        self.results.observe(desk.guard(self._chosen), "index")
        show(self.results, False)

    def _typed(self) -> None:
        text = self.text.value
        if not self.index.loaded and text.strip():
            self._say("Reading the names of all elements …")
        self._desk.newest("search", lambda wanted: self._search(text, wanted))

    def _search(self, text: str, wanted: Callable[[], bool]) -> None:
        if text.strip():
            self.index.load(self._client)
        if not wanted():
            return
        found = self.index.find(text)
        hits = self.index.hits
        if wanted():
            self._list(text, found, hits)

    def _list(self, text: str, found: list[SearchHit], hits: int) -> None:
        self._filling = True
        try:
            self._found = found
            self.results.options = [plain(element.key) for element in found]
            self.results.rows = min(8, max(2, len(found)))
            self.results.index = None
        finally:
            self._filling = False
        show(self.results, bool(found))
        if not text.strip():
            self._say("")
        elif not hits:
            self._say(f"No element has “{text.strip()}” in its key.")
        elif hits > len(found):
            self._say(f"{hits:,} elements; the first {len(found)} are shown.")
        else:
            self._say(f"{hits:,} element{'s' if hits != 1 else ''}")

    def _say(self, text: str) -> None:
        self.status.value = f'<span class="xnb-dim" role="status">{escape(text)}</span>'

    def _chosen(self, change: object) -> None:
        row = self.results.index
        if not self._filling and row is not None and row < len(self._found):
            self._choose(self._found[row])

    def _entered(self, widget: object, content: object, buffers: object) -> None:
        """Take the first that was found when Enter is pressed in the input."""
        if isinstance(content, dict) and content.get("event") == "submit" and self._found:
            if self.results.index == 0:
                self._choose(self._found[0])
            else:
                self.results.index = 0
