"""What a person waits for: the help of the command line, a large tree, a key in Find."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks.measuring import plain, server, timed
from tests.benchmarks.model import search_keys
from tests.benchmarks.table import Figure, Sizes
from xentara_nb.tables.search import SearchIndex
from xentara_nb.widgets.explorer.tree import ROOT, Tree, children_of


def command_help(sizes: Sizes) -> Iterator[Figure]:
    """Measure by how much the help of the command line takes longer than Python alone."""
    commands = {
        "python": [sys.executable, "-c", "pass"],
        "help": [str(Path(sys.executable).with_name("xentara-nb")), "--help"],
    }

    def spent() -> float:
        if sys.platform == "win32":
            return time.perf_counter()
        import resource

        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def run(command: list[str]) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    works = {name: plain(lambda each=each: run(each)) for name, each in commands.items()}
    times = timed(works, sizes.rounds, spent)
    yield Figure(
        "xentara-nb --help",
        "python -c pass",
        (times["help"] - times["python"]) * 1000,
        80,
        most=True,
        unit=" ms more",
    )


def tree(sizes: Sizes) -> Iterator[Figure]:
    """Measure how long it takes to open an element with many children."""
    with server(sizes.children) as one:

        @contextlib.contextmanager
        def prepare() -> Iterator[Callable[[], object]]:
            with one.connect() as client:
                opened = Tree(partial(children_of, client), client.has_children)

                def work() -> object:
                    opened.open(ROOT)
                    return opened.rows()

                yield work

        times = timed({"tree": prepare}, min(3, sizes.rounds), time.process_time)
    yield Figure(
        f"opening an element of the tree with {sizes.children:,} children",
        "processor time",
        times["tree"],
        0.3,
        most=True,
        unit=" s",
    )


def searching(sizes: Sizes) -> Iterator[Figure]:
    """Measure how long the result of a search takes."""
    index = SearchIndex(search_keys(sizes.keys))
    _ = index.vocabulary
    texts = {
        "one letter": "p",
        "all of them": "plant",
        "two words": "tank lev",
        "a word and a number": "pump 07",
        "a wildcard": "press*inlet",
        "a wildcard in what most have": "plant*0",
        "a typo": "tnak lvel",
        "nothing": "zzz",
    }
    times = timed(
        {each: plain(lambda each=each: index.find(each)) for each in texts.values()},
        min(3, sizes.rounds),
        time.process_time,
    )
    for name, text in texts.items():
        yield Figure(
            f"search for {text!r} ({name}) in {sizes.keys:,} keys",
            "processor time",
            times[text] * 1000,
            50,
            most=True,
            unit=" ms",
        )
