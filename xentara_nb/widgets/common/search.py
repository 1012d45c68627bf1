"""Find an element by typing part of its key; all keys are in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import UUID

import ipywidgets

from xentara_nb.client import Client
from xentara_nb.locking import Lock
from xentara_nb.protocol.text import quantity
from xentara_nb.tables.rendering import escape, plain
from xentara_nb.tables.search import SearchIndex
from xentara_nb.widgets.common.style import on_enter, show
from xentara_nb.widgets.common.tasks import TaskRunner

_SHOWN = 100  # hits in a list; more of them say only that the search is not done


class SearchHit(NamedTuple):
    """An element that was found."""

    primary_key: str
    element_uuid: UUID
    category: str


class KeyIndex:
    """The keys of all elements of a server."""

    def __init__(self) -> None:
        self.loaded = False
        self._elements: list[SearchHit] = []
        self._index = SearchIndex([])
        self._lock = Lock()

    def fill(self, elements: Iterable[tuple[str, UUID, str]]) -> None:
        """Take the elements; in the order in which they shall be found."""
        found = [SearchHit(*element) for element in elements]
        index = SearchIndex([element.primary_key for element in found])
        self._elements, self._index, self.loaded = found, index, True

    def load(self, client: Client) -> None:
        """Fetch the elements, once."""
        with self._lock:
            if not self.loaded:
                frame = client.browse()
                columns = (frame[name].tolist() for name in SearchHit._fields)
                self.fill(zip(*columns, strict=True))

    def find(self, text: str) -> tuple[list[SearchHit], int]:
        """Return the best elements that a text finds, and how many there are."""
        if not text.strip():
            return [], 0
        elements = self._elements
        rows = self._index.find(text)
        return [elements[row] for row in rows[:_SHOWN].tolist()], len(rows)


class SearchBox:
    """An input, and a list of what was found that follows it as one types; calls ``choose``."""

    def __init__(
        self,
        tasks: TaskRunner,
        client: Client,
        choose: Callable[[SearchHit], object],
        index: KeyIndex | None = None,  # another form's, which has read the names already
    ) -> None:
        self._tasks, self._client, self._choose = tasks, client, choose
        self.index = index or KeyIndex()
        self._found: list[SearchHit] = []
        self.text = ipywidgets.Text(
            description="Find", placeholder="part of a name, such as: line 1 set"
        )
        self.results = ipywidgets.Select(rows=8, description="Found").add_class("xnb-found")
        self.status = ipywidgets.HTML()
        self.box = ipywidgets.VBox([self.text, self.status, self.results])
        self.text.observe(tasks.handler(self._typed), "value")
        on_enter(self.text, tasks.handler(self._choose_first))
        self.results.observe(tasks.handler(self._chosen), "index")
        show(self.results, False)

    def enable(self, on: bool) -> None:
        """Let it work, or not."""
        self.text.disabled = self.results.disabled = not on

    def show_selected(self, element: UUID | None) -> None:
        """Mark no element in the list when another one is selected."""
        row = self.results.index
        if row is not None and row < len(self._found) and self._found[row].element_uuid != element:
            self.results.index = None

    def _typed(self) -> None:
        text = self.text.value
        if not self.index.loaded and text.strip():
            self._say("Reading the names of all elements …")
        self._tasks.run_latest("search", lambda wanted: self._search(text, wanted))

    def _search(self, text: str, wanted: Callable[[], bool]) -> None:
        if text.strip():
            self.index.load(self._client)
        if not wanted():
            return
        found, total = self.index.find(text)
        if wanted():
            self._list(text, found, total)

    def _list(self, text: str, found: list[SearchHit], total: int) -> None:
        self._found = []  # a new list selects by itself, which is no choice of the user
        self.results.options = [plain(element.primary_key) for element in found]
        self.results.rows = min(8, max(2, len(found)))
        self.results.index = None
        self._found = found
        show(self.results, bool(found))
        more = f"; the first {len(found)} are shown." if total > len(found) else ""
        if not text.strip():
            self._say("")
        elif not total:
            self._say(f"No element matches “{text.strip()}”.")
        else:
            self._say(f"{quantity(total, 'element')}{more}")

    def _say(self, text: str) -> None:
        self.status.value = f'<span class="xnb-dim" role="status">{escape(text)}</span>'

    def _chosen(self) -> None:
        row = self.results.index
        if row is not None and row < len(self._found):
            self._choose(self._found[row])

    def _choose_first(self) -> None:
        if not self._found:
            return
        if self.results.index == 0:
            self._choose(self._found[0])
        else:
            self.results.index = 0
