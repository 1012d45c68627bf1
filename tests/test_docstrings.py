"""The examples in the docstrings run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import xentara_nb

MODULES = [
    "xentara_nb",
    *(
        module.name
        for module in pkgutil.walk_packages(xentara_nb.__path__, "xentara_nb.")
        if not module.name.endswith("__main__")
    ),
]


def examples_of(module: ModuleType) -> list[doctest.DocTest]:
    return [test for test in doctest.DocTestFinder().find(module) if test.examples]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    for test in examples_of(importlib.import_module(name)):
        report: list[str] = []
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        runner.run(test, out=report.append)
        assert not report, f"{test.name}, line {test.lineno}:\n{''.join(report)}"


def test_there_are_examples() -> None:
    assert len(examples_of(importlib.import_module("xentara_nb.protocol.values"))) > 0
