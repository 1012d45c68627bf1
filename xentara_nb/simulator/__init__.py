"""A simulated Xentara server, to try and rehearse on: no licence, no hardware, no harm.

Needs the extra ``simulator``: ``pip install 'xentara_nb[simulator]'``.
"""

from __future__ import annotations

try:
    # The packages of the extra; asked for first, so that one message says what is missing.
    import cryptography as _cryptography  # noqa: F401  # only to see that it is there
    import joserfc as _joserfc  # noqa: F401  # as above
    import passlib as _passlib  # noqa: F401  # as above
    import pydantic as _pydantic  # noqa: F401  # as above
    import websockets as _websockets  # noqa: F401  # as above
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"the simulator needs the package {error.name!r}, which is not installed. "
        "Install what it needs with: pip install 'xentara_nb[simulator]'",
        name=error.name,
    ) from None

from xentara_nb.simulator.config import demo
from xentara_nb.simulator.config.configuration import Configuration
from xentara_nb.simulator.documents import ConfigurationError
from xentara_nb.simulator.fault_targets import FaultError
from xentara_nb.simulator.faults import Faults
from xentara_nb.simulator.server.server import SimulatorError
from xentara_nb.simulator.simulator import Simulator, simulate

__all__ = [
    "Configuration",
    "ConfigurationError",
    "FaultError",
    "Faults",
    "Simulator",
    "SimulatorError",
    "demo",
    "simulate",
]
