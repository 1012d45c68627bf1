"""The wheel and the source distribution: what is in them, and that they install and run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
VERSIONS = ("3.11", "3.12", "3.13", "3.14")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(find_spec("build") is None, reason="the package build is not installed"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a wheel, made of a source distribution, which is there, too."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    return folder


def test_what_is_in_the_wheel(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {str(path.relative_to(ROOT)) for path in files_of_the_package()}
    assert package <= names
    assert "xentara_nb/py.typed" in package
    assert {Path(name).suffix for name in package} >= {".py", ".css", ".js", ".toml"}
    assert {name for name in names if name.endswith(".ipynb")} == {
        f"xentara_nb/notebooks/{name}" for name in NOTEBOOKS
    }
    shared = {name.partition(".data/data/")[2] for name in names} - {""}
    folder = "share/jupyter/labextensions/xentara-nb"
    assert shared == {f"{folder}/launcher.js", f"{folder}/package.json"}
    others = {name.partition("/")[0] for name in names} - {"xentara_nb"}
    assert {Path(name).suffix for name in others} == {".dist-info", ".data"}


def files_of_the_package() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "xentara_nb"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [ROOT / line for line in listed.stdout.splitlines()]


def test_what_is_in_the_source_distribution(built: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "CHANGELOG.md", "tests/conftest.py", "pyproject.toml"} <= names
    assert {f"notebooks/{name}" for name in NOTEBOOKS} <= names
    assert "notebooks/reference/conf.py" in names
    assert "notebooks/images/inventory.png" in names


CHECK = """
import json, sys, xentara_nb
from xentara_nb.cli import lab
lab.copy_notebooks(__import__("pathlib").Path("notebooks"))
print(json.dumps([xentara_nb.__file__, sys.version_info[:2], xentara_nb.__version__]))
"""


def find_python(version: str) -> str | None:
    """Return a Python of this version: on the path, or of those that pyenv has installed."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = sorted(root.glob(f"versions/{version}.*/bin/python"))
    for python in (shutil.which(f"python{version}"), *map(str, installed)):
        # What pyenv puts on the path fails for a version that is not chosen.
        if python and not subprocess.run([python, "-c", ""], capture_output=True).returncode:
            return python
    return None


@pytest.mark.parametrize("version", VERSIONS)
def test_it_installs_and_runs(version: str, built: Path, tmp_path: Path) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    (wheel,) = built.glob("*.whl")
    place = tmp_path / "environment"
    subprocess.run([python, "-m", "venv", str(place)], check=True, timeout=300)
    programs = place / ("Scripts" if os.name == "nt" else "bin")
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONUSERBASE")}

    def run(*command: str) -> str:
        return subprocess.run(
            [str(programs / command[0]), *command[1:]],
            cwd=tmp_path,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=600,
        ).stdout

    run("python", "-m", "pip", "install", "-q", f"{wheel}[simulator]")
    where, (_, minor), _ = json.loads(run("python", "-c", CHECK))
    assert Path(where).is_relative_to(place)
    assert f"3.{minor}" == version
    assert {path.name for path in (tmp_path / "notebooks").iterdir()} == NOTEBOOKS
    run("xentara-nb", "demo")
    assert (tmp_path / "attributes.csv").stat().st_size > 10_000
