"""The lines of a journal: every value comes back from them."""

from __future__ import annotations

import getpass
import json
import math
import os

from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.protocol.values import TimePoint
from xentara_nb.writes.records import decode_value, encode_value, header

VALUES = (
    st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text()
    | st.uuids()
    | st.integers(-(2**63), 2**63 - 1).map(TimePoint)
)


@given(VALUES)
def test_every_value_comes_back(value):
    back = decode_value(json.loads(encode_value(value)))
    assert type(back) is type(value)
    assert back == value or (math.isnan(back) and math.isnan(value))
    if isinstance(value, float):
        assert math.copysign(1, back) == math.copysign(1, value) or math.isnan(value)


def test_what_is_no_value_is_kept_as_a_text():
    back = decode_value(json.loads(encode_value([1, b"x"])))
    assert back == "[1, b'x']"


def test_an_account_without_a_name(monkeypatch):
    def no_name():
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", no_name)
    monkeypatch.setattr(os, "getpid", lambda: 2**30)  # of another process nothing is known yet
    assert '"account": ""' in header("p", "s", "u", None)
