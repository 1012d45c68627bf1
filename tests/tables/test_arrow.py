from __future__ import annotations

import sys
from typing import Any
from uuid import UUID

import pandas as pd
import pyarrow
import pytest

from xentara_nb.errors import MissingExtraError
from xentara_nb.tables.arrow import from_arrow
from xentara_nb.tables.references import Reference, element_references


class Table:
    """A table of a library that is not known, as far as anyone can know it."""

    def __init__(self, **columns: Any) -> None:
        self.table = pyarrow.table(columns)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def test_rows_of_another_library() -> None:
    table = Table(
        primary_key=["Plant", "Pump"],
        element_uuid=[str(UUID(int=1)), None],
        attribute_id=["11", str(UUID(int=77))],
        attribute_name=["value", None],
    )
    expected = [
        Reference("Plant", UUID(int=1), 11, "value"),
        Reference("Pump", None, UUID(int=77), None),
    ]
    assert list(element_references(table)) == expected
    assert list(element_references(table.table)) == expected


def test_types_stay() -> None:
    frame = from_arrow(
        Table(
            count=pyarrow.array([1, None], "uint64"),
            run=[True, None],
            speed=[1.5, None],
            time=pyarrow.array([0, 1], pyarrow.timestamp("ns", "UTC")),
        )
    )
    assert frame.dtypes.astype(str).tolist() == [
        *("UInt64", "boolean", "float64", "datetime64[ns, UTC]")
    ]
    assert frame["count"].tolist() == [1, pd.NA]


def test_anything_else_stays_as_it_is() -> None:
    frame = pd.DataFrame({"primary_key": ["Plant"]})
    for other in (frame, frame["primary_key"], "Plant", None, {"primary_key": "Plant"}):
        assert from_arrow(other) is other


def test_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(primary_key=["Plant"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'xentara_nb\[parquet\]'"):
        element_references(table)
