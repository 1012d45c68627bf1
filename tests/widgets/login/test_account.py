"""Who is logged in, apart from the forms."""

from __future__ import annotations

from xentara_nb.client import Client
from xentara_nb.simulator import Simulator
from xentara_nb.widgets.login.account import Account, account


def test_an_account_is_found_by_its_name() -> None:
    assert account("one") is account("one")
    assert account("one") is not account("two")


def test_a_client_takes_the_place_of_another(plant: Simulator, client: Client) -> None:
    mine = Account()
    first = plant.connect()
    mine.set_client(first)
    session = first.sub_session(user="operator", password=plant.users["operator"])
    mine.set_session(session)
    assert mine.session is session
    mine.set_client(client)
    assert first.closed
    assert mine.client is client
    assert mine.session is None
    client.close()
    assert mine.client is None


def test_changes_are_notified_until_the_listener_ends(plant: Simulator) -> None:
    seen: list[bool] = []

    def fail() -> None:
        raise RuntimeError

    mine = Account()
    mine.listen(fail)
    end = mine.listen(lambda: seen.append(mine.client is not None))
    mine.set_client(plant.connect())
    mine.set_session(None)
    mine.set_client(None)
    end()
    end()
    mine.set_client(None)
    assert seen == [True, True, False]
