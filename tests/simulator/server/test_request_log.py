"""The log of requests and writes."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pytest
from cbor2 import CBORTag

from xentara_nb.protocol.values import Alternative, TimePoint
from xentara_nb.simulator.server.request_log import (
    RequestLog,
    RequestRecord,
    WriteRecord,
    to_json,
)

E = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
READ = RequestRecord(1, 2, "anna", 7, 4, "read", {0: E, 1: [11]}, 0, "", 0.0015)
WRITE = WriteRecord(1, 2, "anna", None, "Group.Register", E, "value", 11, 5, 5.0, 0, "")
REFUSED = WRITE._replace(session_user="ben", value=None, code=-32109, text="stuck")


def test_frames() -> None:
    log = RequestLog()
    log.add_request(READ)
    log.add_request(READ._replace(opcode=99, command="", code=-32109))
    log.add_request(READ._replace(opcode=None, command="", parameters=None))
    requests = log.requests()
    assert list(requests) == [
        *("time", "connection", "user", "message_id", "opcode", "command", "parameters"),
        *("code", "text", "duration"),
    ]
    assert requests["command"].tolist() == ["read", "", ""]
    assert requests["code"].tolist() == [0, -32109, 0]
    assert requests["parameters"][0] == {"0": str(E), "1": [11]}
    assert requests["duration"][0] == 0.0015
    log.add_write(WRITE)
    log.add_write(REFUSED)
    writes = log.writes()
    assert list(writes) == [
        *("time", "connection", "user", "session_user", "primary_key", "element_uuid"),
        *("attribute_name", "attribute_id", "sent", "value", "code", "text"),
    ]
    assert writes["sent"].tolist() == [5, 5]
    # An integer stays one beside a float.
    assert [type(value) for value in writes["sent"]] == [int, int]
    assert writes["value"].tolist() == [5.0, None]
    assert writes["code"].tolist() == [0, -32109]
    assert writes["text"].tolist() == ["", "stuck"]
    assert writes["time"][0] == pd.Timestamp(1, unit="ns", tz="UTC")


def test_an_empty_frame_has_the_same_types() -> None:
    empty, full = RequestLog(), RequestLog()
    full.add_request(READ)
    full.add_write(REFUSED)
    for one, other in (
        (empty.requests(), full.requests()),
        (empty.writes(), full.writes()),
    ):
        assert one.dtypes.to_dict() == other.dtypes.to_dict()
    types = (
        full.requests().dtypes.astype(str).to_dict() | full.writes().dtypes.astype(str).to_dict()
    )
    assert types == {
        "time": "datetime64[ns, UTC]",
        **dict.fromkeys(("connection", "message_id", "code"), "int64"),
        **dict.fromkeys(("user", "session_user", "primary_key", "attribute_name"), "str"),
        **dict.fromkeys(("command", "text"), "str"),
        **dict.fromkeys(("parameters", "element_uuid", "attribute_id", "sent", "value"), "object"),
        "opcode": "Int64",
        "duration": "float64",
    }
    full.clear()
    assert len(full.requests()) == len(full.writes()) == 0


def test_only_the_last_ones_are_kept() -> None:
    log = RequestLog(max_records=3)
    for number in range(10):
        log.add_request(READ._replace(message_id=number))
    assert log.requests()["message_id"].tolist() == [7, 8, 9]


def test_large_ones_push_the_others_out() -> None:
    log = RequestLog(max_bytes=1000)
    for number in range(10):
        log.add_request(READ._replace(message_id=number, parameters="x" * 250))
        log.add_write(WRITE._replace(connection=number, sent="x" * 250))
    assert log.requests()["message_id"].tolist() == [7, 8, 9]
    assert log.writes()["connection"].tolist() == [7, 8, 9]
    log.add_request(READ._replace(parameters="x" * 1001))
    assert log.requests().empty
    for _ in range(10):
        log.add_request(READ._replace(parameters=""))
    assert len(log.requests()) == 10


@pytest.mark.parametrize(
    "value",
    [
        [[]] * 200,
        dict.fromkeys(range(100), 0),
        {0: Alternative(2, [0] * 200)},
        {0: CBORTag(99, [0] * 200)},
        b"x" * 10_000,
    ],
)
def test_what_is_small_on_the_wire_counts_as_it_is_in_memory(value: Any) -> None:
    log = RequestLog(max_bytes=10_000)
    log.add_request(READ._replace(parameters={0: value}))
    assert log.requests().empty


def test_the_file_has_a_line_for_each(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = RequestLog()
    for _ in range(2):
        log.open(path)
        log.add_request(READ)
        log.add_write(WRITE._replace(sent=float("inf"), value=TimePoint(0)))
        log.close()
    log.add_request(READ)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["kind"] for line in lines] == ["request", "write"] * 2
    assert lines[0]["command"] == "read"
    assert lines[0]["time"] == "1970-01-01T00:00:00.000000001Z"
    assert (lines[1]["sent"], lines[1]["value"]) == ("inf", "1970-01-01T00:00:00Z")


def test_log_ins_are_not_kept(tmp_path: Path) -> None:
    log = RequestLog()
    log.open(tmp_path / "log.jsonl")
    secret = {0: Alternative(2, {0: "ben", 1: "secret"})}
    log.add_request(READ._replace(opcode=12, parameters=secret))
    log.close()
    assert log.requests()["parameters"].tolist() == ["***"]
    assert "secret" not in (tmp_path / "log.jsonl").read_text(encoding="utf-8")


def test_values_in_json() -> None:
    content = {0: [b"\x01", E, 1.5, True, None, "x", Alternative(0, 5), object]}
    shown = to_json(content)
    assert shown["0"][:-1] == ["01", str(E), 1.5, True, None, "x", 5]
    assert json.dumps(shown)


def test_snapshots_while_others_write() -> None:
    log = RequestLog()
    stop = threading.Event()

    def write() -> None:
        # Slowly enough that the frames stay small, of which each is larger than the one before.
        while not stop.wait(1e-5):
            log.add_write(WRITE)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        sizes = [len(log.writes()) for _ in range(20)]
    finally:
        stop.set()
        writer.join()
    assert sizes == sorted(sizes)
