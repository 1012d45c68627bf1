"""Reading back from another point, for devices that answer with one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from xentara_nb import Client, OptionError, Outcome, PolicyError, WritePolicy, WriteRefusedError
from xentara_nb.protocol.errors import UnknownElementError, XentaraError
from xentara_nb.simulator import Simulator
from xentara_nb.writes.feedback import Feedback, feedbacks

COMMAND, POSITION = "Plant.Line 1.Set point", "Plant.Line 2.Set point"
ON = {COMMAND: POSITION}


@pytest.fixture
def client(client: Client) -> Iterator[Client]:
    """A client of a plant whose position is 230."""
    client.write(COMMAND, 210)
    client.write(POSITION, 230)
    return client


@pytest.mark.parametrize("verify_on", [POSITION, ON, (POSITION, 0.5), {COMMAND: (POSITION, 0.5)}])
def test_a_write_is_verified_on_another_point(client: Client, verify_on: Any) -> None:
    result = client.write(COMMAND, 230, verify_on=verify_on)
    assert result.outcome is Outcome.VERIFIED
    assert result.reason == f"{POSITION} was read back"
    assert result.read_back == 230
    result = client.write(COMMAND, 231, verify_on=verify_on, verify_within=0.01)
    assert result.outcome is Outcome.DIFFERS
    assert f"230.0 was read back from {POSITION}" in result.reason
    # What it was itself stays what is undone.
    undo = result.undo()
    assert undo.frame["old_value"].tolist() == [231]
    assert undo.frame["value"].tolist() == [230]
    assert undo.frame["severity"].tolist() == ["ok"]


def test_each_point_has_a_tolerance_of_its_own(client: Client) -> None:
    on = {COMMAND: (POSITION, 0.5)}
    assert client.write(COMMAND, 230.5, verify_on=on).outcome is Outcome.VERIFIED
    result = client.write(COMMAND, 230.6, verify_on=on, tolerance=9, verify_within=0.01)
    assert result.outcome is Outcome.DIFFERS
    result = client.write(COMMAND, 235, verify_on=ON, tolerance=9)
    assert result.outcome is Outcome.VERIFIED


@pytest.mark.parametrize("on_error", ["stop", "continue"])
def test_a_plan(client: Client, on_error: str) -> None:
    batch = "Plant.Line 1.Batch"
    plan = client.plan_writes({COMMAND: 230, batch: 4711}, verify_on=ON)
    report = plan.apply(on_error=on_error)
    assert report.frame["outcome"].tolist() == ["VERIFIED", "VERIFIED"]
    assert report.frame["error"].tolist()[0] == f"{POSITION} was read back"
    plan = client.plan_writes({COMMAND: 231}, verify_on=ON)
    report = plan.apply(on_error=on_error, verify_within=0.01)
    assert report.frame["outcome"].tolist() == ["DIFFERS"]
    client.write(POSITION, 231)
    assert report.resolve().frame["outcome"].tolist() == ["VERIFIED"]


def test_only_the_value_has_a_feedback(client: Client) -> None:
    plan = client.plan_writes({(COMMAND, "quality"): "good"}, verify_on=ON)
    assert plan.planned[0].followed_by is None


def test_what_cannot_be_read_back_refuses_the_write(client: Client, plant: Simulator) -> None:
    inventory = client.inventory(progress=False)
    silent = inventory[(inventory.access == "write only") & (inventory.attribute_name == "value")]
    for other, said in (("Plant.No", "lookup of|unknown"), (silent.primary_key.iloc[0], "be read")):
        plant.forget()
        plan = client.plan_writes({COMMAND: 230}, verify_on={COMMAND: other})
        assert plan.frame["severity"].tolist() == ["refused"]
        with pytest.raises(WriteRefusedError, match=f"verify_on: .*({said})"):
            client.write(COMMAND, 230, verify_on=other)
        assert plant.writes.empty


def test_a_policy_says_it_for_every_write(
    client: Client, plant: Simulator, tmp_path: Path, journal: Path
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(
        f'[verify_on]\n"{COMMAND}" = {{ read = "{POSITION}", tolerance = 0.5 }}\n'
        f'"Plant.Line 1.Batch" = "{POSITION}"\n'
    )
    policy = WritePolicy.from_toml(path)
    assert policy.verify_on["Plant.Line 1.Batch"] == Feedback(POSITION)
    with plant.connect(policy=policy) as careful:
        assert careful.write(COMMAND, 230.25).reason == f"{POSITION} was read back"
        assert careful.plan_writes({COMMAND: 230}).apply().ok
        # What is given counts more.
        result = careful.write(COMMAND, 230.5, verify_on=COMMAND)
        assert result.reason == f"{COMMAND} was read back"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("verify_on = 5", "verify_on: it must give an element for each key"),
        ('[verify_on]\n"A" = 5', "verify_on: 5 is no key and no UUID"),
        ('[verify_on]\n"A" = { write = "B" }', "verify_on: .* does not have read"),
        (
            '[verify_on]\n"A" = { read = "B", tolerance = -1 }',
            "the tolerance -1 is no number",
        ),
        ('[verify_on]\n"" = "B"', "'' is no primary key"),
    ],
)
def test_a_policy_that_makes_no_sense(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(PolicyError, match=said):
        WritePolicy.from_toml(path)


def test_a_key_that_no_element_has(client: Client, plant: Simulator, journal: Path) -> None:
    wrong = {"Plant.Line 1.Setpoint": POSITION, COMMAND: POSITION}
    plant.forget()
    said = r"verify_on: lookup of 'Plant.Line 1.Setpoint': .*did you mean 'Plant.Line 1.Set point'"
    with pytest.raises(UnknownElementError, match=said):
        client.write(COMMAND, 230, verify_on=wrong)
    with pytest.raises(UnknownElementError, match=said):
        client.plan_writes({COMMAND: 230}, verify_on=wrong)
    with plant.connect(policy=WritePolicy(verify_on=wrong)) as careful:
        for _ in range(2):
            with pytest.raises(PolicyError, match=f"the write policy, {said}"):
                careful.write(COMMAND, 230)
    assert plant.writes.empty
    # What is there may be more than what is written.
    more = {"Plant.Line 1.Batch": POSITION, COMMAND: POSITION}
    assert client.write(COMMAND, 230, verify_on=more).outcome is Outcome.VERIFIED


def test_an_element_may_be_named_by_its_uuid(client: Client) -> None:
    uuid = client.lookup(COMMAND)
    for name in (uuid, str(uuid).upper(), f"{{{uuid}}}"):
        result = client.write(COMMAND, 230, verify_on={name: POSITION})
        assert result.reason == f"{POSITION} was read back"
    plan = client.plan_writes({uuid: 230}, verify_on={str(uuid): POSITION})
    assert plan.apply().frame["error"].tolist() == [f"{POSITION} was read back"]
    with pytest.raises(XentaraError, match=f"lookup of '{UUID(int=99)}'"):
        client.write(COMMAND, 230, verify_on={UUID(int=99): POSITION})


def test_options_that_make_no_sense(client: Client, plant: Simulator) -> None:
    plant.forget()
    for given in (
        "",
        5,
        (POSITION, True),
        (POSITION, float("nan")),
        {COMMAND: None},
        {5: POSITION},
    ):
        with pytest.raises(OptionError, match=r"^verify_on: "):
            client.write(COMMAND, 1, verify_on=given)
    for given in (POSITION, [COMMAND], {COMMAND: ""}):
        with pytest.raises(OptionError, match=r"^verify_on: "):
            client.plan_writes({COMMAND: 1}, verify_on=given)
    assert plant.writes.empty


def test_what_a_user_may_give() -> None:
    uuid = UUID(int=1)
    given = {"A": "B", "C": (uuid, 1), "D": {"read": "E"}, uuid: Feedback("G", 2.0)}
    assert feedbacks(given) == {
        "A": Feedback("B"),
        "C": Feedback(uuid, 1.0),
        "D": Feedback("E"),
        str(uuid): Feedback("G", 2.0),
    }
