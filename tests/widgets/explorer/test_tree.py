"""The tree that is filled as it is opened."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from xentara_nb.client import Client
from xentara_nb.widgets.explorer.tree import MORE, PAGE, ROOT, Child, Tree, children_of


def below(elements: list[UUID]) -> list[bool]:
    return [True] * len(elements)


def test_a_wide_tree_shows_a_page_at_a_time() -> None:
    children = [Child(f"Device {n}", UUID(int=n + 1), "device") for n in range(PAGE + 7)]
    tree = Tree(lambda parent: children if parent is None else [], below)
    tree.open(ROOT)
    rows = tree.rows()
    assert len(rows) == PAGE + 1
    assert rows[-1].state == MORE
    tree.more(ROOT)
    assert len(tree.rows()) == PAGE + 7
    tree.open(rows[0].element)  # nothing is below it after all
    assert tree.rows()[0].state == "leaf"


def test_names_with_periods_stay_whole(client: Client) -> None:
    tree = Tree(partial(children_of, client), client.has_children)
    tree.open(ROOT)
    for name in ("Plant", "Line 1", "Filler"):
        tree.open(next(row.element for row in tree.rows() if row.name == name))
    rows = {row.name: (row.level, row.state) for row in tree.rows()}
    assert rows["Plant"] == (1, "open")
    assert rows["[Pump 1.2]"][0] == 4


def test_what_is_above_an_element_is_opened_to_reveal_it(client: Client) -> None:
    tree = Tree(partial(children_of, client), client.has_children)
    for key in ("Plant.Line 1.Filler.[Pump 1.2]", "Plant.Line 2.Set point", "Plant"):
        uuid = str(client.lookup(key))
        assert tree.reveal(key, uuid)
        assert uuid in [row.element for row in tree.rows()]
    assert not tree.reveal("Plant.Nowhere", str(UUID(int=1)))


def test_a_child_behind_the_first_page_is_revealed() -> None:
    children = [Child(f"Device {n}", UUID(int=n + 1), "device") for n in range(PAGE * 3)]
    tree = Tree(lambda parent: children if parent is None else [], below)
    last = str(children[-1].element_uuid)
    assert tree.reveal("Device 1499", last)
    assert last in [row.element for row in tree.rows()]


def test_a_tree_without_end_is_not_followed() -> None:
    tree = Tree(lambda parent: [Child("A", UUID(int=1 if parent is None else 2), "device")], below)
    assert not tree.reveal("A.B", str(UUID(int=9)))


def test_what_is_below_is_asked_of_what_is_shown_only() -> None:
    children = [Child(f"Device {n}", UUID(int=n + 1), "device") for n in range(PAGE * 3)]
    asked: list[list[UUID]] = []

    def has_children(elements: list[UUID]) -> list[bool]:
        asked.append(elements)
        return [element.int % 2 == 0 for element in elements]

    tree = Tree(lambda parent: children, has_children)
    for _ in range(2):
        tree.open(ROOT)
    assert list(map(len, asked)) == [PAGE]
    assert [row.state for row in tree.rows()[:2]] == ["leaf", "closed"]
    tree.more(ROOT)
    tree.reveal("Device 1499", str(children[-1].element_uuid))
    assert [each for part in asked for each in part] == [each.element_uuid for each in children]
    assert len(asked) == 3
