from __future__ import annotations

from typing import Any

import pytest

import xentara_nb
from tests.support.clients import with_more_time
from tests.support.proxy import Proxy
from xentara_nb.errors import ConnectionLostError, NotFoundError, OptionError
from xentara_nb.live import sampling
from xentara_nb.simulator import Simulator

SET_POINT, RUN = "Plant.Line 1.Set point", "Plant.Line 1.Run"


def test_readings_in_a_rhythm(client: xentara_nb.Client) -> None:
    reports: list[tuple[int, int]] = []
    frame = client.sample(
        [SET_POINT, RUN], every=0.05, for_=0.25, progress=lambda *each: reports.append(each)
    )

    assert frame.columns.tolist() == [SET_POINT, RUN]
    assert frame.dtypes.astype(str).tolist() == ["float64", "boolean"]
    assert str(frame.index.dtype) == "datetime64[ns, UTC]"
    assert frame.index.is_monotonic_increasing
    assert len(frame) == 5
    assert reports == [(each, 5) for each in range(1, 6)]
    assert frame.attrs["missed"] == frame.isna().all(axis=1).sum()
    assert frame.attrs["errors"] == []
    assert frame.attrs["xentara"]["attributes"] == 2


def test_the_frame_plots_itself(client: xentara_nb.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    axes = client.sample("Plant.Line 1.Set point", every=0.05, for_=0.1).plot()
    assert [line.get_label() for line in axes.get_lines()] == ["Plant.Line 1.Set point"]
    assert len(axes.get_lines()[0].get_xdata()) == 2


def test_rows_of_an_inventory_and_several_attributes(client: xentara_nb.Client) -> None:
    rows = client.meta_data(SET_POINT)
    rows = rows[rows["attribute_name"].isin(["value", "quality", "updateTime"])]
    frame = client.sample(rows, every=0.01, for_=0.01)

    assert frame.columns.tolist() == [f"{SET_POINT}.{name}" for name in rows["attribute_name"]]
    assert frame[f"{SET_POINT}.quality"].tolist() == ["good"]
    assert str(frame[f"{SET_POINT}.updateTime"].dtype) == "datetime64[ns, UTC]"


def test_the_rhythm_does_not_drift_and_missed_beats_show(
    client: xentara_nb.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock of the test's own: the third reading takes three beats and a half."""
    now = 100.0

    class Clock:
        time_ns = staticmethod(lambda: round(now * 1e9))
        monotonic = staticmethod(lambda: now)

        @staticmethod
        def sleep(seconds: float) -> None:
            nonlocal now
            now += seconds

    def progress(done: int, total: int) -> None:
        nonlocal now
        now += 7.0 if done == 3 else 0.0

    monkeypatch.setattr(sampling, "time", Clock)
    frame = client.sample(SET_POINT, every=2, for_=20, progress=progress)

    assert frame.index.astype("int64").tolist() == [
        # In time, the two that could not begin, the one that was late, and in time again.
        *(round(each * 1e9) for each in (100, 102, 104, 106, 108, 111, 112, 114, 116, 118))
    ]
    assert frame[SET_POINT].isna().tolist() == [False] * 3 + [True] * 2 + [False] * 5
    assert frame.attrs["missed"] == 2


def test_an_attribute_that_cannot_be_read(client: xentara_nb.Client, plant: Simulator) -> None:
    plant.faults.read_error(SET_POINT)
    frame = client.sample([SET_POINT, RUN], every=0.01, for_=0.02)

    assert frame[SET_POINT].isna().all()
    assert frame[RUN].notna().any()
    assert frame[RUN].isna().sum() == frame.attrs["missed"]  # beats, on a busy machine
    (error,) = frame.attrs["errors"]
    assert error.startswith(f"{SET_POINT}: ")


def test_readings_that_the_connection_does_not_survive(plant: Simulator) -> None:
    def check(every: float) -> None:
        with Proxy(plant.port) as proxy:
            with xentara_nb.connect(
                proxy.url, user="engineer", password="engineer-demo", journal=False
            ) as client:

                def progress(done: int, total: int) -> None:
                    if done == 1:
                        proxy.cut()

                frame = client.sample(SET_POINT, every=every, for_=4 * every, progress=progress)
            assert frame[SET_POINT].dropna().iloc[-1] == 210.0
            assert frame.attrs["missed"] <= 2

    with_more_time(check, 0.25)


def test_a_client_that_is_closed_meanwhile(client: xentara_nb.Client) -> None:
    with pytest.raises(ConnectionLostError, match="closed"):
        client.sample(SET_POINT, every=0.01, for_=10, progress=lambda done, total: client.close())


def test_an_interrupt_ends_it(client: xentara_nb.Client) -> None:
    def progress(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.sample(SET_POINT, every=0.01, for_=10, progress=progress)
    assert client.read(SET_POINT, "value")["value"].tolist() == [210.0]


@pytest.mark.parametrize(
    "times", [{"every": 0, "for_": 1}, {"every": 1, "for_": -1}, {"every": "1s", "for_": None}]
)
def test_times_that_are_none(client: xentara_nb.Client, times: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="is a time in seconds, at least 0"):
        client.sample(SET_POINT, **times)


def test_too_many_readings(client: xentara_nb.Client) -> None:
    with pytest.raises(OptionError, match="too many to keep"):
        client.sample(SET_POINT, every=0.001, for_=1e6)


def test_an_element_that_is_not_there(client: xentara_nb.Client) -> None:
    with pytest.raises((NotFoundError, xentara_nb.UnknownElementError)):
        client.sample("Plant.Nothing", every=1, for_=1)
