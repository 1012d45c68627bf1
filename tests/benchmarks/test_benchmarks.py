"""Whether the benchmarks still run. What they measure is not looked at here: see __main__.py."""

from __future__ import annotations

import math

import pytest

from tests.benchmarks.__main__ import line
from tests.benchmarks.figures import FIGURES
from tests.benchmarks.table import SMOKE

QUICK = {"inventory", "single_write", "comparing"}


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in FIGURES],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning:asyncua")
def test_the_benchmark_runs(name: str) -> None:
    if name == "opcua":
        pytest.importorskip("asyncua", reason="asyncua is not installed (it comes with [dev])")
    figures = list(FIGURES[name](SMOKE))
    assert figures
    for figure in figures:
        assert math.isnan(figure.value) or figure.value >= 0
        assert figure.met in (True, False, None)
        assert line(figure).count("|") == 6
