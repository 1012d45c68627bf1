"""A router that forgets the connection: nothing is closed, and nothing comes any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import xentara_nb
from tests.support.clients import eventually
from tests.support.proxy import DOWN, Proxy
from xentara_nb import Client
from xentara_nb.errors import ConnectionLostError, DeadlineError, WriteOutcomeUnknownError
from xentara_nb.simulator import Simulator

SET_POINT = "Plant.Line 1.Set point"


@pytest.fixture
def client(proxy: Proxy, journal: Path) -> Iterator[Client]:
    with xentara_nb.connect(
        proxy.url, user="engineer", password="engineer-demo", timeout=1.0
    ) as client:
        yield client


def test_the_next_read_opens_a_fresh_connection(client: Client, proxy: Proxy) -> None:
    proxy.freeze()
    with pytest.raises(DeadlineError, match="within 1 s"):
        client.get_stage()
    assert client.get_stage() == 2


def test_subscriptions_end_with_a_reason(client: Client, proxy: Proxy) -> None:
    subscription = client.subscribe(SET_POINT)
    subscription.next_event(1.0)
    proxy.freeze()
    with pytest.raises(DeadlineError):
        client.get_stage()
    with pytest.raises(ConnectionLostError, match="an answer missed its deadline, and nothing"):
        subscription.next_event(3.0)
    assert client.subscriptions == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_write_arrives_at_most_once(
    client: Client, proxy: Proxy, plant: Simulator, when: str
) -> None:
    client.write(SET_POINT, 122.0)  # which finds the element
    plant.forget()
    proxy.freeze(*(() if when == "before" else (DOWN,)))
    with pytest.raises(WriteOutcomeUnknownError) as caught:
        client.write(SET_POINT, 123.0, verify=False)
    result = caught.value.result
    assert result.outcome == "UNKNOWN"

    def is_resolved() -> bool:
        result.resolve()  # on a fresh connection, which may take longer than the client waits
        return result.outcome != "UNKNOWN"

    eventually(is_resolved)
    assert result.outcome == ("DIFFERS" if when == "before" else "VERIFIED")
    assert len(plant.writes) == (0 if when == "before" else 1)
