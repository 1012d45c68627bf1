"""Reading back: slow devices, write-only points, tolerances, predicates, lost connections."""

from __future__ import annotations

import itertools
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clients import with_more_time
from tests.support.clock import Clock
from tests.support.server import Model, answering
from xentara_nb import read_journal
from xentara_nb.connection.connection import Connection
from xentara_nb.errors import WriteOutcomeUnknownError
from xentara_nb.protocol.errors import server_error
from xentara_nb.protocol.identifiers import DataType, OpCode
from xentara_nb.protocol.packets import Success
from xentara_nb.protocol.values import Alternative, TimePoint
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.read_back import Verification, same_value

KEY = "Plant.Line 1.Set point"
F32, F64, BOOL = DataType.FLOAT_32, DataType.FLOAT_64, DataType.BOOLEAN


@pytest.fixture
def clock(monkeypatch):
    """The clock by which it is read back."""
    clock = Clock()
    monkeypatch.setattr("xentara_nb.connection.deadline.time", clock)
    monkeypatch.setattr("xentara_nb.writes.read_back.time", clock)
    return clock


# When two values are the same.


@given(st.floats(width=64), st.sampled_from([F32, F64]))
def test_a_float_is_the_same_as_what_a_server_makes_of_it(number, data_type):
    assert same_value(number, number, data_type)
    if data_type is F32 and abs(number) < 1e38:
        (held,) = struct.unpack(">f", struct.pack(">f", number))
        assert same_value(number, held, F32)
        assert same_value(held, number, F32)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False))
def test_what_differs_differs(one, other):
    assert same_value(one, other, F64) == (one == other)


@pytest.mark.parametrize(
    ("one", "other", "data_type", "tolerance", "expected"),
    [
        (5, 5.0, F64, 0, True),
        (5, 6, F64, 1, True),
        (5, 6.5, F64, 1, False),
        (5, 6, DataType.SIGNED_INTEGER_8, 1, True),
        (0.1, 0.3, F32, 0.25, True),
        (math.nan, math.nan, F64, 0, True),
        (math.nan, 1.0, F64, 10, False),
        (math.inf, math.inf, F64, 0, True),
        (math.inf, 1e308, F64, math.inf, False),
        (2**64 - 1, 2**64 - 2, DataType.UNSIGNED_INTEGER_64, 0, False),
        (2**64 - 1, 2**64 - 1, DataType.UNSIGNED_INTEGER_64, 0, True),
        (2**53, 2**53 + 1, DataType.SIGNED_INTEGER_64, 0, False),
        (True, True, BOOL, 0, True),
        (True, False, BOOL, 1, False),
        (True, 1, BOOL, 0, False),
        (1, True, DataType.SIGNED_INTEGER_8, 5, False),
        ("a", "a", DataType.STRING, 0, True),
        ("a", "A", DataType.STRING, 0, False),
        ("1", 1, DataType.STRING, 5, False),
        (TimePoint(1), TimePoint(1), DataType.TIME_POINT, 0, True),
        (TimePoint(1), TimePoint(2), DataType.TIME_POINT, 5, False),
        (-0.0, 0.0, F64, 0, True),
    ],
)
def test_values(one, other, data_type, tolerance, expected):
    assert same_value(one, other, data_type, tolerance) is expected


def test_verify_is_a_choice():
    assert Verification(False).wanted is False
    assert Verification(True).wanted is True
    assert Verification(lambda written, read: False).wanted is True
    assert Verification(True, np.float32(0.5), np.int64(2)) == Verification(True, 0.5, 2.0)


# Every data type, through the wire and back.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Boolean", False),
        ("SignedInteger8", -128),
        ("SignedInteger16", 32767),
        ("SignedInteger32", "-2147483648"),
        ("SignedInteger64", 2**63 - 1),
        ("UnsignedInteger8", 255),
        ("UnsignedInteger16", 65535),
        ("UnsignedInteger32", 2**32 - 1),
        ("UnsignedInteger64", 2**64 - 1),
        ("Float32", 0.1),
        ("Float32", 16777216),
        ("Float64", 1e300),
        ("Float64", "nan"),
        ("Float64", "-inf"),
        ("String", "Grüße \N{BEER MUG}"),
        ("WString", "x"),
        ("U8String", ""),
        ("U16String", "\0"),
        ("U32String", " "),
        ("TimePoint", "2026-01-01T00:00:00.000000001Z"),
        ("TimePoint", "never"),
        ("Uuid", "88130ce8-b9e7-4a2a-8f26-d32a931129ab"),
        ("Quality", "unreliable"),
        ("ElementCategory", "device"),
    ],
)
def test_every_data_type_is_verified(plant, client, name, value):
    result = client.write(f"Data Types.{name}", value)
    assert result.outcome is Outcome.VERIFIED
    back = result.undo().apply()
    assert back[0].outcome is Outcome.VERIFIED
    assert read_journal()["outcome"].tolist() == ["VERIFIED"] * 2
    assert len(plant.writes) == 2


# Devices.


def test_a_device_that_follows_slowly(fake, journal, clock):
    server = fake(serve(Model.of_points(1), lambda number: 5.0 if number > 20 else 4.0))
    with server.connect() as client:
        result = client.write("Point 0", 5.0)
    assert result.outcome is Outcome.VERIFIED
    assert result.reason == ""
    assert clock.pauses == sorted(clock.pauses)  # ever more rarely, but four times a second
    assert len(clock.pauses) == 19  # the first look came with the write, the second at once
    assert (clock.pauses[0], clock.pauses[-1]) == (0.005, 0.25)


def test_a_device_that_follows_after_a_while(plant, client):
    client.write(KEY, 1)
    plant.faults.no_follow(KEY, after=0.05)
    assert client.write(KEY, 2, verify_within=60).outcome is Outcome.VERIFIED


def test_a_device_that_does_not_follow(plant, client, clock):
    client.write(KEY, 1)
    plant.faults.no_follow(KEY)
    result = client.write(KEY, 2, verify_within=0.1)  # no error
    assert sum(clock.pauses) == pytest.approx(0.1)
    assert result.outcome is Outcome.DIFFERS
    assert result.read_back == 1.0
    assert result.reason == "1.0 was read back for 0.1 s, not the 2.0 that was written"
    assert not result.ok
    assert "DIFFERS: the value read back is NOT the one written" in repr(result)
    assert "var(--jp-error-color1" in result._repr_html_()
    assert read_journal()["outcome"].tolist() == ["VERIFIED", "DIFFERS"]
    assert read_journal()["read_back"].tolist() == [1.0, 1.0]
    # It can be looked at again.
    plant.faults.clear()
    assert client.write(KEY, 2, verify=False).ok
    assert result.resolve().outcome is Outcome.VERIFIED
    assert result.reason == "it was DIFFERS before"


@pytest.mark.parametrize("on_error", ["write", "stop", "continue"])
def test_it_begins_before_the_write(plant, client, monkeypatch, on_error):
    """The value before is known, and the first look is asked for before the write is answered."""
    client.read(KEY)
    begin, finish = Connection.begin, Connection.finish
    events = []

    def begun(connection, commands, *args):
        events.append("+".join(command.name for command in commands))
        return begin(connection, commands, *args)

    def finished(connection, batch, *args, **options):
        answers = finish(connection, batch, *args, **options)
        events.append(f"answer to {batch.commands[0].name}")
        return answers

    monkeypatch.setattr(Connection, "begin", begun)
    monkeypatch.setattr(Connection, "finish", finished)
    if on_error == "write":
        client.write(KEY, 6)
    else:
        keys = [KEY] if on_error == "stop" else [KEY, "Plant.Line 2.Set point"]
        client.plan_writes(dict.fromkeys(keys, 6)).apply(on_error=on_error)
    sent = next(number for number, event in enumerate(events) if event.startswith("write"))
    answered = events.index("answer to write")
    assert any(event.startswith("answer to read") for event in events[:sent])
    assert any("read" in event for event in events[sent:answered])


def test_no_time_at_all_is_one_look(plant, client):
    plant.faults.no_follow(KEY)
    client.read(KEY)
    plant.forget()
    result = client.write(KEY, 3, verify_within=0)
    assert result.outcome is Outcome.DIFFERS
    assert (plant.requests["command"] == "read").sum() <= 5


def test_a_write_only_point(plant, client):
    result = client.write("Plant.Line 1.Capper.Lamp", True)
    assert result.outcome is Outcome.NOT_READABLE
    assert result.reason == "the attribute is write only"
    assert result.ok
    assert (plant.requests["command"] == "read").sum() == 0
    assert read_journal()["outcome"].tolist() == ["NOT_READABLE"]


@pytest.mark.parametrize("code", [-32103, -32104, -32102, -32101, -32100])
def test_a_value_that_cannot_be_read_for_good(fake, journal, code):
    model = Model.of_points(1)
    server = fake(serve(model, lambda number: server_error(code)))
    with server.connect() as client:
        result = client.write("Point 0", 5.0)
    assert result.outcome is Outcome.NOT_READABLE
    assert f"({code})" in result.reason
    assert server.count(OpCode.READ) == 2


def serve(model, value):
    """Return a server whose value after a write depends on how often it was read."""
    reads = itertools.count(1)

    def reply(wire, request):
        if request.opcode == OpCode.READ and model.written:
            model.elements["Point 0"].values[11] = value(next(reads))
        wire.answer(model.answer(request))

    return answering(reply)


def test_a_reading_that_fails_for_a_while(fake, journal):
    readings = {1: server_error(-32108), 2: server_error(-32108), 3: 4.0}
    server = fake(serve(Model.of_points(1), lambda number: readings.get(number, 5.0)))
    with server.connect() as client:
        result = client.write("Point 0", 5.0)
    assert result.outcome is Outcome.VERIFIED
    assert server.count(OpCode.WRITE) == 1


def test_a_reading_that_goes_on_failing(fake, journal):
    server = fake(serve(Model.of_points(1), lambda number: server_error(-32108)))
    with server.connect() as client:
        result = client.write("Point 0", 5.0, verify_within=0.1)
    assert result.outcome is Outcome.NOT_READABLE
    assert "(-32108)" in result.reason


def test_a_reading_that_fails_after_another_value(fake, journal):
    readings = {1: 4.0}
    server = fake(serve(Model.of_points(1), lambda n: readings.get(n, server_error(-32108))))
    with server.connect() as client:
        result = client.write("Point 0", 5.0, verify_within=0.1)
    assert (result.outcome, result.read_back) == (Outcome.DIFFERS, 4.0)


@pytest.mark.parametrize("odd", [None, [1], {"a": 1}, b"5", "5"])
def test_an_odd_value_is_another_value(fake, journal, odd):
    model = Model.of_points(1)

    def reply(wire, request):
        answer = model.answer(request)
        if request.opcode == OpCode.READ and request.message_id > 4:
            answer = Success(request.message_id, {11: Alternative(0, odd)})
        wire.answer(answer)

    with fake(answering(reply)).connect() as client:
        result = client.write("Point 0", 5.0, verify_within=0.05)
    assert result.outcome in (Outcome.DIFFERS, Outcome.NOT_READABLE)
    assert repr(result)
    assert result._repr_html_()
    assert len(read_journal()) == 1


def test_a_quality_that_is_written_out(fake, journal):
    model = Model.of_points(1)
    for word, expected in (("Bad", "bad"), ("good", "good"), ("excellent", None)):
        model.elements["Point 0"].values[9] = word
        with fake(model.serve).connect() as client:
            frame = client.plan_writes({"Point 0": 1}).frame
        assert frame["old_quality"].fillna("none")[0] == (expected or "none")


def test_a_reading_that_is_lost_twice(fake, journal):
    model = Model.of_points(1)

    def script(wire):
        wire.hello()
        if wire.number:
            wire.requests()
        else:
            model.until_write(wire)

    with fake(script).connect() as client:
        result = client.write("Point 0", 5.0, verify_within=1)
    assert result.outcome is Outcome.NOT_READABLE
    assert "reading back failed: the connection to" in result.reason


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "did not answer for this attribute"),
        ({11: Alternative(0, None)}, "nothing but null was read back"),
    ],
    ids=["left out", "null"],
)
def test_an_attribute_without_a_value(fake, journal, values, reason):
    model = Model.of_points(1)

    def reply(wire, request):
        read = request.opcode == OpCode.READ
        wire.answer(Success(request.message_id, values) if read else model.answer(request))

    with fake(answering(reply)).connect() as client:
        result = client.write("Point 0", 5.0, verify_within=0.05)
    assert result.outcome is Outcome.NOT_READABLE
    assert reason in result.reason


# Tolerance and predicate.


def test_a_tolerance(plant, client):
    client.write(KEY, 10)
    plant.faults.no_follow(KEY)
    assert client.write(KEY, 10.5, tolerance=0.5, verify_within=0).outcome is Outcome.VERIFIED
    assert client.write(KEY, 10.6, tolerance=0.5, verify_within=0).outcome is Outcome.DIFFERS


def test_a_predicate(plant, client):
    client.write(KEY, 10)
    plant.faults.no_follow(KEY)
    seen = []

    def near(written, read):
        seen.append((written, read))
        return abs(written - read) < 5

    assert client.write(KEY, 12, verify=near).outcome is Outcome.VERIFIED
    assert seen == [(12.0, 10.0)]
    assert client.write(KEY, 20, verify=near, verify_within=0.05).outcome is Outcome.DIFFERS
    report = client.plan_writes({KEY: 13, "Plant.Line 1.Batch": 9}).apply(verify=near)
    assert report.ok


def test_a_predicate_that_fails(plant, client):
    def broken(written, read):
        raise ZeroDivisionError("oh")

    result = client.write(KEY, 10, verify=broken)
    assert result.outcome is Outcome.APPLIED
    assert result.reason == "the function that verifies failed: ZeroDivisionError: oh"
    assert read_journal()["outcome"].tolist() == ["APPLIED"]
    assert len(plant.writes) == 1


# Connections that end on the way.


def test_the_connection_ends_while_reading_back(plant, client):
    client.write(KEY, 1)
    plant.faults.no_follow(KEY, after=0.2)
    client.read(KEY)
    # The answer to the write gets through; the next reading does not.
    plant.faults.drop_after(bytes_out=60)
    result = client.write(KEY, 2)
    # Reading is repeated on a fresh connection, writing is not.
    assert result.outcome is Outcome.VERIFIED
    assert (plant.writes["sent"] == 2.0).sum() == 1
    assert plant.requests["connection"].nunique() == 2


def test_the_server_is_gone_while_reading_back(fake, journal):
    model = Model.of_points(1)

    def script(wire):
        if not wire.number:
            wire.hello()
            model.until_write(wire)

    with fake(script).connect() as client:
        # The value read in the same message is another one, and then the server is gone.
        result = client.write("Point 0", 5.0)
        assert result.outcome is Outcome.NOT_READABLE
        assert result.read_back == 0.0
        assert "reading back failed" in result.reason
        assert read_journal()["outcome"].tolist() == ["NOT_READABLE"]


def test_a_server_that_falls_silent_while_reading_back(fake, journal):
    model = Model.of_points(1)

    def script(wire):
        wire.hello()
        model.until_write(wire)
        wire.until_gone()

    def check(seconds):
        with fake(script).connect(timeout=seconds) as client:
            result = client.write("Point 0", 5.0, verify_within=seconds)
            assert result.outcome is Outcome.DIFFERS
            assert result.read_back == 0.0

    with_more_time(check, 0.2)


# What is in doubt.


def test_unknown_is_resolved_only_by_reading(plant, client):
    client.write(KEY, 1)
    plant.forget()
    client.plan_writes({KEY: 3})  # the model is known
    plant.faults.drop_after(bytes_in=0)  # it never arrives
    with pytest.raises(WriteOutcomeUnknownError) as caught:
        client.write(KEY, 2, verify=False)
    lost = caught.value.result
    plant.faults.clear()
    client.plan_writes({"Plant.Line 2.Set point": 2})
    plant.faults.drop_after(bytes_out=0)  # it is executed
    with pytest.raises(WriteOutcomeUnknownError) as caught:
        client.write("Plant.Line 2.Set point", 2, verify=False)
    done = caught.value.result
    plant.faults.clear()
    assert lost.outcome is done.outcome is Outcome.UNKNOWN
    assert not lost.ok
    assert lost.sent
    assert lost.resolve(0.05).outcome is Outcome.DIFFERS
    assert done.resolve(0.05).outcome is Outcome.VERIFIED
    assert read_journal()["outcome"].tolist()[-2:] == ["DIFFERS", "VERIFIED"]
    assert len(plant.writes) == 1


def test_what_cannot_be_read_stays_unknown(plant, client):
    key = "Plant.Line 1.Capper.Lamp"
    client.read(KEY)
    client.plan_writes({key: True})
    plant.faults.drop_after(bytes_out=0)
    with pytest.raises(WriteOutcomeUnknownError) as caught:
        client.write(key, True)
    result = caught.value.result
    assert result.resolve(0.05).outcome is Outcome.UNKNOWN
    assert result.reason == "the attribute is write only"


def test_a_value_whose_reading_is_denied_stays_unknown(plant, client, monkeypatch):
    client.plan_writes({KEY: 3})  # the model is known
    plant.faults.drop_after(bytes_out=0)
    with pytest.raises(WriteOutcomeUnknownError) as caught:
        client.write(KEY, 3, verify=False)
    result = caught.value.result
    plant.faults.vanish(KEY)
    assert result.resolve(0.05).outcome is Outcome.UNKNOWN
    assert "(-32100)" in result.reason
    plant.faults.clear()
    assert result.resolve(0.05).outcome is Outcome.VERIFIED


def test_a_server_that_is_gone_leaves_it_unknown(journal):
    import xentara_nb

    with xentara_nb.simulate() as own:
        client = own.connect()
        client.plan_writes({KEY: 3})  # the model is known
        own.faults.drop_after(bytes_out=0)
        with pytest.raises(WriteOutcomeUnknownError) as caught:
            client.write(KEY, 3, verify=False)
        own.stop()
        result = caught.value.result
        assert result.resolve(0.05).outcome is Outcome.UNKNOWN
        assert "reading back failed" in result.reason
        client.close()


def test_a_model_that_has_changed_since(fake):
    """What the server has under the UUID by now is another element, which is not to be read."""
    model = Model.of_points(2)
    one, two = model.elements.values()
    answers = [False]

    def script(wire):
        wire.hello()
        while True:
            requests = wire.requests()
            found = model.answers(requests)
            if model.written and not answers:
                return
            wire.answer(*found)

    def lose_the_next(client, key):
        model.written.clear()
        answers.clear()
        with pytest.raises(WriteOutcomeUnknownError) as caught:
            client.write(key, 1.0, verify=False)
        answers.append(True)
        return caught.value.result

    with fake(script).connect(journal=False) as client:
        result = lose_the_next(client, "Point 0")
        one.uuid, two.uuid = two.uuid, one.uuid
        assert result.resolve().outcome is Outcome.UNKNOWN
        assert "another model since" in result.reason
        assert result.read_back is None
        # The same element as before.
        assert lose_the_next(client, "Point 1").resolve().outcome is Outcome.VERIFIED
