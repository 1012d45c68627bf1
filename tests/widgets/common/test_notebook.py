"""Which cell a form was made in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.widgets.helpers import present_value
from xentara_nb import Client
from xentara_nb.widgets import LoginForm, WriteForm
from xentara_nb.widgets.common import notebook
from xentara_nb.widgets.common.form import Form


def test_a_cell_that_is_run_again_closes_what_it_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert notebook.current_cell() is None
    one, two, three = Form("one"), Form("two"), Form("three")
    monkeypatch.setattr(notebook, "current_cell", lambda: ("cell", "run 1"))
    notebook.register(one)
    notebook.register(two)
    assert not one.closed
    monkeypatch.setattr(notebook, "current_cell", lambda: ("cell", "run 2"))
    notebook.register(three)
    assert (one.closed, two.closed, three.closed) == (True, True, False)


def test_code_names_things_as_a_cell_can_have_them(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = WriteForm(client, "Plant.Line 1.Set point")
    names: dict[str, Any] = {"_": client}
    monkeypatch.setattr(notebook, "shell", lambda: SimpleNamespace(user_ns=names))
    assert notebook.name_in(client, "client", "otherwise") == "otherwise"
    names["Out"] = {3: form}
    assert notebook.name_in(client, "client", "otherwise") == "Out[3].client"
    names["waiting"] = WriteForm(LoginForm("plant.example"))  # it has no client yet
    names["write"] = form
    assert notebook.name_in(client, "client", "otherwise") == "write.client"
    # What is copied runs as it is.
    form.value_input.set("202")
    exec(form.as_code(), names)
    assert present_value(client) == 202.0
    names["plant"] = client
    assert notebook.name_in(client, "client", "otherwise") == "plant"
    assert notebook.name_of(form, "otherwise") == "write"
    form.close()
