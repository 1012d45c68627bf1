"""``client.write`` from a cell."""

from __future__ import annotations

import threading
from functools import partial
from uuid import UUID

import pandas as pd
import pytest

from tests.support.clients import connection_of
from tests.support.server import Element, Model
from xentara_nb import read_journal
from xentara_nb.errors import (
    ConnectionLostError,
    NotFoundError,
    OptionError,
    WriteOutcomeUnknownError,
    WriteRefusedError,
)
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.errors import (
    AccessDeniedError,
    IllegalValueError,
    ValueOutOfRangeError,
)
from xentara_nb.protocol.identifiers import Attribute, OpCode
from xentara_nb.writes.outcome import Outcome

KEY = "Plant.Line 1.Set point"
GAIN = UUID(int=99)
MODE = "Water Controller.Mode"


def test_the_example_of_the_manual(plant, client):
    result = client.write(KEY, 42)
    assert (result.old_value, result.value, result.read_back) == (210.0, 42.0, 42.0)
    assert result.outcome is Outcome.VERIFIED
    assert result.primary_key == KEY
    assert result.attribute_name == "value"
    assert result.ok
    assert isinstance(result.time, pd.Timestamp)
    assert str(result.time.tz) == "UTC"
    assert 0 < result.duration < 5
    assert plant.plant.lookup(KEY).read(11) == 42.0
    assert len(plant.writes) == 1


def test_a_result_shows_itself(client):
    result = client.write(KEY, 43)
    lines = repr(result).splitlines()
    assert [line.split(":")[0].strip() for line in lines] == [
        "write to",
        "old value",
        "new value",
        "read back",
        "outcome",
        "sent",
    ]
    assert "VERIFIED: read back as written" in repr(result)
    html = result._repr_html_()
    assert "43.0" in html
    assert "<table" in html
    assert ">VERIFIED: read back as written</b></td>" in html
    assert "&lt;" not in html


def test_what_a_server_names_is_escaped_in_html(fake, tmp_path):
    model = Model.of_points(1)
    model.elements["<img src=x>"] = model.elements.pop("Point 0")
    with fake(model.serve).connect(journal=tmp_path / "j") as client:
        html = client.write("<img src=x>", 0.0)._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html


def test_every_name_of_an_element_will_do(client):
    uuid = client.lookup(KEY)
    rows = client.meta_data(KEY).xentara.writable()
    row = next(rows.itertuples())
    for element in (KEY, uuid, str(uuid), rows.iloc[0], row, row._asdict()):
        assert client.write(element, 44).primary_key == KEY
    for attribute in ("value", 11, "4aa0e4e0-521e-4599-a985-e454baa59f89"):
        assert client.write(KEY, 44, attribute).ok


def test_a_row_names_its_attribute(client):
    rows = client.meta_data(KEY)
    row = rows[rows["attribute_name"] == "quality"].iloc[0]
    with pytest.raises(WriteRefusedError, match=r"write to .* \(quality\): the attribute is read"):
        client.write(row, 1)
    with pytest.raises(WriteRefusedError, match="quality"):
        client.write({"primary_key": KEY, "attribute_name": "quality"}, 1)
    assert client.write(rows[rows["attribute_name"] == "value"].iloc[0], 44).ok


def test_an_attribute_that_is_given_is_never_ignored(fake, journal):
    gain, value = AttributeInfo("gain", GAIN, 2, 10), AttributeInfo("value", 11, 2, 10)
    model = Model({"Pump": Element(UUID(int=1), 2, (value, gain), {11: 1.0, GAIN: 2.0})})
    with fake(model.serve).connect() as client:
        rows = client.meta_data("Pump").set_index("attribute_name", drop=False)
        row_of_gain = next(rows.loc[["gain"]].itertuples(index=False))
        named = [
            rows.loc["gain"],
            row_of_gain,
            {"primary_key": "Pump", "attribute_name": "gain"},
            {"primary_key": "Pump", "attribute_id": GAIN},
        ]
        for element in named:
            for other in ("value", 11, Attribute.VALUE.uuid):
                with pytest.raises(WriteRefusedError, match=r"gain|0063, .* is value"):
                    client.write(element, 5.0, attribute=other)
        with pytest.raises(WriteRefusedError, match=r"attribute value, .* is gain"):
            client.write(rows.loc["value"], 5.0, "gain")
        assert not client.plan_writes({(row_of_gain, "value"): 5.0}).ok
        assert model.written == []

        write = partial(client.write, verify=False)  # the model keeps its values
        for element in named:
            for given in (None, "gain", GAIN):
                assert write(element, 5.0, given).attribute_name == "gain"
        assert write("Pump", 6.0, "gain").attribute_name == "gain"
        assert write(rows.loc["value"], 6.0, "value").attribute_name == "value"
        assert client.plan_writes({(row_of_gain, "gain"): 5.0}).ok
        assert [write.attribute_id for write in model.written] == [GAIN] * 13 + [11]


def test_a_sub_session_writes_to_the_attribute_of_a_row(client):
    rows = client.meta_data(KEY)
    row = rows[rows["attribute_name"] == "quality"].iloc[0]
    with client.sub_session(user="engineer", password="engineer-demo") as session:
        with pytest.raises(WriteRefusedError, match=r"\(quality\): the attribute is read"):
            session.write(row, 1)
        with pytest.raises(WriteRefusedError, match="the row names the attribute quality"):
            session.write(row, 1, "value")


def test_a_row_that_names_something_else_than_it_seems(plant, client):
    uuid = client.lookup(KEY)
    for row in (
        {"primary_key": KEY, "element_uuid": "not-a-uuid"},
        {"primary_key": KEY, "element_uuid": 5},
        {"primary_key": 5, "element_uuid": uuid},
        {"primary_key": KEY, "attribute_name": True},
        {"primary_key": KEY, "attribute_name": 1.5},
    ):
        with pytest.raises(NotFoundError):
            client.write(row, 1)
        with pytest.raises(NotFoundError):
            client.plan_writes([{**row, "value": 1}])
    with pytest.raises(WriteRefusedError, match=r"\(quality\): the attribute is read"):
        client.write({"primary_key": KEY, "attribute_name": 9}, 1)
    assert len(plant.writes) == 0


def test_a_row_with_a_name_that_would_be_passed_over(plant, client):
    row = {"primary_key": KEY, "attribute": "units"}
    for element in (row, pd.Series(row), next(pd.DataFrame([row]).itertuples())):
        with pytest.raises(WriteRefusedError, match="call it attribute_name"):
            client.write(element, 1)
    assert len(plant.writes) == 0


def test_nothing_is_sent_when_it_is_refused(plant, client):
    client.read(KEY)
    plant.forget()
    with pytest.raises(WriteRefusedError, match=r"^write to Plant.Line 1.Set point \(value\): "):
        client.write(KEY, "fast")
    with pytest.raises(NotFoundError):
        client.write(KEY, 1, "colour")
    with pytest.raises(NotFoundError):
        client.write(5, 1)
    with pytest.raises(OptionError, match="verify"):
        client.write(KEY, 1, verify=None)
    with pytest.raises(OptionError):
        client.write(KEY, 1, timeout=-1)
    assert len(plant.writes) == 0
    assert not client.journal.path.exists()


def test_what_the_device_refuses(plant, client):
    with pytest.raises(IllegalValueError, match="one of 0, 1, 2"):
        client.write(MODE, 7)
    with pytest.raises(ValueOutOfRangeError):
        client.write("Water Controller.Dosing pump", 101)
    assert read_journal(client.journal)["outcome"].tolist() == ["REJECTED"] * 2


def test_rights(plant, tmp_path):
    with (
        plant.connect(user="viewer", journal=False) as viewer,
        pytest.raises(AccessDeniedError, match=KEY),
    ):
        viewer.write(KEY, 1)
    with plant.connect(user="operator", journal=False) as operator:
        assert operator.write(KEY, 1).ok
        with pytest.raises(AccessDeniedError):
            operator.write("Plant.Line 1.Maximum speed", 1)


def test_a_lost_answer(plant, client):
    client.plan_writes({KEY: 3})  # the model is known
    plant.faults.drop_after(bytes_out=0)
    with pytest.raises(WriteOutcomeUnknownError) as caught:
        client.write(KEY, 45, verify=False)
    error = caught.value
    assert "is not sent again" in str(error)
    assert isinstance(error.result.outcome, Outcome)
    assert error.result.outcome is Outcome.UNKNOWN
    assert error.result.resolve().outcome is Outcome.VERIFIED
    assert len(plant.writes) == 1


def test_a_connection_that_had_ended_before(plant, client):
    """A fresh connection is made before a write, never after one."""
    client.write(KEY, 46)
    connection_of(client).close()
    assert client.write(KEY, 47).ok
    assert len(plant.writes) == 2


def test_a_connection_that_ends_just_before(plant, client, monkeypatch):
    client.write(KEY, 48)
    connection = connection_of(client)
    begin = connection.begin

    def close_first(commands, *args):
        if any(command.opcode == OpCode.WRITE for command in commands):
            connection.close()
        return begin(commands, *args)

    monkeypatch.setattr(connection, "begin", close_first)
    with pytest.raises(ConnectionLostError) as caught:
        client.write(KEY, 49)
    assert not caught.value.sent
    assert (plant.writes["sent"] == 49.0).sum() == 0
    assert read_journal(client.journal)["outcome"].tolist() == ["VERIFIED", "SKIPPED"]


def test_without_verification_it_is_one_message(plant, client):
    client.write(KEY, 50)
    plant.forget()
    result = client.write(KEY, 51, verify=False)
    assert result.outcome is Outcome.APPLIED
    assert result.read_back is None
    assert plant.requests["command"].tolist() == ["write"]


def test_with_verification_it_is_two_messages(fake, tmp_path):
    model = Model.of_points(1)
    server = fake(model.serve)
    with server.connect(journal=tmp_path / "j") as client:
        client.write("Point 0", 0.0)
        before = server.messages
        client.write("Point 0", 0.0)
        # The present value; and the write with the reading back behind it.
        assert server.messages - before == 2


def test_from_several_threads(plant, client):
    def write(line):
        for number in range(15):
            results.append(client.write(f"Plant.Line {line}.Set point", line * 100 + number).ok)

    results = []
    threads = [threading.Thread(target=write, args=(line,)) for line in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 45
    assert len(plant.writes) == 45
    assert not plant.writes.duplicated(["primary_key", "sent"]).any()
    journal = read_journal(client.journal)
    assert (journal["outcome"] == "VERIFIED").all()
    assert len(journal) == 45


def test_interrupted(plant, client, monkeypatch):
    client.write(KEY, 1)

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(connection_of(client), "finish", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        client.write(KEY, 2, verify=False)
    assert "UNKNOWN" in caught.value.__notes__[0] or "APPLIED" in caught.value.__notes__[0]
    assert "error.result.resolve()" in caught.value.__notes__[1]
    monkeypatch.undo()
    # Before it is resolved, for the journal holds what becomes known then.
    assert read_journal(client.journal)["outcome"][1] in ("UNKNOWN", "APPLIED")
    assert caught.value.result.resolve().outcome in ("VERIFIED", "APPLIED")


def test_the_client_says_where_its_journal_is(client, journal):
    assert client.journal.path == journal
    assert repr(client.journal) == f"<Journal {journal}>"
