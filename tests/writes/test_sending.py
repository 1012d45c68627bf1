"""Sending: order, batches, stop or go on, interruptions, and odd answers."""

from __future__ import annotations

import pkgutil
import threading
import time
from io import StringIO

import pytest

from tests.support.clients import with_more_time
from tests.support.server import Model
from xentara_nb import read_journal
from xentara_nb.connection import reading_turn
from xentara_nb.connection.batch import UNANSWERED
from xentara_nb.connection.connection import Connection
from xentara_nb.errors import (
    ConnectionLostError,
    DeadlineError,
    WriteDiffersError,
    WriteOutcomeUnknownError,
    WriteRefusedError,
)
from xentara_nb.protocol.commands import Write
from xentara_nb.protocol.errors import ERRORS_BY_CODE, ServerError, server_error
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.protocol.packets import Failure, Success
from xentara_nb.writes import records
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.sending import MESSAGE_TEXT

KEYS = [f"Plant.Line {line}.{name}" for line in (1, 2, 3) for name in ("Set point", "Batch")]


def outcomes(report):
    return [str(result.outcome) for result in report]


def sent(plant):
    return plant.writes["primary_key"].tolist()


# Order and batches.


@pytest.mark.parametrize(
    ("options", "messages"),
    [
        ({}, [1] * 6),
        ({"on_error": "continue"}, [6]),
        ({"on_error": "continue", "batch_size": 4}, [4, 2]),
        ({"on_error": "stop", "batch_size": 4}, [4, 2]),
        ({"verify": False}, [1] * 6),
        ({"on_error": "continue", "verify": False}, [6]),
    ],
)
def test_in_order_and_in_batches(plant, client, monkeypatch, options, messages):
    plan = client.plan_writes(dict.fromkeys(KEYS, 7))
    begin = Connection.begin
    seen = []

    def watched(connection, commands, *args):
        names = [command.name for command in commands]
        seen.append(names.count("write"))
        # What reads back stands behind all writes of a message.
        assert names == sorted(names, reverse=True)
        return begin(connection, commands, *args)

    monkeypatch.setattr(Connection, "begin", watched)
    report = plan.apply(**options)
    assert [count for count in seen if count] == messages
    assert sent(plant) == KEYS
    expected = "APPLIED" if options.get("verify") is False else "VERIFIED"
    assert outcomes(report) == [expected] * 6


def test_long_texts_go_in_several_messages(plant, client):
    text = "x" * (MESSAGE_TEXT // 2 + 1)
    values = {f"Plant.Line {line}.Recipe": text for line in (1, 2, 3)}
    plan = client.plan_writes(values)
    plant.forget()
    assert plan.apply(on_error="continue", if_unchanged=False).ok
    assert plant.requests["command"].tolist() == ["write", "read"] * 3


# Stop, or go on.


@pytest.mark.parametrize("failing", range(4))
def test_after_the_first_failure_the_rest_is_skipped(plant, client, failing):
    plant.faults.refuse_writes(keys=KEYS[failing])
    report = client.plan_writes(dict.fromkeys(KEYS[:4], 9)).apply()
    assert outcomes(report) == (["VERIFIED"] * failing + ["REJECTED"] + ["SKIPPED"] * 4)[:4]
    assert sent(plant) == KEYS[: failing + 1]


def test_going_on_after_a_failure(plant, client):
    plant.faults.refuse_writes(keys=KEYS[1:3])
    report = client.plan_writes(dict.fromkeys(KEYS[:4], 10)).apply(on_error="continue")
    assert outcomes(report) == ["VERIFIED", "REJECTED", "REJECTED", "VERIFIED"]
    assert sent(plant) == KEYS[:4]


def test_a_device_that_does_not_follow_stops_as_well(plant, client):
    plant.faults.no_follow(KEYS[1])
    plan = client.plan_writes(dict.fromkeys(KEYS[:3], 11))
    report = plan.apply(verify_within=0.1)
    assert outcomes(report) == ["VERIFIED", "DIFFERS", "SKIPPED"]
    assert sent(plant) == KEYS[:2]
    with pytest.raises(WriteDiffersError) as caught:
        report.raise_for_outcome()
    assert caught.value.result is report[1]
    report = client.plan_writes(dict.fromkeys(KEYS[:3], 12)).apply(
        on_error="continue", verify_within=0.1
    )
    assert outcomes(report) == ["VERIFIED", "DIFFERS", "VERIFIED"]


def test_a_failure_in_a_message_of_several_with_stop(plant, client):
    plant.faults.refuse_writes(keys=KEYS[0])
    report = client.plan_writes(dict.fromkeys(KEYS[:4], 13)).apply(batch_size=2)
    # What was in the same message was sent already, and that is what the report says.
    assert outcomes(report) == ["REJECTED", "VERIFIED", "SKIPPED", "SKIPPED"]


@pytest.mark.parametrize("on_error", ["stop", "continue"])
def test_nothing_is_sent_after_a_lost_answer(plant, client, on_error):
    plan = client.plan_writes(dict.fromkeys(KEYS[:4], 14))
    plant.faults.drop_after(bytes_out=0)
    report = plan.apply(on_error=on_error, batch_size=2, if_unchanged=False)
    assert outcomes(report) == ["UNKNOWN", "UNKNOWN", "SKIPPED", "SKIPPED"]
    assert "which is UNKNOWN" in report[2].reason
    assert sent(plant) == KEYS[:2]
    with pytest.raises(WriteOutcomeUnknownError) as caught:
        report.raise_for_outcome()
    assert caught.value.result is report[0]
    assert outcomes(report.resolve()) == ["VERIFIED", "VERIFIED", "SKIPPED", "SKIPPED"]
    assert sent(plant) == KEYS[:2]
    assert report[0].reason == "it was UNKNOWN before"
    assert read_journal()["outcome"].tolist() == ["VERIFIED", "VERIFIED"]


def test_the_rest_goes_nowhere_else_when_the_connection_ends(plant, client, monkeypatch):
    plan = client.plan_writes(dict.fromkeys(KEYS[:3], 15))
    begin = Connection.begin

    def ends_before_the_second(connection, commands, *args):
        batch = begin(connection, commands, *args)
        batch.wait(5)
        connection.close()
        return batch

    monkeypatch.setattr(Connection, "begin", ends_before_the_second)
    report = plan.apply(if_unchanged=False)
    assert outcomes(report) == ["VERIFIED", "SKIPPED", "SKIPPED"]
    assert isinstance(report[1].error, ConnectionLostError)
    assert not report[1].error.sent
    assert read_journal()["outcome"].tolist() == ["VERIFIED", "SKIPPED"]
    assert sent(plant) == KEYS[:1]
    with pytest.raises(ConnectionLostError):
        report.raise_for_outcome()


def test_an_answer_that_does_not_come_in_time(plant, client):
    def check(seconds):
        plant.faults.clear()
        plant.forget()
        plan = client.plan_writes(dict.fromkeys(KEYS[:2], 16))
        plant.faults.delay(5 * seconds)
        report = plan.apply(timeout=seconds, if_unchanged=False)
        assert outcomes(report) == ["UNKNOWN", "SKIPPED"]
        assert f"within {seconds:g} s" in report[0].reason
        plant.faults.clear()
        assert outcomes(report.resolve()) == ["VERIFIED", "SKIPPED"]
        assert len(plant.writes) == 1

    with_more_time(check, 0.1)


# Interruptions.


# Progress.


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, [(1, 6), (2, 6), (3, 6), (4, 6), (5, 6), (6, 6)]),
        ({"on_error": "continue", "batch_size": 4}, [(4, 6), (6, 6)]),
        ({"dry_run": True}, []),
    ],
)
def test_progress_is_told_behind_each_message(client, options, told):
    seen = []
    plan = client.plan_writes(dict.fromkeys(KEYS, 7))
    plan.apply(progress=lambda *how_much: seen.append(how_much), **options)
    assert seen == told


def test_progress_that_raises_ends_the_sending(plant, client):
    plan = client.plan_writes(dict.fromkeys(KEYS, 7))
    with pytest.raises(ZeroDivisionError) as caught:
        plan.apply(progress=lambda done, total: 1 // (2 - done))
    assert outcomes(plan.report) == ["VERIFIED"] * 2 + ["SKIPPED"] * 4
    assert sent(plant) == KEYS[:2]
    assert "plan.report says what was sent" in caught.value.__notes__[0]
    with pytest.raises(WriteRefusedError, match="applied already"):
        plan.apply()


def test_progress_that_raises_an_error_of_ours(client):
    plan = client.plan_writes(dict.fromkeys(KEYS, 7))
    with pytest.raises(WriteRefusedError, match="applied already") as caught:
        plan.apply(progress=lambda done, total: plan.apply())
    assert outcomes(plan.report) == ["VERIFIED"] + ["SKIPPED"] * 5
    assert "plan.report says what was sent" in caught.value.__notes__[0]


def test_a_bar_that_no_one_sees(client, monkeypatch):
    """A terminal that is gone ends no plan in its middle."""

    class Gone(StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", Gone())
    assert client.plan_writes(dict.fromkeys(KEYS, 7)).apply(progress=True).ok


def test_a_bar_is_shown_for_more_than_one_message(client, capfd):
    plan = client.plan_writes(dict.fromkeys(KEYS, 7))
    plan.apply(progress=True)
    assert "Writes: 100%" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        # Where the user presses Ctrl-C, and what is known then of two writes in one message.
        ("xentara_nb.connection.connection.Connection.begin", "UNKNOWN", "UNKNOWN"),
        (
            "xentara_nb.connection.batch.Batch.wait",
            "UNKNOWN",
            "APPLIED",
        ),  # the answer may be here already
        ("xentara_nb.writes.sending.take_reading", "APPLIED", "APPLIED"),
        ("xentara_nb.writes.sending.read_back", "APPLIED", "APPLIED"),
        ("xentara_nb.writes.records.note", "VERIFIED", "VERIFIED"),
        ("xentara_nb.writes.journal.os.fsync", "SKIPPED", "SKIPPED"),
    ],
)
def test_interrupted(plant, client, monkeypatch, name, one, other):
    expected = [one, one]
    plan = client.plan_writes(dict.fromkeys(KEYS[:2], len(name)))  # another value in each case
    once = []

    def interrupt(*args, **kwargs):
        if not once:
            once.append(True)
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    module, _, attribute = name.rpartition(".")
    owner = pkgutil.resolve_name(module)
    original = getattr(owner, attribute)
    if attribute == "read_back":  # which is called where a device does not follow at once
        plant.faults.no_follow(KEYS[:2])
    with monkeypatch.context() as patch:
        patch.setattr(owner, attribute, interrupt)
        with pytest.raises(KeyboardInterrupt) as caught:
            plan.apply(on_error="continue", if_unchanged=False)
    assert "plan.report says what was sent" in caught.value.__notes__[0]
    assert outcomes(plan.report) in (expected, [other, other])
    expected = outcomes(plan.report)
    client.get_stage()  # comes after all that was sent before
    executed = sent(plant)
    assert len(executed) == len(set(executed))
    if expected[0] != "UNKNOWN":
        assert executed == ([] if expected[0] == "SKIPPED" else KEYS[:2])
    journal = read_journal()
    assert journal["outcome"].tolist() == expected
    assert plan.applied == (expected[0] != "SKIPPED")  # when nothing was sent it is good still
    plan.report.resolve(0.05)
    for result in plan.report:
        assert result.outcome is not Outcome.UNKNOWN


def test_interrupted_when_some_is_answered(plant, client, monkeypatch):
    plan = client.plan_writes(dict.fromkeys(KEYS[:2], 18))

    def interrupt(connection, batch, deadline):
        batch.wait(5)
        batch.answers[1] = UNANSWERED
        raise KeyboardInterrupt

    monkeypatch.setattr(Connection, "finish", interrupt)
    with pytest.raises(KeyboardInterrupt):
        plan.apply(on_error="continue", verify=False, if_unchanged=False)
    assert outcomes(plan.report) == ["APPLIED", "UNKNOWN"]
    assert plan.report[1].reason == "it was interrupted before the answer came"
    assert read_journal()["outcome"].tolist() == ["APPLIED", "UNKNOWN"]


def test_interrupted_between_two_messages(plant, client, monkeypatch):
    plan = client.plan_writes(dict.fromkeys(KEYS[:3], 19))

    def interrupt(written, read):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plan.apply(verify=interrupt)
    assert outcomes(plan.report) == ["APPLIED", "SKIPPED", "SKIPPED"]
    assert plan.report[2].reason == "interrupted"
    assert sent(plant) == KEYS[:1]
    assert read_journal()["outcome"].tolist() == ["APPLIED"]


# A file that was being opened has no one yet who closes it; it is closed when it is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_real_interrupt(plant, client):
    """Ctrl-C at random moments, from outside."""
    import _thread

    plant.faults.delay(0.005)
    seen = set()
    reports = {}
    for number in range(12):
        plan = client.plan_writes(dict.fromkeys(KEYS, 100 + number))
        timer = threading.Timer(0.004 * number, _thread.interrupt_main)
        try:
            timer.start()
            plan.apply(verify=False, if_unchanged=False)
            while True:  # until the interrupt
                time.sleep(0.001)
        except KeyboardInterrupt:
            pass
        timer.join()
        if plan.report is not None:
            reports[number] = plan.report
    plant.faults.restart()  # after that the server has done all that it had received
    for number, report in reports.items():
        executed = plant.writes[plant.writes["sent"] == 100 + number]["primary_key"].tolist()
        assert len(executed) == len(set(executed))
        for result in report:
            seen.add(result.outcome)
            assert result.outcome is Outcome.UNKNOWN or (
                (result.outcome is Outcome.APPLIED) == (result.primary_key in executed)
            )
        journal = read_journal().set_index("id")["outcome"]
        for result in report:
            assert journal.get(result.write_id, "SKIPPED") in (result.outcome, "UNKNOWN")
    assert Outcome.APPLIED in seen


# What a server can answer.


@pytest.mark.parametrize("code", [*ERRORS_BY_CODE, -32099, 0, 1, -(2**63)])
def test_every_error_code(plant, client, code):
    plant.faults.refuse_writes(code=code, text="because")
    with pytest.raises(ERRORS_BY_CODE.get(code, ServerError)) as caught:
        client.write(KEYS[0], 1)
    assert caught.value.code == code
    assert str(caught.value).startswith(f"write to {KEYS[0]} (value): because ({code})")
    report = client.plan_writes({KEYS[0]: 1}).apply()
    assert outcomes(report) == ["REJECTED"]
    assert report[0].error == caught.value
    assert report.frame["error"][0] == f"because ({code})"
    assert read_journal()["outcome"].tolist() == ["REJECTED", "REJECTED"]
    assert len(plant.writes) == 2


def script(answer):
    """Return a server that answers writes as the script says, and everything else as it should."""
    model = Model.of_points(3)

    def serve(wire):
        wire.hello()
        while True:
            requests = wire.requests()
            if not any(request.opcode == OpCode.WRITE for request in requests):
                wire.answer(*model.answers(requests))
            else:
                answer(wire, requests, model)

    return serve


def test_a_success_with_something_in_it(fake, journal):
    def answer(wire, requests, model):
        answers = model.answers(requests)
        answers[0] = Success(requests[0].message_id, [1, 2, 3])
        wire.answer(*answers)

    with fake(script(answer)).connect(timeout=2) as client:
        with pytest.raises(WriteOutcomeUnknownError, match="the answer cannot be read"):
            client.write("Point 0", 1.0, verify=False)
        report = client.plan_writes({"Point 0": 1.0, "Point 1": 2.0}).apply(
            on_error="continue", verify=False
        )
        assert outcomes(report) == ["UNKNOWN", "APPLIED"]


def test_answers_in_another_order_and_in_several_messages(fake, journal):
    def answer(wire, requests, model):
        for each in reversed(model.answers(requests)):
            wire.answer(each)

    with fake(script(answer)).connect(timeout=2) as client:
        report = client.plan_writes({"Point 0": 1.0, "Point 1": 2.0}).apply(
            on_error="continue", verify=False
        )
        assert outcomes(report) == ["APPLIED", "APPLIED"]


def test_a_part_of_the_answers(fake, journal):
    def answer(wire, requests, model):
        answers = model.answers(requests)
        wire.answer(answers[1], Failure(answers[2].message_id, server_error(-32109)))
        wire.cut()

    server = fake(script(answer))
    with server.connect(timeout=2) as client:
        plan = client.plan_writes({f"Point {number}": 5.0 for number in range(3)})
        report = plan.apply(on_error="continue", verify=False)
        assert outcomes(report) == ["UNKNOWN", "APPLIED", "REJECTED"]
        assert server.count(OpCode.WRITE) == 3


def test_an_error_for_no_request(fake, journal):
    def answer(wire, requests, model):
        wire.answer(Failure(0, server_error(-32700)))

    def check(seconds):
        with (
            fake(script(answer)).connect(timeout=seconds) as client,
            pytest.raises(WriteOutcomeUnknownError, match="complained about something"),
        ):
            client.write("Point 0", 1.0)

    with_more_time(check, 0.3)


def test_nonsense_instead_of_an_answer(fake, journal):
    def answer(wire, requests, model):
        wire.send_message(b"\xff\x00nonsense")

    server = fake(script(answer))
    with server.connect(timeout=2) as client:
        with pytest.raises(WriteOutcomeUnknownError):
            client.write("Point 0", 1.0)
        assert server.count(OpCode.WRITE) == 1


def test_answers_for_others_are_ignored(fake, journal):
    def answer(wire, requests, model):
        wire.answer(*(Success(request.message_id + 1000) for request in requests))
        wire.answer(*model.answers(requests))
        wire.answer(*model.answers(requests))  # twice

    with fake(script(answer)).connect(timeout=2) as client:
        assert client.write("Point 0", 0.0).outcome == "VERIFIED"
        assert client.write("Point 1", 1.0).outcome == "VERIFIED"


def test_resolved_by_another_thread_before_the_answer(fake, journal, monkeypatch):
    finish = Connection.finish

    def resolve_first(connection, batch, deadline):
        if not any(isinstance(command, Write) for command in batch.commands):
            return finish(connection, batch, deadline)
        assert outcomes(plan.report) == ["UNKNOWN"]
        assert outcomes(plan.report.resolve(within=0)) == ["DIFFERS"]
        raise deadline.error("no answer", sent=True)

    with fake(script(lambda wire, requests, model: None)).connect(timeout=2) as client:
        plan = client.plan_writes({"Point 0": 5.0})
        monkeypatch.setattr(Connection, "finish", resolve_first)
        report = plan.apply(if_unchanged=False)
    # It may still be carried out.
    assert outcomes(report) == ["UNKNOWN"]
    assert read_journal()["outcome"].tolist() == ["UNKNOWN"]


def test_a_late_answer_changes_nothing(plant, client):
    def check(seconds):
        plant.faults.delay(6 * seconds)
        with pytest.raises(WriteOutcomeUnknownError) as caught:
            client.write(KEYS[0], 1, timeout=seconds, verify=False)
        result = caught.value.result
        client.get_stage()  # answered after the write
        assert result.outcome is Outcome.UNKNOWN
        assert result.duration is None
        assert isinstance(caught.value, WriteOutcomeUnknownError)
        assert isinstance(DeadlineError("x"), TimeoutError)
        plant.faults.clear()
        assert result.resolve().outcome is Outcome.VERIFIED

    with_more_time(check, 0.05)


def test_nothing_is_refused_by_mistake_after_sending(plant, client):
    with pytest.raises(WriteRefusedError):
        client.write(KEYS[0], "x")
    assert len(plant.writes) == 0


def test_a_connection_that_ends_between_the_check_and_the_write(fake, journal, monkeypatch):
    """Though its thread rests just then: nothing is sent, and that is known."""
    monkeypatch.setattr(reading_turn, "REST", 1.0)
    model, wires = Model.of_points(1), []
    intend = records.intend

    def script(wire):
        wires.append(wire)
        model.serve(wire)

    def slowly(*args):
        intend(*args)
        wires[-1].cut()

    monkeypatch.setattr(records, "intend", slowly)
    with fake(script).connect() as client:
        plan = client.plan_writes({"Point 0": 5.0})
        client.read("Point 0")
        plan.apply()
        (result,) = plan.report
    assert not result.sent
    assert model.written == []
