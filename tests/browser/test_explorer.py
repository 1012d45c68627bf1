"""The explorer, as a user sees it."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.helpers import SET_POINT, check_access, check_fits, connecting, narrow
from xentara_nb import read_inventory, simulate
from xentara_nb.widgets.common.script import script

# Two rows are chosen, one after the other, before the kernel answers.
LATE_ANSWERS = """async source => {
    const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    const { render } = (await import(url)).default;
    const state = { rows: ['a', 'b', 'c'].map(name => [name, 1, name, '', 'leaf']), selected: '' };
    const listeners = {}, asked = [];
    let heard = () => {};
    const model = {
        get: name => state[name], off: () => {},
        on: (name, listener) => { listeners[name] = listener; },
        send: content => { asked.push(content.element); heard(); },
    };
    const el = document.createElement('div');
    document.body.append(el);
    const end = render({ model, el });
    const tree = el.querySelector('[role=tree]');
    const found = { asked };
    for (let row = 0; row < 2; row++) {
        const sent = new Promise(resolve => { heard = resolve; });
        tree.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown' }));
        await sent;
    }
    const select = (element, when) => {
        state.selected = element;
        listeners['change:selected']();
        found[`after ${when}`] = el.querySelector('[aria-selected=true]').textContent;
    };
    select('a', 'the answer to the first');
    select('b', 'the answer to the second');
    select('c', 'what was found elsewhere');
    end();
    el.remove();
    return found;
}"""


def test_the_tree_is_walked_with_the_keyboard_and_opens_the_write_form(
    notebook: Any, page: Any, plant: Any, lab: Any, shot: Any, theme: Any
) -> None:
    book = notebook(connecting(plant), "explorer = Explorer(client)\nexplorer")
    tree = book.output.get_by_role("tree")
    item = tree.get_by_role("treeitem", name="Plant", exact=False)
    item.first.wait_for()
    keys = page.keyboard
    book.label("Find").focus()
    keys.press("Tab")
    keys.press("End")
    tree.get_by_role("treeitem", name="Water Controller", selected=True).wait_for()
    keys.press("ArrowUp")
    while not tree.get_by_role("treeitem", name=re.compile("^▸? ?Plant"), selected=True).count():
        keys.press("ArrowUp")
    keys.press("ArrowRight")
    tree.get_by_role("treeitem", name="Line 1").wait_for()
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    point = tree.get_by_role("treeitem", name="Set point")
    point.wait_for()
    while point.get_attribute("aria-selected") != "true":
        keys.press("ArrowDown")
    book.output.get_by_role("heading", name=SET_POINT).wait_for()
    book.output.get_by_role("cell", name="210.0").wait_for()
    shot("explorer", book.output.locator(".xnb-explorer"))
    check_access(book)
    theme("Dark")
    shot("explorer-dark", book.output.locator(".xnb-explorer"))
    check_access(book)
    theme("Light")
    with narrow(page):
        shot("explorer-narrow")
        check_fits(page)
    # Values follow the server.
    with plant.connect() as other:
        other.write(SET_POINT, 177)
    book.output.get_by_role("cell", name="177.0").wait_for()
    counted = re.compile(r"^([1-9]\d* s|\d+ min) ago$")
    book.output.get_by_role("time").filter(has_text=counted).first.wait_for()
    # The table is sorted, and stays so when values come.
    sort = book.button("Data type")
    sort.click()
    first = book.output.locator(".xnb-live-html tbody tr").first
    first.filter(has_text="ElementCategory").wait_for()
    with plant.connect() as other:
        other.write(SET_POINT, 178)
    book.output.get_by_role("cell", name="178.0").wait_for()
    book.output.get_by_role("img", name="Trend").wait_for()
    expect(first).to_contain_text("ElementCategory")
    expect(sort).to_be_focused()
    book.button("Copy as code").click()
    book.text(f"# {SET_POINT}").wait_for()  # a name can be mistaken, so the code has the UUID
    book.text('values = client.read(UUID("').wait_for()
    book.button("To DataFrame").click()
    book.text("explorer.frame is a DataFrame of 12 attributes").wait_for()
    book.button("Export CSV").click()
    book.text("Wrote 12 rows").wait_for()
    assert len(read_inventory(lab.root / "Plant-Line-1-Set-point.csv")) == 12
    book.button("Write …").click()
    book.output.get_by_role("heading", name="Write a value").wait_for()
    book.label("New value").fill("188")
    book.label("New value").press("Enter")
    book.button(f"Write 188.0 to {SET_POINT}").click()
    book.text("read back as written").wait_for()
    assert plant.writes["value"].tolist() == [177.0, 178.0, 188.0]


def test_a_late_answer_does_not_take_the_tree_back(page: Any) -> None:
    """The kernel selects what was asked for first while its user is two rows further."""
    assert page.evaluate(LATE_ANSWERS, script("xentara_nb.widgets.explorer", "tree.js")) == {
        "asked": ["a", "b"],
        "after the answer to the first": "b",
        "after the answer to the second": "b",
        "after what was found elsewhere": "c",
    }


def test_a_hundred_thousand_elements_stay_usable(notebook: Any, page: Any, shot: Any) -> None:
    with simulate(elements=100_000) as plant:
        book = notebook(connecting(plant), "explorer = Explorer(client)\nexplorer")
        tree = book.output.get_by_role("tree")
        tree.get_by_role("treeitem").first.wait_for()
        assert tree.get_by_role("treeitem").count() < 100
        book.label("Find").press_sequentially("device 00500 point 7")
        book.text(re.compile(r"^\d+ elements?$")).wait_for()
        # Once the names are there, every key is followed.
        book.label("Find").fill("00777 point 07")
        book.text("98 elements").wait_for()
        book.label("Find").press("Enter")
        book.output.get_by_role("heading", name="Device 00777.Point 07").wait_for()
        shot("explorer-100000")


def test_a_client_offers_the_explorer(notebook: Any, page: Any, plant: Any, shot: Any) -> None:
    book = notebook(connecting(plant), "client")
    book.text("read and write").wait_for()
    shot("client-card")
    saved = book.save()
    assert "text/html" in saved
    assert "Xentara client" in saved
    book.button("Explore …").click()
    book.output.get_by_role("tree").get_by_role("treeitem").first.wait_for()


def test_what_a_server_says_is_never_html(notebook: Any, page: Any, plant: Any) -> None:
    with plant.connect() as other:
        other.write("Plant.Line 1.Recipe", "<img src=x onerror='window.stolen=1'><b>Cola</b>")
    book = notebook(
        connecting(plant),
        "explorer = Explorer(client)\nexplorer.select('Plant.Line 1.Recipe')\nexplorer",
        "WriteForm(client, 'Plant.Line 1.Recipe')",
    )
    book.text("<b>Cola</b>").wait_for()
    book.label("New value").fill("<i>Tea</i>")
    book.button("Review").click()
    book.button("Write “<i>Tea</i>” to Plant.Line 1.Recipe").click()
    book.text("read back as written").wait_for()
    assert page.evaluate("window.stolen") is None
    expect(book.output.locator(".xnb img, .xnb i, .xnb td b")).to_have_count(0)
