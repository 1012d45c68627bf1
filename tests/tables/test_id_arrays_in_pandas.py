"""The tests that pandas has for any array, on the ids."""

from __future__ import annotations

from uuid import UUID

import pytest

pytest.importorskip("pandas.tests.extension.base")
from pandas.tests.extension import base
from pandas.tests.extension.conftest import *  # noqa: F403  # all fixtures of pandas

from xentara_nb.protocol.uuid_column import UuidColumn
from xentara_nb.tables.id_arrays import IdArray, IdDtype, id_array

LOW, HIGH = UUID(int=5), UUID(int=1 << 100)


@pytest.fixture
def dtype() -> IdDtype:
    return IdDtype()


@pytest.fixture
def data() -> IdArray:
    # UUIDs alone, for these tests compare the objects too, which Python orders against no integer.
    # They are kept as bytes, as those of an inventory; the others are kept as objects.
    numbers = (11, 5, 0, 1 << 90, 7, 8, 11, 77, 1 << 40, 5)
    return id_array(UuidColumn.of([UUID(int=number) for number in numbers]))


@pytest.fixture
def data_missing() -> IdArray:
    return id_array([None, LOW])


@pytest.fixture
def data_for_sorting() -> IdArray:
    return id_array([LOW, HIGH, 11])


@pytest.fixture
def data_missing_for_sorting() -> IdArray:
    return id_array([LOW, None, 11])


@pytest.fixture
def data_for_grouping() -> IdArray:
    return id_array([LOW, LOW, None, None, 11, 11, LOW, HIGH])


class TestIds(
    base.BaseDtypeTests,
    base.BaseInterfaceTests,
    base.BaseConstructorsTests,
    base.BaseCastingTests,
    base.BaseGetitemTests,
    base.BaseSetitemTests,
    base.BaseIndexTests,
    base.BaseMissingTests,
    base.BaseMethodsTests,
    base.BaseComparisonOpsTests,
    base.BaseGroupbyTests,
    base.BaseReshapingTests,
    base.BasePrintingTests,
    base.BaseReduceTests,
):
    def _supports_reduction(self, column: object, op_name: str) -> bool:
        return op_name in ("count", "min", "max")

    # These take the text of the dtype for its name, which it is not.
    test_str = test_check_dtype = test_from_dtype = None
    # It takes a fill value of None for none, and expects NaN.
    test_unstack = None
