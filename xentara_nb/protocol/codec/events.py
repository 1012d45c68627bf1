"""Messages of events in their usual form, taken apart without decoding them.

An event is a fixed frame around its time stamp, its element and a few values. What is recognised
here is checked down to the last byte, so that it can be kept as it came and decoded later, many
events of one shape together.

Examples
--------
>>> message = bytes.fromhex(
...     "81830800a300d903e9a104c482281b17a634b75ab2088f01d82550e3ee10714d884ba18e5d0f1e4ce25ee8"
...     "02a10bd879f93e00"
... )
>>> [len(event) for event in split_events(message) or ()]
[50]
"""

from __future__ import annotations

import re

TIME_AT, ELEMENT_AT, COUNT_AT = 14, 26, 43
"""Where an event has its nanoseconds, its element's UUID and the head of its map of values."""

VALUE_GAP = 2
"""How many bytes stand between an attribute id and its value: tag 121."""

_TIME = rb"\xd9\x03\xe9\xa1\x04\xc4\x82\x28\x1b[\x00-\x7f].{7}"
_ID = rb"(?:[\x00-\x17]|\xd8\x25\x50.{16})"
_VALUE = (
    rb"\xd8\x79(?:\xfb.{8}|[\xf4\xf5\x00-\x17\x20-\x37]|\xf9..|\xfa.{4}|[\x18\x38].|[\x19\x39]..|"
    rb"[\x1a\x3a].{4}|\x1b.{8}|\x3b[\x00-\x7f].{7}|" + _TIME + rb")"
)
_FRAME = rb"\x83\x08\x00\xa3\x00" + _TIME + rb"\x01\xd8\x25\x50.{16}\x02"
_ONE = rb"\xa1" + _ID + _VALUE
# No attribute stands twice in a map: the generic decoder refuses that.
_MORE = (
    rb"\xa2(?P<a>" + _ID + rb")" + _VALUE + rb"(?!(?P=a))" + _ID + _VALUE + rb"|"
    rb"\xa3(?P<b>"
    + _ID
    + rb")"
    + _VALUE
    + rb"(?!(?P=b))(?P<c>"
    + _ID
    + rb")"
    + _VALUE
    + rb"(?!(?P=b)|(?P=c))"
    + _ID
    + _VALUE
)
_SINGLE = re.compile(rb"\x81" + _FRAME + _ONE, re.DOTALL)
_OF_ONE = re.compile(_FRAME + _ONE, re.DOTALL)
_OF_SOME = re.compile(_FRAME + rb"(?:" + _ONE + rb"|" + _MORE + rb")", re.DOTALL)


def split_events(message: bytes) -> list[bytes] | None:
    """Return the events of a message, each of up to three values that are no texts.

    None if there is anything else in it: it is one for the generic decoder, and may still be right.
    """
    if _SINGLE.fullmatch(message):
        return [message[1:]]
    size, count = _array_head(message)
    if not message.startswith(b"\x83\x08", size):
        return None
    body = len(message) - size
    events = _OF_ONE.findall(message, size)
    if len(events) != count or sum(map(len, events)) != body:
        events = [match[0] for match in _OF_SOME.finditer(message, size)]
        # What is found does not overlap: so large in all, it leaves nothing out.
        if len(events) != count or sum(map(len, events)) != body:
            return None
    return events


def _array_head(message: bytes) -> tuple[int, int]:
    """Return how long the head of an array is, and how many items it says."""
    first = message[0] if message else 0
    if 0x80 < first < 0x98:
        return 1, first - 0x80
    if first == 0x98:
        return 2, int.from_bytes(message[1:2], "big")
    if first == 0x99:
        return 3, int.from_bytes(message[1:3], "big")
    return 0, 0
