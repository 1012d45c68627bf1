"""What the tests of the forms share: files of their own, and no form left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ipywidgets
import pytest

from xentara_nb.widgets.login.account import accounts


@pytest.fixture(autouse=True)
def places(tmp_path: Path, journal: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give every test files of its own, and leave no form behind."""
    monkeypatch.setenv("XENTARA_TRUST_FILE", str(tmp_path / "trusted.json"))
    yield tmp_path
    ipywidgets.Widget.close_all()
    for each in accounts.values():
        each.set_client(None)
    accounts.clear()
