"""Every data type from a cell to the plant and back: what fits arrives, the rest is refused."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from xentara_nb import read_journal
from xentara_nb.errors import WriteRefusedError
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import DataType
from xentara_nb.protocol.values import TimePoint
from xentara_nb.writes import guards
from xentara_nb.writes.outcome import Outcome

MISSING = [
    *(None, pd.NA, pd.NaT, np.datetime64("NaT", "s")),
    *(math.nan, np.float32("nan"), Decimal("NaN")),
]
NEVER = [b"\0", [1], {"a": 1}, object(), 1 + 0j, np.array([1, 2]), pd.Series([1])]
INTEGERS = [kind for kind in DataType if kind.integer_range is not None]
WITHOUT_A_FORM = [DataType.ERROR_CODE, DataType.CUSTOM, DataType.NONE]


def element(kind: DataType) -> str:
    return f"Data Types.{kind.label}"


def test_all_of_the_manual_are_looked_at():
    assert [int(kind) for kind in DataType] == list(range(23))


@pytest.mark.parametrize("kind", INTEGERS)
def test_integers_to_their_very_ends(plant, client, kind):
    first, last = kind.integer_range[0], kind.integer_range[-1]
    dtype = ("u" if first == 0 else "") + f"int{last.bit_length() + (first < 0)}"
    for value in (first, last):
        for form in (value, str(value), np.dtype(dtype).type(value), Decimal(value)):
            result = client.write(element(kind), form)
            assert (result.outcome, result.read_back) == (Outcome.VERIFIED, value)
            assert type(result.read_back) is int
        column = pd.DataFrame(
            {"primary_key": [element(kind)], "value": pd.array([value], dtype=dtype)}
        )
        assert client.plan_writes(column).apply().ok
    plant.forget()
    for value in (first - 1, last + 1, 0.5, "0.5", "0x1", True, np.True_, 2.0**70, "1e1"):
        with pytest.raises(WriteRefusedError, match=kind.label):
            client.write(element(kind), value)
    assert len(plant.writes) == 0


@pytest.mark.parametrize(
    ("kind", "largest"),
    [(DataType.FLOAT_32, 3.4028234663852886e38), (DataType.FLOAT_64, 1.7976931348623157e308)],
)
def test_floats_to_their_very_ends(plant, client, kind, largest):
    for value in (largest, -largest, math.inf, -math.inf, 0.0, -0.0, "nan", 1e-37, "1e3", 7):
        result = client.write(element(kind), value)
        assert result.outcome is Outcome.VERIFIED
        given = float(value)
        assert math.isnan(given) or result.read_back == pytest.approx(given, rel=1e-6)
        arrived = plant.writes["sent"].iloc[-1]
        assert math.copysign(1, arrived) == math.copysign(1, given)
    plant.forget()
    beyond = 3.5e38 if kind is DataType.FLOAT_32 else 10**309
    for value in (beyond, -beyond, "1e999", Decimal("1e-400"), 2**53 + 1, True, "1,5"):
        with pytest.raises(WriteRefusedError, match=kind.label):
            client.write(element(kind), value)
    assert len(plant.writes) == 0


def test_booleans(plant, client):
    key = element(DataType.BOOLEAN)
    for value in (False, True, np.True_, "false", "TRUE"):
        assert client.write(key, value).outcome is Outcome.VERIFIED
    plant.forget()
    for value in (0, 1, 1.0, "1", "yes", "on", np.int8(1), Decimal(1)):
        with pytest.raises(WriteRefusedError, match="Boolean"):
            client.write(key, value)
    assert len(plant.writes) == 0
    assert client.write(key, 0, number_as_boolean=True).read_back is False


def test_time_stamps(plant, client):
    key = element(DataType.TIME_POINT)
    moment = pd.Timestamp("2026-01-01T12:00:00.123456789+02:00")
    for value in (moment, str(moment), moment.to_pydatetime(warn=False), "never", "for ever"):
        assert client.write(key, value).outcome is Outcome.VERIFIED
    assert client.write(key, moment).read_back == moment
    plant.forget()
    for value in ("2026-01-01", "soon", 5):
        with pytest.raises(WriteRefusedError, match="TimePoint"):
            client.write(key, value)
    assert len(plant.writes) == 0


@pytest.mark.parametrize("kind", [kind for kind in DataType if kind not in WITHOUT_A_FORM])
def test_what_no_attribute_takes(plant, client, kind):
    # Text of any kind is refused by its own tests: an attribute of text takes all of it.
    for value in (*MISSING, *NEVER):
        with pytest.raises(WriteRefusedError):
            client.write(element(kind), value)
    frame = client.plan_writes([{"primary_key": element(kind), "value": v} for v in MISSING]).frame
    assert (frame["severity"] == "refused").all()
    assert frame["value"].isna().all()
    assert len(plant.writes) == 0
    assert len(read_journal()) == 0


@pytest.mark.parametrize("kind", [*WITHOUT_A_FORM, 23, 2**40])
def test_types_that_cannot_be_written(kind):
    for value in (0, "0", True, None, TimePoint(0)):
        new, check = guards.check_value(value, AttributeInfo("value", 11, 1, kind), True)
        assert new is None
        assert check.severity is guards.Severity.REFUSED
