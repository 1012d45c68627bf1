"""xentara-nb simulate and xentara-nb lab: they run until they are stopped."""

from __future__ import annotations

import gc
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import xentara_nb
from xentara_nb.cli import lab, main
from xentara_nb.simulator import Simulator
from xentara_nb.simulator.config import demo

COMMAND = [sys.executable, "-W", "error", "-m", "xentara_nb.cli"]


IMPATIENT = """
import sys
from xentara_nb.cli import main, simulating
simulating.STOP_TIMEOUT = 1.0
sys.exit(main())
"""


def start(*arguments: str, cwd: Path, command: Sequence[str] = COMMAND) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        env=environment,
    )


def lines_until(process: subprocess.Popen[str], wanted: str) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if wanted in line:
            return seen
    raise AssertionError(f"{wanted!r} did not come, but: {seen}")


@contextmanager
def running(
    *arguments: str, until: str = "Stop it with", cwd: Path
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a command, and give it with what it has printed until a line with some words."""
    with start(*arguments, cwd=cwd) as process:
        try:
            yield process, lines_until(process, until)
        finally:
            process.kill()


def connect(seen: str, user: str, **options: Any) -> xentara_nb.Client:
    """Connect to the simulator that has said where it is."""
    url, fingerprint = re.search(r"url: +(\S+)", seen), re.search(r"fingerprint: +(\S+)", seen)
    assert url is not None
    assert fingerprint is not None
    options |= {"user": user, "password": f"{user}-demo", "fingerprint": fingerprint[1]}
    return xentara_nb.connect(url[1], **options)


def stand_in_for_jupyterlab(folder: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let a program run in the place of JupyterLab: the real one is started by browser tests."""
    package = folder / "stand-in" / "jupyterlab"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(program, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))


def stop(process: subprocess.Popen[str], by: signal.Signals) -> None:
    process.send_signal(by)
    assert process.stdout is not None
    assert "Traceback" not in process.stdout.read()
    assert process.wait(20) == 130


def test_simulate_runs_until_it_is_stopped(tmp_path: Path) -> None:
    with running("simulate", "--port", "0", cwd=tmp_path) as (process, seen):
        with connect(seen, "viewer") as client:
            assert len(client.browse()) > 150
        stop(process, signal.SIGINT)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--elements", "0"], "--elements must be at least 1"),
        (["--elements", "5", "--model", "x.json"], "leave --config and --model out"),
        (["--port", "70000"], "--port must be from 0 to 65535"),
        (["--stage-entitlement", "a"] * 3, "--stage-entitlement can be given twice"),
    ],
)
def test_simulate_that_makes_no_sense(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_simulate_a_configuration_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--config", str(tmp_path / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fault", "delya=1"], "there is no fault 'delya'"),
        (["--fault", "delay=x"], "delay=SECONDS[,JITTER]"),
        (["--fault", "vanish=Nowhere"], "the plant has no element 'Nowhere'"),
        (["--log", "."], "the log . cannot be written"),
        (["--jwks", "nowhere.json"], "nowhere.json: the key set cannot be read"),
    ],
)
def test_simulate_with_options_that_cannot_be(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    # A file name that goes beyond the model's users needs a folder to go with it.
    demo.write_documents(tmp_path / "plant")
    assert main(["simulate", "--config", "plant", "--port", "0", *arguments]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--elements", "5", "--stage-entitlement", "hold"], "leave --stage-entitlement out"),
    ],
)
def test_simulate_with_options_that_would_not_count(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--port", "0", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_simulate_with_a_kept_certificate_a_log_and_faults(tmp_path: Path) -> None:
    options = ["--port", "0", "--certificate", "kept.pem", "--log", "log.jsonl"]
    faults = ["--fault", "lose-answer=write", "--fault", "bad-quality=unreliable:Test Signals"]
    fingerprints = []
    for more in (faults, []):
        with running("simulate", *options, *more, cwd=tmp_path) as (process, seen):
            with connect(seen, "engineer") as client:
                fingerprints += re.findall(r"fingerprint: +(\S+)", seen)
                quality = client.read("Test Signals.Sine", ["quality"])["value"].tolist()
                assert quality == (["unreliable"] if more else ["good"])
                if not more:
                    client.shut_down(confirm=True)
                    # It ends by itself, as a server does that is shut down.
                    assert process.wait(20) == 0
            if more:
                stop(process, signal.SIGTERM)
    assert fingerprints[0] == fingerprints[1]
    commands = [
        json.loads(line)["command"]
        for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert commands.count("client_hello") >= 2
    assert commands[-1] == "shutdown"


def test_lab_needs_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "--notebooks", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_lab_says_where_the_notebooks_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(lab.FOLDER).touch()
    assert main(["lab"]) == 2
    err = capsys.readouterr().err
    assert f"cannot be copied to {tmp_path / lab.FOLDER} (" in err
    assert "--notebooks" in err


def test_lab_needs_a_port(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "--lab-port", "65536"]) == 2
    assert "--lab-port must be from 0 to 65535" in capsys.readouterr().err


def test_lab_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["lab"]) == 1
    assert "pip install 'xentara_nb[lab]'" in capsys.readouterr().err


def test_lab_starts_jupyterlab_on_the_simulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path / "settings"))
    monkeypatch.setenv("JUPYTERLAB_WORKSPACES_DIR", str(tmp_path / "workspaces"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "mine"))  # the user's own extensions stay
    stand_in_for_jupyterlab(
        tmp_path,
        monkeypatch,
        "import os, sys, xentara_nb\n"
        "from jupyter_core.paths import jupyter_path\n"
        "ours, mine = jupyter_path('labextensions')[:2]\n"
        "print('extensions', os.listdir(ours), mine)\n"
        "from jupyterlab_server.settings_utils import get_settings\n"
        "name = '@jupyterlab/apputils-extension:notification'\n"
        "folder = sys.prefix + '/share/jupyter/lab/schemas'\n"
        "settings = get_settings('none', folder, 'none', schema_name=name)\n"
        "shown = settings[0]['schema']['properties']\n"
        "print('news', *(shown[each]['default'] for each in ('fetchNews', 'checkForUpdates')))\n"
        "client = xentara_nb.connect()\n"
        "print('arguments', sys.argv[1:], 'user', client.user, len(client.browse()), flush=True)\n"
        "client.close()\n",
    )
    options = ("--no-browser", "--lab-port", "8899")
    with running("lab", *options, until="arguments", cwd=tmp_path) as (process, seen):
        assert "--ServerApp.port=8899" in seen
        assert "--LabApp.default_url=/lab/workspaces/xentara/tree/00-start.ipynb" in seen
        assert "--no-browser" in seen
        assert "user engineer" in seen
        assert "news false False" in seen
        assert f"extensions ['xentara-nb'] {tmp_path / 'mine' / 'labextensions'}" in seen
        assert process.wait(20) == 0


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are no groups of processes")
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_lab_is_stopped_and_has_jupyterlab_end_its_kernels(
    by: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in_for_jupyterlab(
        tmp_path,
        monkeypatch,
        "import signal, sys\n"
        "def end(number, frame):\n"
        "    print('ended by', signal.Signals(number).name, flush=True)\n"
        "    sys.exit()\n"
        "for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):\n"
        "    signal.signal(each, end)\n"
        "print('a terminal' if sys.stdin.isatty() else 'no terminal', 'up', flush=True)\n"
        "signal.pause()\n",
    )
    (tmp_path / "signal.py").write_text("raise ImportError('not the one of Python')")
    command = [sys.executable, "-P", *COMMAND[1:]]
    process = subprocess.Popen(
        [*command, "lab", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
        start_new_session=True,
    )
    with process:
        try:
            lines_until(process, "no terminal up")
            os.killpg(process.pid, by)  # as a terminal does with Ctrl-C and when it is closed
            assert process.stdout is not None
            assert re.findall("ended by (.*)", process.stdout.read()) == ["SIGTERM"]
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_lab_copies_the_notebooks_that_are_not_there(tmp_path: Path) -> None:
    folder = tmp_path / lab.FOLDER
    lab.copy_notebooks(folder)
    names = {path.name for path in folder.iterdir()}
    assert lab.START in names
    assert {path.suffix for path in folder.iterdir()} == {".ipynb"}
    (folder / lab.START).write_text("mine", encoding="utf-8")
    (folder / max(names)).unlink()
    lab.copy_notebooks(folder)
    assert (folder / lab.START).read_text(encoding="utf-8") == "mine"
    assert {path.name for path in folder.iterdir()} == names


def test_lab_hands_no_secret_of_another_plant_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("TOKEN", "FINGERPRINT", "TRUST", "PASSWORD", "USER", "URL", "FUTURE_SECRET"):
        monkeypatch.setenv(f"XENTARA_{name}", "of the plant")
    monkeypatch.setenv("XENTARA_READ_ONLY", "1")
    monkeypatch.chdir(tmp_path)
    stand_in_for_jupyterlab(
        tmp_path,
        monkeypatch,
        "import json, os\n"
        "print('environment', json.dumps({k: v for k, v in os.environ.items() "
        "if k.startswith('XENTARA')}), flush=True)\n",
    )
    assert main(["lab", "--no-browser"]) == 0
    (shown,) = re.findall(r"^environment (.*)$", capfd.readouterr().out, re.MULTILINE)
    found = json.loads(shown)
    assert "of the plant" not in found.values()
    assert {name.removeprefix("XENTARA_") for name in found} == {
        *("URL", "CA_FILE", "USER", "PASSWORD", "POLICY"),
        "READ_ONLY",
    }
    assert found["XENTARA_POLICY"] == str(demo.POLICY)


@pytest.mark.parametrize(
    ("host", "warned"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True), ("", True)]
)
def test_documented_passwords_on_the_network(
    host: str,
    warned: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Simulator, "wait", lambda self, seconds: True)
    try:
        assert main(["simulate", "--port", "0", "--host", host]) == 0
    finally:
        gc.unfreeze()
    shown = capsys.readouterr()
    assert "Stop it with Ctrl-C" in shown.out + shown.err
    warning = "WARNING: other computers can reach this simulator"
    assert (warning in shown.out + shown.err) is warned


def take_inventories(url: str, fingerprint: str) -> None:
    login = {"user": "viewer", "password": "viewer-demo"}
    for _ in range(50):
        with xentara_nb.connect(url, fingerprint=fingerprint, timeout=1, **login) as client:
            client.inventory()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_simulate_ends_though_its_log_blocks(tmp_path: Path) -> None:
    pipe = tmp_path / "log.jsonl"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        command = [sys.executable, "-W", "error", "-c", IMPATIENT]
        options = ["--port", "0", "--log", str(pipe)]
        with start("simulate", *options, cwd=tmp_path, command=command) as process:
            try:
                seen = lines_until(process, "Stop it with")
                url = re.search(r"url: +(\S+)", seen)
                fingerprint = re.search(r"fingerprint: +(\S+)", seen)
                assert url is not None
                assert fingerprint is not None
                # Some inventories are more than the pipe holds, and the server stands.
                with pytest.raises(xentara_nb.XentaraError):
                    take_inventories(url[1], fingerprint[1])
                process.send_signal(signal.SIGTERM)
                assert process.wait(20) == -signal.SIGALRM
            finally:
                process.kill()
    finally:
        os.close(reader)
