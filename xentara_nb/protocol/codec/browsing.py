"""The answer to browse: its entries have one form, so it is cut at what stands between two keys.

A wrong cut, where the same bytes stand inside of a key, leaves a piece that is no text by itself.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from hashlib import sha256
from itertools import islice

from xentara_nb.protocol import cbor
from xentara_nb.protocol.cbor import uuid_from
from xentara_nb.protocol.codec.heads import ARRAY, SUCCESS, UNSIGNED, UUID_HEAD, head
from xentara_nb.protocol.commands.model import Browse, BrowseEntries
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import NIL_UUID, Category, known

CHUNK = 1 << 16
"""How many bytes are cut at a time: few pieces stay in the processor's cache."""

MAX_SHARED = 512 * 1024
"""The largest answer whose entries are shared by servers, in bytes."""

MOST_SHARED = 4
"""How many models are shared at most; they take four times their bytes."""

# Behind the key of an element: key 1: its UUID, key 2: the category; then the next element: map of
# three, key 0.
_BEHIND_KEY = re.compile(
    rb"\x01" + re.escape(UUID_HEAD) + rb"(.{16})\x02([\x00-\x17]|\x18[\x18-\xff])\xa3\x00",
    re.DOTALL,
)
_NEXT = b"\xa3\x00"
_ANY_REQUEST, _PART = Browse(NIL_UUID), 1024
# A message of one success packet, with an array that is not empty.
_START = re.compile(rb"\x81" + SUCCESS + rb"([\x81-\x97]|\x98.|\x99..|\x9a....)" + _NEXT, re.DOTALL)


class SharedEntries:
    """The entries of the last few models, for servers that have the same one.

    Nothing is kept unless there is someone who asks many servers, see :meth:`open`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._known: OrderedDict[bytes, BrowseEntries] = OrderedDict()

    def open(self) -> None:
        """Keep entries from now on, until :meth:`close` was called as often."""
        with self._lock:
            self._users += 1

    def close(self) -> None:
        """Forget all, unless others still need it."""
        with self._lock:
            self._users -= 1
            if not self._users:
                self._known.clear()

    def __len__(self) -> int:
        return len(self._known)

    def key(self, answer: bytes) -> bytes | None:
        """Return what an answer is known by; None if it is not to be kept."""
        if not self._users or len(answer) > MAX_SHARED:
            return None
        return sha256(answer).digest()

    def find(self, key: bytes | None) -> BrowseEntries | None:
        """Return the entries of an answer, in lists of their own; None if they are not known."""
        known = None if key is None else self._known.get(key)
        return None if known is None else _copied(known)

    def take(self, key: bytes | None, entries: BrowseEntries) -> None:
        """Keep the entries of an answer, in place of the oldest."""
        if key is None:
            return
        with self._lock:
            if self._users:
                self._known[key] = _copied(entries)
                while len(self._known) > MOST_SHARED:
                    self._known.popitem(last=False)


def _copied(entries: BrowseEntries) -> BrowseEntries:
    return BrowseEntries([*entries.keys], [*entries.uuids], [*entries.categories])


SHARED = SharedEntries()
"""The entries that servers share."""


def decode_browse(message: bytes, message_id: int) -> BrowseEntries | None:
    """Return the entries in the answer to a browse; None if its form is unusual, or it is none."""
    start = _START.match(message)
    if start is None or start[1] != head(UNSIGNED, message_id):
        return None
    key = SHARED.key(message[start.start(2) :])
    if (known := SHARED.find(key)) is not None:
        return known
    entries = BrowseEntries([], [], [])
    at, whole = start.end(), message + _NEXT  # as if another one came behind the last
    try:
        while at < len(whole):
            part = whole[at : at + CHUNK]
            *pieces, left = _BEHIND_KEY.split(part)
            entries.keys.extend(map(_text, pieces[0::3]))
            entries.uuids.extend(map(uuid_from, pieces[1::3]))
            entries.categories.extend(map(_CATEGORIES.__getitem__, pieces[2::3]))
            if not pieces:
                return None  # a key of that size, or no entry at all
            at += len(part) - len(left)
    except ValueError:
        return None
    if start[2] != head(ARRAY, len(entries)):
        return None
    SHARED.take(key, entries)
    return entries


def decode_browse_by_entry(message: bytes, message_id: int) -> BrowseEntries | None:
    """Return what decode_browse does, of entries in any form; None if it is no such answer.

    The items of which entries are made take far more memory than the entries.
    """
    start = b"\x81\x83\x01" + head(UNSIGNED, message_id)
    if not message.startswith(start):
        return None
    entries = BrowseEntries([], [], [])
    try:
        items = cbor.iterate_array(message, len(start), depth=3)
        while part := list(islice(items, _PART)):
            more = _ANY_REQUEST.parse_answer(part)
            entries.keys += more.keys
            entries.uuids += more.uuids
            entries.categories += more.categories
    except ProtocolError:
        return None
    return entries


def _text(item: bytes) -> str:
    """Return the text that is exactly this item; ValueError if it is none, or of unusual length."""
    size = len(item)
    if 0 < size <= 24 and item[0] == 0x5F + size:
        return str(item, "utf-8")[1:]
    if size > 25 and item[0] == 0x78 and item[1] == size - 2:
        return str(item[2:], "utf-8")
    raise ValueError("not a text")


_CATEGORIES = {head(UNSIGNED, category): known(Category, category) for category in range(256)}
