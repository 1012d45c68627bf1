"""Values that follow the server."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
import pytest

from tests.widgets.helpers import SET_POINT, eventually
from xentara_nb.client import Client
from xentara_nb.simulator import Simulator
from xentara_nb.widgets.common import live


def test_nothing_is_read_that_is_shown_nowhere(client: Client, plant: Simulator) -> None:
    seen: list[pd.DataFrame] = []
    following = live.Live(client, seen.append)
    following.text.set_state({"_view_count": 0})  # as the page does when it is shown nowhere
    following.follow(client.meta_data(SET_POINT).xentara.readable())
    time.sleep(0.2)
    plant.forget()
    time.sleep(0.2)
    assert seen == []
    assert plant.requests.empty
    following.close()


def test_values_are_read_where_the_server_gives_no_events(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xentara_nb.protocol.errors import CommandNotFoundError

    def refuse(*arguments: Any, **options: Any) -> None:
        raise CommandNotFoundError

    monkeypatch.setattr(client, "subscribe", refuse)
    monkeypatch.setattr(live, "POLLING", 0.02)
    seen: list[pd.DataFrame] = []
    following = live.Live(client, seen.append)
    following.follow(client.meta_data(SET_POINT).xentara.attribute("value"))
    eventually(lambda: len(seen) >= 3)
    client.write(SET_POINT, 199)
    eventually(lambda: seen[-1]["value"].iloc[0] == 199.0)
    following.close()
