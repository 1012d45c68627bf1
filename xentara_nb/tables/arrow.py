"""Tables of other libraries, such as polars and pyarrow, as DataFrames: by the Arrow interface."""

from __future__ import annotations

from typing import Any

import pandas as pd

from xentara_nb.errors import requiring


def from_arrow(table: Any) -> Any:
    """Return a table of another library as a DataFrame, and anything else as it is.

    That is what offers the `Arrow PyCapsule interface
    <https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html>`_ for a table.
    """
    if isinstance(table, pd.DataFrame | pd.Series) or not hasattr(table, "__arrow_c_stream__"):
        return table
    with requiring("a table of another library needs", "parquet"):
        import pyarrow
    read = pyarrow.table(table)
    return read.to_pandas(types_mapper=_dtype_of, date_as_object=False)


def _dtype_of(kind: Any) -> Any:
    """Return the dtype of what has no gaps in numpy's own: else integers would become floats."""
    import pyarrow

    return {
        pyarrow.bool_(): pd.BooleanDtype(),
        **{getattr(pyarrow, f"int{n}")(): getattr(pd, f"Int{n}Dtype")() for n in (8, 16, 32, 64)},
        **{getattr(pyarrow, f"uint{n}")(): getattr(pd, f"UInt{n}Dtype")() for n in (8, 16, 32, 64)},
    }.get(kind)
