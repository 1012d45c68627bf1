"""What an element costs in models of many sizes and shapes, from the bytes to the DataFrame.

No server takes part: for many shapes and a million elements it would take far longer than what is
measured. Time is the processor's.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple
from uuid import UUID

import cbor2

from tests.benchmarks.table import Figure, Sizes
from xentara_nb.connection.reconnecting import BATCH_SIZE
from xentara_nb.protocol.cbor import Encoded
from xentara_nb.protocol.codec import decode_results
from xentara_nb.protocol.codec.attribute_lists import ListRequests
from xentara_nb.protocol.commands import AttributeInfo, Browse, BrowseEntry
from xentara_nb.protocol.commands.model import attributes_item
from xentara_nb.protocol.identifiers import NIL_UUID, Category, MetaDataId
from xentara_nb.protocol.packets import Success, encode_packets
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


def cost(messages: Messages) -> tuple[float, float]:
    """Return how long the library takes for an element, and how long cbor2.loads does."""
    loads = ours = 0.0

    def timed(work: Callable[[], object]) -> tuple[float, object]:
        start = time.process_time()
        result = work()
        return time.process_time() - start, result

    gc.collect()
    loads += timed(lambda: cbor2.loads(messages.browse))[0]
    seconds, found = timed(lambda: decode_results([BROWSE], messages.browse, 2))
    ours += seconds
    (entries,) = found  # type: ignore[misc]
    lists = []
    for start, message in zip(range(0, messages.count, BATCH_SIZE), messages.lists(), strict=True):
        requests = ListRequests(entries.uuids[start : start + BATCH_SIZE])
        loads += timed(lambda message=message: cbor2.loads(message) and None)[0]
        seconds, answers = timed(
            lambda requests=requests, message=message, start=start: decode_results(
                requests, message, start + 3
            )
        )
        assert isinstance(answers, list), "these are the usual bytes"
        ours += seconds
        lists += [answer.attributes for answer in answers]
    seconds, _ = timed(
        lambda: inventory_frame_of(entries.keys, entries.uuids, entries.categories, lists)
    )
    return (ours + seconds) / messages.count, loads / messages.count


def shapes(sizes: Sizes) -> Iterator[Figure]:
    """Compare the time per element in models of all sizes and shapes, and with cbor2 alone."""
    rounds = max(1, sizes.rounds // 3)
    for shape in SHAPES:
        counts = [sizes.few, sizes.elements, sizes.many]
        counts += [sizes.many * shape.largest] if shape.largest > 1 else []
        each: dict[int, float] = {}
        ratios: dict[int, float] = {}
        for count in dict.fromkeys(counts):
            messages = Messages(shape, count)
            runs = [cost(messages) for _ in range(rounds if count <= sizes.many else 1)]
            each[count] = min(ours for ours, _ in runs)
            ratios[count] = min(loads for _, loads in runs) / each[count]
        for count in each:
            yield Figure(
                f"bytes to DataFrame per element at {count:,} ({shape.text})",
                f"at {sizes.elements:,}",
                each[count] / each[sizes.elements],
                1.3,
                most=True,
                note=f"{each[count] * 1e6:.1f} us, {ratios[count]:.2f} times as fast as "
                "cbor2.loads",
            )


def known(sizes: Sizes) -> Iterator[Figure]:
    """Compare the time to find known elements again, in models of several sizes."""
    each: dict[int, float] = {}
    counts = dict.fromkeys((sizes.elements, sizes.many, sizes.many * 5 // 2))
    for count in counts:
        uuids = [UUID(int=number) for number in range(count)]
        lists = [(AttributeInfo("value", 11, 2, 10),)] * count
        cache = ModelCache(lambda commands: iter(()))  # whoever asks is told too little
        cache.learn(uuids, lists)
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
