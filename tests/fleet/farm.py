"""Ten servers in processes of their own: ``python -m tests.fleet.farm FOLDER``.

Everything is imported once, then each server is forked: simulators, and one that has a certificate
that has expired. A line of JSON says of each where it is and what its process is; they end with the
standard input.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import xentara_nb
import xentara_nb.simulator
from tests.support.certificates import make_certificate
from tests.support.server import FakeServer

COUNT = 10
EXPIRED = 3
"""The number of the one whose certificate has expired; a simulator has none that has."""


def serve(number: int, folder: Path, out: int) -> None:
    """Serve until this process is killed."""
    if number == EXPIRED:
        certificate = make_certificate(folder, days=(-30, -1))
        with FakeServer(lambda wire: wire.hello(), certificate) as server:
            tell(out, f"127.0.0.1:{server.port}", ca_file=str(certificate.path))
    with xentara_nb.simulate(elements=20) as plant:
        tell(out, plant.url, fingerprint=plant.fingerprint)


def tell(out: int, url: str, **trust: str) -> None:
    """Say where a server is, and let it serve."""
    line = {"pid": os.getpid(), "url": url, "trust": trust}
    os.write(out, f"{json.dumps(line)}\n".encode())
    while True:
        signal.pause()


def main() -> None:
    """Fork the simulators, and end them when the standard input ends."""
    children = []
    for number in range(COUNT):
        ours, theirs = os.pipe()
        child = os.fork()
        if not child:
            os.close(ours)
            serve(number, Path(sys.argv[1]), theirs)
            os._exit(0)
        os.close(theirs)
        children.append(child)
        with os.fdopen(ours) as lines:
            line = lines.readline()
        if not line:
            raise RuntimeError(f"server {number} did not start")
        print(line, end="", flush=True)
    sys.stdin.read()
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
