"""Configurations with anything in them: they are served, or refused with one message."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest

from xentara_nb.simulator.config import demo
from xentara_nb.simulator.config.configuration import from_documents
from xentara_nb.simulator.documents import ConfigurationError
from xentara_nb.simulator.plant.plant import Plant

Documents = dict[str, dict[str, Any]]

_ANYTHING: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 1e308, -1e308, 2**63, 10**400),
    *("", "x", "0", "[a]", "a..b", "\0", "a\nb", "500ms", "99999999999999999h", "😀"),
    *("00000000-0000-0000-0000-000000000000", "$6$x$y", "1970-01-01T00:00:00Z"),
    *([], {}, [[]], [{}], {"a": 1}, ["float64", 1], ["uint8", -1], {"@Noise": {}}),
)
_NAMES = ("", "@Skill.A.B", "io", "children", "UUID", "name", "ACL", "dataType", "x\ny", "roles")


def _change(content: Any, chance: random.Random) -> None:
    """Change one thing somewhere in a document."""
    places: list[tuple[Any, Any]] = []
    waiting = [content]
    while waiting:
        container = waiting.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container))
        for key in keys:
            places.append((container, key))
            if isinstance(container[key], dict | list):
                waiting.append(container[key])
    if not places:
        return
    container, key = chance.choice(places)
    other, other_key = chance.choice(places)
    changes: list[Callable[[], Any]] = [
        lambda: container.pop(key),
        lambda: container.__setitem__(key, copy.deepcopy(chance.choice(_ANYTHING))),
        lambda: container.__setitem__(key, copy.deepcopy(other[other_key])),
        lambda: container.__setitem__(key, f"{container[key]}x"),
        lambda: (
            container.insert(key, copy.deepcopy(container[key]))
            if isinstance(container, list)
            else container.__setitem__(
                chance.choice(_NAMES), copy.deepcopy(chance.choice(_ANYTHING))
            )
        ),
    ]
    chance.choice(changes)()


def _whole(small: Documents) -> Documents:
    """Return a configuration in which there is something of everything."""
    children = small["model.json"]["children"]
    parts = demo.documents()["model.json"]["children"]
    children += copy.deepcopy(parts)
    small["oauth2.json"] = {
        "scope": ["plant"],
        "issuers": [
            {
                "iss": "https://login.example",
                "aud": "plant",
                "verification": {"jwks": {"keys": [{"kty": "other"}]}},
                "roles": ["Shift"],
                "authorizationClaims": {"group": {"a": ["Shift"]}, "scope": "implicit"},
                "nonConformance": {"allowMissingTyp": True},
            }
        ],
    }
    small["client-certs.json"] = {
        "rules": [
            {"fingerprint": "00" * 32, "roles": ["Shift"]},
            {"issuer": "C=DE, CN=x", "subject": "CN=y", "serialNumber": "01"},
        ],
        "rootCertificates": [],
    }
    small["config.json"]["httpServer"]["authentication"] |= {"realm": "x", "scope": ["plant"]}
    small["security.json"]["entitlements"] = [
        {"name": "monitor", "UUID": "66666666-6666-4666-8666-666666666666", "default": "allow"}
    ]
    return small


def _serve(documents: Documents) -> Plant | ConfigurationError:
    try:
        found = from_documents(documents)
        return Plant.from_model(found.model, found.security)
    except ConfigurationError as error:
        return error


@pytest.mark.parametrize("seed", range(6))
def test_it_is_served_or_refused_with_one_message(
    seed: int, small: Documents, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("ERROR")
    whole, chance = _whole(small), random.Random(seed)
    served = 0
    for _ in range(20):
        documents = copy.deepcopy(whole)
        # The model holds most of what there can be.
        name = chance.choice([*documents, "model.json", "model.json", "model.json"])
        for _ in range(chance.choice((1, 1, 2))):
            _change(documents[name], chance)
        found = _serve(documents)
        if isinstance(found, ConfigurationError):
            assert found.file == name
            assert found.problem
            assert found.hint
            assert "\n" not in str(found)
            continue
        served += 1
        for element in found:
            for info in element.table.infos:
                element.read(info.attribute_id)
    assert served
