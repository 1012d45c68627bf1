"""No test touches a file of the user: see ``nothing_of_the_user`` in the conftest of all tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from pathlib import Path
from IPython.paths import get_ipython_dir
from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir, jupyter_runtime_dir
from xentara_nb.connection.trust_store import trust_file
from xentara_nb.writes.journal import Journal, default_path
print(
    Path.home(), Journal().path, default_path(), trust_file(), get_ipython_dir(),
    jupyter_config_dir(), jupyter_data_dir(), jupyter_runtime_dir(), sep="\\n",
)
"""


def check(printed: str, folder: Path) -> None:
    paths = [Path(line) for line in printed.splitlines()]
    assert len(paths) == 8
    assert [path for path in paths if folder not in path.parents] == []


def test_in_the_tests(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(PROGRAM, {})
    check(capsys.readouterr().out, tmp_path_factory.getbasetemp())


def test_in_a_program_that_a_test_starts(tmp_path_factory: pytest.TempPathFactory) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    check(done.stdout, tmp_path_factory.getbasetemp())
