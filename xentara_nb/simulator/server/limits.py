"""What one client may ask for, so that it can neither fill the memory nor keep others waiting.

Every limit has a refusal of its own, which names it: an error packet, an HTTP status, or a close
frame. The defaults are far above what an inventory of a hundred thousand elements takes.
"""

from __future__ import annotations

from dataclasses import dataclass

from xentara_nb.protocol.codec.heads import ARRAY

_HEAD_SIZES = tuple(1 << low - 24 if 24 <= low < 28 else 0 for low in range(32))
_ENDLESS_ARRAY = ARRAY << 5 | 31


@dataclass(frozen=True, slots=True)
class Limits:
    """What the connections of a simulator may use.

    Attributes
    ----------
    message_requests : int
        Requests in one message.
    message_items : int
        CBOR items in one message, those inside of others included.
    fragments : int
        Fragments of one message.
    answer_bytes : int
        Bytes of the answer to one message; requests beyond are not executed.
    subscriptions : int
        Subscriptions of one connection.
    subscribed_attributes : int
        Attributes that all connections of one user may have subscribed to.
    sub_sessions : int
        Sub-sessions of one connection.
    connections : int
        Connections of all users.
    user_connections : int
        Connections of one user.
    pending_connections : int
        Connections that have not asked for anything yet; a new one takes the place of the oldest.
    pending_passwords : int
        Log-ins whose passwords wait to be checked.

    Examples
    --------
    >>> Limits(connections=2).connections
    2
    """

    message_requests: int = 20_000
    message_items: int = 1_000_000
    fragments: int = 10_000
    answer_bytes: int = 8 * 1024 * 1024
    subscriptions: int = 1_000
    subscribed_attributes: int = 250_000
    sub_sessions: int = 64
    connections: int = 400
    user_connections: int = 100
    pending_connections: int = 128
    pending_passwords: int = 64

    def message_problem(self, message: bytes) -> str | None:
        """Say why a message is not decoded; None if it may be.

        An item takes at least a byte, so that only large messages need be looked at.
        """
        if len(message) <= self.message_requests:
            return None
        head = message[0]
        if head == _ENDLESS_ARRAY:
            # How many requests it has would only be known after decoding it.
            allowed, what = self.message_requests, "items in an array of indefinite length"
        else:
            size = _HEAD_SIZES[head & 31]
            length = int.from_bytes(message[1 : 1 + size], "big")
            if head >> 5 == ARRAY and length > self.message_requests:
                return f"{length} requests in one message; at most {self.message_requests} are read"
            allowed, what = self.message_items, "items in one message"
        if len(message) > allowed and count_items(message, allowed) > allowed:
            return f"too many {what}; at most {allowed} are read"
        return None


DEFAULT_LIMITS = Limits()


def count_items(data: bytes, enough: int) -> int:
    """Count the CBOR items in some bytes, well-formed or not, until there are more than enough.

    Examples
    --------
    >>> count_items(bytes.fromhex("83016161a10203"), 100)
    6
    """
    at, count, end = 0, 0, len(data)
    while at < end and count <= enough:
        count += 1
        head = data[at]
        at += 1
        low = head & 31
        if low >= 24:
            size = _HEAD_SIZES[low]
            low = int.from_bytes(data[at : at + size], "big")
            at += size
        if 0x40 <= head < 0x80:  # the bytes of a byte string or a text are no items
            at += low
    return count
