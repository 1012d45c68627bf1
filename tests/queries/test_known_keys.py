"""Which elements are offered in place of one that is not there."""

from __future__ import annotations

import pickle
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from xentara_nb.client import Client
from xentara_nb.errors import ConnectionLostError, NotFoundError
from xentara_nb.protocol.commands import Command
from xentara_nb.protocol.errors import UnknownElementError
from xentara_nb.queries.known_keys import MAX_NAMES, KnownKeys
from xentara_nb.simulator import Simulator

WRONG = "Plant.Line 1.Setpoint"
OFFER = "; did you mean 'Plant.Line 1.Set point'"


def commands(plant: Simulator) -> list[str]:
    return plant.requests["command"].tolist()


def refuse(commands: Sequence[Command[Any]]) -> Iterator[Any]:
    raise ConnectionLostError("it is gone")


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.read(WRONG),
        lambda client: client.lookup(WRONG),
        lambda client: client.meta_data(WRONG),
        lambda client: client.browse(WRONG),
        lambda client: client.subscribe(WRONG),
        lambda client: client.write(WRONG, 1),
    ],
)
def test_every_call_offers_the_nearest_element(client: Client, call: Any) -> None:
    with pytest.raises(UnknownElementError) as caught:
        call(client)
    assert OFFER in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_each_row_of_a_plan_offers_its_own_and_all_together_take_three_messages(
    client: Client, plant: Simulator
) -> None:
    wrong = {WRONG: 1, "Plant.Line 2.Setpoint": 2, "Plnt.Line 1": 3, "Nowhere.At all": 4}
    client.get_stage()
    plant.forget()
    plan = client.plan_writes(wrong)
    first, second, third, fourth = plan.frame["reason"].tolist()
    assert OFFER in first
    assert "did you mean 'Plant.Line 2.Set point'" in second
    assert "did you mean 'Plant'" in third
    assert "did you mean" not in fourth
    # The names, then the elements above them, then what is below those.
    assert commands(plant).count("browse") == 3
    assert commands(plant).count("lookup") <= 4 + 5
    plant.forget()
    with pytest.raises(UnknownElementError, match="did you mean"):
        client.read(WRONG)
    assert commands(plant) == ["lookup"]


def test_what_an_inventory_has_seen_is_known(client: Client, plant: Simulator) -> None:
    client.browse()
    plant.forget()
    with pytest.raises(UnknownElementError, match=r"did you mean 'Plant\.Line \d\.Set point'"):
        client.read("Lime 3.Set point")
    assert commands(plant) == ["lookup"]


@pytest.mark.parametrize(
    ("name", "offer"),
    [
        ("plant.line 1", "did you mean 'Plant.Line 1'"),
        ("PLANT.line 1.spede", "did you mean 'Plant.Line 1.Speed'"),
        ("plant.lime 1.Speed", "did you mean 'Plant.Line 1'"),
        ("plant.Line 1", "did you mean 'Plant.Line 1'?"),
        ("Plant.line 1.Speed", "did you mean 'Plant.Line 1.Speed'?"),
        ("plant.Line 1.Set point.value", "did you mean 'Plant'?"),
    ],
)
def test_a_part_in_another_case_is_no_end(client: Client, name: str, offer: str) -> None:
    with pytest.raises(UnknownElementError) as caught:
        client[name]
    assert offer in str(caught.value)


def test_a_pattern_is_no_key(client: Client) -> None:
    for _ in range(2):
        with pytest.raises(UnknownElementError, match="a key has no wildcards: find the elements"):
            client.read(["Plant.Line 1.*", "Plant.Line 1.Speed"])
        client.inventory()  # now all keys are known


def test_a_name_with_a_star_is_offered_where_there_is_one() -> None:
    known = KnownKeys(refuse)
    known.take(["Plant.Temperature*10", "Pump"])
    (offer,) = known.offers(["Plant.temperature*10"]).values()
    assert offer == "; did you mean 'Plant.Temperature*10'?"
    (offer,) = known.offers(["Pum*"]).values()
    assert "no wildcards" in offer


def test_an_element_that_has_vanished_is_not_offered_itself() -> None:
    known = KnownKeys(refuse)
    known.take(["Plant.A", "Plant.AB"])
    assert known.offers(["Plant.A"]) == {"Plant.A": "; did you mean 'Plant.AB'?"}


def test_what_looks_the_same_is_said_to() -> None:
    known = KnownKeys(refuse)
    known.take([unicodedata.normalize("NFD", "Füllstand"), "Fuellstand"])
    offer = known.offers(["Füllstand"])["Füllstand"]
    assert r"; 'Fu\u0308llstand' looks the same and is written with other characters" in offer


def test_few_names_of_a_call_get_an_offer_and_a_lost_connection_gives_none() -> None:
    known = KnownKeys(refuse)
    names = [f"Plant.X{number}" for number in range(100)]
    assert known.offers(names) == {}
    known.take(["Plant.X"])
    assert len(known.offers(names)) == MAX_NAMES
    known.forget()
    assert known.offers(names) == {}


def test_a_name_in_brackets_is_one_part() -> None:
    asked: list[Command[Any]] = []

    def note(commands: Sequence[Command[Any]]) -> Iterator[Any]:
        asked.extend(commands)
        return iter([UnknownElementError()] * len(commands))

    assert KnownKeys(note).offers(["Plant.[Line 1.5].Speed"]) == {"Plant.[Line 1.5].Speed": ""}
    assert [each.primary_key for each in asked[:2]] == ["Plant.[Line 1.5]", "Plant"]


@pytest.mark.parametrize("name", ["$" * 60_000 + "[", "[" * 60_000, "a[b" * 20_000])
def test_a_long_name_takes_no_time(name: str) -> None:
    asked: list[Command[Any]] = []

    def note(commands: Sequence[Command[Any]]) -> Iterator[Any]:
        asked.extend(commands)
        return iter([UnknownElementError()] * len(commands))

    assert KnownKeys(note).offers([name]) == {name: ""}
    assert len(asked) <= 2  # it has no period, so that only the root is above it


def test_the_nearest_attribute_is_offered(client: Client) -> None:
    with pytest.raises(NotFoundError, match=r"'vlaue'; did you mean 'value'\? Its attributes are"):
        client.read("Plant.Line 1.Set point", "vlaue")
