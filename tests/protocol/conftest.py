"""Byte vectors, and strategies for everything that the protocol can carry.

The vectors are not made by this library: they were recorded from another client, or written by
hand and accepted by it. They are what keeps both ends from agreeing on the same mistake.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import pytest
from hypothesis import strategies as st

from xentara_nb.protocol import commands, errors, packets, values
from xentara_nb.protocol.commands import sessions
from xentara_nb.protocol.identifiers import NIL_UUID, ErrorCode, MetaDataId

# How long one example takes says more about what else the machine does than about the code.

E = "e3ee10714d884ba18e5d0f1e4ce25ee8"
E2 = "88130ce8b9e74a2a8f26d32a931129aa"
SUBSCRIPTION = "0f1e2d3c4b5a49788695a4b3c2d1e0ff"


class Vector(NamedTuple):
    """One message as bytes; requests go to a server, all others come from one."""

    name: str
    is_request: bool
    data: bytes


def _vectors(is_request: bool, **table: str) -> list[Vector]:
    return [Vector(name, is_request, bytes.fromhex(text)) for name, text in table.items()]


VECTORS = [
    *_vectors(
        True,
        hello="818400010ea200010101",
        lookup="8184000203a1007447726f757020312e4461746120506f696e742031",
        browse_without_options=f"8184000301a100d82550{E}",
        browse=f"8184000401a300d82550{E}010202820102",
        meta_data=f"8184000402a200d82550{E}018400010203",
        write_5=f"8184000405a300d82550{E}010b0205",
        write_half=f"8184000405a300d82550{E}010b02f93e00",
        write_time=f"8184000405a300d82550{E}010b02d903e9a104c482281b17a634b75aa90fc0",
        # The keys of this one stand in the order 2, 3, 0.
        subscribe=f"8184000206a302186403d82550{SUBSCRIPTION}"
        f"0082a200d82550{E}01820b09a200d82550{E2}01810b",
        unsubscribe=f"8184000307a100d82550{SUBSCRIPTION}",
        batch="84"
        "8400010ea200010101"
        "84000203a1007447726f757020312e4461746120506f696e742031"
        f"84000301a100d82550{E}"
        f"84000402a200d82550{E}018400010203",
    ),
    *_vectors(
        False,
        hello_answer="81830101a10001",
        lookup_answer=f"81830102d82550{E}",
        error="81830203a200397d63016f756e6b6e6f776e20656c656d656e74",
        browse_answer=f"8183010481a3006747726f7570203101d82550{E}0201",
        meta_data_answer="81830105a4006a47726f757020312e44500102"
        "0281a4006576616c7565010b0202030003f4",
        write_answer="81820108",
        event=f"81830800a300d903e9a104c482281b17a634b75ab2088f01d82550{E}02a20bd879f93e0009d87900",
        read_answer="81830106a40bd879f509d8790006d879d903e9a104c482281b17a634b75ab2088f"
        "0dd87aa200397d6401716d697373696e6720617474726962757465",
    ),
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes ``vector`` on all of them, ``sent`` and ``received`` on a half."""
    for name, wanted in (("vector", None), ("sent", True), ("received", False)):
        if name in metafunc.fixturenames:
            chosen = [v for v in VECTORS if wanted is None or v.is_request is wanted]
            metafunc.parametrize(name, chosen, ids=[v.name for v in chosen])


@pytest.fixture(scope="session")
def vectors() -> dict[str, bytes]:
    """The vectors by name."""
    return {vector.name: vector.data for vector in VECTORS}


# Strategies. Session fixtures, for conftest.py cannot be imported.

INTEGERS = st.integers(-(1 << 63), (1 << 64) - 1) | st.sampled_from(
    [
        *(0, 23, 24, 255, 256, 65535, 65536, (1 << 32) - 1, 1 << 32),
        *((1 << 63) - 1, 1 << 63, (1 << 64) - 1),
        *(-1, -24, -25, -256, -257, -65536, -65537, -(1 << 32), -(1 << 32) - 1, -(1 << 63)),
    ]
)
UNSIGNED = st.integers(0, 30) | st.integers(0, (1 << 64) - 1)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)
UUIDS = st.uuids() | st.just(NIL_UUID)
TIME_POINTS = st.builds(values.TimePoint, st.integers(-(1 << 63), (1 << 63) - 1)) | st.sampled_from(
    [values.TimePoint.NEVER, values.TimePoint.FOREVER, values.TimePoint(0), values.TimePoint(-1)]
)
# NaN has a test of its own, for it is not equal to itself.
FLOATS = st.floats(allow_nan=False) | st.floats(allow_nan=False, width=16)
VALUES = st.booleans() | INTEGERS | FLOATS | TEXTS | UUIDS | TIME_POINTS
ATTRIBUTE_IDS = UNSIGNED | UUIDS
ERRORS = st.builds(
    errors.server_error,
    st.sampled_from(ErrorCode).map(int) | st.integers(-(1 << 63), (1 << 63) - 1),
    TEXTS.filter(bool),
)
RESULTS = st.dictionaries(ATTRIBUTE_IDS, VALUES | ERRORS, max_size=5)


def _tuples(items: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(items, max_size=5).map(tuple)


def _optional(items: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | items


_IDENTIFIERS = _tuples(UNSIGNED)
_NOT_NIL = st.uuids()
_META_DATA_IDS = _tuples(st.sampled_from(MetaDataId).map(int))
_STAGE_CHANGE = {"sub_session_id": _optional(UUIDS)}

COMMANDS = {
    commands.ServerInformation: {"identifiers": _IDENTIFIERS},
    commands.Browse: {
        "element_uuid": UUIDS,
        "depth": _optional(UNSIGNED),
        "categories": _optional(_IDENTIFIERS),
    },
    commands.MetaData: {"element_uuid": UUIDS, "identifiers": _META_DATA_IDS},
    commands.Lookup: {"primary_key": TEXTS.filter(bool)},
    commands.Read: {"element_uuid": UUIDS, "attribute_ids": _tuples(ATTRIBUTE_IDS)},
    commands.Write: {
        "element_uuid": UUIDS,
        "attribute_id": ATTRIBUTE_IDS,
        "value": VALUES,
        "sub_session_id": _optional(UUIDS),
    },
    commands.Unsubscribe: {"subscription_id": UUIDS},
    commands.GetStage: {},
    commands.Resume: _STAGE_CHANGE,
    commands.Suspend: _STAGE_CHANGE,
    commands.Shutdown: _STAGE_CHANGE,
    commands.CreateSubSession: {
        "authentication": st.builds(sessions.Token, TEXTS)
        | st.builds(sessions.Certificate, st.binary(max_size=40))
        | st.builds(sessions.Password, TEXTS, TEXTS),
        "desired_session_id": _optional(_NOT_NIL),
    },
    commands.CloseSubSession: {"session_id": UUIDS},
}


@st.composite
def _subscribe(draw: st.DrawFn) -> commands.Subscribe:
    target = st.builds(commands.SubscriptionTarget, UUIDS, _tuples(ATTRIBUTE_IDS))
    rates = sorted([draw(UNSIGNED), draw(UNSIGNED)])
    return commands.Subscribe(
        draw(_tuples(target)),
        draw(st.sampled_from([None, 0, rates[0]])),
        draw(st.sampled_from([None, 0, rates[1]])),
        draw(_optional(_NOT_NIL)),
    )


@st.composite
def _hello(draw: st.DrawFn) -> commands.ClientHello:
    return commands.ClientHello(*sorted([draw(UNSIGNED), draw(UNSIGNED)]))


_ATTRIBUTES = _tuples(st.builds(commands.AttributeInfo, TEXTS, ATTRIBUTE_IDS, UNSIGNED, UNSIGNED))
META_DATA_ANSWERS = st.builds(commands.MetaDataAnswer, TEXTS, UNSIGNED, _ATTRIBUTES, st.booleans())

RESULT_OF = {
    commands.ServerInformation: st.dictionaries(UNSIGNED, TEXTS, max_size=4),
    commands.Browse: st.lists(st.builds(commands.BrowseEntry, TEXTS, UUIDS, UNSIGNED), max_size=4),
    commands.MetaData: META_DATA_ANSWERS,
    commands.Lookup: UUIDS,
    commands.Read: RESULTS,
    commands.Subscribe: UUIDS,
    commands.GetStage: INTEGERS,
    commands.CreateSubSession: _NOT_NIL,
    commands.ClientHello: UNSIGNED,
}

COMMAND_STRATEGIES = {
    **{kind: st.builds(kind, **fields) for kind, fields in COMMANDS.items()},
    commands.Subscribe: _subscribe(),
    commands.ClientHello: _hello(),
}
EVENTS = st.builds(commands.DataChange, TIME_POINTS, UUIDS, RESULTS)


@pytest.fixture(scope="session")
def command_strategies() -> dict[type, st.SearchStrategy]:
    """Every command with a strategy for it."""
    return COMMAND_STRATEGIES


@pytest.fixture(scope="session")
def result_strategies() -> dict[type, st.SearchStrategy]:
    """Every command with a result, with a strategy for that."""
    return RESULT_OF


@pytest.fixture(scope="session")
def value_strategy() -> st.SearchStrategy:
    """Every value of an attribute but NaN."""
    return VALUES


@pytest.fixture(scope="session")
def event_strategy() -> st.SearchStrategy:
    """Data change events."""
    return EVENTS


@pytest.fixture(scope="session")
def answer_strategy() -> st.SearchStrategy:
    """Messages from a server, with everything in them that is well-formed."""
    success = st.builds(packets.Success, INTEGERS, st.just(packets.NOTHING) | VALUES)
    failure = st.builds(packets.Failure, INTEGERS, ERRORS)
    event = EVENTS.map(lambda event: event.event())
    return st.lists(success | failure | event, max_size=5)


@pytest.fixture(scope="session")
def element() -> UUID:
    """The element of most vectors."""
    return UUID(E)
