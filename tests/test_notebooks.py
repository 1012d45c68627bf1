"""Every notebook runs from top to bottom, on a simulated plant of its own, and keeps no secret."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from xentara_nb.simulator.config.demo import USERS

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


# nbclient and nbformat import a hundred modules, which only the process needs that runs this.


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    """One kernel for all notebooks: half of the time of a short one was its start and imports."""
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_core.utils import run_sync

    manager = AsyncKernelManager(kernel_name="python3")
    yield manager
    if manager.has_kernel:
        run_sync(manager.shutdown_kernel)(now=True)


@pytest.fixture(scope="module")
def run(kernel: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Any]:
    """Return a function that runs a notebook, once, and saves it with the state of its widgets.

    It begins in a folder of its own, and without any name of the notebook before it.
    """
    import nbformat
    from nbclient import NotebookClient

    @functools.cache
    def run(path: Path) -> Any:
        notebook = nbformat.read(path, as_version=4)
        folder = tmp_path_factory.mktemp(path.stem)
        clean = f"%reset -f\n%cd -q {folder}"
        notebook.cells.insert(0, nbformat.v4.new_code_cell(clean))
        runner = NotebookClient(notebook, km=kernel, timeout=90, store_widget_state=True)
        try:
            runner.execute()
        finally:
            if runner.kc is not None:
                runner.kc.stop_channels()
        del notebook.cells[0]
        return notebook

    return run


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_from_top_to_bottom(path: Path, run: Callable[[Path], Any]) -> None:
    assert not re.search(r"(viewer|operator|engineer)-demo", _outputs(run(path)))


def test_no_secret_is_saved_with_the_widgets(run: Callable[[Path], Any]) -> None:
    import nbformat

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
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    assert "widgets" not in notebook["metadata"]


def _outputs(notebook: Any) -> str:
    return "".join(str(cell.get("outputs", "")) for cell in notebook.cells)
