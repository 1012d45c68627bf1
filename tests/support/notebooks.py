"""Notebooks run from top to bottom, and the outputs that are the same in every run.

``python -m tests.support.notebooks`` runs all of them twice, and puts those outputs into the files.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from xentara_nb.simulator.config.demo import POLICY

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

# nbclient and nbformat import a hundred modules, which only the process needs that runs notebooks.

# What jsonschema checks IRIs with, if it is there: its import takes two seconds, and no IRI is in a
# notebook or a setting of JupyterLab.
SLOW_IMPORT = "rfc3987_syntax"
sys.modules.setdefault(SLOW_IMPORT, None)


def document(*cells: str) -> str:
    """Return a notebook file with these cells."""
    return json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code",
                    "execution_count": None,
                    "id": f"cell-{number}",
                    "metadata": {},
                    "outputs": [],
                    "source": source,
                }
                for number, source in enumerate(cells)
            ],
            "metadata": {
                "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def read(path: Path) -> Any:
    """Return a notebook as it is in its file."""
    import nbformat

    return nbformat.read(path, as_version=4)


def run(path: Path, folder: Path, kernel: Any = None) -> Any:
    """Return a notebook as it is after it was run in a folder, with the state of its widgets.

    It has a kernel of its own, or begins in one that is given, without any name or widget of the
    notebook before it.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = read(path)
    clean = nbformat.v4.new_code_cell(
        # ipywidgets keeps every widget that is not closed.
        f"__import__('ipywidgets').Widget.close_all()\n%reset -f\n%cd -q {folder}"
    )
    notebook.cells.insert(0, clean)
    runner = NotebookClient(
        notebook, km=kernel, kernel_name="python3", timeout=90, store_widget_state=True
    )
    try:
        runner.execute(env={**os.environ, "XENTARA_POLICY": str(POLICY)})  # as xentara-nb lab does
    finally:
        if kernel is not None and runner.kc is not None:
            runner.kc.stop_channels()
    del notebook.cells[0]
    return notebook


def outputs(notebook: Any) -> dict[str, list[Any]]:
    """Return the outputs of each cell, without the number of its run."""
    found = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            found[cell.id] = [
                {name: value for name, value in output.items() if name != "execution_count"}
                for output in cell.outputs
            ]
    return found


def keep_stable_outputs(path: Path) -> None:
    """Put the outputs into a notebook that are the same in two runs, and no other ones."""
    import nbformat

    with tempfile.TemporaryDirectory() as folder:
        os.environ["XENTARA_JOURNAL"] = f"{folder}/journal.jsonl"
        first, second = (outputs(run(path, Path(folder))) for _ in range(2))
    notebook = read(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            same = first[cell.id] == second[cell.id]
            cell.outputs = [
                nbformat.from_dict(output | ({"execution_count": None} if "data" in output else {}))
                for output in (first[cell.id] if same else [])
            ]
            cell.execution_count = None
    path.write_text(nbformat.writes(notebook, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for each in NOTEBOOKS:
        keep_stable_outputs(each)
        print(each.name)
    sys.exit(0)
