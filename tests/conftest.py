"""What all tests share: a simulator, a client of it, scripted servers, nothing left behind."""

from __future__ import annotations

import gc
import os
import signal
import site
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import xentara_nb
from tests.support.certificates import Certificate, make_certificate
from tests.support.clients import eventually
from tests.support.proxy import Proxy
from tests.support.server import FakeServer, Script
from xentara_nb.simulator import Simulator

Fake = Callable[..., FakeServer]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a script, everything here would be deaf to Ctrl-C, and so would
    # the programs that the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # Started by nohup; the same of the end of a terminal.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Where Python is told to keep no byte code, each process of the tests, and each of the programs
# that they start, would compile the package, and the tests with their assertions, once more.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# On a terminal, and where programs are told to use colors, as in a cell of a notebook, Python 3.14
# paints what the command line says, and tests look for the words.
os.environ["PYTHON_COLORS"] = "0"

# A few examples while one works on something; --hypothesis-profile=thorough looks for more.
settings.register_profile("quick", max_examples=10, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None)
settings.register_profile("thorough", max_examples=500, deadline=None)
settings.load_profile("quick")

_FOLDERS = {
    "HOME": "home",
    "USERPROFILE": "home",
    "APPDATA": "app-data",
    "LOCALAPPDATA": "local-app-data",
    "XDG_CACHE_HOME": "cache",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state",
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "jupyter-config",
    "JUPYTER_DATA_DIR": "jupyter-data",
    "JUPYTER_RUNTIME_DIR": "jupyter-runtime",
    "JUPYTERLAB_SETTINGS_DIR": "jupyterlab-settings",
    "JUPYTERLAB_WORKSPACES_DIR": "jupyterlab-workspaces",
}


@pytest.fixture(scope="session", autouse=True)
def nothing_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep settings, journal, certificates and home folder of the user out of all tests.

    Programs that a test starts inherit it. A test that looks at its own files chooses others.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("XENTARA_") and not name.startswith("XENTARA_NB_"):
                patch.delenv(name)
        # Packages in the user's folder (pip install --user) are still found by programs.
        patch.setenv("PYTHONUSERBASE", site.getuserbase())
        folder = tmp_path_factory.mktemp("user")
        for variable, place in _FOLDERS.items():
            (folder / place).mkdir(exist_ok=True)
            patch.setenv(variable, str(folder / place))
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run the whole suite in four processes where nothing is said about that, a part of it in one.

    Three quarters of its time are spent waiting, so four processes suit two cores. What is slow
    measures times, a debugger needs the terminal, and coverage has to know of the processes when
    it begins: with ``-n 2``.
    """
    if not config.pluginmanager.hasplugin("xdist") or hasattr(config, "workerinput"):
        return  # there is no choice, or this is one of the two
    option = config.option
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    measured = config.pluginmanager.hasplugin("_cov")
    alone = "slow" in option.markexpr or option.usepdb or measured
    if option.numprocesses is None and whole and not alone:
        option.numprocesses = 4
    if option.numprocesses and option.dist == "no":
        option.dist = "loadfile"
        option.loadscopereorder = False  # what takes long comes first


def pytest_collection() -> None:
    """Look for no garbage while the tests are collected: there is none, and much to look at."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave what the collected tests are made of out of every later collection of garbage."""
    gc.collect()
    gc.freeze()
    gc.enable()
    # What is frozen does not count, so Python would think that little is there, and look at all of
    # the rest again and again.
    gc.set_threshold(700, 10, 50)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return what gives the tests to the processes."""
    if config.option.dist != "loadfile":
        return None
    from tests.support.parallel import InGroups

    return InGroups(config, log)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a test by its place where its parameter is long: signatures differ in each process."""
    return argname if isinstance(val, str | bytes) and len(val) > 60 else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put browser tests last, and leave out what is slow unless ``-m`` mentions it.

    Several processes begin with what takes longest, one of them with the browser tests.
    """
    if hasattr(config, "workerinput"):
        from tests.support.parallel import turn

        items.sort(key=lambda item: turn(item.nodeid))
    else:
        items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    if "slow" in config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """One simulator of the demo plant for all tests that change nothing."""
    with xentara_nb.simulate() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def module_simulator() -> Iterator[Simulator]:
    """One simulator of the demo plant for the tests of a module."""
    with xentara_nb.simulate() as simulator:
        yield simulator


@pytest.fixture
def plant(module_simulator: Simulator) -> Simulator:
    """A simulator that a test may write to: without faults, and its record empty.

    What the tests of the same module wrote before is still there.
    """
    module_simulator.faults.clear()
    module_simulator.forget()
    return module_simulator


@pytest.fixture(scope="session")
def kernel() -> Iterator[Any]:
    """One kernel for all notebooks: half of the time of a short one was its start and imports."""
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_core.utils import run_sync

    manager = AsyncKernelManager(kernel_name="python3")
    yield manager
    if manager.has_kernel:
        run_sync(manager.shutdown_kernel)(now=True)


@pytest.fixture
def proxy(plant: Simulator) -> Iterator[Proxy]:
    """A proxy in front of the plant that can be cut."""
    with Proxy(plant.port) as proxy:
        yield proxy


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which every client of a test journals."""
    path = tmp_path / "state" / "journal.jsonl"
    monkeypatch.setenv("XENTARA_JOURNAL", str(path))
    return path


@pytest.fixture
def client(plant: Simulator, journal: Path) -> Iterator[xentara_nb.Client]:
    """A client of the plant, logged in as the engineer, who may do everything."""
    with plant.connect() as client:
        yield client


@pytest.fixture
def fake() -> Iterator[Fake]:
    """Return a function that starts a scripted server; a script that fails fails the test."""
    with ExitStack() as servers:

        def start(script: Script, certificate: Certificate | None = None) -> FakeServer:
            return servers.enter_context(FakeServer(script, certificate))

        yield start


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A self-signed certificate of this computer."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def new_certificate(tmp_path: Path) -> Callable[..., Certificate]:
    """Return a function that makes a certificate, see :func:`make_certificate`."""

    def make(**options: object) -> Certificate:
        return make_certificate(tmp_path, **options)

    return make


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test after which a connection's thread still runs; open sockets warn themselves.

    So does one that leaves a hook of Python's, which a later test would meet.
    """
    before = set(threading.enumerate())
    hooks = _hooks()
    yield
    assert _hooks() == hooks
    left = _readers(before)
    if left:
        # A client that the test dropped goes with its last reference, or with the next collection.
        gc.collect()
        eventually(lambda: not _readers(before))


def _hooks() -> list[object]:
    return [sys.unraisablehook, sys.excepthook, threading.excepthook]


def _readers(before: set[threading.Thread]) -> list[threading.Thread]:
    return [
        thread
        for thread in threading.enumerate()
        if thread.name.startswith("xentara ") and thread not in before
    ]
