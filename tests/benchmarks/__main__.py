"""Measure, and print the table: ``python -m tests.benchmarks [--only inventory,...] [--smoke]``.

Every ratio has its baseline from the same run; the shortest of several runs counts, for what
else the computer does can only make one longer. Nothing is asserted about times.
"""

from __future__ import annotations

import argparse
import sys

from tests.benchmarks.figures import FIGURES
from tests.benchmarks.table import SMOKE, Figure, Sizes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--only", default=",".join(FIGURES), help="some of %(default)s")
    parser.add_argument("--rounds", type=int, default=Sizes.rounds)
    parser.add_argument("--smoke", action="store_true", help="a few elements, once")
    arguments = parser.parse_args()
    sizes = SMOKE if arguments.smoke else Sizes(rounds=arguments.rounds)
    print("| what | against | measured | goal | |")
    print("|---|---|---|---|---|")
    for name in arguments.only.split(","):
        for figure in FIGURES[name](sizes):
            print(line(figure), flush=True)
    return 0


def line(figure: Figure) -> str:
    note = f" ({figure.note})" if figure.note else ""
    goal, verdict = "", ""
    if figure.goal is not None:
        goal = f"{'at most' if figure.most else 'at least'} {figure.goal:g}{figure.unit}"
        verdict = "met" if figure.met else "**missed**"
    value = f"{figure.value:.3g}" if figure.value < 1000 else f"{figure.value:,.0f}"
    return (
        f"| {figure.what} | {figure.baseline} | {value}{figure.unit}{note} | {goal} | {verdict} |"
    )


if __name__ == "__main__":
    sys.exit(main())
