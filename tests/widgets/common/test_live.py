"""Values that follow the server."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from tests.widgets.helpers import SET_POINT, eventually
from xentara_nb.client import Client
from xentara_nb.simulator import Simulator
from xentara_nb.widgets.common import live, notebook


def test_nothing_is_read_that_is_shown_nowhere(
    client: Client, plant: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[pd.DataFrame] = []
    looks: list[None] = []
    monkeypatch.setattr(live, "SHORTEST", 0.02)
    monkeypatch.setattr(
        notebook.CountedViews, "is_visible", property(lambda text: looks.append(None))
    )
    following = live.Live(client, seen.append)
    following.follow(client.meta_data(SET_POINT).xentara.readable())
    eventually(lambda: looks)
    plant.forget()
    before = len(looks)
    eventually(lambda: len(looks) > before + 2)
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
