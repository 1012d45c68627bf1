"""The part of a live view that records what is watched."""

from __future__ import annotations

import ipywidgets

from xentara_nb.client import Client
from xentara_nb.live.watch import Watch
from xentara_nb.paths import user_path
from xentara_nb.protocol.text import pasted
from xentara_nb.recordings.progress import line
from xentara_nb.recordings.recorder import Recorder
from xentara_nb.widgets.common.code import cell
from xentara_nb.widgets.common.style import Disclosure, badge, button, row
from xentara_nb.widgets.common.tasks import TaskRunner


class RecordCard:
    """Records the attributes of a watch into a folder, until it is stopped."""

    def __init__(self, tasks: TaskRunner, client: Client, watch: Watch) -> None:
        self._tasks, self._client, self._watch = tasks, client, watch
        self._recorder: Recorder | None = None
        self._is_stopped = False
        self.folder = ipywidgets.Text(description="Folder", value="recording")
        self.button = button("Record")
        self.state = ipywidgets.HTML()
        content = ipywidgets.VBox([row(self.folder, self.button), self.state])
        self.widget = Disclosure("Record …", content).widget
        self.button.on_click(tasks.handler(self._toggle))

    def stop(self) -> None:
        """End the recording soon, if there is one, with everything written."""
        self._is_stopped = True
        if self._recorder is not None:
            self._recorder.stop()

    def _toggle(self) -> None:
        if self._tasks.is_busy("record"):
            self.stop()
            return
        self._is_stopped = False
        self.button.description = "Stop"
        self.folder.disabled = True
        self._tasks.notice.clear()
        self._tasks.run("record", self._record, after=self._end)

    def _record(self) -> None:
        every, at_least = (None if rate is None else rate / 1000 for rate in self._watch.rates)
        folder = user_path(pasted(self.folder.value)).absolute()
        self._client.record(
            self._watch.attributes, folder, every=every, at_least=at_least, progress=self._progress
        )
        code = cell("recording", f"xentara_nb.open_recording({str(folder)!r})", str(folder))
        self._tasks.notice.say(f"Recorded. To read it:\n{code}", "ok")

    def _progress(self, recorder: Recorder) -> None:
        self._recorder = recorder
        if self._is_stopped:
            recorder.stop()
        self.state.value = badge(line(recorder), "warning" if recorder.watch.lost else "ok")

    def _end(self) -> None:
        self._recorder = None
        self.button.description = "Record"
        self.folder.disabled = False
