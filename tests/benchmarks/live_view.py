"""What a live view costs its kernel: one of its own, with the messages of a page that shows it."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

from jupyter_client.manager import start_new_kernel

from tests.benchmarks.table import Figure, Sizes
from xentara_nb import Client, simulate

LINES = (
    *(f"Plant.Line {number}.Set point" for number in (1, 2, 3)),
    "Plant.Water Treatment.Tank level set point",
    "Plant.Water Treatment.pH set point",
)
POINTS = 1000
UPDATES = 10.0
"""How often each line changes, in a second."""

PATIENCE = 60
_WATCH = """
import time, xentara_nb
from xentara_nb.widgets import LiveView
client = xentara_nb.connect({url!r}, user="engineer", password="engineer-demo",
    fingerprint={fingerprint!r})
watch = client.watch({lines!r}, keep={points})
"""
_ARRIVED = """
while min(len(watch.columns(row).times) for row in range({count})) < {points}:
    time.sleep(0.1)
"""
_VIEW = "view = LiveView(watch, span=0)\nview.wait()\nprint(view.chart.model_id)\nview"
_SPENT = "print(time.process_time(), time.monotonic())"


class Kernel:
    """A running kernel, and what it tells its page."""

    def __init__(self, connected: Any) -> None:
        self._client = connected
        self.messages = 0
        self.bytes = 0

    def run(self, code: str) -> str:
        """Run a cell, and return what it prints."""
        printed: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])
            elif message["msg_type"] == "error":
                raise RuntimeError("\n".join(message["content"]["traceback"]))

        self._client.execute_interactive(code, timeout=PATIENCE, output_hook=hear)
        return "".join(printed)

    def tell(self, widget: str, **data: Any) -> None:
        """Send what a page sends of a widget."""
        content = {"comm_id": widget, "data": data}
        self._client.shell_channel.send(self._client.session.msg("comm_msg", content))

    def share(self, seconds: float) -> float:
        """Return the part of a core that it takes, in percent; count what it tells meanwhile."""
        self.messages = self.bytes = 0
        before, since = self._spent()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                self._hear(self._client.get_iopub_msg(timeout=left))
        after, until = self._spent()
        return 100 * (after - before) / (until - since)

    def _hear(self, message: dict[str, Any]) -> None:
        if message["msg_type"] == "comm_msg":
            self.messages += 1
            self.bytes += len(json.dumps(message["content"])) + sum(map(len, message["buffers"]))

    def _spent(self) -> tuple[float, float]:
        spent, now = self.run(_SPENT).split()
        return float(spent), float(now)


@contextlib.contextmanager
def kernel() -> Iterator[Kernel]:
    """Start a kernel."""
    manager, connected = start_new_kernel(kernel_name="python3", startup_timeout=PATIENCE)
    try:
        yield Kernel(connected)
    finally:
        connected.stop_channels()
        manager.shutdown_kernel(now=True)


@contextlib.contextmanager
def moving(client: Client) -> Iterator[None]:
    """Let all lines change together, again and again."""
    stop = threading.Event()

    def work() -> None:
        begun, count = time.monotonic(), 0
        while not stop.wait(max(0.0, begun + count / UPDATES - time.monotonic())):
            count += 1
            put(client, POINTS + count)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def put(client: Client, count: int) -> None:
    """Write another value to each line."""
    for line in LINES:
        client.write(line, 5 + count % 50 / 50, verify=False)


def live_view(sizes: Sizes) -> Iterator[Figure]:
    """Measure the part of a core that a live view takes in its kernel, while a page shows it."""
    with simulate() as plant, plant.connect(journal=False) as client, kernel() as running:
        parts = {"url": plant.url, "fingerprint": plant.fingerprint, "lines": LINES}
        running.run(_WATCH.format(points=POINTS, **parts))
        points = min(POINTS, sizes.events)
        for count in range(points):
            put(client, count)
        running.run(_ARRIVED.format(count=len(LINES), points=points))
        idle = running.share(sizes.idle_seconds)
        with moving(client):
            watched = running.share(sizes.idle_seconds)
            chart = running.run(_VIEW).split()[0]
            running.tell(chart, method="custom", content={"kind": "ask"})
            running.tell(chart, method="update", state={"_view_count": 1}, buffer_paths=[])
            running.share(sizes.idle_seconds / 3)  # with all the points, at first
            shown = running.share(sizes.live_seconds)
            seconds = sizes.live_seconds
            note = (
                f"{watched:.1f} % before it is shown, {idle:.1f} % when nothing changes; "
                f"{running.messages / seconds:.1f} messages a second of "
                f"{running.bytes / max(1, running.messages):,.0f} bytes"
            )
    yield Figure(
        f"a live view of {len(LINES)} lines of {POINTS:,} points, {UPDATES:g} changes a second of "
        "each",
        "of a core, in the kernel",
        shown,
        5,
        most=True,
        unit=" %",
        note=note,
    )
