"""Recordings of a fleet: one folder for each server, and together one partitioned data set.

``server=NAME/day=2026-11-26/part-....parquet``: pandas, Dask, DuckDB and Polars read it as one
table with the columns ``server`` and ``day``, and the folder of a server is a recording by itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from xentara_nb.errors import RecordingError
from xentara_nb.fleet.frames import stacked
from xentara_nb.paths import user_path
from xentara_nb.recordings.reader import MomentLike, Recording, open_recording
from xentara_nb.tables.references import ElementsLike

_FOLDER = re.compile(r"server=(.+)")


def server_folder(folder: Path, server: str) -> Path:
    """Return the folder of a server in a data set."""
    return folder / f"server={server}"


def servers_in(folder: Path) -> dict[str, Path]:
    """Return the servers that a data set has folders of, by name."""
    found = {}
    for path in sorted(folder.iterdir()):
        match = _FOLDER.fullmatch(path.name)
        if match is not None and path.is_dir():
            found[match[1]] = path
    return found


class FleetRecording:
    """The changes that were recorded on some servers; see :func:`open_fleet_recording`.

    Attributes
    ----------
    folder : pathlib.Path
        Where the data set is.
    recordings : dict of str to Recording
        By server.

    Examples
    --------
    >>> recording = fleet.record("Plant.Line 1.Speed", "speed", for_=0.1, progress=False)
    >>> list(recording.recordings)
    ['north', 'south']
    """

    def __init__(self, folder: Path, recordings: dict[str, Recording]) -> None:
        self.folder = folder
        self.recordings = recordings

    def __repr__(self) -> str:
        return f"<Recording of {len(self.recordings):,} servers in {self.folder}>"

    def __getitem__(self, server: str) -> Recording:
        return self.recordings[server]

    @property
    def files(self) -> list[Path]:
        """The files that have something of what is asked for, as far as their names say."""
        return [path for each in self.recordings.values() for path in each.files]

    def changes(self) -> pd.DataFrame:
        """Return the changes, one row for each: ``server``, then as :meth:`Recording.changes`.

        Examples
        --------
        >>> recording = fleet.record("Plant.Line 1.Speed", "speeds", for_=0.1, progress=False)
        >>> recording.changes()["server"].nunique()
        2
        """
        names = list(self.recordings)
        frames = {name: each.changes() for name, each in self.recordings.items()}
        return stacked(frames, names, pd.DataFrame())


def open_fleet_recording(
    folder: str | os.PathLike[str],
    *,
    start: MomentLike | None = None,
    end: MomentLike | None = None,
    rows: ElementsLike | None = None,
    servers: Sequence[str] | None = None,
) -> FleetRecording:
    """Open what :meth:`Fleet.record` has recorded. Nothing is read before it is asked for.

    Parameters
    ----------
    folder : path
        Its folder. It may be recorded into at the same time.
    start, end, rows
        As for :func:`xentara_nb.open_recording`.
    servers : sequence of str, optional
        Of which servers; left out, of all.

    Raises
    ------
    RecordingError
        If there is no such folder, or nothing of a server in it.

    Examples
    --------
    >>> recording = fleet.record("Plant.Line 1.Speed", "recorded", for_=0.1, progress=False)
    >>> type(open_fleet_recording("recorded")).__name__
    'FleetRecording'
    """
    path = user_path(folder)
    if not path.is_dir():
        raise RecordingError(f"there is no recording in {path}: there is no such folder")
    found = servers_in(path)
    for name in servers or ():
        if name not in found:
            raise RecordingError(f"there is no recording of the server {name} in {path}")
    wanted = found if servers is None else {name: found[name] for name in servers}
    return FleetRecording(
        path,
        {
            name: open_recording(each, start=start, end=end, rows=rows)
            for name, each in wanted.items()
        },
    )
