"""The notebook of the forms, run and saved with the state of its widgets: no secret is in it."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

from xentara_nb.simulator.demo import USERS

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "03-guarded-writes.ipynb"


def test_no_secret_is_saved_with_the_widgets(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    runner = NotebookClient(
        notebook,
        timeout=90,
        kernel_name="python3",
        store_widget_state=True,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    runner.execute()
    state = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    models = {model["model_name"] for model in state.values()}
    assert {"PasswordModel", "VBoxModel", "ButtonModel"} <= models
    for cell in notebook.cells:
        cell.source = ""  # the text tells the demo password
    saved = nbformat.writes(notebook)
    assert not [password for password in USERS.values() if password in saved]
    assert "VERIFIED" in saved
