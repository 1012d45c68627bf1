"""Every notebook runs from top to bottom, gives what it shows, and leaves nothing behind."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.notebooks import FOLDER, NOTEBOOKS, outputs, read
from tests.support.notebooks import run as run_notebook
from xentara_nb.simulator.config.demo import USERS

Run = Callable[[Path], tuple[Any, list[str]]]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.fixture(scope="module")
def run(kernel: Any, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a function that runs a notebook, once, and returns it and what it leaves behind."""

    @functools.cache
    def run(path: Path) -> tuple[Any, list[str]]:
        folder = tmp_path_factory.mktemp(path.stem)
        return run_notebook(path, folder, kernel), [found.name for found in folder.iterdir()]

    return run


def shown(path: Path) -> dict[str, list[Any]]:
    """Return the outputs that a notebook has in its file, by cell."""
    return {cell: found for cell, found in outputs(read(path)).items() if found}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_from_top_to_bottom(path: Path, run: Run) -> None:
    before = path.read_bytes()
    notebook, left = run(path)
    found = outputs(notebook)
    for cell, expected in shown(path).items():
        assert found[cell] == expected, cell
    assert not re.search(r"(viewer|operator|engineer)-demo", str(found))
    assert left == []
    assert path.read_bytes() == before


def test_no_secret_is_saved_with_the_widgets(run: Run) -> None:
    import nbformat

    notebook = copy.deepcopy(run(FOLDER / "03-guarded-writes.ipynb")[0])
    state = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    models = {model["model_name"] for model in state.values()}
    assert {"PasswordModel", "VBoxModel", "ButtonModel"} <= models
    for cell in notebook.cells:
        cell.source = ""  # the text contains the demo password
    saved = nbformat.writes(notebook)
    assert not [password for password in USERS.values() if password in saved]
    assert "VERIFIED" in saved


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_committed_with_what_it_shows_everywhere(path: Path) -> None:
    notebook = read(path)
    assert all(cell.get("execution_count") is None for cell in notebook.cells)
    assert "widgets" not in notebook.metadata
    assert shown(path)
    text = str(shown(path))
    assert str(FOLDER.parent) not in text
    assert not re.search(r"127\.0\.0\.1|/tmp/|/home/|policy\.toml", text)


def test_the_best_lesson_of_a_rehearsal_is_shown() -> None:
    assert "DIFFERS" in str(shown(FOLDER / "04-rehearse.ipynb"))


def test_every_notebook_is_on_the_page_of_what_to_try() -> None:
    start = (FOLDER / "00-start.ipynb").read_text(encoding="utf-8")
    assert set(re.findall(r"\((\d[\w-]+\.ipynb)\)", start)) == {
        path.name for path in NOTEBOOKS if path.stem != "00-start"
    }
