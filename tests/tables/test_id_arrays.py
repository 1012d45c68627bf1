from __future__ import annotations

import copy
import io
import json
import pickle
from enum import IntEnum
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.tables.files import read_table
from xentara_nb.tables.frames import inventory_frame
from xentara_nb.tables.id_arrays import IdArray, IdDtype, id_array

LOW, HIGH = UUID(int=5), UUID(int=1 << 100)
ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))
ATTRIBUTES = (
    AttributeInfo("units", HIGH, 0, 11),
    AttributeInfo("value", 11, 2, 10),
    AttributeInfo("key", 0, 0, 11),
    AttributeInfo("limit", LOW, 2, 10),
)
A = inventory_frame([("a", ONE, 2, ATTRIBUTES), ("b", TWO, 2, ATTRIBUTES[:3])])
B = inventory_frame([("b", TWO, 2, ATTRIBUTES[1:]), ("c", THREE, 2, ATTRIBUTES)])
IDS = ["element_uuid", "attribute_id"]


class Well(IntEnum):
    VALUE = 11


def ids(*values: object) -> pd.Series[object]:
    return pd.Series(IdArray.of(values))


def test_what_comes_out_is_plain() -> None:
    found = A["attribute_id"]
    assert [type(each) for each in found.tolist()[:4]] == [int, UUID, UUID, int]
    assert type(found.iloc[1]) is UUID
    assert {type(each) for each in A["element_uuid"]} == {UUID}
    assert ids(11, None).tolist() == [11, None]
    assert ids(11, None).to_numpy().tolist() == [11, None]
    assert ids(11, None).to_numpy(na_value=0).tolist() == [11, 0]


def test_what_goes_in_may_be_texts_or_numbers_of_pandas() -> None:
    mixed = ["11", str(HIGH), np.int64(3), 4.0, np.nan, pd.NA, pd.NaT, None, LOW, Well.VALUE]
    found = pd.Series(mixed, dtype="xentara_id")
    assert found.tolist() == [11, HIGH, 3, 4, None, None, None, None, LOW, 11]
    assert {type(each) for each in found.dropna()} == {int, UUID}
    for other in ("Plant", True, 1.5, b"1", 1 << 128, f"{{{LOW}", "011"):
        with pytest.raises(TypeError, match="is no id"):
            pd.Series([other], dtype="xentara_id")


@pytest.mark.parametrize("value", [11, "11", 11.0, np.int32(11), Well.VALUE])
def test_an_integer_is_found_in_any_form(value: object) -> None:
    assert A[A["attribute_id"] == value]["primary_key"].tolist() == ["a", "b"]
    assert (A["attribute_id"] != value).sum() == len(A) - 2


@pytest.mark.parametrize("value", [ONE, str(ONE), str(ONE).upper()])
def test_a_uuid_is_found_in_any_form(value: object) -> None:
    assert (A["element_uuid"] == value).tolist() == [True] * 4 + [False] * 3


@pytest.mark.parametrize("value", ["value", None, True, 99, 1.5, b"", pd.NA])
def test_what_is_no_id_that_there_is_equals_none(value: object) -> None:
    assert not (A["attribute_id"] == value).any()
    assert (A["attribute_id"] != value).all()


def test_columns_are_compared_row_by_row() -> None:
    left, right = ids(11, LOW, None, HIGH), ids(11, HIGH, None, LOW)
    assert (left == right).tolist() == [True, False, False, False]
    assert (left != right).tolist() == [False, True, True, True]
    assert (left == left).tolist() == [True, True, False, True]
    assert (left < right).tolist() == [False, True, False, False]
    assert (left == ["11", "x", None, str(HIGH)]).tolist() == [True, False, False, True]
    with pytest.raises(ValueError, match="there are 4 ids, and 1 to compare with"):
        left.array == [1]  # noqa: B015  # comparing raises


def test_uuids_are_ordered_behind_integers() -> None:
    found = ids(HIGH, 11, None, LOW, 0, -1)
    assert found.sort_values().tolist() == [-1, 0, 11, LOW, HIGH, None]
    assert found.sort_values(ascending=False).tolist() == [HIGH, LOW, 11, 0, -1, None]
    assert (found < LOW).tolist() == [False, True, False, False, True, True]
    assert found.between(0, 11).sum() == 2
    assert (found.min(), found.max()) == (-1, HIGH)
    assert found.max(skipna=False) is None
    with pytest.raises(TypeError, match="is no id"):
        found < "text"  # noqa: B015  # comparing raises


def test_where_an_id_would_be_inserted() -> None:
    found = id_array([0, 11, LOW, HIGH])
    assert found.searchsorted(12) == 2
    assert found.searchsorted([LOW, "11"], side="right").tolist() == [3, 2]


def test_inventories_keep_their_dtypes() -> None:
    empty = inventory_frame([])
    assert A.dtypes.equals(empty.dtypes)
    for parts in ([A, B], [A, empty], [empty, empty], [A[:2], A[2:]], [A[:1], B, A]):
        both = pd.concat(parts)
        assert both.dtypes.equals(A.dtypes)
        assert both["attribute_id"].tolist() == [e for part in parts for e in part["attribute_id"]]
        assert both["element_uuid"].tolist() == [e for part in parts for e in part["element_uuid"]]


def test_an_id_that_is_in_the_table_twice_is_one() -> None:
    # Both inventories bring a table of their own.
    both = pd.concat([A, B], ignore_index=True)
    found = both["attribute_id"]
    assert (found == 11).sum() == (found == HIGH).sum() + 1 == 4
    assert found.unique().tolist() == [0, LOW, HIGH, 11]
    assert found.nunique() == 4
    assert both.duplicated(IDS).sum() == 2
    assert both.drop_duplicates("element_uuid")["primary_key"].tolist() == ["a", "b", "c"]
    assert found.value_counts().to_dict() == {0: 4, 11: 4, LOW: 3, HIGH: 3}
    assert both.groupby("element_uuid").size().to_dict() == {ONE: 4, TWO: 6, THREE: 4}
    assert found.mode().tolist() == [0, 11]
    assert both.sort_values("attribute_id")["attribute_id"].tolist() == (
        [0] * 4 + [11] * 4 + [LOW] * 3 + [HIGH] * 3
    )
    assert found.rank(method="dense").tolist()[:4] == [1, 3, 4, 2]


def test_gaps_are_counted_where_asked() -> None:
    found = ids(11, None, 11, LOW, None, None)
    assert found.isna().tolist() == [False, True, False, False, True, True]
    assert found.value_counts().tolist() == [2, 1]
    assert found.value_counts(dropna=False).tolist() == [3, 2, 1]
    assert found.mode().tolist() == [11]
    assert found.mode(dropna=False).tolist() == [None]
    assert pd.Series([LOW, 11, LOW, 11], dtype="xentara_id").mode().tolist() == [11, LOW]
    codes, distinct = found.factorize(use_na_sentinel=False)
    assert codes.tolist() == [0, 1, 0, 2, 1, 1]
    assert list(distinct) == [11, None, LOW]


def test_isin_takes_ids_in_any_form() -> None:
    found = ids(11, LOW, None, HIGH)
    assert found.isin([11, str(LOW), "text", 5]).tolist() == [True, True, False, False]
    assert found.isin([None]).tolist() == [False, False, True, False]
    assert found.isin(ids(HIGH, HIGH)).tolist() == [False, False, False, True]


@pytest.mark.parametrize("how", ["inner", "left", "right", "outer"])
def test_inventories_are_merged(how: str) -> None:
    merged = A.merge(B, on=IDS, how=how)
    pairs = [set(zip(*frame[IDS].to_numpy().T.tolist(), strict=True)) for frame in (A, B)]
    expected = {
        "inner": pairs[0] & pairs[1],
        "left": pairs[0],
        "right": pairs[1],
        "outer": pairs[0] | pairs[1],
    }
    assert set(zip(*merged[IDS].to_numpy().T.tolist(), strict=True)) == expected[how]
    assert [merged[name].dtype for name in IDS] == [IdDtype(), IdDtype()]


def test_a_column_of_integers_is_taken() -> None:
    numbers = pd.DataFrame({"attribute_id": [11, 99], "wanted": [True, False]})
    assert A.merge(numbers, on="attribute_id")["attribute_id"].tolist() == [11, 11]
    numbers = numbers.astype({"attribute_id": "xentara_id"})
    merged = A.merge(numbers, on="attribute_id", how="outer")
    assert merged["attribute_id"].tolist() == [0, 0, 11, 11, 99, LOW, HIGH, HIGH]
    assert merged["attribute_id"].dtype == A["attribute_id"].dtype
    assert pd.concat([A["attribute_id"], pd.Series([11, 99])]).dtype == IdDtype()
    assert pd.concat([A["attribute_id"], A["primary_key"]]).dtype == object


def test_tables_are_pivoted_and_indexed() -> None:
    wide = A.pivot(index="element_uuid", columns="attribute_id", values="attribute_name")
    assert wide.columns.tolist() == [0, 11, LOW, HIGH]
    assert wide.loc[ONE, LOW] == "limit"
    indexed = A.set_index(IDS).sort_index()
    assert indexed.loc[(TWO, 11), "attribute_name"] == "value"
    by_id = A.drop_duplicates("attribute_id").set_index("attribute_id")
    assert by_id.reindex([11, 99])["attribute_name"].tolist()[:1] == ["value"]


def test_results_of_functions_are_what_they_are() -> None:
    found = A["attribute_id"]
    assert found.map(type).ne(int).sum() == 3
    assert found.map(str).dtype == "str"
    assert A["element_uuid"].map(lambda each: each.int).dtype == np.int64
    assert found.map(lambda each: each).dtype == IdDtype()
    assert A.apply(lambda row: row["attribute_id"], axis=1).tolist() == found.tolist()


def test_values_are_set_in_one_frame_only() -> None:
    other = A.copy()
    other.loc[0, "element_uuid"] = THREE
    other.loc[1, "attribute_id"] = "99"
    other.loc[2, "attribute_id"] = None
    other.loc[[3, 4], "attribute_id"] = [HIGH, 98]
    assert other["attribute_id"].tolist() == [0, 99, None, HIGH, 98, HIGH, 11]
    assert other["element_uuid"].tolist()[:2] == [THREE, ONE]
    assert A["attribute_id"].tolist() == [0, LOW, HIGH, 11, 0, HIGH, 11]
    assert (A["attribute_id"] == 99).sum() == 0
    with pytest.raises(TypeError, match="is no id"):
        other.loc[0, "attribute_id"] = "value"
    with pytest.raises(ValueError, match="read-only"):
        pd.Index(A["attribute_id"]).array[:2][0] = 1


def test_a_view_sees_what_is_set() -> None:
    found = id_array([11, LOW])
    view = found.view()
    view[0] = HIGH
    assert found.tolist() == [HIGH, LOW]
    with pytest.raises(NotImplementedError):
        found.view("int64")


def test_it_can_be_copied_and_pickled() -> None:
    for other in (copy.deepcopy(A), pickle.loads(pickle.dumps(A))):
        assert other.equals(A)
        assert (other["attribute_id"] == 11).sum() == 2


def test_it_is_shown_as_text() -> None:
    lines = repr(A["attribute_id"]).splitlines()
    assert lines[1].split() == ["1", str(LOW)]
    assert lines[-1].endswith("dtype: xentara_id")
    assert A["element_uuid"].astype(str).tolist()[0] == str(ONE)
    assert A["attribute_id"].astype("string").tolist()[1] == str(LOW)
    assert A["element_uuid"].to_numpy("U36")[0] == str(ONE)
    assert A[A["attribute_id"] < 12]["attribute_id"].astype(int).dtype == np.int64


def test_a_csv_comes_back() -> None:
    text = A.to_csv(index=False)
    again = pd.read_csv(io.StringIO(text), dtype=dict.fromkeys(IDS, "xentara_id"))
    assert again[IDS].equals(A[IDS])


def test_json_has_texts_and_numbers() -> None:
    again = pd.read_json(io.StringIO(A.to_json(orient="records")))
    assert again["attribute_id"].tolist()[:4] == [0, str(LOW), str(HIGH), 11]


def test_excel_has_texts_and_numbers(tmp_path: Path) -> None:
    A.to_excel(tmp_path / "a.xlsx", index=False)
    again = pd.read_excel(tmp_path / "a.xlsx")
    assert again[IDS].astype("xentara_id").equals(A[IDS])


def test_parquet_has_texts_that_pandas_alone_reads(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    A[5:].to_parquet(path)
    again = pd.read_parquet(path)
    assert again["attribute_id"].tolist() == [str(HIGH), "11"]
    assert again[IDS].astype("xentara_id").equals(A[5:][IDS])
    # pandas alone, without this library, knows the dtypes that the file names.
    (about,) = [
        json.loads(text) for key, text in pq.read_schema(path).metadata.items() if key == b"pandas"
    ]
    names = {each["name"]: each["numpy_type"] for each in about["columns"]}
    assert [names[name] for name in IDS] == ["object", "object"]


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet", ".xlsx"])
def test_an_added_column_of_ids_is_kept(tmp_path: Path, ending: str) -> None:
    frame = A[["primary_key", "element_uuid"]].assign(other=A["attribute_id"].shift())
    frame.xentara.to_file(tmp_path / f"a{ending}")
    again = read_table(tmp_path / f"a{ending}")
    assert again.dtypes.equals(frame.dtypes)
    assert again.equals(frame)


def test_a_large_table_is_not_kept_for_a_few_rows() -> None:
    many = inventory_frame([(f"k{n:04}", UUID(int=n), 2, ATTRIBUTES[:1]) for n in range(1000)])
    size = len(pickle.dumps(many["element_uuid"]))
    assert len(pickle.dumps(many["element_uuid"][:3])) < size / 5
    few = pd.concat([many[:3], B])
    assert len(pickle.dumps(few["element_uuid"])) < size / 5
    assert (
        few["element_uuid"].tolist()
        == many["element_uuid"].tolist()[:3] + B["element_uuid"].tolist()
    )


def test_what_occurs_in_it() -> None:
    ids = id_array([5, UUID(int=1), 5, None])
    assert set(ids.distinct()) == {5, UUID(int=1), None}
    assert ids[1:2].distinct() == [UUID(int=1)]
    assert ids[:0].distinct() == []
