"""A lock that is opened when it is first used."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.inprocess.lock import InProcessLock
from agent_memory.adapters.sqlite.lock import SqliteLock
from agent_memory.entrypoints.lazy_lock import LazyLock
from agent_memory.ports.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Tracked(InProcessLock):
    """Knows the tasks that entered and left it, and may refuse to be entered."""

    def __init__(self, *, refusals: int = 0) -> None:
        super().__init__(clock=SystemClock())
        self.entered: list[Any] = []
        self.left: list[Any] = []
        self.refusals = refusals

    async def __aenter__(self) -> Self:
        await asyncio.sleep(0)
        self.entered.append(asyncio.current_task())
        if len(self.entered) <= self.refusals:
            raise Unavailable("not now")
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left.append(asyncio.current_task())
        await super().__aexit__(kind, error, trace)


async def test_it_opens_nothing_that_is_not_used(tmp_path: Path) -> None:
    file, file_of_locks = tmp_path / "memory.db", tmp_path / "memory.db-locks"
    async with LazyLock(lambda: SqliteLock(file, clock=SystemClock())) as lock:
        assert lock.capabilities.name == "sqlite"
        assert not lock.opened
        assert not file_of_locks.exists()
        await lock.acquire("a", owner="ada", ttl=5)
        assert lock.opened
        assert file_of_locks.exists()


async def test_however_many_ask_first_it_is_entered_once_and_left_by_the_same_task() -> None:
    inner = Tracked()
    async with LazyLock(lambda: inner) as lock:
        await asyncio.gather(*(lock.acquire(str(number), owner="ada", ttl=5) for number in range(10)))
        assert len(await lock.list()) == 10
    assert len(inner.entered) == 1
    assert inner.entered == inner.left
    assert inner.entered != [asyncio.current_task()]


async def test_one_that_cannot_be_opened_is_tried_again_by_the_next_call() -> None:
    inner = Tracked(refusals=1)
    async with LazyLock(lambda: inner) as lock:
        with pytest.raises(Unavailable, match="not now"):
            await lock.inspect("a")
        assert not lock.opened
        assert await lock.inspect("a") is None
    assert len(inner.left) == 1


async def test_a_cancelled_first_caller_harms_no_other() -> None:
    inner = Tracked()
    async with LazyLock(lambda: inner) as lock:
        first = asyncio.create_task(lock.inspect("a"))
        second = asyncio.create_task(lock.inspect("a"))
        await asyncio.sleep(0)
        first.cancel()
        assert await second is None
        assert first.cancelled() or first.cancelling()


async def test_closed_it_says_so() -> None:
    async with LazyLock(Tracked) as lock:
        pass
    with pytest.raises(Unavailable, match="closed"):
        await lock.inspect("a")
