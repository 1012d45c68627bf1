"""The command line as a whole: help, wrong use, and how errors end it."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import signal
import subprocess
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import IO, Any
from uuid import UUID

import pandas as pd
import pytest

import xentara_nb
from xentara_nb import cli
from xentara_nb.cli import build_parser, common, main
from xentara_nb.errors import XentaraError
from xentara_nb.protocol.errors import ERRORS_BY_CODE
from xentara_nb.protocol.secret import Secret
from xentara_nb.simulator import Simulator


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as info:
        main(["--version"])
    assert info.value.code == 0
    assert xentara_nb.__version__ in capsys.readouterr().out


@pytest.mark.parametrize("command", ["demo", "inventory", "read", "simulate", "lab"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as info:
        main([command, "--help"])
    assert info.value.code == 0
    assert "usage: xentara-nb" in capsys.readouterr().out


def test_no_command_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as info:
        main([])
    assert info.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_no_option_takes_a_secret() -> None:
    text = build_parser().format_help()
    assert "--password " not in text
    with pytest.raises(SystemExit):
        build_parser().parse_args(["read", "host", "x", "--password", "secret"])


def fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr("xentara_nb.cli.demo.simulator_from", fail)
    return main(["demo"])


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (xentara_nb.XentaraError("in words"), 1, "xentara-nb: in words"),
        (common.UsageError("wrong"), 2, "xentara-nb: wrong"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ModuleNotFoundError("pip install 'xentara_nb[simulator]'"), 1, "pip install"),
        (PermissionError(13, "Permission denied", "x.csv"), 1, "x.csv: Permission denied"),
    ],
)
def test_errors_end_a_command_in_words(
    error: BaseException,
    status: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert fail_with(error, monkeypatch) == status
    assert message in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModuleNotFoundError):
        fail_with(ModuleNotFoundError("No module named 'x'"), monkeypatch)


def with_output(output: int | IO[bytes], *arguments: str) -> tuple[int, str]:
    """Run the command as a program; give its status and what it says."""
    run = subprocess.run(
        [sys.executable, "-m", "xentara_nb.cli", *arguments],
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        env={key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"},
    )
    return run.returncode, run.stderr


ARGUMENTS = [["--version"], ["watch", "--help"], ["compare", "old.csv", "new.csv", "--json"]]


@pytest.fixture
def changed_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files to compare, in the present folder."""
    monkeypatch.chdir(tmp_path)
    for name, value in (("old", 1), ("new", 2)):
        frame = {"primary_key": ["a"], "element_uuid": [str(UUID(int=1))], "value": [value]}
        pd.DataFrame(frame).to_csv(f"{name}.csv", index=False)


@pytest.mark.usefixtures("changed_files")
@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_a_reader_that_has_gone_ends_a_command_without_a_word(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert with_output(writer, *arguments) == (1, "")
    finally:
        os.close(writer)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
@pytest.mark.usefixtures("changed_files")
@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_an_output_that_is_full_is_said_once(arguments: list[str]) -> None:
    said = "xentara-nb: the output: No space left on device\n"
    with open("/dev/full", "wb") as full:
        assert with_output(full, *arguments) == (1, said)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), 130), (common.UsageError("wrong"), 2)]
)
def test_a_status_holds_where_nothing_can_be_said(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open("/dev/full", "w", buffering=1) as full, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", full)
        assert fail_with(error, monkeypatch) == status
        with contextlib.suppress(OSError):  # what was said is still there
            full.close()


_LOST = """
import os, signal, sys, time
from xentara_nb import cli

class Dropped:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0)  # here it comes

def main():
    Dropped()
    for _ in range(500):
        time.sleep(0.1)

cli.main = main
cli.run()
"""


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        (["compare", "old.csv", "new.csv"], "xentara_nb.tables.accessor"),
        (["simulate", "--port", "0"], "xentara_nb.simulator.fault_options"),
    ],
)
def test_no_interrupt_is_lost_while_a_command_loads(
    arguments: list[str],
    loaded: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Some modules pass over whatever is raised while they are imported."""

    class Loading(MetaPathFinder, Loader):
        def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
            return ModuleSpec(name, self) if name == loaded else None

        def exec_module(self, module: ModuleType) -> None:
            setattr(module, "parse_fault", None)  # noqa: B010 - a module has no such attribute
            with contextlib.suppress(BaseException):
                signal.raise_signal(signal.SIGINT)

    importlib.import_module(loaded)
    monkeypatch.setattr(loaded, None)  # until the test is over
    monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setattr(sys, "meta_path", [Loading(), *sys.meta_path])
    assert main(arguments) == 130
    assert capsys.readouterr().err == "interrupted\n"


_EARLY = """
import signal, sys

class Loading:
    @staticmethod
    def find_spec(name, *_):
        if name == "xentara_nb.cli.parser":
            signal.raise_signal(signal.SIGINT)

sys.argv[:] = ["/somewhere/bin/xentara-nb", "--help"]
sys.meta_path.insert(0, Loading)
from xentara_nb.cli import run
run()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGINT")
def test_an_interrupt_before_the_command_is_loaded_ends_it_without_a_word() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _EARLY], timeout=40, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.skipif(os.name != "posix", reason="needs SIGINT")
def test_no_interrupt_is_lost() -> None:
    """Python passes over one that comes at the end of an object, of which importing has many."""
    run = subprocess.run(
        [sys.executable, "-c", _LOST], timeout=40, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (cli.INTERRUPTED, "")


def test_an_empty_table_says_so() -> None:
    assert common.table(pd.DataFrame()) == "(nothing)"


SHA = "AB:CD"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f'  xentara_nb.connect("wss://x:1/api/ws", fingerprint="{SHA}")', f"--fingerprint {SHA}"),
        ("with ca_file=...", "with --ca-file FILE"),
        ("pass user= and password= (or token=)", "--user NAME and --password-file FILE (or --tok"),
        ("with connect(journal=...); journal=False does", "--journal FILE; --journal off does"),
        ("number_as_boolean=True", "--number-as-boolean"),
        ("leave them out with apply(skip_refused=True)", "leave them out with --skip-refused"),
        ("model goes to model=.", "model goes to --model FILE."),
        ("with own_certificate=True.", "with --own-certificate."),
        ("Write it again with xentara.to_file(path)", "again with -o FILE"),
        ("give a longer timeout=", "give a longer --timeout TIME"),
        (
            "take the old one out of your trusted certificates with "
            'xentara_nb.widgets.LoginForm.forget_certificate("x:1").',
            "trust the new one with --fingerprint SHA256.",
        ),
        ("fresh plan, or insist on this one with apply(if_unchanged=False)", "fresh plan\n"),
        ("the column server, or use fleet.plan_writes(rows)", "the column server\n"),
        ("log in again with client.sub_session(...)", "log in again\n"),
        ("plan.report.resolve() reads the values", "xentara-nb read shows the values"),
        ("client.inventory() or xentara_nb.read_inventory(path), and", "xentara-nb inventory, and"),
    ],
)
def test_advice_is_in_options(text: str, shown: str) -> None:
    error = XentaraError(text)
    assert shown in f"{common.in_options(error)}\n"
    error.add_note("said by XENTARA_FINGERPRINT")
    assert common.in_options(error).endswith("\nsaid by XENTARA_FINGERPRINT")


PYTHON = re.compile(r"[\w.]+\(|\w\[|\w=")


@pytest.mark.parametrize("kind", ERRORS_BY_CODE.values())
def test_what_a_server_refuses_is_explained_without_python(kind: type[XentaraError]) -> None:
    assert not PYTHON.search(common.in_options(kind()))


def test_what_is_no_advice_stays() -> None:
    key = "Plant.user=x.a_model=1.--token=2 password=x"
    assert common.in_options(key) == key


def test_a_certificate_is_trusted_with_an_option(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--user", "viewer", "--timeout", "5"]
    assert main(["read", simulator.url, "Plant", *options]) == 1
    err = capsys.readouterr().err
    assert f"--fingerprint {simulator.fingerprint}" in err
    assert not re.search(r"xentara_nb\.|\w\(|_file=", err)


def test_a_secret_file_as_editors_write_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    for data in (
        b"geheim ",
        b"geheim \r\n",
        "\ufeffgeheim \n".encode(),
        "geheim \r\n".encode("utf-16"),
        b"geheim \nmore",
    ):
        path.write_bytes(data)
        assert common.secret_in(str(path)) == Secret("geheim ")
    for data in (b"", b"\n", b"\xef\xbb\xbf\r\n", b"\xffgeheim", b"x" * 100_000):
        path.write_bytes(data)
        with pytest.raises(XentaraError) as caught:
            common.secret_in(str(path))
        assert "geheim" not in str(caught.value)


def test_a_secret_file_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "secret").write_text("geheim")
    assert common.secret_in("~/secret") == Secret("geheim")


def test_help_is_there_without_pandas_and_a_command_loads_it() -> None:
    code = """
import contextlib, io, sys
sys.argv[0] = "/somewhere/bin/xentara-nb"
from xentara_nb.cli import main
for arguments in (["--help"], ["apply", "--help"], ["--version"], ["nothing"]):
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as out:
        main(arguments)
    print(len(out.getvalue()) > 0)
print([name for name in ("pandas", "numpy", "cbor2", "websocket") if name in sys.modules])
main(["compare", "old.csv", "new.csv"])
import pandas
print(hasattr(pandas.DataFrame, "xentara"))
"""
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True
    )
    assert run.stdout.split("\n") == ["True", "True", "True", "False", "[]", "True", ""]
    assert "invalid choice: 'nothing'" in run.stderr
    assert "old.csv" in run.stderr


@pytest.mark.parametrize(
    ("before", "at_the_end"),
    [(signal.default_int_handler, signal.SIG_DFL), (signal.SIG_IGN, signal.SIG_IGN)],
)
def test_an_interrupt_is_ignored_at_the_end_where_it_was_before(
    before: Any, at_the_end: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell has its background ignore Ctrl-C."""
    ends: list[Any] = []
    monkeypatch.setattr(cli, "main", lambda: 0)
    # A process that runs the command line ends with it, and so may keep its hook; this one not.
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(cli, "close_all", lambda: ends.append(signal.getsignal(signal.SIGINT)))
    kept = signal.signal(signal.SIGINT, before)
    try:
        with pytest.raises(SystemExit):
            cli.run()
    finally:
        signal.signal(signal.SIGINT, kept)
    assert ends == [at_the_end]
