"""Work that is done once for all servers that answer the same, while many of them are asked.

What an answer is decoded into depends on its bytes alone, and a table on what is in it. So in a
block of :func:`sharing` what was made of the same is taken again: of the same to the last byte, for
it is compared, and not by a digest. What is shared is never changed; so arrays, which anyone may
write into who gets them, are only shared where they are copied before: see :func:`copying`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

MOST = 1 << 24
"""How much is kept to be shared: bytes of answers, and elements of tables."""

_T = TypeVar("_T")


class _Kept:
    """What is shared, by kind: from what it was made, and the result."""

    def __init__(self) -> None:
        self.size = 0
        self.results: dict[str, list[tuple[tuple[Any, ...], Any]]] = {}


class _Sharing:
    # Without a lock, which an interrupt could leave taken: what two threads do at the same time is
    # at worst made twice.
    def __init__(self) -> None:
        self.blocks: set[object] = set()
        self.kept = _Kept()


_now = _Sharing()


@contextmanager
def sharing() -> Iterator[None]:
    """Share what is made until the block ends; of several blocks, the last one."""
    block = object()
    try:
        _now.blocks.add(block)
        yield
    finally:
        _now.blocks.discard(block)
        if not _now.blocks:
            _now.kept = _Kept()


@contextmanager
def copying() -> Iterator[None]:
    """Say that what is made in this block, in this thread, is copied before anyone gets it."""
    token = _copied.set(True)
    try:
        yield
    finally:
        _copied.reset(token)


_copied: ContextVar[bool] = ContextVar("copied", default=False)


def shared_arrays(kind: str, made_of: tuple[Any, ...], size: int, make: Callable[[], _T]) -> _T:
    """Do the same as :func:`shared` in a block of :func:`copying`; outside, make it."""
    return shared(kind, made_of, size, make) if _copied.get() else make()


def shared(kind: str, made_of: tuple[Any, ...], size: int, make: Callable[[], _T]) -> _T:
    """Return what is made of something, that of before if it was the same; outside, make it."""
    kept = _now.kept
    if not _now.blocks:
        return make()
    results = kept.results.setdefault(kind, [])
    for other, result in list(results):
        if other == made_of:
            found: _T = result
            return found
    result = make()
    if result is not None and kept.size + size <= MOST:
        kept.size += size
        results.append((made_of, result))
    return result
