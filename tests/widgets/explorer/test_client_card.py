"""What a client shows of itself in a notebook."""

from __future__ import annotations

import subprocess
import sys

from tests.widgets.helpers import visible
from xentara_nb.client import Client
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import explorer_for


def test_a_client_that_is_shown_client_cards_the_explorer(client: Client, plant: Simulator) -> None:
    client_card = explorer_for(client)
    assert client_card.wait()
    assert "operational" in client_card.about.value
    client_card.button.click()
    assert client_card.explorer is not None
    client_card.explorer.wait()
    assert not visible(client_card.card)
    client_card.close()
    assert client_card.explorer.closed


def test_importing_the_package_loads_no_widgets() -> None:
    code = "import sys, xentara_nb; assert 'ipywidgets' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
