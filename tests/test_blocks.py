"""No loop with a condition stands in a block whose end must run.

Python 3.13 passes over the end of a block, be it ``with``, ``finally`` or ``except BaseException``,
when an interrupt comes at the turn of such a loop in it. In a function of its own the loop does no
harm. Which loops these are depends on the lines they are on as well, so all of them are refused.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

import xentara_nb
from tests.support.interrupts import Interrupted

SOURCES = sorted(Path(xentara_nb.__file__).parent.rglob("*.py"))
CONDITIONS = (
    *(ast.If, ast.IfExp, ast.BoolOp, ast.Compare, ast.Continue),
    *(ast.Assert, ast.Match, ast.Try, ast.With),
)
OTHER_FUNCTIONS = (ast.FunctionDef, ast.Lambda, ast.GeneratorExp)

BLOCKS = (
    "with s:\n    {}",
    "with s, s:\n    {}",
    "try:\n    {}\nfinally:\n    s.end()",
    "try:\n    {}\nexcept BaseException:\n    s.end()\n    raise\ns.end()",
    "try:\n    {}\nexcept (ValueError, KeyboardInterrupt):\n    s.end()\n    raise\ns.end()",
    "try:\n    {}\nexcept:\n    s.end()\n    raise\ns.end()",
    "try:\n    raise ValueError\nexcept ValueError:\n    {}\nfinally:\n    s.end()",
)
LOOPS = (
    "[x for x in (1, 2)]",
    "[x for x in (1, 2) for y in (3, 4)]",
    "list(x for x in (1, 2) if x > 1)",
    "for x in (1, 2): s.call()",
    "for x in (1, 2): y = list(z for z in (3, 4) if z > 3)",
    "for x in (1, 2): y = [z for z in (3, 4)]",
)
LOOPS_WITH_A_CONDITION = (
    "[x for x in (1, 2) if x > 1]",
    "{x for x in (1, 2) if x > 1}",
    "{x: y for x in (1, 2) for y in (3, 4) if y}",
    "while s.call() < 4: y = 1",
    "for x in (1, 2): assert x",
    "for x in (1, 2): y = x or s",
    "for x in (1, 2): z = [y for y in (3, 4) if x]",
)


def loops(node: ast.AST, *, must_end: bool = False) -> Iterator[int]:
    """Give the lines of loops that must not be where they are."""
    # What is asynchronous runs in the simulator's thread, and interrupts only the main thread.
    if isinstance(node, ast.AsyncFunctionDef) or (isinstance(node, ast.expr) and not must_end):
        return
    must_end = must_end and not isinstance(node, OTHER_FUNCTIONS)
    if must_end and isinstance(node, ast.stmt | ast.expr) and turns_on_a_condition(node):
        yield node.lineno
    block = block_that_must_end(node)
    for child in ast.iter_child_nodes(node):
        yield from loops(child, must_end=must_end or child in block)


def turns_on_a_condition(loop: ast.AST) -> bool:
    if isinstance(loop, ast.ListComp | ast.SetComp | ast.DictComp):
        return any(each.ifs for each in loop.generators)
    return isinstance(loop, ast.While) or (isinstance(loop, ast.For) and has_condition(loop))


def has_condition(node: ast.AST) -> bool:
    if isinstance(node, OTHER_FUNCTIONS):
        return False
    return isinstance(node, CONDITIONS) or any(map(has_condition, ast.iter_child_nodes(node)))


def block_that_must_end(node: ast.AST) -> Sequence[ast.AST]:
    """Return what stands in a block whose end must run also at an interrupt."""
    if isinstance(node, ast.With):
        # There is nothing to do at the end of a suppress but to let the interrupt pass.
        managers = [ast.unparse(item.context_expr) for item in node.items]
        harmless = all(each.startswith(("suppress(", "contextlib.suppress(")) for each in managers)
        return [] if harmless else node.body
    if isinstance(node, ast.Try) and node.finalbody:
        return [*node.body, *node.handlers, *node.orelse]
    if isinstance(node, ast.Try) and any(map(takes_interrupts, node.handlers)):
        return node.body
    return []


def takes_interrupts(handler: ast.ExceptHandler) -> bool:
    caught = "BaseException" if handler.type is None else ast.unparse(handler.type)
    return any(each in caught for each in ("BaseException", "KeyboardInterrupt", "GeneratorExit"))


def refused(source: str) -> list[int]:
    return [*loops(ast.parse(source))]


def test_no_loop_with_a_condition_stands_in_a_block_whose_end_must_run() -> None:
    found = [
        f"{path.name}:{line}"
        for path in SOURCES
        for line in refused(path.read_text(encoding="utf-8"))
    ]
    assert not found


@pytest.mark.parametrize("block", BLOCKS)
def test_such_loops_are_found(block: str) -> None:
    assert [loop for loop in LOOPS if refused(block.format(loop))] == []
    assert [loop for loop in LOOPS_WITH_A_CONDITION if not refused(block.format(loop))] == []


def test_only_what_must_end_is_looked_at() -> None:
    loop = LOOPS_WITH_A_CONDITION[0]
    assert not refused(f"with suppress(OSError):\n    {loop}")
    assert not refused(f"try:\n    {loop}\nexcept Exception:\n    pass")
    assert not refused(f"async def f():\n    with s:\n        {loop}")
    assert not refused(f"with s:\n    def f():\n        {loop}")
    assert refused(f"with s, suppress(OSError):\n    {loop}")


class Block:
    def __init__(self) -> None:
        self.begun = self.ended = False
        self.calls = 0

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        self.ended = True

    def end(self) -> None:
        self.ended = True

    def call(self) -> int:
        self.begun = True  # in the block
        self.calls += 1
        return self.calls


@pytest.mark.parametrize("block", BLOCKS)
def test_the_end_of_a_block_runs_wherever_an_interrupt_comes(block: str) -> None:
    """With each of the loops that may be there, and one that has a function of its own."""
    for loop in (*LOOPS, "own(s)"):
        space: dict[str, Any] = {}
        body = indent(block.format(f"s.call()\n    {loop}"), "    ")
        exec(f"def own(s):\n    {LOOPS_WITH_A_CONDITION[3]}\ndef run(s):\n{body}", space)
        count = Interrupted(partial(space["run"], Block())).places
        for at in range(1, count + 1):
            tried = Block()
            run = Interrupted(partial(space["run"], tried), at)
            at_end = "in end\n" in run.where or "in __exit__\n" in run.where
            assert tried.ended or not tried.begun or at_end, run.where
