"""The explorer, as a user sees it."""

from __future__ import annotations

from typing import Any

from .helpers import connecting


def test_the_tree_is_walked_with_the_keyboard(
    notebook: Any, page: Any, plant: Any, shot: Any, theme: Any
) -> None:
    book = notebook(connecting(plant), "explorer = Explorer(client)\nexplorer")
    tree = book.output.get_by_role("tree")
    tree.get_by_role("treeitem", name="Plant").wait_for()
    tree.focus()
    page.keyboard.press("End")
    tree.get_by_role("treeitem", name="Water Controller", selected=True).wait_for()
    tree.get_by_role("treeitem", name="Plant").click()
    page.keyboard.press("ArrowRight")
    line = tree.get_by_role("treeitem", name="Line 1")
    line.wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    tree.get_by_role("treeitem", name="Set point").click()
    book.output.get_by_role("heading", name="Plant.Line 1.Set point").wait_for()
    book.output.get_by_role("cell", name="210.0").wait_for()
    shot("explorer-light")
    theme("Dark")
    shot("explorer-dark")
    page.set_viewport_size({"width": 420, "height": 900})
    shot("explorer-narrow")
    page.set_viewport_size({"width": 1280, "height": 900})
