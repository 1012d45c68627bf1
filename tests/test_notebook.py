"""What a client or a watch shows as the last line of a cell."""

from __future__ import annotations

import sys
from pathlib import Path
from traceback import extract_tb
from types import SimpleNamespace
from typing import Any

import ipykernel
import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from tests.support.notebooks import document, run
from xentara_nb import Client, XentaraError, XentaraFrame
from xentara_nb._notebook import register_display, show_watch, traceback_lines
from xentara_nb.live.watch import Watch
from xentara_nb.protocol.packets import decode_answers
from xentara_nb.widgets import LiveView

CELLS = (
    "plant = __import__('xentara_nb').simulate().__enter__()\nclient = plant.connect()\nclient",
    "watch = client.watch('Plant.Line 1.Speed')\nwatch",
    "latest = watch.until(lambda latest: latest['value'].notna().all(), timeout=30)\n"
    "watch.close()\nlatest",
    "import gc, xentara_nb\n"
    "gc.collect()\n(view,) = [o for o in gc.get_objects() if type(o).__name__ == 'LiveView']\n"
    "view.close()",
    "import sys\nchart = sys.modules['xentara_nb.widgets.live.chart']\n"
    "sys.modules['xentara_nb.widgets.live.chart'] = None\nwatch",
    # Other notebooks run in the same kernel.
    "sys.modules['xentara_nb.widgets.live.chart'] = chart\nclient.close()\nplant.stop()",
)


def test_a_client_and_a_watch_in_a_notebook(kernel: Any, tmp_path: Path) -> None:
    path = tmp_path / "notebook.ipynb"
    path.write_text(document(*CELLS), encoding="utf-8")
    notebook = run(path, tmp_path, kernel)
    card, picture = notebook.cells[0].outputs
    for output in (card, picture):
        assert output.data["text/plain"].startswith("<Xentara client, server: wss://127.0.0.1")
    assert "application/vnd.jupyter.widget-view+json" in card.data
    assert "Xentara client</caption>" in picture.data["text/html"]
    view, picture = notebook.cells[1].outputs
    assert view.data["text/plain"] == "<LiveView: 1 attribute, live>"
    assert "application/vnd.jupyter.widget-view+json" in view.data
    # The picture follows what has come.
    assert "data:image/svg+xml;base64," in picture.data["text/html"]
    assert "the watch is closed" in picture.data["text/html"]
    (text,) = notebook.cells[4].outputs
    assert text.text.startswith("<Watch of 1 attribute")
    assert "pip install 'xentara_nb[lab]'" in text.text


def test_the_live_view_of_a_watch(
    client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    views: list[LiveView] = []

    class Kept(LiveView):
        def __init__(self, watch: Watch) -> None:
            super().__init__(watch)
            views.append(self)

    monkeypatch.setattr("xentara_nb.widgets.LiveView", Kept)
    with client.watch("Plant.Line 1.Speed") as watch:
        show_watch(watch)
        views[0].close()
        assert capsys.readouterr().out == "<Kept: 1 attribute, live>\n"
        monkeypatch.setitem(sys.modules, "xentara_nb.widgets.live.chart", None)
        show_watch(watch)
    shown = capsys.readouterr().out
    assert shown.startswith("<Watch of 1 attribute")
    assert "pip install 'xentara_nb[lab]'" in shown


def test_no_table_turns_or_repaints_what_is_shown() -> None:
    formatter = DisplayFormatter()
    for name in ("Pump\x1b[2J", "Pump\u202e1"):
        table = XentaraFrame({"primary_key": [name, "Füllstand"], "value": [1, 2]})
        shown, _ = formatter.format(table)
        assert set(shown) == {"text/plain", "text/html"}
        for text in shown.values():
            assert ascii(name)[1:-1] in text
            assert "Füllstand" in text
            assert name not in text
        assert shown["text/plain"].count("\n") == 2


def test_it_is_registered_in_a_kernel_only(
    client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formatter = DisplayFormatter()
    shell = SimpleNamespace(display_formatter=formatter)
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: shell)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(XentaraError, "_render_traceback_", None, raising=False)  # given back then
    register_display()
    assert set(formatter.format(client)[0]) == {"text/plain", "text/html"}
    monkeypatch.setitem(sys.modules, "ipykernel", ipykernel)
    register_display()
    assert formatter.format(client) == ({}, {})  # the card has shown itself
    assert vars(XentaraError)["_render_traceback_"] is traceback_lines
    assert capsys.readouterr().out == f"{client!r}\n"


@pytest.fixture
def shell(client: Client, monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("colors", "nocolor")
    shell.user_ns["client"] = client
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: shell)
    monkeypatch.setattr(XentaraError, "_render_traceback_", traceback_lines, raising=False)
    return shell


def test_an_error_ends_where_the_library_was_called(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_cell("def mine():\n    return client.read('Plant.Nothing')\nmine()")
    shown = capsys.readouterr().out
    assert "return client.read('Plant.Nothing')" in shown
    assert "UnknownElementError: lookup of 'Plant.Nothing'" in shown
    assert "xentara_nb" not in shown.partition("UnknownElementError: ")[0]
    # The library's own frames are there where they lead to code of the user.
    shell.run_cell(
        "with client.watch('Plant.Line 1.Speed') as watch:\n"
        "    watch.until(lambda latest: client.read('Plant.Nothing'), timeout=30)"
    )
    shown = capsys.readouterr().out
    assert "in Watch.until" in shown
    assert "in <lambda>(latest)" in shown
    assert "reading.py" not in shown


def test_so_do_the_errors_that_led_to_it(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_cell(
        "try:\n    client.read('Plant.Nothing')\n"
        "except Exception:\n    client.read('Plant.Neither')"
    )
    shown = capsys.readouterr().out
    assert shown.count("-> 2     client.read('Plant.Nothing')") == 1
    assert shown.count("-> 4     client.read('Plant.Neither')") == 1
    assert "reading.py" not in shown
    # For %debug, all of it is there.
    whole = sys.last_value
    for error in (whole, whole.__context__):
        assert extract_tb(error.__traceback__)[-1].filename.endswith("model_cache.py")
    # A chain may be a circle.
    shell.user_ns["first"] = XentaraError("first")
    shell.user_ns["first"].__cause__ = cause = ValueError("second")
    cause.__context__ = shell.user_ns["first"]
    shell.run_cell("raise first")
    assert "XentaraError: first" in capsys.readouterr().out


def test_all_of_an_error_for_those_who_ask_for_it(
    shell: InteractiveShell, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in ("Plain", "Verbose"):
        shell.run_line_magic("xmode", form)
        shell.run_cell("client.read('Plant.Nothing')")
        assert "client.py" in capsys.readouterr().out
    shell.run_line_magic("xmode", "Context")
    shell.user_ns["decode"] = decode_answers
    shell.run_cell("decode(b'')")
    shown = capsys.readouterr().out
    assert "ProtocolError" in shown
    assert "packets.py" in shown
    shell.run_cell("raise __import__('xentara_nb').OptionError('mine')")
    assert "OptionError: mine" in capsys.readouterr().out
