"""A write goes where it was meant, however elements and attributes are named, or nowhere."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from tests.conftest import Fake
from tests.support.server import QUALITY, VALUE, Element, Model
from xentara_nb import Client
from xentara_nb.errors import AmbiguousError, NotFoundError, WriteRefusedError
from xentara_nb.protocol.commands import AttributeInfo, Write
from xentara_nb.widgets import WriteForm
from xentara_nb.writes.journal_reading import read_journal

PUMP, DECOY, GATE = UUID(int=1), UUID(int=2), UUID("0000000a-000b-000c-000d-00000000000e")
OWN, OTHER, SHARED = UUID(int=91), UUID(int=92), UUID(int=93)


@pytest.fixture
def model() -> Model:
    """A pump with odd attributes; a decoy that is named like its UUID; a gate with a UUID."""
    odd = (
        VALUE,
        QUALITY,
        AttributeInfo("error", OWN, 2, 10),
        AttributeInfo(str(OWN), OTHER, 2, 10),
        AttributeInfo("state", SHARED, 2, 10),
        AttributeInfo("time", SHARED, 2, 10),
        AttributeInfo("twin", UUID(int=94), 2, 10),
        AttributeInfo("twin", UUID(int=95), 2, 10),
    )
    values = {11: 1.0, 9: 0, OWN: 2.0, OTHER: 3.0, SHARED: 4.0, UUID(int=94): 5.0}
    return Model(
        {
            "Pump": Element(PUMP, 2, odd, values | {UUID(int=95): 6.0}),
            str(PUMP): Element(DECOY, 2, (VALUE,), {11: 1.0}),
            "Gate": Element(GATE, 2, (AttributeInfo("value", OWN, 2, 10),), {OWN: 1.0}),
        }
    )


@pytest.fixture
def client(model, fake, journal):
    with fake(model.serve).connect() as client:
        yield client


def sent(model: Model) -> list[tuple[UUID, object, object]]:
    return [
        (each.element_uuid, each.attribute_id, each.value)
        for each in model.written
        if isinstance(each, Write)
    ]


def test_a_text_that_is_a_key_and_a_uuid_is_refused(client: Client, model: Model) -> None:
    with pytest.raises(AmbiguousError, match="also the UUID of Pump"):
        client.write(str(PUMP), 7.0)
    plan = client.plan_writes({str(PUMP): 7.0})
    with pytest.raises(WriteRefusedError, match="also the UUID of Pump"):
        plan.apply()
    assert not sent(model)
    assert client.write(PUMP, 7.0, verify=False).primary_key == "Pump"
    assert client.write({"primary_key": str(PUMP)}, 8.0, verify=False).primary_key == str(PUMP)
    assert sent(model) == [(PUMP, 11, 7.0), (DECOY, 11, 8.0)]


def test_a_key_comes_before_a_uuid_that_no_element_has(client: Client, model: Model) -> None:
    del model.elements["Pump"]
    assert client.write(str(PUMP), 7.0, verify=False).primary_key == str(PUMP)
    assert client.write(str(GATE).upper(), 8.0, "value", verify=False).primary_key == "Gate"
    assert sent(model) == [(DECOY, 11, 7.0), (GATE, OWN, 8.0)]


def test_a_name_is_found_in_the_own_meta_data(client: Client, model: Model) -> None:
    client.write("Pump", 7.0, "error", verify=False)
    row = {"primary_key": "Pump", "attribute_name": "error"}
    client.write(row, 8.0, verify=False)
    client.plan_writes({("Gate", "value"): 9.0}).apply(verify=False)
    assert sent(model) == [(PUMP, OWN, 7.0), (PUMP, OWN, 8.0), (GATE, OWN, 9.0)]
    with pytest.raises(NotFoundError, match=r"Gate has no attribute with the id 11; .*5b"):
        client.write("Gate", 1.0)  # the well-known one, which it does not have


@pytest.mark.parametrize("attribute", [str(OWN), "twin", "state", "time", SHARED, str(SHARED)])
def test_an_attribute_that_may_be_two_is_refused(
    client: Client, model: Model, attribute: str | UUID
) -> None:
    with pytest.raises(AmbiguousError):
        client.write("Pump", 7.0, attribute)
    with pytest.raises(WriteRefusedError, match="Pump has 2 attributes"):
        client.plan_writes({("Pump", attribute): 7.0}).apply()
    rows = client.meta_data("Pump")
    assert rows["attribute_name"].tolist().count("twin") == 2
    with pytest.raises(WriteRefusedError, match="2 of 2 rows"):
        client.plan_writes(rows[rows.attribute_id == SHARED].assign(value=7.0)).apply()
    assert not sent(model)


def test_an_element_without_a_key_goes_by_the_text_of_its_uuid(
    client: Client, model: Model, fake: Fake, tmp_path: Path
) -> None:
    model.elements[""] = model.elements.pop("Gate")
    read = client.read(GATE, "value")
    assert read["primary_key"].tolist() == [str(GATE)]
    # The rows of a reading are written to like those of an inventory.
    client.plan_writes(read[list(read.columns[:4])].assign(value=8.0)).apply(verify=False)
    assert sent(model) == [(GATE, OWN, 8.0)]
    policy = tmp_path / "policy.toml"
    policy.write_text(f'forbidden = ["{str(GATE).upper()}"]', encoding="utf-8")
    careful = fake(model.serve).connect(policy=policy)
    with careful, pytest.raises(WriteRefusedError, match=str(GATE)):
        careful.write(GATE, 9.0, "value")
    assert len(sent(model)) == 1


def test_copied_code_and_journal_name_what_cannot_be_mistaken(client: Client, model: Model) -> None:
    targets = [(PUMP, 11), (PUMP, OWN), (PUMP, OTHER), (PUMP, UUID(int=95)), (GATE, OWN)]
    for one in model.elements.values():
        one.values = dict.fromkeys(one.values, 9.0)  # as if it had been written
    for element, attribute in [*targets, (DECOY, 11)]:
        form = WriteForm(client, element, attribute)
        form.value_input.set("9")
        exec(form.as_code(), {"client": client})
        form.close()
    assert [each[:2] for each in sent(model)] == [*targets, (DECOY, 11)]
    journal = read_journal()
    assert journal["element_uuid"].tolist() == [each[0] for each in sent(model)]
    assert journal["attribute_id"].tolist() == [each[1] for each in sent(model)]


def test_copied_code_holds_no_code_of_the_server(client: Client, model: Model) -> None:
    model.elements["Gate\nraise SystemExit"] = model.elements.pop("Gate")
    model.elements["Gate\nraise SystemExit"].values[OWN] = 9.0
    form = WriteForm(client, GATE)
    form.value_input.set("9")
    exec(form.as_code(), {"client": client})
    form.close()
    assert sent(model) == [(GATE, OWN, 9.0)]
