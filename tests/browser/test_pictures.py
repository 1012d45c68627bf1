"""Pictures for the README of what no other test has in front of it; see ``.ci/pictures``."""

from __future__ import annotations

import os
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    not os.environ.get("XENTARA_NB_SCREENSHOTS"), reason="it only takes pictures"
)

CONNECT = """import xentara_nb

plant = xentara_nb.simulate()
plant.start()
client = plant.connect()"""
FILTER = """writable = inventory.xentara.writable()
writable[writable.primary_key.str.contains("set point", case=False)]"""
WATCH = """points = ["Speed", "Set point", "Filler.Temperature", "Filler.Pressure", "Run"]
watch = client.watch([f"Plant.Line 1.{point}" for point in points])
watch"""
SECONDS = 25.0  # what a chart shows


def test_an_inventory(notebook: Any, page: Any, shot: Any) -> None:
    page.set_viewport_size({"width": 1180, "height": 1060})
    book = notebook(CONNECT, "inventory = client.inventory()\ninventory", FILTER)
    book.output.get_by_role("cell", name="Plant.Water Treatment.pH set point").wait_for()
    book.output.get_by_role(
        "cell", name="Data Types", exact=True
    ).first.scroll_into_view_if_needed()
    shot("inventory", book.panel)


def test_values_that_move(notebook: Any, page: Any, shot: Any) -> None:
    page.set_viewport_size({"width": 1180, "height": 900})
    book = notebook(CONNECT, WATCH, 'client.write("Plant.Line 1.Set point", 150)', run=False)
    book.run(0)
    book.run(1, wait=False)
    book.output.get_by_role("img", name="Chart of").wait_for()
    page.wait_for_timeout(SECONDS * 400)
    book.run(2)
    page.wait_for_timeout(SECONDS * 600)
    shot("live-view", book.output.locator(".xnb-lv"))
