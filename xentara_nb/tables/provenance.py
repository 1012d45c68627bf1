"""Where a DataFrame came from: a note that goes with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

_PROVENANCE = "xentara"
_PLAIN = frozenset({str, int})
_to_json = json.JSONEncoder(allow_nan=False).encode


def with_provenance(frame: pd.DataFrame, provenance: Mapping[str, object]) -> pd.DataFrame:
    """Return the same data with a note of where it came from, in ``frame.attrs["xentara"]``.

    It holds what JSON can hold, and no secret. pandas hands it on to what is filtered or sorted,
    and copies it each time: keep it small.
    """
    return note_provenance(frame.copy(deep=False), provenance)


def note_provenance(frame: pd.DataFrame, provenance: Mapping[str, object]) -> pd.DataFrame:
    """Put the note on the frame itself, which was just made and has no other user; return it."""
    # Through JSON and back: a copy that is checked, and equal to itself after a file. What is there
    # most of the time is so as it is.
    plain = _PLAIN.issuperset(map(type, provenance.values()))
    frame.attrs[_PROVENANCE] = dict(provenance) if plain else json.loads(_to_json(dict(provenance)))
    return frame


def provenance_of(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the note of :func:`with_provenance`, or an empty dict where there is none."""
    note = frame.attrs.get(_PROVENANCE)
    return dict(note) if isinstance(note, dict) else {}
