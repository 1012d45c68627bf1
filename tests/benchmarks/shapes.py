"""What an element costs in models of many sizes and shapes, from the bytes to the DataFrame.

No server takes part: for many shapes and a million elements it would take far longer than what is
measured. Time is the processor's.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterable, Iterator
from statistics import fmean
from typing import Any, NamedTuple
from uuid import UUID

import cbor2

from tests.benchmarks.model import ATTRIBUTES
from tests.benchmarks.table import Figure, Sizes
from xentara_nb.connection.reconnecting import BATCH_SIZE
from xentara_nb.protocol.cbor import Encoded
from xentara_nb.protocol.codec import decode_results
from xentara_nb.protocol.codec.attribute_lists import ListRequests, known_attribute, known_list
from xentara_nb.protocol.codec.reads import ReadRequests
from xentara_nb.protocol.commands import AttributeInfo, Browse, BrowseEntry
from xentara_nb.protocol.commands.model import attributes_item
from xentara_nb.protocol.errors import server_error
from xentara_nb.protocol.identifiers import NIL_UUID, Category, MetaDataId
from xentara_nb.protocol.packets import Failure, Success, encode_packets
from xentara_nb.queries.model_cache import ModelCache
from xentara_nb.tables.frames import inventory_frame_of

BROWSE = Browse(NIL_UUID)
_LISTS, _NAMES = 12, 96


class Shape(NamedTuple):
    """What a model looks like."""

    attributes: int
    lists: str  # "alike": a dozen; "mixed": no two alike, of the same attributes; "own": all differ
    long_key: bool = False  # whether one has 300 characters
    largest: int = 1  # how many times as many elements as Sizes.many there may be

    @property
    def text(self) -> str:
        words = {"alike": "lists alike", "mixed": "no two lists alike", "own": "no attribute alike"}
        key = ", one key of 300 characters" if self.long_key else ""
        return f"{self.attributes} attributes, {words[self.lists]}{key}"


SHAPES = (
    Shape(10, "alike", largest=10),
    Shape(10, "alike", long_key=True),
    Shape(3, "alike"),
    Shape(40, "alike"),
    Shape(10, "mixed"),
    Shape(40, "mixed"),
    Shape(10, "own"),
)


class Messages:
    """The answers of a server with a model of some shape; those with lists are made one by one."""

    def __init__(self, shape: Shape, count: int) -> None:
        self.shape, self.count = shape, count
        source = random.Random(count)
        entries = [
            BrowseEntry(
                f"Plant.Line {number // 100:05}.Point {number % 100:02}",
                UUID(int=source.getrandbits(128), version=4),
                Category.DATA_POINT,
            )
            for number in range(count)
        ]
        if shape.long_key:
            middle = count // 2
            entries[middle] = entries[middle]._replace(primary_key="P" * 300)
        self.uuids = [entry.element_uuid for entry in entries]
        self.browse = encode_packets([Success(2, BROWSE.build_answer(entries))])

    def lists(self) -> Iterator[bytes]:
        source = random.Random(self.count)
        names = [f"attribute {number}" for number in range(_NAMES)]
        shape = self.shape

        def info(name: str) -> AttributeInfo:
            return AttributeInfo(name, UUID(int=source.getrandbits(128), version=4), 0, 11)

        def encoded(infos: list[AttributeInfo]) -> Encoded:
            return Encoded(cbor2.dumps(attributes_item(infos)))

        infos = list(map(info, names))
        alike = [encoded(source.sample(infos, shape.attributes)) for _ in range(_LISTS)]
        make: dict[str, Callable[[], Encoded]] = {
            "alike": lambda: source.choice(alike),
            "mixed": lambda: encoded(source.sample(infos, shape.attributes)),
            "own": lambda: encoded(list(map(info, names[: shape.attributes]))),
        }
        for start in range(0, self.count, BATCH_SIZE):
            yield encode_packets(
                Success(number + 3, {int(MetaDataId.ATTRIBUTE_LIST): make[shape.lists]()})
                for number in range(start, min(start + BATCH_SIZE, self.count))
            )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long some work takes, and its result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def cost(messages: Messages, lists: Iterable[bytes], *, collect: bool = True) -> float:
    """Return how long it takes from the bytes to the DataFrame, per element.

    What was not used for a while is read from memory anew: behind a garbage collection, all is.
    """
    known_list.cache_clear()  # what the last run left would be all of a small model
    known_attribute.cache_clear()
    if collect:
        gc.collect()
    total, (entries,) = timed(lambda: decode_results([BROWSE], messages.browse, 2))
    keys, uuids, categories = entries.keys, entries.uuids, entries.categories
    found = []
    for start, message in zip(range(0, messages.count, BATCH_SIZE), lists, strict=True):
        requests = ListRequests(uuids[start : start + BATCH_SIZE])
        arguments = requests, message, start + 3
        seconds, answers = timed(lambda arguments=arguments: decode_results(*arguments))
        assert answers is not None, "these are the usual bytes"
        total += seconds
        found += [answer.attributes for answer in answers]
    total += timed(lambda: inventory_frame_of(keys, uuids, categories, found))[0]
    return total / messages.count


def loads(messages: list[bytes]) -> float:
    """Return how long cbor2 takes for the same messages, one after the other."""
    gc.collect()
    return sum(timed(lambda each=each: cbor2.loads(each))[0] for each in messages)


def shapes(sizes: Sizes) -> Iterator[Figure]:
    """Compare the time per element in models of all sizes and shapes, and with cbor2 alone."""
    rounds = max(1, sizes.rounds // 3)
    for shape in SHAPES:
        each: dict[int, float] = {}
        first: dict[int, float] = {}  # of each run
        notes: dict[int, str] = {}
        for count in dict.fromkeys((sizes.few, sizes.elements, sizes.many)):
            messages = Messages(shape, count)
            lists = list(messages.lists())
            # As many elements in each run: of a small model, one inventory behind the other.
            turns = max(1, sizes.elements // count)
            runs = [
                [cost(messages, lists, collect=not turn) for turn in range(turns)]
                for _ in range(rounds * turns)
            ]
            each[count] = min(map(fmean, runs))
            first[count] = min(run[0] for run in runs)
            baseline = min(loads([messages.browse, *lists]) for _ in range(rounds)) / count
            notes[count] = f", {baseline / each[count]:.2f} times as fast as cbor2.loads"
        if shape.largest > 1:
            messages = Messages(shape, sizes.many * shape.largest)
            # Not in memory that the process had not used before: to get that takes as long.
            each[messages.count] = min(cost(messages, messages.lists()) for _ in range(2))
        for count in each:
            yield Figure(
                f"bytes to DataFrame per element at {count:,} ({shape.text})",
                f"at {sizes.elements:,}",
                each[count] / each[sizes.elements],
                1.3,
                most=True,
                note=f"{each[count] * 1e6:.1f} us{notes.get(count, '')}",
            )
        yield Figure(
            f"the same, the first of {sizes.few:,} behind a garbage collection ({shape.text})",
            f"at {sizes.elements:,}",
            first[sizes.few] / each[sizes.elements],
            1.3,
            most=True,
            note=f"{first[sizes.few] * 1e6:.1f} us",
        )


def failing(sizes: Sizes) -> Iterator[Figure]:
    """Compare answers of which some have errors with cbor2 alone."""
    ids, count = tuple(range(ATTRIBUTES)), BATCH_SIZE
    requests = ReadRequests([UUID(int=number) for number in range(count)], [ids] * count)

    def message(gone: int, failed: int) -> bytes:
        """Return answers: one in so many is of an element that is not there, or lacks a value."""
        answers: list[Success | Failure] = []
        for number, command in enumerate(requests):
            values: dict[int, object] = {each: number / 8 + each for each in ids}
            if number % failed == failed - 1:
                values[ids[-1]] = server_error(-32101)
            answer = Success(number + 2, command.build_answer(values))
            error = Failure(number + 2, server_error(-32100))
            answers.append(error if number % gone == gone - 1 else answer)
        return encode_packets(answers)

    never = count + 1
    shapes = {
        "no errors": (never, never),
        "one element in 100 not there": (100, never),
        "one element in 10 with an error": (never, 10),
    }
    for name, numbers in shapes.items():
        data = message(*numbers)
        assert decode_results(requests, data, 2) is not None, "these are recognised"
        works = {
            "ours": lambda data=data: [decode_results(requests, data, 2) for _ in range(20)],
            "loads": lambda data=data: [cbor2.loads(data) for _ in range(20)],
        }
        times = {
            which: min(timed(work)[0] for _ in range(max(1, sizes.rounds)))
            for which, work in works.items()
        }
        ratio = times["loads"] / times["ours"]
        yield Figure(f"{count} answers of {ATTRIBUTES} values, {name}", "cbor2.loads", ratio, 0.65)


def known(sizes: Sizes) -> Iterator[Figure]:
    """Compare the time to find known elements again, in models of several sizes."""
    each: dict[int, float] = {}
    counts = dict.fromkeys((sizes.elements, sizes.many, sizes.many * 5 // 2))
    for count in counts:
        uuids = [UUID(int=number) for number in range(count)]
        lists = [(AttributeInfo("value", 11, 2, 10),)] * count
        cache = ModelCache(lambda commands: iter(()))  # gives too few answers
        cache.learn(uuids, lists, cache.generation)
        cache.attribute_lists(uuids[:1])
        times = []
        for _ in range(max(1, sizes.rounds)):
            start = time.process_time()
            cache.attribute_lists(uuids)
            times.append(time.process_time() - start)
        each[count] = min(times) / count
    for count in counts:
        yield Figure(
            f"the attributes of {count:,} known elements, per element",
            f"of {sizes.elements:,}",
            each[count] / each[sizes.elements],
            1.3,
            most=True,
            note=f"{each[count] * 1e6:.2f} us",
        )
