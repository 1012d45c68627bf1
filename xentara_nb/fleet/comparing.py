"""What is asked of the servers of a fleet to compare it with what there was."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from xentara_nb.errors import OptionError
from xentara_nb.fleet.asking import Asking
from xentara_nb.fleet.call import Call
from xentara_nb.fleet.comparison import FleetComparison, compare_fleets
from xentara_nb.fleet.coverage import asked_again, few_elements
from xentara_nb.fleet.frames import SERVER, servers_of


def compare_with_now(
    asking: Asking, old: pd.DataFrame, call: Call, *, tolerance: float
) -> FleetComparison:
    """Compare what there was with what there is now; see :meth:`Fleet.compare`.

    The call says which servers are asked, in what time and by whom.
    """
    if SERVER not in old.columns:
        raise OptionError(f"what is compared has a column {SERVER}; this has none")
    names = asking.names(call.servers)
    known = set(servers_of(old)[1])
    there = [name for name in names if name in known]
    if not there:
        return compare_fleets(old, old.iloc[:0], servers=names)
    command, part = asked_again(old, there)
    enough = None if part.whole else few_elements(old)
    new = asking.frame(
        replace(call, command=command, arguments=part.asked, servers=there, enough=enough)
    )
    failed = asking.failures.set_index("server")["error"].to_dict()
    return compare_fleets(
        old,
        new,
        tolerance=tolerance,
        not_asked={name: str(failed[name]) for name in there if name in failed},
        servers=names,
        whole=part.whole,
    )
