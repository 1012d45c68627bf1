"""Attributes as they are sent to all who have subscribed to them."""

from __future__ import annotations

from tests.simulator.server.sessions import (
    GROUP,
    POINT,
    REGISTER,
    Documents,
    Subscriber,
    service_of,
)
from xentara_nb.protocol.commands import Write
from xentara_nb.protocol.identifiers import NIL_UUID, Attribute
from xentara_nb.simulator.config.configuration import from_documents
from xentara_nb.simulator.security.access import Principal
from xentara_nb.simulator.server.session import Service


def test_the_id_is_answered_as_it_was_asked(client: Subscriber) -> None:
    by_uuid = Attribute.VALUE.uuid
    client.subscribe(11, by_uuid, 11)
    assert client.values() == [{11: 1.5, by_uuid: 1.5}]
    client.ask(Write(REGISTER, 11, 2))
    assert client.values() == [{11: 2.0, by_uuid: 2.0}]


def test_what_cannot_be_read(client: Subscriber, service: Service) -> None:
    client.subscribe(11, 12, 99)
    ((values),) = client.values()
    assert values[11] == 1.5
    assert [values[missing].code for missing in (12, 99)] == [-32101, -32101]
    stranger = Subscriber(service, Principal("nobody", frozenset()))
    stranger.subscribe(11, 12)
    assert [error.code for error in stranger.values()[0].values()] == [-32102, -32102]
    client.ask(Write(REGISTER, 11, 2))
    assert stranger.take() == []


def test_over_a_data_point_and_a_group(client: Subscriber) -> None:
    client.subscribe(11, 9, element=POINT)
    client.subscribe(11, 0, element=GROUP)
    client.subscribe(4, element=NIL_UUID)
    first = client.values()
    assert first[0] == {11: 1.5, 9: 0}
    assert first[1][11].code == -32101
    assert first[1][0] == "Group"
    assert first[2] == {4: "root element"}
    client.ask(Write(REGISTER, 11, 2))
    assert client.values() == [{11: 2.0}]


def test_several_subscriptions_on_one_attribute(client: Subscriber, service: Service) -> None:
    other = Subscriber(service)
    for one in (client, client, other):
        one.subscribe(11)
    assert client.values() == [{11: 1.5}] * 2
    assert len(service.broker) == 1
    other.take()
    client.ask(Write(REGISTER, 11, 2))
    assert client.values() == [{11: 2.0}] * 2
    assert other.values() == [{11: 2.0}]


def test_whole_events(small: Documents) -> None:
    client = Subscriber(service_of(from_documents(small), whole_events=True))
    client.subscribe(11, 9)
    client.take()
    client.ask(Write(REGISTER, 11, 2))
    assert client.values() == [{11: 2.0, 9: 0}]
