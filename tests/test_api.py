"""What ``import xentara_nb`` offers, and when it is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

import xentara_nb
from xentara_nb import errors
from xentara_nb.protocol.errors import ServerError, server_error


def test_every_name_is_there() -> None:
    assert len(set(xentara_nb.__all__)) == len(xentara_nb.__all__)
    for name in dir(xentara_nb):
        assert getattr(xentara_nb, name) is not None
    assert {"simulate", "Simulator", "__version__", *xentara_nb.__all__} == set(dir(xentara_nb))


def test_what_users_catch_is_there() -> None:
    for name in errors.__all__:
        assert getattr(xentara_nb, name) is getattr(errors, name)
    for code in (-32100, -32101, -32102, -32105, -32109, -32110, -32111):
        kind = type(server_error(code))
        assert kind is not ServerError
        assert getattr(xentara_nb, kind.__name__) is kind


def test_the_types_of_what_calls_return_are_there() -> None:
    with xentara_nb.simulate() as plant, plant.connect(journal=False) as client:
        assert isinstance(plant, xentara_nb.Simulator)
        assert isinstance(client, xentara_nb.Client)
        assert isinstance(client.address, xentara_nb.Address)
        assert isinstance(client.journal, xentara_nb.Journal)
        assert isinstance(client.get_stage(), xentara_nb.Stage)
        result = client.write("Plant.Line 1.Set point", 1)
        assert isinstance(result, xentara_nb.WriteResult)
        assert isinstance(result.outcome, xentara_nb.Outcome)
        plan = client.plan_writes({"Plant.Line 1.Set point": 2})
        assert isinstance(plan, xentara_nb.WritePlan)
        assert isinstance(plan.apply(), xentara_nb.WriteReport)
        with client.subscribe("Plant.Line 1.Set point") as subscription:
            assert isinstance(subscription, xentara_nb.Subscription)
            assert isinstance(subscription.next_event(5), xentara_nb.DataChange)
        with client.sub_session(user="viewer", password="viewer-demo") as session:
            assert isinstance(session, xentara_nb.SubSession)


def test_what_is_not_there() -> None:
    for name in ("nothing", "_nothing"):
        with pytest.raises(AttributeError, match=f"'xentara_nb' has no attribute '{name}'"):
            getattr(xentara_nb, name)


@pytest.mark.parametrize(
    "steps",
    [
        {
            "import xentara_nb": ["ipywidgets", "websocket", "websockets", "xentara_nb.client"],
            "from xentara_nb import simulate": ["ipywidgets", "websocket", "xentara_nb.client"],
        },
        {
            "from xentara_nb import connect": ["ipywidgets", "tqdm", "xentara_nb.simulator"],
            "from xentara_nb import *": ["ipywidgets", "tqdm"],
        },
    ],
    ids=["simulate", "connect"],
)
def test_nothing_is_loaded_before_it_is_used(steps: dict[str, list[str]]) -> None:
    check = "import sys\n" + "\n".join(
        f"{code}\nprint([name for name in {unused} if name in sys.modules])"
        for code, unused in steps.items()
    )
    run = subprocess.run(
        [sys.executable, "-c", check], check=True, timeout=60, capture_output=True, text=True
    )
    assert run.stdout.split() == ["[]", "[]"]
