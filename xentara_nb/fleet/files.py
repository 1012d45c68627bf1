"""What a fleet has given, in files: one for all servers, or a folder with one for each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from xentara_nb.errors import InventoryFileError
from xentara_nb.fleet.call import Call
from xentara_nb.fleet.coverage import covering, covering_all
from xentara_nb.fleet.frames import SERVER, server_dtype, stacked
from xentara_nb.fleet.recording import server_folder, servers_in
from xentara_nb.fleet.tasks import Answer
from xentara_nb.paths import user_path
from xentara_nb.tables.files import read_table, write_table
from xentara_nb.tables.provenance import provenance_of, with_provenance
from xentara_nb.tables.xentara_frame import as_xentara

ENDINGS = (".csv", ".json", ".parquet", ".xlsx")
"""The kinds of files that are read."""


def write_answers(
    answers: Iterable[Answer], call: Call, folder: Path, names: Sequence[str]
) -> pd.DataFrame:
    """Write what servers answer into a data set as it comes; return what :meth:`Fleet.save` does.

    ``names`` are all servers of the fleet, in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    for answer in answers:
        if answer.frame is not None:
            file = _write_part(answer.frame, call, server_folder(folder, answer.server))
            saved.append((answer.server, len(answer.frame), answer.seconds, str(file)))
        del answer
    places = {name: place for place, name in enumerate(names)}
    saved.sort(key=lambda row: places[row[0]])
    dtypes = {"server": "str", "rows": "int64", "seconds": "float64", "file": "str"}
    return as_xentara(pd.DataFrame(saved, columns=list(dtypes)).astype(dtypes))


def _write_part(frame: pd.DataFrame, call: Call, folder: Path) -> Path:
    note = {**provenance_of(frame), **covering(call.command, call.arguments, len(frame))}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{call.command}.parquet"
    write_table(with_provenance(frame, note), path)
    return path


def read_fleet(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read what a fleet has given from files.

    Parameters
    ----------
    path : path
        A folder that :meth:`Fleet.save` has written; a folder with a file for each server, which is
        called as the server is, such as ``north.csv``; or a file with a column ``server``.

    Returns
    -------
    pandas.DataFrame
        With the column ``server`` (categorical) in front, and the dtypes as they were written.

    Raises
    ------
    InventoryFileError
        If there is nothing of that kind.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> saved = fleet.save("kept", "inventory", progress=False)
    >>> read_fleet("kept").columns.tolist()[:2]
    ['server', 'primary_key']
    """
    found = user_path(path)
    if not found.is_dir():
        frame = read_table(found)
        if SERVER not in frame.columns:
            raise InventoryFileError(f"{found} has no column {SERVER}")
        names = list(dict.fromkeys(map(str, frame[SERVER].dropna())))
        # An empty cell stays one: what takes the rows of each server says so.
        column = frame[SERVER].astype(object).astype(server_dtype(names))
        return frame.assign(server=column)[list(dict.fromkeys([SERVER, *frame.columns]))]
    frames = {name: _of_server(each) for name, each in servers_in(found).items()}
    for each in sorted(found.iterdir()):
        if each.suffix.lower() in ENDINGS and each.is_file():
            if each.stem in frames:
                raise InventoryFileError(
                    f"{found} has more than one file of the server {each.stem}: leave one there"
                )
            frames[each.stem] = read_table(each)
    return _one(frames, found)


def _of_server(folder: Path) -> pd.DataFrame:
    files = sorted(each for each in folder.iterdir() if each.suffix.lower() in ENDINGS)
    if len(files) != 1:
        raise InventoryFileError(
            f"{folder} has {len(files)} files of a server, where one is expected"
        )
    return read_table(files[0])


def _one(frames: Mapping[str, pd.DataFrame], folder: Path) -> pd.DataFrame:
    if not frames:
        raise InventoryFileError(
            f"{folder} has no folder server=NAME, and no file with the name of a server"
        )
    rows = sum(map(len, frames.values()))
    note = covering_all(frames.values(), rows)
    found = stacked(dict(frames), list(frames), pd.DataFrame())
    return with_provenance(found, note) if note else found
