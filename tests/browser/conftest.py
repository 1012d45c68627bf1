"""JupyterLab in Chromium, for tests that look at the forms as a user does.

Everything is in a temporary folder and on 127.0.0.1. One server, one browser and one page serve
all tests; every test has a notebook of its own. A kernel serves one test after the other: what a
test leaves in it is closed and deleted, and where anything still runs then, it is shut down.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.support.notebooks import SLOW_IMPORT, document
from xentara_nb.cli.lab import START
from xentara_nb.simulator import Simulator, simulate

CHECKOUT = Path(__file__).resolve().parents[2]
EXTENSIONS = CHECKOUT / "xentara_nb/cli/jupyter/labextensions"
START_PATIENCE = 90.0  # seconds; a cold machine with two cores
PATIENCE = 30_000  # milliseconds for what a page shows
# Seconds of a whole test. Each of its waits has an end of its own, which says what did not come, so
# this one is for what hangs; a test of forty steps takes long where many share the processor.
HANGS = 300

_SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
# Of JupyterLab, what no test looks at: its page is the dearest part of all tests.
_LEFT_OUT = (
    *("audio", "celltags", "csvviewer", "debugger", "extensionmanager", "help", "htmlviewer"),
    *("hub", "imageviewer", "inspector", "logconsole", "lsp", "markdownviewer"),
    *("mermaid", "pdf", "pluginmanager", "running", "settingeditor", "terminal", "toc"),
    *("tooltip", "vega5", "video"),
)
_COMMANDS = (
    *("apputils:change-theme", "docmanager:open", "docmanager:save", "launcher:create"),
    *("notebook:run-all-cells", "notebook:run-cell"),
)
"""What the tests have JupyterLab do."""

# Restored, it may still not have the commands of all of its parts. The main area is to be wide: the
# file browser tells the tests nothing.
_READY = """async commands => {
    try {
        await window.jupyterapp.restored;
        jupyterapp.shell.collapseLeft();
        return commands.every(each => jupyterapp.commands.hasCommand(each));
    } catch {
        return false;
    }
}"""

_CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HAS_KERNEL = "() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel"
_IDLE = f"{HAS_KERNEL}?.status === 'idle'"
# Leaves a kernel as it was before a test, or fails.
_CLEAN = """
import gc, os, threading, time
from unittest import mock
from ipywidgets import Widget
for name in ("watch", "explorer", "form", "write", "login", "client"):
    if name in globals():
        globals()[name].close()
Widget.close_all()
mock.patch.stopall()
for name in [name for name in os.environ if name.startswith("XENTARA_")]:
    del os.environ[name]
%reset -f
import gc, threading, time
end = time.monotonic() + 5
ours = ("xentara ", "simulator")
while left := [each for each in threading.enumerate() if each.name.startswith(ours)]:
    assert time.monotonic() < end, left
    gc.collect()
    time.sleep(0.02)
%reset -f
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(HANGS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    folder = os.environ.get("XENTARA_NB_SCREENSHOTS")
    page = getattr(item, "funcargs", {}).get("page")
    if page is not None and report.when == "call" and report.failed:
        with contextlib.suppress(Exception):  # the page itself may be what failed
            report.sections.append(("What the page shows", _shown(page)))
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"failed-{item.name[:60]}.png")
    return report


def _shown(page: Any) -> str:
    """Return the text of the outputs, and what stands in their inputs."""
    outputs = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output")
    inputs = [each.input_value() for each in outputs.locator("input").all()]
    return "\n---\n".join([*(each.inner_text() for each in outputs.all()), repr(inputs)])


def _need(thing: object, what: str) -> None:
    """Skip where something is missing; but where all must be there, that is a failure."""
    if thing:
        return
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"the browser tests need {what}, and CI must run them")
    pytest.skip(f"the browser tests need {what}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Lab:
    """A running JupyterLab."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "notebooks"
        self.token = secrets.token_hex(16)
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.kernel: str | None = None  # one that waits for the next notebook
        self.root.mkdir()
        (self.root / START).write_text(document(), encoding="utf-8")
        self._write_settings()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.root,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _write_settings(self) -> None:
        for name, values in _SETTINGS.items():
            path = self.folder / "settings" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values), encoding="utf-8")
        left_out = {f"@jupyterlab/{name}-extension": True for name in _LEFT_OUT}
        servers = dict.fromkeys(("jupyter_lsp", "jupyter_server_terminals"), False)
        config = self.folder / "config"
        for path, content in (
            ("labconfig/page_config.json", {"disabledExtensions": left_out}),
            ("jupyter_server_config.json", {"ServerApp": {"jpserver_extensions": servers}}),
        ):
            (config / path).parent.mkdir(parents=True, exist_ok=True)
            (config / path).write_text(json.dumps(content), encoding="utf-8")

    def _command(self) -> list[str]:
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self.port,
            "ServerApp.port_retries": 0,
            "IdentityProvider.token": self.token,
            "ServerApp.root_dir": self.root,
            "LabApp.expose_app_in_browser": True,
            "LabApp.news_url": None,
            "LabServerApp.extra_labextensions_path": EXTENSIONS,
            "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "LabApp.extension_manager": "readonly",
            "ServerApp.terminals_enabled": False,
            # It ends by itself when the process that started it was killed.
            "MappingKernelManager.cull_idle_timeout": 600,
            "ServerApp.shutdown_no_activity_timeout": 900,
        }
        start = (
            f"import sys; sys.modules[{SLOW_IMPORT!r}] = None\n"
            "from jupyterlab.labapp import main; main()"
        )
        command = [sys.executable, "-c", start, "--no-browser"]
        command += [f"--{name}={value}" for name, value in options.items()]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--allow-root")
        return command

    def _environment(self) -> dict[str, str]:
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("XENTARA_", "JUPYTER", "PYTEST"))
            and not key.lower().endswith("_proxy")
        }
        places = {
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
        }
        return {
            **kept,
            **{name: str(self.folder / place) for name, place in places.items()},
            "PYTHONPATH": str(CHECKOUT),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }

    def wait(self) -> None:
        """Wait until the server answers."""
        end = time.monotonic() + START_PATIENCE
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/api/status?token={self.token}", timeout=5)
                return
            time.sleep(0.1)
        pytest.fail(f"JupyterLab did not start:\n{self.log.read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        """End the server and its kernels."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(20)


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    _need(find_spec("jupyterlab"), "JupyterLab (pip install 'xentara_nb[lab]')")
    running = Lab(tmp_path_factory.mktemp("lab"))
    try:
        running.wait()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="package")
def page(lab: Lab) -> Iterator[Any]:
    """A page with JupyterLab in it, in the light theme.

    It is closed behind the last test here: until then Playwright keeps an event loop running in
    the main thread, where no other can run.
    """
    _need(find_spec("playwright"), "playwright (pip install playwright)")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    _need(chromium, "Chromium (such as: apt-get install chromium)")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_CHROMIUM))
        context = browser.new_context(
            viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE)
        tab = context.new_page()
        # Nothing has to be reset, as its workspaces are new: for that it may load itself again.
        tab.goto(f"{lab.url}/lab?token={lab.token}", timeout=START_PATIENCE * 1000)
        tab.wait_for_function(_READY, arg=list(_COMMANDS), timeout=START_PATIENCE * 1000)
        yield tab
        context.close()
        browser.close()


class Notebook:
    """An open notebook, and what a test does with it."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page = page
        self.path = path
        self.panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        self.output = self.panel.locator(".jp-OutputArea-output")

    def run(self, cell: int | None = None, *, wait: bool = True, errors: bool = False) -> None:
        """Run all cells, or one; a cell that fails fails the test, unless errors are awaited."""
        if cell is None:
            command = "jupyterapp.commands.execute('notebook:run-all-cells')"
        else:
            self.page.evaluate(
                f"() => {{ jupyterapp.shell.currentWidget.content.activeCellIndex = {cell} }}"
            )
            command = "jupyterapp.commands.execute('notebook:run-cell')"
        self.page.evaluate(f"async () => {{ {'await ' if wait else ''}{command} }}")
        if wait and not errors and (found := self.errors()):
            pytest.fail("\n".join(found))

    def rewrite(self, cell: int, source: str) -> None:
        """Put something else into a cell, and run it."""
        self.page.evaluate(
            "([cell, source]) => jupyterapp.shell.currentWidget.content.widgets[cell]"
            ".model.sharedModel.setSource(source)",
            [cell, source],
        )
        self.run(cell)

    def errors(self) -> list[str]:
        """Return the errors that the cells have raised."""
        found: list[str] = self.page.evaluate(
            """() => [...jupyterapp.shell.currentWidget.content.model.sharedModel.cells]
                .flatMap(cell => cell.toJSON().outputs ?? [])
                .filter(output => output.output_type === 'error')
                .map(output => `${output.ename}: ${output.evalue}\\n`
                    + output.traceback.join('\\n').replace(/\\x1b\\[[0-9;]*m/g, '').slice(-1500))"""
        )
        return found

    def wait_idle(self) -> None:
        self.page.wait_for_function(_IDLE)

    def label(self, text: str) -> Any:
        return self.output.get_by_label(text, exact=True)

    def button(self, text: Any) -> Any:
        return self.output.get_by_role("button", name=text)

    def text(self, text: Any) -> Any:
        return self.output.get_by_text(text).locator("visible=true").first

    def save(self, *, widget_state: bool = False) -> str:
        """Save the notebook, with the state of its widgets if wished; return the file's text."""
        if widget_state:
            self.page.evaluate(
                "async () => { await jupyterapp.commands.execute("
                "'@jupyter-widgets/jupyterlab-manager:saveWidgetState') }"
            )
        self.page.evaluate("async () => { await jupyterapp.commands.execute('docmanager:save') }")
        return self.path.read_text(encoding="utf-8")

    def close(self) -> str | None:
        """Close it; return its kernel if that can serve another notebook."""
        kernel: str | None = self.page.evaluate(
            """async code => {
                const panel = jupyterapp.shell.currentWidget;
                const kernel = panel.sessionContext.session?.kernel;
                const late = new Promise(resolve => setTimeout(resolve, 10000));
                const reply = kernel && await Promise.race(
                    [late, kernel.requestExecute({ code, silent: true }).done]);
                const clean = reply?.content.status === 'ok';
                if (!clean) await panel.sessionContext.shutdown();
                panel.context.model.dirty = false;
                panel.dispose();
                return clean ? kernel.id : null;
            }""",
            _CLEAN,
        )
        return kernel


@pytest.fixture
def notebook(lab: Lab, page: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Give a function that opens a notebook with cells and runs them."""
    opened: list[Notebook] = []

    def open_notebook(*cells: str, run: bool = True, errors: bool = False) -> Notebook:
        name = f"{request.node.name[:40].translate(str.maketrans('[]/ ', '____'))}{len(opened)}"
        path = lab.root / f"{name}.ipynb"
        path.write_text(document(*cells), encoding="utf-8")
        page.evaluate(
            """async ([path, id]) => {
                const panel = await jupyterapp.commands.execute('docmanager:open', {
                    path, factory: 'Notebook', kernelPreference: {
                        shouldStart: true, name: 'python3', ...(id ? { id } : {}) }});
                await panel.sessionContext.ready;
                await panel.revealed;
            }""",
            [path.name, lab.kernel],
        )
        lab.kernel = None
        book = Notebook(page, path)
        opened.append(book)
        page.wait_for_function(_IDLE)
        if run:
            book.run(errors=errors)
        return book

    yield open_notebook
    for book in opened:
        with contextlib.suppress(Exception):
            lab.kernel = book.close()


@pytest.fixture
def second_page(lab: Lab, page: Any) -> Iterator[Any]:
    """Give a function that opens the notebook once more, in a page of its own."""
    tabs: list[Any] = []

    def open_again(book: Notebook) -> Notebook:
        tab = page.context.new_page()
        tabs.append(tab)
        tab.goto(f"{lab.url}/doc/tree/{book.path.name}?reset&token={lab.token}")
        # The page may load itself once more to be reset, and has no application for a while then.
        tab.wait_for_url(re.compile("^(?!.*[?&]reset)"), timeout=START_PATIENCE * 1000)
        tab.wait_for_function(HAS_KERNEL, timeout=START_PATIENCE * 1000)
        return Notebook(tab, book.path)

    yield open_again
    for tab in tabs:
        tab.close()


@pytest.fixture
def module_simulator() -> Iterator[Simulator]:
    """A fresh simulator for each test: they look at the values that it starts with."""
    with simulate() as simulator:
        yield simulator


@pytest.fixture
def shot(page: Any) -> Callable[[str, Any], None]:
    """Give a function that takes a picture, where ``XENTARA_NB_SCREENSHOTS`` names a folder."""
    folder = os.environ.get("XENTARA_NB_SCREENSHOTS")

    def take(name: str, of: Any = None) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            (page if of is None else of).screenshot(path=Path(folder) / f"{name}.png")

    return take


@pytest.fixture
def theme(page: Any) -> Iterator[Callable[[str], None]]:
    """Give a function that chooses the theme, ``Light`` or ``Dark``."""

    def choose(name: str) -> None:
        page.evaluate(
            "async theme => {"
            " await jupyterapp.commands.execute('apputils:change-theme', {theme}) }",
            f"JupyterLab {name}",
        )
        page.wait_for_function(
            "dark => (document.body.dataset.jpThemeLight === 'false') === dark"
            " && !document.querySelector('#jupyterlab-splash')",
            arg=name == "Dark",
        )

    yield choose
    choose("Light")
