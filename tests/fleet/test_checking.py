"""Whether servers can be reached and let one in: at which step it fails, if it does."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.certificates import make_certificate
from tests.support.server import FakeServer
from xentara_nb import Fleet, Server
from xentara_nb.protocol.secret import Secret

STEPS = ["reachable", "trusted", "logged_in"]


def steps(frame: pd.DataFrame) -> dict[str, list[bool | None]]:
    rows = zip(*(frame[name] for name in ["server", *STEPS]), strict=True)
    return {name: [None if each is pd.NA else bool(each) for each in row] for name, *row in rows}


def test_each_step(
    server_of: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, journal: Path
) -> None:
    monkeypatch.delenv("NO_SUCH_SECRET", raising=False)
    servers = [
        server_of("north"),
        server_of("north", name="locked", password_from=Secret("hush-hush")),
        server_of("north", name="no secret", password_from="env:NO_SUCH_SECRET"),
        server_of("north", name="other", fingerprint="AB:" * 31 + "AB"),
        Server("gone", "127.0.0.1:1", user="a", password_from=Secret("b")),
    ]
    with Fleet(servers) as fleet:
        found = fleet.check(progress=False)
        assert fleet.failures["server"].tolist() == ["locked", "no secret", "other", "gone"]
    assert steps(found) == {
        "north": [True, True, True],
        "locked": [True, True, False],
        "no secret": [True, None, False],
        "other": [True, False, None],
        "gone": [False, None, None],
    }
    now = pd.Timestamp.now("UTC")
    assert (found["valid_until"] > now).tolist() == [True, True, True, True, False]
    assert found["protocol_version"].notna().tolist() == [True, False, False, False, False]
    assert found["error"].isna().tolist() == [True, False, False, False, False]
    assert (found["seconds"] > 0).all()


def test_an_expired_certificate(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, days=(-30, -1))
    with FakeServer(lambda wire: wire.hello(), certificate) as server:
        where = f"127.0.0.1:{server.port}"
        login = {"user": "a", "password_from": Secret("b")}
        with Fleet([Server("old", where, ca_file=str(certificate.path), **login)]) as fleet:
            found = fleet.check(progress=False)
    assert steps(found) == {"old": [True, False, None]}
    assert found["valid_until"].item() < pd.Timestamp.now("UTC")


def test_one_that_hangs_is_waited_for_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hangs:  # no one accepts what it takes
        where = f"127.0.0.1:{hangs.getsockname()[1]}"
        server = Server("a", where, user="a", password_from=Secret("b"), timeout=0.3)
        with Fleet([server]) as fleet:
            found = fleet.check(progress=False)
        hangs.setblocking(False)
        made = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                hangs.accept()[0].close()
                made += 1
    assert steps(found) == {"a": [True, None, None]}
    assert "did not complete the TLS handshake within 0.3 s" in found["error"].item()
    assert made == 2  # to see whether there is someone, and for the handshake


def test_no_server_is_asked(fleet: Fleet) -> None:
    empty, full = fleet.check(servers=[], progress=False), fleet.check(progress=False)
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert len(empty) == 0


class Broken(Executor):
    """One whose worker ends while it works."""

    def submit(self, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(BrokenProcessPool("killed"))
        return future


def test_a_worker_that_ends_is_a_row() -> None:
    server = Server("a", "127.0.0.1:1", user="a", password_from="env:A")
    with Fleet([server]) as fleet:
        found = fleet.check(executor=Broken(), progress=False)
    assert steps(found) == {"a": [None, None, None]}
    assert "has ended" in found["error"].item()
