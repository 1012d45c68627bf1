"""A fleet on Dask: exact frames, no secret anywhere, and servers that die, hang and refuse.

A real cluster of two processes, and ten simulators in processes of their own.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.fleet.farm import EXPIRED
from xentara_nb import Fleet, FleetWarning, Server
from xentara_nb.errors import (
    LoginError,
    MissingExtraError,
    OptionError,
    ServerUnreachableError,
)
from xentara_nb.fleet.frames import empty_frame
from xentara_nb.fleet.tasks import run_task

# Its import takes more than a second, which only the process needs that runs these tests.
HAS_DASK = find_spec("dask") is not None and find_spec("distributed") is not None
pytestmark = [
    pytest.mark.skipif(not HAS_DASK, reason="Dask comes with the extra fleet, and with [dev]"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    # Dask forks beside its threads, of which Python 3.12 and later warn.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]

ROOT = Path(__file__).parent.parent.parent
SECRET, WRONG = "engineer-demo", "not-the-password"
DIES, HANGS, REFUSES = 5, 6, 7
GOOD = [f"s{number}" for number in (0, 1, 2, 4, 8, 9)]


@dataclass(frozen=True)
class Farm:
    """The servers, by name, and the processes that they are in."""

    servers: dict[str, Server]
    pids: dict[str, int]


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    folder = tmp_path_factory.mktemp("farm")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fleet.farm", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        servers, pids = {}, {}
        for number in range(10):
            line = json.loads(process.stdout.readline() or "null")
            assert line, "the servers did not start"
            name = f"s{number}"
            secret = "env:FARM_WRONG" if number == REFUSES else "env:FARM_SECRET"
            # One that hangs takes the time-out of the connection.
            seconds = 1.0 if number == HANGS else 30.0
            servers[name] = Server(
                name, line["url"], "engineer", secret, **line["trust"], timeout=seconds
            )
            pids[name] = line["pid"]
        yield Farm(servers, pids)
        for pid in pids.values():
            os.kill(pid, signal.SIGCONT)
        process.stdin.close()
        process.wait(30)


@pytest.fixture(scope="module")
def dask_client() -> Iterator[Any]:
    """A client of a cluster whose workers, and they alone, know the secrets."""
    from distributed import Client, LocalCluster

    known = {"FARM_SECRET": SECRET, "FARM_WRONG": WRONG}
    with pytest.MonkeyPatch.context() as patch:
        for name, secret in known.items():
            patch.setenv(name, secret)
        cluster = LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address="127.0.0.1:0"
        )
        for name in known:
            patch.delenv(name)
        with cluster, Client(cluster) as client:
            yield client


@pytest.fixture
def good(farm: Farm) -> Fleet:
    """The servers that are well. Nothing of this process connects to them."""
    return Fleet([farm.servers[name] for name in GOOD], journal=False)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("inventory", {"depth": 1}),
        ("snapshot", {"attributes": "writeTime"}),
        ("search", {"text": ""}),
    ],
)
def test_the_meta_is_exact(
    good: Fleet, dask_client: Any, command: str, arguments: dict[str, Any]
) -> None:
    lazy = good.to_dask(command, servers=GOOD[:2], **arguments)
    assert lazy.npartitions == 2
    empty = empty_frame(command, arguments, good.servers)
    assert lazy.dtypes.to_dict() == empty.dtypes.to_dict()
    assert list(lazy.columns) == list(empty.columns)
    frame = lazy.compute()
    assert frame.dtypes.to_dict() == empty.dtypes.to_dict()
    assert list(frame.columns) == list(empty.columns)
    assert frame["server"].unique().tolist() == GOOD[:2]


def test_it_computes_as_dask_does(good: Fleet, dask_client: Any) -> None:
    lazy = good.to_dask("inventory")
    counts = lazy[lazy["attribute_name"] == "value"].groupby("server", observed=True).size()
    assert counts.compute().to_dict().keys() == set(GOOD)
    # What is asked for again is asked for again: values change.
    assert lazy.__dask_graph__().keys() != good.to_dask("inventory").__dask_graph__().keys()


def test_ten_servers_of_which_four_fail(farm: Farm, dask_client: Any) -> None:
    os.kill(farm.pids[f"s{HANGS}"], signal.SIGSTOP)
    os.kill(farm.pids[f"s{DIES}"], signal.SIGKILL)
    fleet = Fleet(list(farm.servers.values()), journal=False)
    with pytest.warns(FleetWarning, match="4 of 10 servers failed"):
        frame = fleet.inventory(executor=dask_client.get_executor(), progress=False)
    assert frame["server"].unique().tolist() == GOOD
    assert frame["server"].cat.categories.tolist() == list(farm.servers)
    kinds = dict(zip(fleet.failures["server"], fleet.failures["kind"], strict=True))
    assert kinds == {
        f"s{EXPIRED}": "CertificateNotTrustedError",
        f"s{DIES}": "ServerUnreachableError",
        f"s{HANGS}": "DeadlineError",
        f"s{REFUSES}": "LoginError",
    }
    lost = fleet.to_dask("inventory", servers=f"s{DIES}")
    with pytest.raises(ServerUnreachableError):
        lost.compute()
    skipped = fleet.to_dask("inventory", servers=[f"s{DIES}", "s0"], errors="skip").compute()
    assert skipped["server"].unique().tolist() == ["s0"]


def test_no_secret_is_in_the_state_of_the_scheduler(
    farm: Farm, good: Fleet, dask_client: Any, tmp_path: Path
) -> None:
    """Tasks, keys, names, results, events and logs; of the workers too."""
    refused = Fleet([farm.servers[f"s{REFUSES}"]], journal=False)
    kept = [good.to_dask("read", elements=["Nothing"], errors="skip").persist()]
    kept.append(good.to_dask("inventory", servers=GOOD[0]).persist())
    with pytest.raises(LoginError):
        refused.to_dask("inventory").compute()
    with pytest.warns(FleetWarning):
        refused.inventory(executor=dask_client.get_executor(), progress=False)

    path = tmp_path / "state"
    dask_client.dump_cluster_state(str(path), write_from_scheduler=False, format="yaml")
    (state,) = tmp_path.glob("state*")
    texts = [
        state.read_text(),
        str(dask_client.get_events()),
        str(dask_client.get_scheduler_logs()),
    ]
    texts += [str(each) for each in dask_client.get_worker_logs().values()]
    texts += [f"{each!r} {each.__dask_graph__()}" for each in kept]
    texts.append(str(dask_client.run_on_scheduler(_scheduler_state)))
    every = "\n".join(texts)
    assert "xentara-inventory" in every  # it is the state of these tasks
    assert "FARM_SECRET" in every  # and shows where the secret is
    assert SECRET not in every
    assert WRONG not in every


def _scheduler_state(dask_scheduler: Any) -> list[str]:
    """Return all that the scheduler holds of its tasks, also the tasks as they are sent."""
    return [
        f"{key} {task.run_spec!r} {task.exception_text} {task.traceback_text} "
        f"{_unpickled(task.run_spec)}"
        for key, task in dask_scheduler.tasks.items()
    ]


def _unpickled(task: Any) -> str:
    return pickle.dumps(task).decode("latin-1") if task is not None else ""


def test_values_and_failures_in_this_process(
    good: Fleet, farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a worker does it, where coverage sees it."""
    monkeypatch.setenv("FARM_SECRET", SECRET)
    keys = good["s0"].browse(categories="data point")["primary_key"].head(2).tolist()
    good.close()
    lazy = good.to_dask("read", servers="s0", elements=keys, attributes="value")
    frame = lazy.compute(scheduler="synchronous")
    assert frame.dtypes.to_dict() == lazy.dtypes.to_dict()
    assert frame["primary_key"].tolist() == keys
    monkeypatch.delenv("FARM_SECRET")
    with pytest.raises(LoginError) as caught:
        lazy.compute(scheduler="synchronous")
    assert "server s0 of the fleet" in caught.value.__notes__[0]
    skipped = good.to_dask("read", servers="s0", elements=keys, errors="skip")
    with pytest.warns(UserWarning, match="server s0 is left out: the environment variable"):
        frame = skipped.compute(scheduler="synchronous")
    assert frame.empty


def test_without_dask(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(MissingExtraError, match=r"xentara_nb\[fleet\]"):
        Fleet([farm.servers["s0"]]).to_dask("inventory")


def test_what_cannot_travel_is_refused_before(server_of: Callable[..., Server]) -> None:
    fleet = Fleet([server_of("north")])
    with pytest.raises(OptionError, match="was given in this process"):
        fleet.to_dask("inventory")
    elsewhere = Fleet([server_of("north", password_from="env:NORTH")])
    for wrong in ({"command": "write"}, {"errors": "ignore"}):
        with pytest.raises(OptionError):
            elsewhere.to_dask(**wrong)


def test_an_engine_that_runs_a_task_twice_writes_nothing(farm: Farm, dask_client: Any) -> None:
    """There is no task that writes, and a plan is not sent to a worker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FARM_SECRET", SECRET)
        with Fleet([farm.servers["s0"]], journal=False) as fleet:
            writable = fleet.snapshot()
            writable = writable[writable["access"] == "read and write"].head(1)
            plan = fleet.plan_writes(writable[["server", "primary_key", "value"]])
            with pytest.raises(TypeError):
                pickle.dumps(plan.apply)
    future = dask_client.submit(run_task, farm.servers["s0"], "write", {}, None, retries=2)
    assert isinstance(future.exception(), OptionError)


def test_dask_reads_what_was_recorded(tmp_path: Path, farm: Farm) -> None:
    import dask.dataframe as dd

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FARM_SECRET", SECRET)
        with Fleet([farm.servers[name] for name in GOOD[:2]], journal=False) as fleet:
            rows = fleet.inventory().xentara.attribute("value")
            rows = rows.groupby("server", observed=True).head(2)
            recording = fleet.record(rows, tmp_path, for_=0.2, progress=False)
    whole = dd.read_parquet(tmp_path)
    assert len(whole) == len(recording.changes())
    assert set(whole["server"].compute()) == set(GOOD[:2])
    assert isinstance(whole.compute(), pd.DataFrame)
