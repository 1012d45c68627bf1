"""The examples in the docstrings run.

In those of the client and of what it returns, ``plant`` is a simulator of the demo plant and
``client`` is connected to it, as the reference says; ``fleet`` is one of two such plants.
"""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import xentara_nb

HAS_DASK = find_spec("dask") is not None  # it comes with the extra fleet, and with [dev]
MODULES = [
    "xentara_nb",
    *(
        module.name
        for module in pkgutil.walk_packages(xentara_nb.__path__, "xentara_nb.")
        if not module.name.endswith("__main__")
    ),
]


def examples_of(module: ModuleType, **names: Any) -> list[doctest.DocTest]:
    found = doctest.DocTestFinder().find(module, extraglobs={"xentara_nb": xentara_nb, **names})
    return [test for test in found if test.examples and (HAS_DASK or ".to_dask(" not in code(test))]


def code(test: doctest.DocTest) -> str:
    return "".join(example.source for example in test.examples)


def needs(test: doctest.DocTest, *names: str) -> bool:
    made = re.search(rf" as ({'|'.join(names)})\b", code(test)) is not None
    return not made and re.search(rf"(?<!\.)\b({'|'.join(names)})\b", code(test)) is not None


@pytest.fixture
def fleet() -> Iterator[xentara_nb.Fleet]:
    with xentara_nb.simulated_fleet(["north", "south"], journal=False) as fleet:
        yield fleet


@pytest.mark.parametrize("name", MODULES)
def test_examples(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(name)
    tests = examples_of(module)
    wanted = [
        each
        for names in (("plant", "client"), ("fleet",))
        if any(needs(test, *names) for test in tests)
        for each in names
    ]
    tests = examples_of(module, **{each: request.getfixturevalue(each) for each in wanted})
    monkeypatch.chdir(tmp_path)
    for test in tests:
        report: list[str] = []
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        runner.run(test, out=report.append)
        assert not report, f"{test.name}, line {test.lineno}:\n{''.join(report)}"


def test_there_are_examples() -> None:
    assert len(examples_of(importlib.import_module("xentara_nb.protocol.values"))) > 0
