"""What the forms show when the server goes and comes back, as a user sees it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.browser.helpers import SET_POINT, check_fits
from xentara_nb.simulator import simulate

# No form connects again by itself, so that it is the button that does it.
BY_BUTTON = (
    "from unittest import mock\n"
    "from xentara_nb.live import subscribing\n"
    "from xentara_nb.widgets.common import connection\n"
    "mock.patch.object(connection, 'BACK_OFF', (1000.0,)).start()\n"
    "mock.patch.object(subscribing, 'FIRST_DELAY', 1000.0).start()\n"
)
CELLS = (
    BY_BUTTON + "from xentara_nb.widgets import Explorer, LoginForm, WriteForm\n"
    "login = LoginForm({url!r}, user='engineer', fingerprint={fingerprint!r})\nlogin",
    "explorer = Explorer(login)\nexplorer",
    f"form = WriteForm(login, {SET_POINT!r})\nform",
    "login.client",
    f"explorer.select({SET_POINT!r})",
    "login.log_out()",
)


def test_all_forms_wait_for_a_log_in_and_follow_the_connection(
    notebook: Any, page: Any, tmp_path: Path, shot: Any, theme: Any
) -> None:
    certificate = tmp_path / "plant.pem"
    with simulate(certificate=certificate) as plant:
        port = plant.port
        facts = {"url": plant.url, "fingerprint": plant.fingerprint}
        book = notebook(*(cell.format(**facts) for cell in CELLS[:3]), *CELLS[3:], run=False)
        for cell in range(3):
            book.run(cell)
        explorer = book.output.locator(".xnb-explorer")
        write = book.output.locator(".xnb-write")
        card = book.output.locator(".xnb-client-card")
        for form in (explorer, write):
            form.get_by_text("Waiting for a log-in").wait_for()
        shot("forms-waiting")
        book.label("Password").fill("engineer-demo")
        book.label("Password").press("Enter")
        book.text("connected").wait_for()
        explorer.get_by_text("operational").wait_for()
        write.get_by_role("rowheader", name="Present value").wait_for()
        book.run(3)
        card.get_by_role("button", name="Explore …").wait_for()
        book.run(4)
        explorer.get_by_role("heading", name=SET_POINT).wait_for()
        explorer.get_by_role("treeitem", name="Set point", selected=True).wait_for()
        explorer.get_by_text("live", exact=True).wait_for()
    # The server is gone.
    for form in (explorer, write, card, book.output.locator(".xnb-login")):
        form.get_by_text(re.compile("Not connected: .* Connecting again")).wait_for()
        form.get_by_role("button", name="Connect now").wait_for()
    expect(explorer.get_by_text("operational")).to_have_count(0)
    expect(explorer.get_by_role("button", name="Write …")).to_be_disabled()
    expect(write.get_by_role("button", name="Review")).to_be_disabled()
    expect(card.get_by_role("button", name="Explore …")).to_be_disabled()
    shot("forms-not-connected-explorer", explorer)
    shot("forms-not-connected-write", write)
    shot("forms-not-connected-login", book.output.locator(".xnb-login"))
    shot("forms-not-connected-card", card)
    theme("Dark")
    shot("forms-not-connected-explorer-dark", explorer)
    shot("forms-not-connected-write-dark", write)
    theme("Light")
    check_fits(page)
    with simulate(certificate=certificate, port=port):
        book.output.get_by_role("button", name="Connect now").first.click()
        explorer.get_by_text("operational").wait_for()
        explorer.get_by_text("live", exact=True).wait_for()
        write.get_by_text("live", exact=True).wait_for()
        expect(explorer.get_by_role("button", name="Write …")).to_be_enabled()
        expect(card.get_by_role("button", name="Explore …")).to_be_enabled()
        shot("forms-connected-explorer", explorer)
        book.run(5)
        for form in (explorer, write):
            form.get_by_text("No one is logged in any more").wait_for()
            form.get_by_text("not live: the client is closed").wait_for()
        card.get_by_text("This client is closed").wait_for()
        expect(write.get_by_role("button", name="Review")).to_be_disabled()
        shot("forms-logged-out-explorer", explorer)
        book.label("Password").fill("engineer-demo")
        book.label("Password").press("Enter")
        explorer.get_by_text("operational").wait_for()
        explorer.get_by_text("live", exact=True).wait_for()
        explorer.get_by_role("heading", name=SET_POINT).wait_for()
        explorer.get_by_role("treeitem", name="Set point", selected=True).wait_for()
        write.get_by_text("live", exact=True).wait_for()
        shot("forms-logged-in-again", explorer)
