"""A Dask DataFrame with one partition for each server of a fleet (the extra ``fleet``)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from xentara_nb.errors import MissingExtraError, OptionError
from xentara_nb.fleet.frames import SERVER, empty_frame, with_server
from xentara_nb.fleet.servers import Server
from xentara_nb.fleet.tasks import command_of, run_partition
from xentara_nb.tables.id_arrays import IdArray, IdDtype, id_array

if TYPE_CHECKING:
    import dask.dataframe as dd


def to_dask(
    servers: Sequence[Server],
    names: Sequence[str],
    command: str,
    arguments: Mapping[str, Mapping[str, Any]],
    deadline: float | None,
    errors: str,
) -> dd.DataFrame:
    """Return the lazy frame that :meth:`Fleet.to_dask` describes; ``names`` are all servers."""
    command_of(command)
    if errors not in ("raise", "skip"):
        raise OptionError(f"errors is 'raise' or 'skip', not {errors!r}")
    try:
        import dask
        import dask.dataframe as dd
        from dask.dataframe.extensions import make_array_nonempty
    except ImportError:
        raise MissingExtraError("Dask is not installed: pip install 'xentara_nb[fleet]'") from None
    make_array_nonempty.register(IdDtype, _two_ids)
    asked = [server for server in servers if server.name in arguments]
    shared = arguments[asked[0].name] if asked else {}
    meta = empty_frame(command, shared, names)
    with dask.config.set({"dataframe.convert-string": False}):
        return dd.from_map(
            partial(
                _partition,
                command=command,
                deadline=deadline,
                empty=meta,
                errors=errors,
                call=uuid.uuid4().hex,
            ),
            asked,
            [dict(arguments[server.name]) for server in asked],
            meta=meta,
            label=f"xentara-{command}",
            enforce_metadata=False,
        )


def _partition(
    server: Server,
    arguments: Mapping[str, Any],
    *,
    command: str,
    deadline: float | None,
    empty: pd.DataFrame,
    errors: str,
    call: str,  # values change: no two calls have the same keys, behind which Dask keeps results
) -> pd.DataFrame:
    fit = partial(_fitted, like=empty)
    return run_partition(server, command, arguments, deadline, fit, empty, errors)


def _fitted(frame: pd.DataFrame, server: str, *, like: pd.DataFrame) -> pd.DataFrame:
    """Return what a server has answered with the columns and dtypes that were announced."""
    # Copied, for a task that ran at the same time may have the same arrays.
    found = with_server(frame.copy(), server, like[SERVER].cat.categories.tolist())
    if "value" in found.columns and found["value"].dtype != object:
        found["value"] = found["value"].astype(object)
    return found[list(like.columns)]


def _two_ids(dtype: IdDtype) -> IdArray:
    return id_array([11, 12])
