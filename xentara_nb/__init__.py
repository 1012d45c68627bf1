"""Explore a Xentara automation server from a notebook, and change values under guard.

>>> import xentara_nb
>>> with xentara_nb.simulate() as plant, plant.connect() as client:
...     inventory = client.inventory()
>>> inventory.columns.tolist()[:3]
['primary_key', 'element_uuid', 'category']
"""

from __future__ import annotations

import signal
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from xentara_nb._notebook import register_display

if TYPE_CHECKING:
    from xentara_nb._api import *  # noqa: F403 - type checkers see what __getattr__ finds
    from xentara_nb._version import __version__ as __version__
    from xentara_nb.simulator import Simulator as Simulator
    from xentara_nb.simulator import simulate as simulate

# Here, for df.xentara must be there also for frames from elsewhere, before any name of this package
# is used, and whichever of pandas and this package is imported first. The command line does so
# when it begins to work: pandas takes longer than all of its help.
if PurePath(*sys.argv[:1]).stem != "xentara-nb":
    import xentara_nb.tables.accessor  # noqa: F401 - registers df.xentara
elif signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until the command is loaded there is nothing to bring to an end, nor a use for a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

register_display()


def __getattr__(name: str) -> Any:
    """Load what is used for the first time: pandas alone is loaded before, to register its part."""
    if name == "__version__":
        # Python looks for it among all packages that are installed.
        from xentara_nb._version import __version__

        return __version__
    if name in ("simulate", "Simulator"):  # an extra, which does not need the client
        from xentara_nb.simulator import Simulator, simulate

        return simulate if name == "simulate" else Simulator
    if name == "__all__":
        return _names()
    if not name.startswith("_"):
        from xentara_nb import _api

        if hasattr(_api, name):
            return getattr(_api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*_names(), "Simulator", "__version__", "simulate"])


def load_ipython_extension(shell: Any) -> None:
    """Add ``%xentara`` to a notebook, for ``%load_ext xentara_nb``."""
    from xentara_nb._magics import register

    register(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take ``%xentara`` out again, for ``%unload_ext xentara_nb``."""
    from xentara_nb._magics import unregister

    unregister(shell)


def _names() -> list[str]:
    from xentara_nb import _api

    return [name for name in vars(_api) if not name.startswith("_")]
