"""Sub-sessions: closed at the end in any case, dead after a reconnect."""

from __future__ import annotations

import datetime
import uuid

import pytest

from tests.support.clients import connection_of
from tests.support.server import Model, answering
from xentara_nb.errors import OptionError, WriteRefusedError
from xentara_nb.protocol.errors import (
    AccessDeniedError,
    InternalError,
    UnknownSessionIdError,
    server_error,
)
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.protocol.packets import Failure, Success
from xentara_nb.writes.sub_session import SubSession, id_of, user_of

KEY = "Plant.Line 1.Set point"
OPERATOR = {"user": "operator", "password": "operator-demo"}
VIEWER = {"user": "viewer", "password": "viewer-demo"}


def commands(plant):
    return plant.requests["command"].tolist()


def test_it_writes_with_both_rights(plant, client):
    with client.sub_session(**OPERATOR) as session:
        result = session.write(KEY, 1)
        assert result.ok
        with pytest.raises(AccessDeniedError):  # the engineer may, the operator may not
            session.write("Plant.Line 1.Maximum speed", 1)
    assert plant.writes["session_user"].tolist() == ["operator", "operator"]
    assert plant.writes["user"].tolist() == ["engineer", "engineer"]
    assert commands(plant)[-1] == "close_sub_session"


def test_a_plan_with_it(plant, client):
    with client.sub_session(**OPERATOR) as session:
        assert client.plan_writes({KEY: 2}).apply(session=session).ok
        assert client.plan_writes({KEY: 3}).apply(session=session.id).ok
        report = client.plan_writes({KEY: 4}).apply(session=session, on_error="continue")
        assert report.ok
        # The undo is sent as the user who applies it.
        assert report.undo().apply(session=session).ok
    assert plant.writes["session_user"].tolist() == ["operator"] * 4
    with client.sub_session(**VIEWER) as session:
        report = client.plan_writes({KEY: 5}).apply(session=session)
        assert isinstance(report[0].error, AccessDeniedError)


def test_what_it_says_of_itself(client):
    before = datetime.datetime.now(datetime.UTC)
    with client.sub_session(**OPERATOR) as session:
        assert isinstance(session, SubSession)
        assert isinstance(session.id, uuid.UUID)
        assert session.who == "operator"
        assert before <= session.since <= datetime.datetime.now(datetime.UTC)
        assert session.ended is None
        assert repr(session).startswith("<Sub-session of operator, since 20")
        assert str(session.id) not in repr(session)
    assert repr(session) == "<Sub-session of operator, ended: it was closed>"


def test_a_desired_id(client):
    wanted = uuid.uuid4()
    with client.sub_session(**OPERATOR, desired_id=wanted) as session:
        assert session.id == wanted


def test_a_desired_id_that_exists_is_replaced(plant, client):
    wanted = uuid.uuid4()
    engineer = {"user": "engineer", "password": "engineer-demo"}
    with client.sub_session(**OPERATOR, desired_id=wanted) as one:
        with pytest.raises(AccessDeniedError):
            client.sub_session(user="operator", password="wrong", desired_id=wanted)
        assert one.write(KEY, 1).ok  # a failure replaces nothing
        other = client.sub_session(**engineer, desired_id=wanted)
        # With the id of the other it would write as another user than it says.
        with pytest.raises(WriteRefusedError, match="another one was made with its id"):
            one.write(KEY, 2)
        with pytest.raises(WriteRefusedError, match="another one was made with its id"):
            client.plan_writes({KEY: 2}).apply(session=one)
    assert "ended: another one was made with its id" in repr(one)
    # Its end is not that of the other.
    assert other.write(KEY, 3).ok
    assert client.create_sub_session(**OPERATOR, desired_id=wanted) == wanted
    assert other.ended == "another one was made with its id"
    # The same id on another connection is another sub-session.
    with plant.connect(journal=False) as elsewhere:
        third = client.sub_session(**OPERATOR, desired_id=wanted)
        fourth = elsewhere.sub_session(**OPERATOR, desired_id=wanted)
        assert third.ended is fourth.ended is None
    assert plant.writes["session_user"].tolist() == ["operator", "engineer"]


def test_who_cannot_log_in(client):
    with pytest.raises(AccessDeniedError, match="sub-session of operator"):
        client.sub_session(user="operator", password="wrong")
    for options in (
        {},
        {"user": "operator"},
        {"password": "x"},
        {"token": "t", "certificate": b"c"},
        {**OPERATOR, "token": "t"},
    ):
        with pytest.raises(OptionError, match="in one way"):
            client.sub_session(**options)


# Closed at the end.


def test_closed_when_something_goes_wrong(plant, client):
    with pytest.raises(ZeroDivisionError), client.sub_session(**OPERATOR):
        raise ZeroDivisionError
    with pytest.raises(KeyboardInterrupt), client.sub_session(**OPERATOR) as session:
        raise KeyboardInterrupt
    assert commands(plant).count("close_sub_session") == 2
    assert session.ended == "it was closed"


def test_closed_twice(plant, client):
    session = client.sub_session(**OPERATOR)
    session.close()
    session.close()
    with session:
        pass
    assert commands(plant).count("close_sub_session") == 1
    with pytest.raises(WriteRefusedError, match="cannot be used any more: it was closed"):
        session.write(KEY, 1)
    assert len(plant.writes) == 0


def test_one_that_the_server_has_ended_already(plant, client):
    with client.sub_session(**OPERATOR) as session:
        client.close_sub_session(session.id)
        with pytest.raises(UnknownSessionIdError):
            session.write(KEY, 1)


def close_with(answer):
    """Return a server that answers the closing of a sub-session in its own way."""
    model = Model.of_points(1)

    def reply(wire, request):
        if request.opcode == OpCode.CREATE_SUB_SESSION:
            wire.answer(Success(request.message_id, uuid.uuid4()))
        elif request.opcode == OpCode.CLOSE_SUB_SESSION:
            answer(wire, request)
        else:
            wire.answer(model.answer(request))

    return answering(reply)


def test_a_server_that_does_not_close_it(fake):
    def answer(wire, request):
        wire.answer(Failure(request.message_id, server_error(-32603)))

    with fake(close_with(answer)).connect(journal=False) as client:
        with pytest.raises(InternalError), client.sub_session(**OPERATOR):
            pass
        # It does not take the place of what went wrong inside.
        with pytest.raises(ZeroDivisionError) as caught, client.sub_session(**OPERATOR):
            raise ZeroDivisionError
        assert "the sub-session could not be closed" in caught.value.__notes__[0]


def test_a_connection_that_ends_while_it_is_closed(fake):
    with (
        fake(close_with(lambda wire, request: wire.cut())).connect(journal=False) as client,
        client.sub_session(**OPERATOR) as session,
    ):
        assert session.ended is None
    assert session.ended == "it was closed"


# Dead after a reconnect.


def test_dead_with_its_connection(plant, client):
    plan = client.plan_writes({KEY: 6})
    with client.sub_session(**OPERATOR) as session:
        session.connection().close()
        plant.forget()
        for use in (
            lambda: session.write(KEY, 6),
            lambda: client.write(KEY, 6, session=session),
            lambda: plan.apply(session=session),
            lambda: client.suspend(confirm=True, session=session),
            lambda: client.resume(confirm=True, session=session),
            lambda: client.shut_down(confirm=True, session=session),
        ):
            with pytest.raises(WriteRefusedError) as caught:
                use()
            assert "the sub-session of operator cannot be used any more" in str(caught.value)
            assert "log in again with client.sub_session" in str(caught.value)
        assert commands(plant) == []  # nothing was sent, not even to connect again
        # The client itself goes on, on a fresh connection.
        assert client.write(KEY, 6).ok
        assert client.ended is None
        with pytest.raises(WriteRefusedError, match="it ended with its connection"):
            session.write(KEY, 7)
        assert "ended: it ended with its connection" in repr(session)
    # Nothing is left to be closed.
    assert "close_sub_session" not in commands(plant)
    assert len(plant.writes) == 1
    assert plan.apply(if_unchanged=False).ok


def test_the_bare_id_of_one_that_is_dead(plant, client):
    session = client.create_sub_session(**OPERATOR)
    connection_of(client).close()
    with pytest.raises(UnknownSessionIdError):
        client.write(KEY, 8, session=session)
    assert plant.plant.lookup(KEY).read(11) != 8


def test_one_of_another_client(plant, client):
    with plant.connect(journal=False) as other, other.sub_session(**OPERATOR) as session:
        plant.forget()
        for use in (
            lambda: client.write(KEY, 9, session=session),
            lambda: client.plan_writes({KEY: 9}).apply(session=session),
            lambda: client.suspend(confirm=True, session=session),
        ):
            with pytest.raises(WriteRefusedError, match="belongs to another client"):
                use()
        assert len(plant.writes) == 0


@pytest.mark.parametrize("session", ["text", str(uuid.uuid4()), 5, True, object()], ids=type)
def test_what_is_none(plant, client, session):
    plan = client.plan_writes({KEY: 9})
    plant.forget()
    for use in (
        lambda: client.write(KEY, 9, session=session),
        lambda: plan.apply(session=session),
        lambda: client.suspend(confirm=True, session=session),
    ):
        with pytest.raises(
            WriteRefusedError, match=r"session= is what .* Nothing was sent"
        ) as info:
            use()
        assert str(session) not in str(info.value)  # it may be a password
    assert commands(plant) == []


def test_lost_while_a_plan_is_sent(plant, client):
    keys = [f"Plant.Line {line}.Set point" for line in (1, 2, 3)]
    with client.sub_session(**OPERATOR) as session:
        plan = client.plan_writes(dict.fromkeys(keys, 10))
        plant.faults.drop_after(bytes_out=0)
        report = plan.apply(session=session, if_unchanged=False)
        assert [str(result.outcome) for result in report] == ["UNKNOWN", "SKIPPED", "SKIPPED"]
        assert report.resolve()[0].outcome == "VERIFIED"
    assert len(plant.writes) == 1


# Stages.


def test_stages_with_it(plant, client):
    with client.sub_session(user="engineer", password="engineer-demo") as session:
        client.suspend(confirm=True, session=session)
        client.resume(confirm=True, session=session.id)
    changes = [command for command in commands(plant) if command != "get_stage"]
    assert changes[-4:] == [
        "create_sub_session",
        "suspend",
        "resume",
        "close_sub_session",
    ]


# The other ways to log in.


def test_with_a_token_and_with_a_certificate(fake):
    server = fake(close_with(lambda wire, request: wire.answer(Success(request.message_id))))
    with server.connect(journal=False) as client:
        with client.sub_session(token="ey.secret.token") as session:
            assert session.who == "the bearer of a token"
            assert "secret" not in repr(session)
            assert session.write("Point 0", 0.0).ok
        with client.sub_session(certificate=b"DER") as session:
            assert session.who.startswith("the holder of certificate ")
            assert "(SHA-256)" in session.who
    logins = [each for each in server.seen if each.opcode == OpCode.CREATE_SUB_SESSION]
    assert [login.parameters[0].number for login in logins] == [0, 1]


def test_names_for_the_journal():
    assert user_of(None) is None
    assert id_of(None) is None
    identity = uuid.uuid4()
    assert user_of(identity) == "a sub-session"
    assert id_of(identity) == identity
