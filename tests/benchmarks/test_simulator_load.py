"""Does the simulator serve many clients without losing an event? Figures: ``simulator_load.py``.

A few seconds with fewer clients by default, for a computer that has other things to do as well;
``XENTARA_NB_BENCHMARK_SECONDS=60`` is the full minute with 50 clients of 1,000 attributes each.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("resource") is None, reason="Windows does not tell what a process uses"
)

_FULL = float(os.environ.get("XENTARA_NB_BENCHMARK_SECONDS", "0"))


def _load() -> ModuleType:
    path = Path(__file__).with_name("simulator_load.py")
    spec = importlib.util.spec_from_file_location("simulator_load", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Where the server's process, which is started again, looks for it by its name.
    sys.modules["simulator_load"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_event_is_lost_or_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    load = _load()
    full = _FULL > 0
    result = load.measure(50 if full else 20, 1000 if full else 250, _FULL or 3.0)
    print(result)
    assert result.lost == 0
    assert result.sampled >= (result.periods if full else 1)
    assert result.latest < (1 if full else 5)


def _model(elements: int) -> dict[str, Any]:
    """Return a model of registers, and data points over them."""
    number = 0

    def uuid() -> str:
        nonlocal number
        number += 1
        return str(UUID(int=number, version=4))

    groups = []
    for group in range(elements // 100):
        registers = [
            {
                "@Skill.SignalFlow.Register": {
                    "name": f"Register {at}",
                    "UUID": uuid(),
                    "defaultValue": ["float64", at],
                }
            }
            for at in range(50)
        ]
        points: list[dict[str, Any]] = [
            {
                "@DataPoint": {
                    "name": f"Point {at}",
                    "UUID": uuid(),
                    "io": f"Group {group}.Register {at}",
                    "units": "kg",
                }
            }
            for at in range(49)
        ]
        content = {"name": f"Group {group}", "UUID": uuid(), "children": [*registers, *points]}
        groups.append({"@Group": content})
    return {"children": groups}


_PROGRAM = """
import pathlib, resource, sys, time
from xentara_nb.simulator import simulate
began = time.monotonic()
simulator = simulate(model=sys.argv[1])
seconds = time.monotonic() - began
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
status = pathlib.Path("/proc/self/status")
if status.exists():
    # Linux counts in ru_maxrss what the parent was before it became this program.
    memory = int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
print(len(simulator.plant), seconds, memory)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_large_model_loads_fast_and_small(tmp_path: Path) -> None:
    elements = 100_000 if _FULL else 20_000
    path = tmp_path / "model.json"
    path.write_text(json.dumps(_model(elements)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    print(done.stdout)
    found, seconds, memory = (float(word) for word in done.stdout.split())
    assert found == elements
    # 10 s and 1 GB for 100,000 elements; a computer that is busy gets three times as long.
    assert seconds < (10 if _FULL else 6)
    assert memory < (1000 if _FULL else 400)
