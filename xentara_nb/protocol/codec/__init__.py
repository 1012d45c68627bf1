"""Many requests in one message, encoded and decoded faster than the generic encoder and decoder do.

The result is exact or there is none: a message that is anything but the expected answers in their
usual form gives None, and the caller takes the generic decoder for all of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

from xentara_nb.protocol.codec.attribute_lists import ListRequests
from xentara_nb.protocol.codec.browsing import decode_browse
from xentara_nb.protocol.codec.columns import ColumnReads
from xentara_nb.protocol.codec.heads import MESSAGE_ID
from xentara_nb.protocol.codec.reads import ReadRequests
from xentara_nb.protocol.codec.runs import decode_in_runs
from xentara_nb.protocol.codec.writes import WriteRequests
from xentara_nb.protocol.commands import Browse, Command, Read, Write
from xentara_nb.protocol.packets import encode_packets

# Sequences of requests of one kind, which need not exist one by one. `encode` raises an
# AttributeError, ProtocolError or ValueError where the generic encoder says what is wrong, and
# `decode` gives None where the message is one for the generic decoder.
_CODED = (ColumnReads, ListRequests, ReadRequests, WriteRequests)
# The head of an array; then an array of two or three, type 1 or 2, the message id.
_FIRST = re.compile(
    rb"(?:[\x80-\x97]|\x98.|\x99..|\x9a....)[\x82\x83][\x01\x02]" + MESSAGE_ID, re.DOTALL
)


def coalesce(commands: Sequence[Command[Any]]) -> Sequence[Command[Any]]:
    """Return the same commands, as requests of one kind if they are."""
    if isinstance(commands, _CODED):
        return commands
    kinds = set(map(type, commands))
    if kinds == {Read}:
        return ReadRequests.of(cast(Sequence[Read], commands))
    if kinds == {Write}:
        return WriteRequests(cast(Sequence[Write], commands))
    return commands


def encode_requests(commands: Sequence[Command[Any]], first_id: int) -> bytes:
    """Return the message that sends some commands, their message ids counting up.

    Raises a ProtocolError if a command cannot be sent.
    """
    if isinstance(commands, _CODED):
        # The generic encoder says what is wrong.
        with suppress(AttributeError, ValueError):
            return commands.encode(first_id)
    return encode_packets(command.request(at) for at, command in enumerate(commands, first_id))


def decode_results(
    commands: Sequence[Command[Any]], message: bytes, first_id: int
) -> Sequence[Any] | None:
    """Return the results of commands, if a message is all their answers and is known here.

    None if the message is one for the generic decoder; it may still be right.
    """
    if isinstance(commands, _CODED):
        found = commands.decode(message, first_id)
        if found is None and not isinstance(commands, WriteRequests):
            found = decode_in_runs(commands, message, first_id)
        return found
    if len(commands) == 1 and type(commands[0]) is Browse:
        entries = decode_browse(message, first_id)
        return None if entries is None else [entries]
    return None


def first_answered(message: bytes) -> int | None:
    """Return the message id in a message's first packet, if that is a usual answer."""
    match = _FIRST.match(message)
    if match is None:
        return None
    head = match[1]
    return head[0] if len(head) == 1 else int.from_bytes(head[1:], "big")
