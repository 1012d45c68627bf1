"""What has changed on the servers of a fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from xentara_nb.errors import OptionError
from xentara_nb.fleet.frames import SERVER, by_server, stacked, with_server
from xentara_nb.protocol.text import listed, quantity
from xentara_nb.tables.compare import compare
from xentara_nb.tables.comparison import MAX_ROWS, Changes, Comparison
from xentara_nb.tables.rendering import escape, frame_text, table_html, without_missing

_SHOWN = ["server", "change", "primary_key", "attribute_name", "old", "new"]


class FleetComparison(Changes):
    """What has changed on each server; made by :meth:`Fleet.compare`.

    Attributes
    ----------
    comparisons : dict of str to Comparison
        By server, those that could be compared.
    not_compared : dict of str to str
        By server, why the others could not.
    whole : bool
        Whether the older table is known to hold all that there was. If not, what it does not have
        is no change: it may never have been asked for.
    frame : pandas.DataFrame
        One row per change, as in :class:`~xentara_nb.Comparison`, behind the column ``server``
        (categorical).

    Examples
    --------
    >>> before = fleet.snapshot("Plant.Line 1.Set point", progress=False)
    >>> found = fleet.compare(before.assign(value=200.0), progress=False)
    >>> found.changed_servers, found.whole
    (['north', 'south'], False)
    """

    def __init__(
        self,
        comparisons: Mapping[str, Comparison],
        not_compared: Mapping[str, str],
        whole: bool = True,
    ) -> None:
        self.whole = whole
        self.comparisons = dict(comparisons)
        self.not_compared = dict(not_compared)
        names = [*comparisons, *not_compared]
        nothing = compare(_NOTHING, _NOTHING).frame
        super().__init__(
            stacked(
                {name: each.frame for name, each in comparisons.items()},
                names,
                with_server(nothing, SERVER, [SERVER]).assign(
                    server=pd.Categorical([], categories=names)
                ),
            )
        )

    @property
    def same(self) -> bool:
        """Whether every server could be compared, and nothing has changed."""
        return not self.not_compared and not self

    @property
    def changed_servers(self) -> list[str]:
        """The servers on which something has changed."""
        return [name for name, each in self.comparisons.items() if not each.same]

    @property
    def summary(self) -> str:
        """What has changed, a line for each server, and those that could not be compared."""
        changed, count = self.changed_servers, len(self.comparisons)
        if changed:
            lines = [f"{len(changed):,} of {quantity(count, 'server')} changed."]
        else:
            lines = [f"Nothing has changed on {quantity(count, 'server')}."]
        lines += [f"{name}: {self.comparisons[name].summary}" for name in changed]
        if self.not_compared:
            reasons: dict[str, list[str]] = {}
            for name, reason in self.not_compared.items():
                reasons.setdefault(reason, []).append(name)
            lines += [f"not compared: {listed(names)}: {text}" for text, names in reasons.items()]
        if not self.whole and count:
            lines.append(
                "What the older table does not have was left out: it does not say that it has all."
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        if self.frame.empty:
            return self.summary
        return f"{self.summary}\n{frame_text(self._shown(), whole=('primary_key',))}{self._more()}"

    def _repr_html_(self) -> str:
        head = "".join(f"<p>{escape(line)}</p>" for line in self.summary.splitlines())
        if self.frame.empty:
            return head
        rows = without_missing(self._shown()).itertuples(index=False)
        return f"{head}{table_html(_SHOWN, rows)}{escape(self._more().strip())}"

    def _shown(self) -> pd.DataFrame:
        return self.frame[_SHOWN].head(MAX_ROWS)


_NOTHING = pd.DataFrame({"primary_key": [], "element_uuid": []})


def compare_fleets(
    old: pd.DataFrame,
    new: pd.DataFrame,
    *,
    tolerance: float = 0.0,
    not_asked: Mapping[str, str] | None = None,
    servers: Sequence[str] | None = None,
    whole: bool = True,
) -> FleetComparison:
    """Compare two frames of a fleet, server by server.

    Parameters
    ----------
    old, new : DataFrame
        Inventories or snapshots with a column ``server``.
    tolerance : float, default 0.0
        As for :func:`xentara_nb.compare`.
    not_asked : mapping of str to str, optional
        By server, why there is nothing new of it.
    servers : sequence of str, optional
        Which servers; left out, all that are in one of the frames.
    whole : bool, default True
        Whether elements and attributes that ``old`` does not have were added since.

    Raises
    ------
    OptionError
        If there is no column ``server``, or the frames cannot be compared.
    """
    for which, frame in (("old", old), ("new", new)):
        if SERVER not in frame.columns:
            raise OptionError(
                f"the {which} one has no column {SERVER}: give what a fleet has given, or a folder "
                "with a file for each server"
            )
    before, after = by_server(old), by_server(new)
    reasons = dict(not_asked or {})
    names = list(servers) if servers is not None else list(dict.fromkeys([*before, *after]))
    found, others = {}, {}
    for name in names:
        if name in reasons:
            others[name] = reasons[name]
        elif name not in before:
            others[name] = "there is nothing old of it"
        elif name not in after:
            others[name] = "there is nothing new of it"
        else:
            found[name] = compare(before[name], after[name], tolerance=tolerance)
            if not whole:
                found[name] = _without_added(found[name], before[name])
    return FleetComparison(found, others, whole)


def _without_added(found: Comparison, old: pd.DataFrame) -> Comparison:
    frame = found.frame[found.frame["change"] != "added"].reset_index(drop=True)
    return Comparison(frame, old["primary_key"].nunique())
