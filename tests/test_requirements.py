"""pyproject.toml and environment.yml ask for the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = (ROOT / "environment.yml").read_text(encoding="utf-8")


def test_conda_gets_what_pip_gets() -> None:
    wanted = {f"python{PROJECT['requires-python']}", *PROJECT["dependencies"]}
    for extra in ("simulator", "lab", "parquet", "excel", "test"):
        wanted.update(PROJECT["optional-dependencies"][extra])
    wanted = {each for each in wanted if not each.startswith("xentara_nb")}
    listed = re.findall(r"^ +- (.+?):?$", CONDA, re.MULTILINE)
    assert sorted(set(listed) - {"conda-forge", "-e ."}) == sorted(wanted | {"pip"})


def test_the_oldest_python_is_the_first_of_the_classifiers() -> None:
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert PROJECT["requires-python"] == f">={versions[0]}"
    assert versions == [f"3.{minor}" for minor in range(11, 11 + len(versions))]
