"""The tests that pandas has for any array, on the ids."""

from __future__ import annotations

from uuid import UUID

import pytest

pytest.importorskip("pandas.tests.extension.base")
from pandas.tests.extension import base
from pandas.tests.extension.conftest import *  # noqa: F403

from xentara_nb.tables.id_arrays import IdArray, IdDtype, id_array

LOW, HIGH = UUID(int=5), UUID(int=1 << 100)


@pytest.fixture
def dtype() -> IdDtype:
    return IdDtype()


@pytest.fixture
def data() -> IdArray:
    return id_array([11, LOW, 0, HIGH, 7, UUID(int=8), 11, UUID(int=77), 1 << 40, LOW])


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


class TestIds(base.ExtensionTests):
    pass
