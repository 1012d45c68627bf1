"""Every notebook runs from top to bottom, on a simulated plant of its own, and keeps no secret."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from xentara_nb.simulator.config.demo import USERS

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], nbformat.NotebookNode]:
    """Return a function that runs a notebook, once, and saves it with the state of its widgets."""

    @functools.cache
    def run(path: Path) -> nbformat.NotebookNode:
        notebook = nbformat.read(path, as_version=4)
        folder = tmp_path_factory.mktemp(path.stem)
        runner = NotebookClient(
            notebook,
            timeout=90,
            kernel_name="python3",
            store_widget_state=True,
            resources={"metadata": {"path": str(folder)}},
        )
        runner.execute()
        return notebook

    return run


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_from_top_to_bottom(path: Path, run: Callable[[Path], nbformat.NotebookNode]) -> None:
    assert not re.search(r"(viewer|operator|engineer)-demo", _outputs(run(path)))


def test_no_secret_is_saved_with_the_widgets(
    run: Callable[[Path], nbformat.NotebookNode],
) -> None:
    notebook = copy.deepcopy(run(FOLDER / "03-guarded-writes.ipynb"))
    state = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    models = {model["model_name"] for model in state.values()}
    assert {"PasswordModel", "VBoxModel", "ButtonModel"} <= models
    for cell in notebook.cells:
        cell.source = ""  # the text contains the demo password
    saved = nbformat.writes(notebook)
    assert not [password for password in USERS.values() if password in saved]
    assert "VERIFIED" in saved


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert "widgets" not in notebook.metadata


def _outputs(notebook: nbformat.NotebookNode) -> str:
    return "".join(str(cell.get("outputs", "")) for cell in notebook.cells)
