"""The tree on the page, drawn or as a list."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import pytest

from tests.widgets.helpers import sent_by_page
from xentara_nb.client import Client
from xentara_nb.widgets.common.tasks import Notice, TaskRunner
from xentara_nb.widgets.explorer.tree import Tree, children_of
from xentara_nb.widgets.explorer.treeview import TreeView


def test_without_anywidget_the_tree_is_a_list(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xentara_nb.widgets.explorer.treeview.find_spec", lambda name: None)
    selected: list[UUID] = []
    tasks = TaskRunner(Notice())
    view = TreeView(tasks, Tree(partial(children_of, client), client.has_children), selected.append)
    view.begin()
    tasks.wait()
    at = [option.strip() for option in view.widget.list.options].index("▸ Plant")
    view.widget.list.index = at
    assert len(selected) == 1
    view.widget.toggle.click()
    tasks.wait()
    assert any("Line 1" in option for option in view.widget.list.options)
    assert view.widget.list.index == at
    assert len(selected) == 1
    view.widget.toggle.click()
    assert not any("Line 1" in option for option in view.widget.list.options)
    tasks.close()


def test_the_drawn_tree_takes_only_what_it_knows(client: Client) -> None:
    pytest.importorskip("anywidget", reason="without it there is a list instead")
    selected: list[UUID] = []
    tasks = TaskRunner(Notice())
    view = TreeView(tasks, Tree(partial(children_of, client), client.has_children), selected.append)
    view.begin()
    tasks.wait()
    element = view.tree.rows()[0].element
    for content in ({"do": "select", "element": 1}, "select", {"do": "fly", "element": element}):
        sent_by_page(view.widget, content)
    assert selected == []
    sent_by_page(view.widget, {"do": "select", "element": element})
    assert selected == [UUID(element)]
