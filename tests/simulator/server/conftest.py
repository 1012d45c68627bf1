"""A small service, and clients of it without a network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import uuid4

import pytest

from tests.simulator.conftest import HASH, Documents
from tests.simulator.server.sessions import OfflineClient, Subscriber, service_of
from xentara_nb.simulator.config.configuration import from_documents
from xentara_nb.simulator.server.session import Service


@pytest.fixture
def rights(small: Documents) -> Documents:
    """Return documents in which everyone reads, and a guest without a role can log in as well."""
    everyone, shift = small["security.json"]["ACL"]["entries"]
    everyone["allow"].append("read")
    shift["allow"] += ["suspend", "shutdown"]
    guest = str(uuid4())
    small["users.json"]["users"].append({"userName": "guest", "UUID": guest, "roles": []})
    small["passwords.json"][guest] = HASH
    return small


@pytest.fixture
def service(rights: Documents) -> Service:
    return service_of(from_documents(rights), version="1.2.3")


@pytest.fixture
def offline(service: Service) -> Callable[..., OfflineClient]:
    return partial(OfflineClient, service)


@pytest.fixture
def client(service: Service) -> Subscriber:
    return Subscriber(service)
