"""The answer to browse: its entries have one form, so it is cut at what stands between two keys.

A wrong cut, where the same bytes stand inside of a key, leaves a piece that is no text by itself.
"""

from __future__ import annotations

import re

from xentara_nb.protocol.codec.heads import ARRAY, SUCCESS, UNSIGNED, UUID_HEAD, head, text_of
from xentara_nb.protocol.commands.model import BrowseEntries
from xentara_nb.protocol.identifiers import Category, known
from xentara_nb.protocol.sharing import shared
from xentara_nb.protocol.uuid_column import UuidColumn

CHUNK = 1 << 16
"""How many bytes are cut at a time: few pieces stay in the processor's cache."""

# Behind the key of an element: key 1: its UUID, key 2: the category; then the next element: map of
# three, key 0.
_BEHIND_KEY = re.compile(
    rb"\x01" + re.escape(UUID_HEAD) + rb"(.{16})\x02([\x00-\x17]|\x18[\x18-\xff])\xa3\x00",
    re.DOTALL,
)
_NEXT = b"\xa3\x00"
# A message of one success packet, with an array that is not empty.
_START = re.compile(rb"\x81" + SUCCESS + rb"([\x81-\x97]|\x98.|\x99..|\x9a....)" + _NEXT, re.DOTALL)


def decode_browse(message: bytes, message_id: int) -> BrowseEntries | None:
    """Return the entries in the answer to a browse; None if its form is unusual, or it is none."""
    start = _START.match(message)
    if start is None or start[1] != head(UNSIGNED, message_id):
        return None
    body = message[start.start(2) :]
    count, at = start[2], start.end() - start.start(2)
    return shared("browse", (body,), len(body), lambda: _decode_entries(body, count, at))


def _decode_entries(body: bytes, count: bytes, at: int) -> BrowseEntries | None:
    keys: list[str] = []
    uuids: list[bytes] = []
    categories: list[int] = []
    whole = body + _NEXT  # as if another one came behind the last
    try:
        while at < len(whole):
            part = whole[at : at + CHUNK]
            *pieces, left = _BEHIND_KEY.split(part)
            keys.extend(map(text_of, pieces[0::3]))
            uuids.append(b"".join(pieces[1::3]))
            categories.extend(map(_CATEGORIES.__getitem__, pieces[2::3]))
            if not pieces:
                return None  # a key of that size, or no entry at all
            at += len(part) - len(left)
    except ValueError:
        return None
    if count != head(ARRAY, len(keys)):
        return None
    return BrowseEntries(keys, UuidColumn(b"".join(uuids)), categories)


_CATEGORIES = {head(UNSIGNED, category): known(Category, category) for category in range(256)}
