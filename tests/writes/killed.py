"""The program that :mod:`test_kill` kills: it writes until it dies.

It imports everything once, and forks a writer for every line that it reads, before there is any
thread. Each writer takes its numbers from where it is told to begin, so that no value is written
twice by any of them.
"""

from __future__ import annotations

import itertools
import os
import sys

import xentara_nb
import xentara_nb.client
import xentara_nb.writes.plan

KEYS = [f"Plant.Line {line}.Set point" for line in (1, 2, 3)]


def write(url: str, ca_file: str, password: str, journal: str, first: int, mode: str) -> None:
    """Write until this process is killed."""
    with xentara_nb.connect(
        url, user="engineer", password=password, ca_file=ca_file, journal=journal
    ) as client:
        # What is slow the first time is over after one write, also on a busy computer.
        client.write(KEYS[0], float(first * 10 + 9))
        print(os.getpid(), flush=True)
        for number in itertools.count(first):
            values = {key: float(number * 10 + index) for index, key in enumerate(KEYS)}
            if mode == "single":
                for key, value in values.items():
                    client.write(key, value)
            else:
                client.plan_writes(values).apply(on_error=mode)


def main() -> None:
    """Fork a writer for every line of the standard input."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            *texts, first, mode = line.rstrip("\n").split("\t")
            write(*texts, int(first), mode)
            os._exit(0)
        os.waitpid(child, 0)
        print("dead", flush=True)


if __name__ == "__main__":
    main()
