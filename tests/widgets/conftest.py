"""What the tests of the forms share: a clean table afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ipywidgets
import pytest

from tests.widgets.helpers import widgets
from xentara_nb.widgets.login import account


@pytest.fixture(autouse=True)
def places(tmp_path: Path, journal: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep the files of the user out of it, and leave no form behind."""
    monkeypatch.setenv("XENTARA_TRUST_FILE", str(tmp_path / "trusted.json"))
    yield tmp_path
    for each in list(account._accounts.values()):
        each.leave(tell=False)
    account._accounts.clear()
    for widget in widgets():
        if hasattr(widget, "desk"):
            widget.close()
    ipywidgets.Widget.close_all()
