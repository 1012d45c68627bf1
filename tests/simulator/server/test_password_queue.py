"""Passwords that wait to be checked: who is first, and who is refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from xentara_nb.simulator.security.access import Principal, roles
from xentara_nb.simulator.server.password_queue import PasswordQueue, TooManyLoginsError

ANNA = Principal("anna", roles("Shift"))


class Checks:
    """A slow check of passwords that goes on only when it is let."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.go = threading.Semaphore(0)

    def __call__(self, user: str, password: str) -> Principal | None:
        assert self.go.acquire(timeout=10)
        self.seen.append((user, password))
        if password == "boom":
            raise ValueError("not to be hashed")
        return ANNA if (user, password) == ("anna", "secret") else None


Test = Callable[[PasswordQueue, Checks], Awaitable[None]]


def run(test: Test, max_waiting: int = 3) -> Checks:
    checks = Checks()

    async def inner() -> None:
        await test(PasswordQueue(checks, max_waiting), checks)

    asyncio.run(inner())
    return checks


async def waiting(queue: PasswordQueue, user: str, password: str, host: str = "h") -> Awaitable:
    task = asyncio.create_task(queue.check(user, password, host))
    await asyncio.sleep(0)
    return task


def test_a_password_is_checked_once() -> None:
    async def test(queue: PasswordQueue, checks: Checks) -> None:
        checks.go.release(2)
        for _ in range(3):
            assert await queue.check("anna", "secret") is ANNA
            assert await queue.check("anna", "wrong") is None

    assert sorted(run(test).seen) == [("anna", "secret"), ("anna", "wrong")]


def test_the_same_log_in_many_times_at_once_is_one_check() -> None:
    async def test(queue: PasswordQueue, checks: Checks) -> None:
        tasks = [await waiting(queue, "anna", "secret") for _ in range(100)]
        tasks[0].cancel()
        checks.go.release()
        assert await asyncio.gather(*tasks[1:]) == [ANNA] * 99

    assert len(run(test).seen) == 1


def test_who_has_failed_waits_for_the_others() -> None:
    async def test(queue: PasswordQueue, checks: Checks) -> None:
        checks.go.release()
        assert await queue.check("eve", "0", "h") is None
        tasks = [
            await waiting(queue, user, password, host)
            for user, password, host in (
                ("eve", "1", "h"),  # is being checked already
                ("eve", "2", "h"),
                ("zoe", "3", "h"),
                ("eve", "4", "elsewhere"),
                ("anna", "secret", "elsewhere"),
            )
        ]
        checks.go.release(5)
        await asyncio.gather(*tasks)

    seen = run(test, 10).seen
    assert seen[:2] == [("eve", "0"), ("eve", "1")]
    assert seen[2] == ("anna", "secret")


def test_when_too_many_wait_those_who_fail_are_refused() -> None:
    async def test(queue: PasswordQueue, checks: Checks) -> None:
        checks.go.release()
        assert await queue.check("eve", "0", "h") is None
        storm = [await waiting(queue, "eve", str(number), "h") for number in range(1, 20)]
        honest = await waiting(queue, "anna", "secret", "h")
        checks.go.release(20)
        results = await asyncio.gather(*storm, honest, return_exceptions=True)
        assert results[-1] is ANNA
        refused = [result for result in results if isinstance(result, TooManyLoginsError)]
        assert len(refused) == 17
        # Refused is not wrong: asked again, it is checked.
        checks.go.release()
        assert await queue.check("eve", "19", "h") is None

    assert len(run(test).seen) == 5


def test_one_that_cannot_be_checked_is_wrong(caplog: pytest.LogCaptureFixture) -> None:
    async def test(queue: PasswordQueue, checks: Checks) -> None:
        checks.go.release(2)
        assert await queue.check("anna", "boom") is None
        assert await queue.check("anna\ud800", "\udfff") is None

    run(test)
    assert "could not be checked" in caplog.text
