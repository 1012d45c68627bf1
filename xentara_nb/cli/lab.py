"""``xentara-nb lab``: the simulator, and JupyterLab on it."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xentara_nb.cli.common import say
from xentara_nb.cli.options import AddParser, UsageError
from xentara_nb.cli.simulating import add_plant_arguments, check_port, describe, simulator_from
from xentara_nb.errors import MissingExtraError
from xentara_nb.paths import user_path

if TYPE_CHECKING:
    from xentara_nb.simulator import Simulator

FOLDER = "xentara-notebooks"
"""Where the notebooks are copied to, in the folder where the command is started."""

START = "00-start.ipynb"
"""The notebook that is opened, a page of what to try."""

# A workspace of its own: JupyterLab opens again what was open in one the last time, and that of the
# user may be of another folder.
_WORKSPACE = "/lab/workspaces/xentara"

# They hold for any server that a notebook may connect to.
_SAFEGUARDS = ("XENTARA_READ_ONLY", "XENTARA_POLICY", "XENTARA_JOURNAL")
# How long they may take to end, in seconds: a kernel that hangs is killed by JupyterLab, and
# JupyterLab, should it not end, by us. Else such a kernel would go on without it.
_KERNEL_STOP_WAIT, _STOP_WAIT = 4.0, 5.0


def add_parsers(add_parser: AddParser) -> None:
    """Add the command."""
    parser = add_parser(
        "lab",
        help="start the simulator and JupyterLab on it",
        description="Start a simulated plant and JupyterLab, with notebooks that connect to it. "
        "Both stop with Ctrl-C.",
        examples=("lab", "lab --config /etc/xdg/xentara --lab-port 8889 --no-browser"),
    )
    add_plant_arguments(parser)
    parser.add_argument(
        "--notebooks",
        metavar="DIR",
        help=f"the folder to open (default: {FOLDER}, into which the notebooks are copied that are "
        "not there yet)",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address, open no browser"
    )
    parser.add_argument(
        "--lab-port",
        metavar="PORT",
        type=int,
        help="the port of JupyterLab (default: 8888, or the next one that is free)",
    )
    parser.set_defaults(run=_lab)


def _lab(args: argparse.Namespace) -> int:
    if importlib.util.find_spec("jupyterlab") is None:
        raise MissingExtraError(
            "JupyterLab is not installed; install it with: pip install 'xentara_nb[lab]' "
            "(in a copy of the repository: pip install -e '.[lab]')"
        )
    check_port("--lab-port", args.lab_port)
    folder = _folder(args.notebooks)
    with simulator_from(args, "127.0.0.1", 0) as simulator:
        for line in describe(simulator):
            say(line)
        say('In a notebook: client = xentara_nb.connect() logs in to it as "engineer".')
        return _run(_command(folder, args), _environment(simulator))


def _environment(simulator: Simulator) -> dict[str, str]:
    """Return the variables of JupyterLab: how to log in to the simulator, and to nothing else."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("XENTARA_") or name.upper() in _SAFEGUARDS
    }
    # Its cards in the launcher, also where the package is not installed but only on the path, and
    # settings that hold where the user has none: the question whether to show news of JupyterLab,
    # and the word of a newer version, would lie over the notebook. The user's own places stay.
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH"):
        folders = [str(Path(__file__).with_name("jupyter")), environment.get(name)]
        environment[name] = os.pathsep.join(filter(None, folders))
    environment["XENTARA_URL"] = simulator.url
    environment["XENTARA_CA_FILE"] = simulator.ca_file
    if "engineer" in simulator.users:
        environment.setdefault("XENTARA_POLICY", str(simulator.policy))
        environment["XENTARA_USER"] = "engineer"
        environment["XENTARA_PASSWORD"] = simulator.users["engineer"]
    return environment


def _folder(notebooks: str | None) -> Path:
    if notebooks is None:
        folder = Path(FOLDER)
        try:
            copy_notebooks(folder)
        except OSError as error:
            raise UsageError(
                f"the notebooks cannot be copied to {folder.absolute()} "
                f"({error.strerror or error}): start in another folder, or name one with "
                "--notebooks"
            ) from None
        say(f"The notebooks are in the folder {folder}, copies to change as you like.")
        return folder
    if not user_path(notebooks).is_dir():
        raise UsageError(f"there is no folder {notebooks}")
    return user_path(notebooks)


def copy_notebooks(folder: Path) -> None:
    """Copy the notebooks into a folder that are not there yet; what is there stays as it is."""
    package = Path(__file__).parents[1]
    # Installed in a clone of the repository with pip install -e, the notebooks are beside it.
    places = [package / "notebooks", package.parent / "notebooks"]
    found = [path for place in places for path in sorted(place.glob("*.ipynb"))]
    folder.mkdir(exist_ok=True)
    for path in found:
        if not (folder / path.name).exists():
            (folder / path.name).write_bytes(path.read_bytes())


def _command(folder: Path, args: argparse.Namespace) -> list[str]:
    # -P: a file in this folder that is called as a module of Python is not taken for it.
    command = [sys.executable, "-P", "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"]
    command.append(f"--ServerApp.root_dir={folder.resolve()}")
    command.append(f"--KernelManager.shutdown_wait_time={_KERNEL_STOP_WAIT}")
    start = f"/tree/{START}" if (folder / START).is_file() else ""
    command.append(f"--LabApp.default_url={_WORKSPACE}{start}")
    if args.lab_port is not None:
        command += [f"--ServerApp.port={args.lab_port}", "--ServerApp.port_retries=0"]
    if args.no_browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # As in a container. JupyterLab would refuse; it listens on this computer only.
        command.append("--allow-root")
    return command


def _run(command: list[str], environment: dict[str, str]) -> int:
    import subprocess

    # Ctrl-C in a terminal is for us alone: JupyterLab would ask whether it is meant, or end without
    # its kernels. Terminated, it shuts them down.
    group: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {}
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, **group) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()
            try:
                process.wait(_STOP_WAIT)
            except (KeyboardInterrupt, subprocess.TimeoutExpired):
                process.kill()
            return 0
