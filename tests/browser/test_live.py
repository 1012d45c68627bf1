"""The live view, as a user sees it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.browser.helpers import SET_POINT, check_fits, connecting, narrow
from tests.support.clients import eventually
from tests.support.proxy import Proxy

NAMES = [
    *("Plant.Line 1.Speed", SET_POINT, "Plant.Line 1.Filler.Temperature"),
    *("Plant.Line 1.Filler.Pressure", "Plant.Line 1.Run", "Plant.Line 1.Recipe"),
]
WATCH = f"watch = client.watch({NAMES!r})\nwatch"
# How many pixels of the chart have a colour, which grids and texts have not.
COLOURED = """canvas => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
        const [low, high] = [Math.min(data[i], data[i + 1], data[i + 2]),
            Math.max(data[i], data[i + 1], data[i + 2])];
        if (data[i + 3] > 200 && high - low > 60) count += 1;
    }
    return count;
}"""


def chart(book: Any) -> Any:
    return book.output.get_by_role("img", name="Chart of")


def wait_for_lines(book: Any, pixels: int) -> None:
    """Wait until lines are drawn, which is behind what the table shows."""
    eventually(lambda: chart(book).evaluate(COLOURED) > pixels, 30, f"that {pixels} are drawn")


def cell(book: Any, name: str, column: int) -> Any:
    """Return a cell of the table: 0 is the box, the name is none, then value, unit, quality."""
    return (
        book.output.locator(".xnb-lv tr", has=book.page.get_by_role("rowheader", name=name))
        .locator("td")
        .nth(column)
    )


def wait_for_text(where: Any, text: str) -> None:
    where.filter(has_text=text).wait_for()


def test_a_watch_shows_itself(notebook: Any, page: Any, plant: Any, shot: Any, theme: Any) -> None:
    with plant.connect() as other:
        other.write("Plant.Line 1.Recipe", "<img src=x onerror='window.stolen=1'><b>Cola</b>")
    book = notebook(connecting(plant), WATCH)
    wait_for_text(cell(book, "Plant.Line 1.Recipe", 1), "<b>Cola</b>")  # as a text
    assert page.evaluate("window.stolen") is None
    expect(book.output.locator(".xnb-lv img, .xnb-lv b, .xnb-lv-picture b b")).to_have_count(0)
    book.output.get_by_role("status").filter(has_text="live").wait_for()
    view = book.output.locator(".xnb-lv")
    wait_for_text(cell(book, "Plant.Line 1.Speed", 2), "bottles/min")
    wait_for_text(cell(book, SET_POINT, 1), "210")
    wait_for_text(cell(book, SET_POINT, 3), "good")
    wait_for_text(cell(book, SET_POINT, 4), " s")
    with plant.connect() as other:
        other.write(SET_POINT, 177)
    wait_for_text(cell(book, SET_POINT, 1), "177")
    wait_for_lines(book, 100)
    expect(book.output.locator(".xnb-lv-picture")).to_be_hidden()
    shot("live-view", view)
    theme("Dark")
    shot("live-view-dark", view)
    theme("Light")
    with narrow(page):
        shot("live-view-narrow")
        check_fits(page)


def test_a_long_key_is_cut_in_front(notebook: Any, page: Any, plant: Any) -> None:
    """The chart of what has no unit is called by its key, of which the end says what it is."""
    key = "Field Bus.Line 1 Coupler.Analogue inputs.Current raw"
    page.evaluate(
        """() => {
            const pen = CanvasRenderingContext2D.prototype, { fillText } = pen;
            window.written = {};
            pen.fillText = function (text, x, y) {
                window.written[text] = x + this.measureText(text).width <= this.canvas.clientWidth;
                return fillText.call(this, text, x, y);
            };
        }"""
    )
    book = notebook(connecting(plant), f"watch = client.watch({key!r})\nwatch")
    wait_for_lines(book, 10)
    assert page.evaluate("key => window.written[key]", key)
    with narrow(page):
        page.wait_for_function("() => Object.keys(window.written).some(each => each[0] === '…')")
        ends = page.evaluate("() => Object.keys(window.written).filter(each => each[0] === '…')")
        assert all(page.evaluate("key => window.written[key]", end) for end in ends)
        assert all(key.endswith(end[1:]) and "Current raw" in end for end in ends)


def test_it_is_used_with_the_keyboard_until_the_kernel_has_gone(
    notebook: Any, page: Any, plant: Any, shot: Any
) -> None:
    book = notebook(
        connecting(plant),
        WATCH,
        "latest = watch.until(lambda latest: 188 in latest['value'].tolist(), timeout=60)",
        run=False,
    )
    book.run(0)
    book.run(1)
    wait_for_text(cell(book, SET_POINT, 1), "210")
    box = book.output.get_by_role("checkbox", name=f"Chart {SET_POINT}")
    expect(box).to_be_checked()
    box.press("Space")
    chart(book).and_(page.locator(f"[aria-label]:not([aria-label*='{SET_POINT}'])")).wait_for()
    expect(book.output.get_by_role("checkbox", name="Chart Plant.Line 1.Recipe")).to_be_disabled()
    book.button("10 min").press("Enter")
    book.output.get_by_role("button", name="10 min", pressed=True).wait_for()
    chart(book).focus()
    page.keyboard.press("ArrowLeft")
    readout = book.output.locator(".xnb-lv-readout")
    readout.get_by_text("Plant.Line 1.Speed").wait_for()
    shot("live-view-readout", book.output.locator(".xnb-lv"))
    page.keyboard.press("Escape")
    readout.wait_for(state="hidden")
    book.button("Pause").press("Enter")
    book.output.get_by_role("status").filter(has_text="paused").wait_for()
    with plant.connect() as other:
        other.write(SET_POINT, 188)
    book.run(2)  # the kernel has it
    book.button("To DataFrame").click()
    book.text("frame = watch.frame()").wait_for()
    expect(cell(book, SET_POINT, 1)).to_have_text("210")
    book.button("Pause").press("Enter")
    wait_for_text(cell(book, SET_POINT, 1), "188")
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    book.output.locator(".xnb-lv-state").filter(has_text="no kernel answers").wait_for()
    book.output.locator(".xnb-lv-old").wait_for()


def test_it_moves_while_a_cell_runs(notebook: Any, page: Any, plant: Any) -> None:
    book = notebook(
        connecting(plant),
        f"import threading\nfrom xentara_nb.widgets import LiveView\n"
        f"watch = client.watch({NAMES!r})\n"
        "display(LiveView(watch))\n"
        "watch.until(lambda latest: 166 in latest['value'].tolist(), timeout=60)\n"
        "print('it has come')",
        run=False,
    )
    book.run(wait=False)
    wait_for_text(cell(book, SET_POINT, 1), "210")
    with plant.connect() as other:
        other.write(SET_POINT, 166)
    wait_for_text(cell(book, SET_POINT, 1), "166")
    book.text("it has come").wait_for()


def test_a_lost_connection_the_end_and_what_is_saved(
    notebook: Any, page: Any, plant: Any, shot: Any
) -> None:
    with Proxy(plant.port) as proxy:
        book = notebook(
            "import xentara_nb\n"
            f"client = xentara_nb.connect({proxy.url!r}, user='engineer', "
            "password='engineer-demo')",
            WATCH,
            "watch.close()",
            run=False,
        )
        book.run(0)
        book.run(1)
        wait_for_text(cell(book, SET_POINT, 1), "210")
        wait_for_lines(book, 50)
    status = book.output.locator(".xnb-lv-state")
    status.filter(has_text="no connection: ").wait_for()
    book.output.locator(".xnb-lv-old").wait_for()
    expect(cell(book, SET_POINT, 1)).to_have_text("210")
    shot("live-view-lost", book.output.locator(".xnb-lv"))
    with Proxy(plant.port, proxy.port):
        status.filter(has_text="live").wait_for()
        wait_for_lines(book, 200)
        with plant.connect() as other:
            other.write(SET_POINT, 177)  # lines that have ended go as far as the last change
        wait_for_text(cell(book, SET_POINT, 1), "177")
        wait_for_lines(book, 400)  # about half of it is behind the last changes
        book.run(2)
        status.filter(has_text="the watch is closed").wait_for()
        wait_for_lines(book, 100)
    # Saved, there are a picture and a table, which stand there without the kernel's widgets.
    page.wait_for_function(
        "() => JSON.stringify(jupyterapp.shell.currentWidget.content.model.sharedModel.cells"
        ".map(cell => cell.toJSON())).includes('6 attributes, the watch is closed')"
    )
    assert "data:image/svg+xml;base64," in book.save()
    page.evaluate("() => document.querySelectorAll('.xnb').forEach(each => each.remove())")
    book.output.locator(".xnb-lv-picture img").wait_for()
    shot("live-view-saved", book.output.locator(".xnb-lv-picture"))
