"""A simulated Xentara server, to try and rehearse on without a licence or hardware.

Needs the extra ``simulator``: ``pip install 'xentara_nb[simulator]'``.
"""

from __future__ import annotations

try:
    from xentara_nb.simulator.config import demo
    from xentara_nb.simulator.config.configuration import Configuration
    from xentara_nb.simulator.documents import ConfigurationError
    from xentara_nb.simulator.exposure import ExposedWarning
    from xentara_nb.simulator.fault_targets import FaultError
    from xentara_nb.simulator.faults import Faults
    from xentara_nb.simulator.server.limits import Limits
    from xentara_nb.simulator.server.server import SimulatorError
    from xentara_nb.simulator.simulator import Simulator, simulate
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"the simulator needs the package {error.name!r}, which is not installed. "
        "Install what it needs with: pip install 'xentara_nb[simulator]'",
        name=error.name,
    ) from None

__all__ = [
    "Configuration",
    "ConfigurationError",
    "ExposedWarning",
    "FaultError",
    "Faults",
    "Limits",
    "Simulator",
    "SimulatorError",
    "demo",
    "simulate",
]
