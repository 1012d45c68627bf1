from __future__ import annotations

import ast
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import xentara_nb
from tests.support.interrupts import Interrupted
from xentara_nb.locking import locked

SOURCES = sorted(Path(xentara_nb.__file__).parent.rglob("*.py"))
CONDITIONS = (ast.If, ast.IfExp, ast.BoolOp, ast.Compare, ast.Continue, ast.Try)
OTHER_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.GeneratorExp)


class Shelf:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.items = list(range(8))

    @locked("lock")
    def odd(self, least: int = 0) -> list[int]:
        """Return the odd ones."""
        found = [item for item in self.items if item % 2]
        for item in self.items:
            if item < least:
                found.remove(item)
        while len(found) > 2:
            found.pop()
        return found

    def is_free(self) -> bool:
        with ThreadPoolExecutor(1) as pool:  # for its own thread an RLock is always free
            return pool.submit(self.try_lock).result()

    def try_lock(self) -> bool:
        if found := self.lock.acquire(blocking=False):
            self.lock.release()
        return found


def test_the_lock_is_held_and_free_again() -> None:
    shelf = Shelf()
    assert shelf.odd() == [1, 3]
    assert shelf.is_free()
    assert (shelf.odd.__name__, shelf.odd.__doc__) == ("odd", "Return the odd ones.")
    with shelf.lock:
        assert not shelf.is_free()


def test_it_is_free_wherever_an_interrupt_comes() -> None:
    run = Interrupted(Shelf().odd)
    assert run.places > 5
    for at in range(1, run.places + 1):
        shelf = Shelf()
        run = Interrupted(shelf.odd, at)
        assert type(run.error) is KeyboardInterrupt or run.result == [1, 3]
        assert shelf.is_free(), run.where


def directly_in(block: ast.AST) -> Iterator[ast.AST]:
    for each in ast.iter_child_nodes(block):
        if not isinstance(each, OTHER_FUNCTIONS):
            yield each
            yield from directly_in(each)


def names_of_locks() -> set[str]:
    return {
        ast.unparse(each.targets[0]).rpartition(".")[2]
        for path in SOURCES
        for each in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(each, ast.Assign)
        and isinstance(each.value, ast.Call)
        and ast.unparse(each.value.func).rpartition(".")[2] in ("Lock", "RLock")
    }


def turns_on_a_condition(loop: ast.AST) -> bool:
    if isinstance(loop, ast.ListComp | ast.SetComp | ast.DictComp):
        return any(each.ifs for each in loop.generators)
    conditional = isinstance(loop, ast.For) and any(
        isinstance(each, CONDITIONS) for each in directly_in(loop)
    )
    return conditional or isinstance(loop, ast.While)


def test_no_loop_with_a_condition_stands_in_the_block_of_a_lock() -> None:
    names = names_of_locks()
    assert {"_lock", "_growing"} <= names
    found = [
        f"{path.name}:{each.lineno}"
        for path in SOURCES
        for block in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(block, ast.With)
        and {ast.unparse(item.context_expr).rpartition(".")[2] for item in block.items} & names
        for each in directly_in(block)
        if isinstance(each, ast.expr | ast.stmt) and turns_on_a_condition(each)
    ]
    assert not found
