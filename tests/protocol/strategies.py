"""Strategies for everything that the protocol can carry."""

from __future__ import annotations

from hypothesis import strategies as st

from xentara_nb.protocol import commands, errors, packets, values
from xentara_nb.protocol.commands import sessions
from xentara_nb.protocol.identifiers import NIL_UUID, MetaDataId

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
    st.sampled_from(sorted(errors.ERRORS_BY_CODE)) | st.integers(-(1 << 63), (1 << 63) - 1),
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
ANSWERS = st.lists(
    st.builds(packets.Success, INTEGERS, st.just(packets.NOTHING) | VALUES)
    | st.builds(packets.Failure, INTEGERS, ERRORS)
    | EVENTS.map(lambda event: event.event()),
    max_size=5,
)
"""Messages from a server, with everything in them that is well-formed."""
