"""The identifier tables, complete and literal."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest

from xentara_nb.protocol.identifiers import (
    ATTRIBUTES_BY_NAME,
    ATTRIBUTES_BY_UUID,
    NIL_UUID,
    PROTOCOL_VERSION,
    Access,
    Attribute,
    Category,
    DataType,
    EventType,
    Labelled,
    MetaDataId,
    OpCode,
    PacketType,
    Quality,
    ServerInformationId,
    Stage,
    known,
    label,
)

NAMES = {
    PacketType: {"REQUEST": 0, "SUCCESS": 1, "ERROR": 2, "EVENT": 8},
    EventType: {"DATA_CHANGE": 0},
    OpCode: {
        "SERVER_INFORMATION": 0,
        "BROWSE": 1,
        "META_DATA": 2,
        "LOOKUP": 3,
        "READ": 4,
        "WRITE": 5,
        "SUBSCRIBE": 6,
        "UNSUBSCRIBE": 7,
        "GET_STAGE": 8,
        "RESUME": 9,
        "SUSPEND": 10,
        "SHUTDOWN": 11,
        "CREATE_SUB_SESSION": 12,
        "CLOSE_SUB_SESSION": 13,
        "CLIENT_HELLO": 14,
    },
    ServerInformationId: {"VERSION": 0, "USER_NAME": 1, "MODEL_FILE_PATH": 2},
    MetaDataId: {
        "PRIMARY_KEY": 0,
        "ELEMENT_CATEGORY": 1,
        "ATTRIBUTE_LIST": 2,
        "HAS_CHILDREN": 3,
    },
}

LABELS = {
    Category: [
        "root element",
        "element group",
        "data point",
        "timer",
        "execution track",
        "execution pipeline",
        "device",
        "sub device",
        "device group",
        "data point group",
        "transaction",
        "microservice",
        "AI",
        "data storage",
        "external interface",
        "special purpose",
    ],
    Access: ["read only", "write only", "read and write"],
    DataType: [
        "Boolean",
        "SignedInteger8",
        "SignedInteger16",
        "SignedInteger32",
        "SignedInteger64",
        "UnsignedInteger8",
        "UnsignedInteger16",
        "UnsignedInteger32",
        "UnsignedInteger64",
        "Float32",
        "Float64",
        "String",
        "WString",
        "U8String",
        "U16String",
        "U32String",
        "TimePoint",
        "Uuid",
        "Quality",
        "ElementCategory",
        "ErrorCode",
        "Custom",
        "None",
    ],
    Quality: ["good", "acceptable", "unreliable", "bad"],
    Stage: [
        "start up",
        "pre operational",
        "operational",
        "post operational",
        "shutdown",
        "suspended",
        "terminated",
    ],
}

ATTRIBUTES = [
    (0, "PRIMARY_KEY", "key", "ed22790e-261b-4a23-bfcc-6175a5571b33"),
    (1, "NAME", "name", "0f974e57-cb9a-4d46-8811-efe3d619ecb9"),
    (2, "UUID", "UUID", "b610a3e8-eff1-4a1a-b099-1939586b7aff"),
    (3, "TYPE", "type", "e1d217de-cf51-4852-8b90-d691a00871dc"),
    (4, "CATEGORY", "category", "cc9219e1-74b5-4be4-86c7-0fff12eb5324"),
    (5, "SOURCE_TIME", "sourceTime", "5f67b0fb-d000-4b7c-92e4-78a36cb05b9d"),
    (6, "UPDATE_TIME", "updateTime", "91eed150-f62c-424b-ba59-9269b02e234c"),
    (7, "CHANGE_TIME", "changeTime", "54f09787-dcbe-4fbf-9a02-524e469eea47"),
    (8, "WRITE_TIME", "writeTime", "0a62de23-0564-4b91-8225-569dfa1ac04f"),
    (9, "QUALITY", "quality", "d3c4b709-bccf-4665-9621-abfb5c6addce"),
    (10, "DEVICE_STATE", "deviceState", "d0da9c4b-3240-404d-9f40-e52361b870e6"),
    (11, "VALUE", "value", "4aa0e4e0-521e-4599-a985-e454baa59f89"),
    (12, "ERROR", "error", "85a28731-2553-4886-8cd1-8b9d9980fa04"),
    (13, "WRITE_ERROR", "writeError", "70435d1d-224f-4c25-a1ac-5191d7514252"),
]

RANGES = {
    "SignedInteger8": (-128, 127),
    "SignedInteger16": (-32768, 32767),
    "SignedInteger32": (-2147483648, 2147483647),
    "SignedInteger64": (-9223372036854775808, 9223372036854775807),
    "UnsignedInteger8": (0, 255),
    "UnsignedInteger16": (0, 65535),
    "UnsignedInteger32": (0, 4294967295),
    "UnsignedInteger64": (0, 18446744073709551615),
}


@pytest.mark.parametrize("table", NAMES)
def test_names(table):
    assert {member.name: member.value for member in table} == NAMES[table]


@pytest.mark.parametrize("table", LABELS)
def test_labels(table):
    assert [(member.value, member.label) for member in table] == list(enumerate(LABELS[table]))


def test_every_labelled_table_is_listed_here():
    assert set(Labelled.__subclasses__()) == set(LABELS)


def test_attributes():
    assert [(a.value, a.name, a.attribute_name, str(a.uuid)) for a in Attribute] == ATTRIBUTES


def test_attributes_by_name_and_by_uuid():
    assert {name: int(a) for name, a in ATTRIBUTES_BY_NAME.items()} == {
        name: number for number, _, name, _ in ATTRIBUTES
    }
    assert {uuid: int(a) for uuid, a in ATTRIBUTES_BY_UUID.items()} == {
        UUID(uuid): number for number, _, _, uuid in ATTRIBUTES
    }


def test_access():
    assert [(a.readable, a.writable) for a in Access] == [
        (True, False),
        (False, True),
        (True, True),
    ]


def test_integer_ranges():
    ranges = {
        t.label: (t.integer_range[0], t.integer_range[-1]) for t in DataType if t.integer_range
    }
    assert ranges == RANGES
    assert [t.label for t in DataType if t.integer_range is None] == [
        name for name in LABELS[DataType] if name not in RANGES
    ]


def test_kinds_of_data_types():
    assert [t.label for t in DataType if t.is_float] == ["Float32", "Float64"]
    assert [t.label for t in DataType if t.is_text] == [
        "String",
        "WString",
        "U8String",
        "U16String",
        "U32String",
    ]


def test_constants():
    assert PROTOCOL_VERSION == 1
    assert str(NIL_UUID) == "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("table", LABELS)
def test_known_identifiers(table):
    for value, text in enumerate(LABELS[table]):
        assert known(table, value) is table(value)
        assert label(table, value) == text
        assert label(table, table(value)) == text


@pytest.mark.parametrize(
    ("table", "value"),
    [(Category, 16), (DataType, 23), (Access, 3), (Quality, 4), (Stage, 7), (Category, -1)],
)
def test_the_identifier_of_a_newer_server_stays_a_number(table, value):
    assert type(known(table, value)) is int
    assert known(table, value) == value
    assert label(table, value) == str(value)


def test_the_member_of_another_table_is_no_member():
    # A number like any other, and shown as one.
    assert label(Access, Category.SPECIAL_PURPOSE) == "15"


@pytest.mark.parametrize("table", LABELS)
def test_labels_and_numbers_are_found(table):
    for number, text in enumerate(LABELS[table]):
        spellings = (
            text,
            f" {text.upper()}\n",
            number,
            str(number),
            table(number),
            np.int64(number),
        )
        for value in spellings:
            assert table.find(value) is table(number)


@pytest.mark.parametrize(
    "value", ["fair", "", "4", "-1", "1.0", "GOOD_", 4, -1, 1.0, True, None, b"good", ["good"]]
)
def test_what_is_no_label_and_no_number_is_not_found(value):
    assert Quality.find(value) is None


def test_all_labels_for_a_message():
    assert Quality.labels() == "good, acceptable, unreliable, bad"
