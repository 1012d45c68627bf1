"""Answers of which some elements have an error instead: all the others are decoded as usual.

A message is cut at the error packets. What stands between two of these is a message by itself but
for its head, and so are errors that follow each other. A wrong cut, where the same bytes stand
inside of a value, leaves a piece that is no such message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol

from xentara_nb.protocol.cbor import QUICK
from xentara_nb.protocol.codec.heads import ARRAY, MESSAGE_ID, UNSIGNED, head
from xentara_nb.protocol.errors import ProtocolError, ServerError
from xentara_nb.protocol.packets import Failure, decode_answers

# A success packet begins so; so does an error packet: array of three, type 2, the message id, a map
# of two, key 0.
_SUCCESS = b"\x83\x01"
_FAILURE = re.compile(rb"\x83\x02" + MESSAGE_ID + rb"\xa2\x00", re.DOTALL)
_PER_RUN = 8
"""So many answers there must be for each piece: of fewer, the generic decoder is as fast."""


class Requests(Protocol):
    """Requests to be sent and answered together."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: slice, /) -> Requests: ...

    def decode(self, message: bytes, first_id: int) -> Sequence[Any] | None:
        """Return the answers; None if the message is an unusual one."""


def decode_in_runs(requests: Requests, message: bytes, first_id: int) -> list[Any] | None:
    """Return the answers, and the error of each request that has one; None if it is unusual."""
    count, start = len(requests), head(ARRAY, len(requests))
    places = _failures(message, first_id, count)
    runs = _runs(sorted(places), count)
    if not places or len(runs) > 4 + count // _PER_RUN or not message.startswith(start):
        return None
    results: list[Any] = []
    at, errors = len(start), 0
    for begin, end in runs:
        failed = begin in places
        if end == count:
            until = len(message)
        elif failed:
            until = message.find(_SUCCESS + head(UNSIGNED, first_id + end), at)
        else:
            until = places[end]
        part = head(ARRAY, end - begin) + message[at:until]
        if failed:
            errors += len(part)
            found: Sequence[Any] | None = None
            if errors <= QUICK:
                found = _errors(part, first_id + begin)
        else:
            found = requests[begin:end].decode(part, first_id + begin)
        if until < at or found is None or len(found) != end - begin:
            return None
        results += found
        at = until
    return results


def _failures(message: bytes, first_id: int, count: int) -> dict[int, int]:
    """Return where the error packets begin, by the number of their request."""
    places: dict[int, int] = {}
    for match in _FAILURE.finditer(message):
        item = match[1]
        number = (item[0] if len(item) == 1 else int.from_bytes(item[1:], "big")) - first_id
        if 0 <= number < count:
            places.setdefault(number, match.start())
    return places


def _runs(failed: Sequence[int], count: int) -> list[tuple[int, int]]:
    """Return the runs of requests that failed, and of those that did not, in their order."""
    borders = {0, count}
    borders.update({*failed}.symmetric_difference(number + 1 for number in failed))
    ordered = sorted(borders)
    return list(pairwise(ordered))


def _errors(message: bytes, first_id: int) -> list[ServerError] | None:
    """Return the errors of a message of error packets; None if it is none."""
    try:
        answers = decode_answers(message)
    except ProtocolError:
        return None
    failures = [each for each in answers if isinstance(each, Failure)]
    ids = [each.message_id for each in failures]
    if len(failures) < len(answers) or ids != list(range(first_id, first_id + len(ids))):
        return None
    return [each.error for each in failures]
