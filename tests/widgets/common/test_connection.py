"""What forms show of a connection, and how it comes back."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest

import xentara_nb
from tests.conftest import Fake
from tests.support.clients import connection_of
from tests.support.server import Model, Wire
from tests.widgets.helpers import eventually, visible
from xentara_nb.client import Client
from xentara_nb.simulator import Simulator
from xentara_nb.widgets.common import connection
from xentara_nb.widgets.common.connection import ConnectionWatch
from xentara_nb.widgets.common.tasks import Notice, TaskRunner

Watch = Callable[..., ConnectionWatch]


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Return a function that looks at a client as a form does."""
    made: list[tuple[TaskRunner, ConnectionWatch]] = []

    def look_at(client: Client, changed: Callable[[], object] = lambda: None) -> ConnectionWatch:
        tasks = TaskRunner(Notice())
        found = ConnectionWatch(tasks, changed)
        made.append((tasks, found))
        found.follow(client)
        return found

    yield look_at
    for tasks, each in made:
        tasks.close()
        each.close()


def test_the_connection_comes_back_by_itself(
    client: Client, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BACK_OFF", (0.01,))
    watches = [watch(client) for _ in range(3)]
    assert all(each.available and not visible(each.box) for each in watches)
    first = connection_of(client)
    first.close()
    eventually(lambda: client.ended is None and connection_of(client) is not first)
    eventually(lambda: not any(visible(each.box) for each in watches))
    assert all(each.available for each in watches)


def test_a_wrong_password_is_tried_once_for_all_forms(
    fake: Fake, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BACK_OFF", (0.01,))
    allowed = threading.Event()
    allowed.set()

    def script(wire: Wire) -> None:
        if not allowed.is_set():
            wire.refuse("401 Unauthorized")
            return
        Model().serve(wire)

    server = fake(script)
    with server.connect() as client:
        watches = [watch(client) for _ in range(5)]
        allowed.clear()
        server.wires[0].cut()
        eventually(lambda: all("no further attempt" in each.text.value for each in watches))
        assert "does not accept" in watches[0].text.value
        assert len(server.wires) == 2
        allowed.set()
        watches[0].button.click()
        eventually(lambda: all(each.available for each in watches))
        eventually(lambda: not any(visible(each.box) for each in watches))


def test_a_client_that_is_closed_stays_it(client: Client, watch: Watch) -> None:
    changes: list[bool] = []
    look = watch(client, lambda: changes.append(look.available))
    client.close()
    eventually(lambda: changes == [False])
    assert "This client is closed" in look.text.value
    assert not visible(look.button)
    look.follow(None)
    assert not visible(look.box)
    assert not look.available


def test_no_one_connects_for_forms_that_are_gone(
    plant: Simulator, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BACK_OFF", (600.0,))
    client = plant.connect()
    look = watch(client)
    connection_of(client).close()

    def reconnecting() -> bool:
        return any("reconnect" in thread.name for thread in threading.enumerate())

    eventually(reconnecting)
    look.close()
    eventually(lambda: not reconnecting())
    gone = weakref.ref(client)
    del client
    gc.collect()
    assert gone() is None


def test_what_a_client_tells_of_its_connection(plant: Simulator) -> None:
    told: list[xentara_nb.XentaraError | None] = []
    with plant.connect() as client:
        stop = client.on_connection_change(told.append)
        connection_of(client).close()
        eventually(lambda: told)
        assert str(told[0]) == "the client has closed the connection"
        client.get_stage()
        assert told[1:] == [None]
        stop()
    assert len(told) == 2
