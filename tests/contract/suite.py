"""What the contract classes share: how hard a clause tries, skipping, and waiting without guessing at time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import pytest
from _pytest.outcomes import Skipped

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine

    from .harness import Harness

T = TypeVar("T")
Clause = TypeVar("Clause", bound="Callable[..., object]")

LEVEL_MARK = "contract_level"

SAFETY = 30.0
"""Real seconds after which a wait counts as a hang. Never part of a clause's meaning."""

TURNS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 20, 35, 60, 120, 250, 500)
"""Turns of the event loop at which cancellation is tried: close together at first, where in-process adapters
decide, then wide enough to meet one that waits for a thread or a socket.
"""


Level = Literal["plain", "concurrent", "faulty"]
"""How hard an adapter is tried. plain: one call after another. concurrent: calls and clients at once too. faulty: also
calls cancelled at any moment and a backend that goes away. Each takes in those before it.
"""

LEVELS: tuple[Level, ...] = ("plain", "concurrent", "faulty")


class Undeclared(Skipped):
    """The one reason for which a clause may be skipped: it needs what the adapter does not claim to have."""

    def __init__(self, owner: str, capability: str) -> None:
        super().__init__(f"the {owner} has no {capability}")
        self.capability = capability


class Suite:
    """The root of every contract class: they run on asyncio, by anyio's plugin for pytest."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    def seed(self, pytestconfig: pytest.Config) -> int:
        """What clauses begin their random sequences with: 0, unless another is asked for to try others."""
        asked: int | None = pytestconfig.getoption("contract_seed", 0)
        return asked or 0


def level(name: Level) -> Callable[[Clause], Clause]:
    """The least level at which this clause is tried; plain, where nothing is said."""

    def mark(clause: Clause) -> Clause:
        setattr(clause, LEVEL_MARK, name)
        return clause

    return mark


def needs(harness: Harness[Any], capability: Literal["second_client", "sever", "durable"]) -> None:
    """Skip the clause, and say why, unless the harness can do this to its backend."""
    if not getattr(harness.capabilities, capability):
        raise Undeclared("harness", capability)


async def turns(count: int) -> None:
    """Let the event loop go round `count` times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def settle(harness: Harness[Any], pace: Callable[[], Awaitable[object]]) -> None:
    """Let tasks begun before this call come to rest.

    `pace` is a harmless round trip to the backend: once it has returned a few times, what was sent before is answered.
    """
    for _ in range(3):
        await turns(10)
        await pace()
        await harness.advance(0)


async def until_done(
    task: asyncio.Task[T],
    harness: Harness[Any],
    pace: Callable[[], Awaitable[object]],
    *,
    within: float,
    step: float = 0.02,
) -> T:
    """The task's outcome, moving the backend's clock by `step` seconds at a time, each after a round trip.

    Fails if `within` seconds of that clock do not suffice.
    """
    passed = 0.0
    async with asyncio.timeout(SAFETY):
        while not task.done() and passed < within:
            await turns(5)
            await pace()
            await harness.advance(step)
            passed += step
    assert task.done(), f"nothing came within {within} s of the backend's clock"
    return task.result()


@asynccontextmanager
async def running(work: Coroutine[Any, Any, T]) -> AsyncGenerator[asyncio.Task[T]]:
    """A task that does not outlive the block."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()


async def cancelled(task: asyncio.Task[T]) -> T | None:
    """Cancel, wait for the end, and give the result if the task had ended before."""
    asked = task.cancel()
    await asyncio.wait([task], timeout=SAFETY)
    assert task.done(), "a cancelled call did not end"
    assert task.cancelled() or not asked, "cancellation was swallowed"
    return None if task.cancelled() else task.result()


async def soon(work: Awaitable[T]) -> T:
    """What must not take long, in a form that fails rather than hangs."""
    try:
        async with asyncio.timeout(SAFETY / 3):
            return await work
    except TimeoutError as error:
        raise AssertionError("this hangs") from error
