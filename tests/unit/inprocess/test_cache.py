from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest

from agent_memory.adapters.inprocess.cache import CacheState, InProcessCache
from agent_memory_contract.manual_clock import ManualClock, settle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Source:
    """A loader that answers when told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.cancelled = 0
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> bytes:
        self.calls += 1
        try:
            return await asyncio.shield(self._answer)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def answer(self, value: bytes) -> None:
        self._answer.set_result(value)

    def fail(self, error: Exception) -> None:
        self._answer.set_exception(error)


@pytest.fixture
def cache(clock: ManualClock) -> InProcessCache:
    return InProcessCache(clock=clock)


CHANGES: dict[str, Callable[[InProcessCache], Awaitable[None]]] = {
    "put": lambda cache: cache.put("a", b"newer", ttl=10.0),
    "delete": lambda cache: cache.delete("a"),
    "clear a prefix": lambda cache: cache.clear(prefix="a"),
    "clear": lambda cache: cache.clear(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_load_under_way_during_a_change_puts_nothing(
    cache: InProcessCache, change: Callable[[InProcessCache], Awaitable[None]]
) -> None:
    source = Source()
    loading = asyncio.create_task(cache.load("a", source, ttl=10.0))
    await settle()
    await change(cache)
    kept = await cache.get("a")
    source.answer(b"older")
    assert await loading == b"older"
    assert await cache.get("a") == kept


async def test_a_load_begun_after_a_delete_does_not_join_one_from_before(cache: InProcessCache) -> None:
    before, after = Source(), Source()
    first = asyncio.create_task(cache.load("a", before, ttl=10.0))
    await settle()
    await cache.delete("a")
    second = asyncio.create_task(cache.load("a", after, ttl=10.0))
    await settle()
    after.answer(b"fresh")
    assert await second == b"fresh"
    before.answer(b"stale")
    assert await first == b"stale"
    assert await cache.get("a") == b"fresh"


async def test_clearing_another_prefix_leaves_a_load_alone(cache: InProcessCache) -> None:
    source = Source()
    loading = asyncio.create_task(cache.load("a", source, ttl=10.0))
    await settle()
    await cache.clear(prefix="b")
    source.answer(b"1")
    await loading
    assert await cache.get("a") == b"1"


async def test_the_loader_is_cancelled_when_the_last_caller_is(cache: InProcessCache) -> None:
    source = Source()
    callers = [asyncio.create_task(cache.load("a", source, ttl=10.0)) for _ in range(3)]
    await settle()
    for caller in callers[:2]:
        caller.cancel()
    await settle()
    assert source.cancelled == 0
    callers[2].cancel()
    await settle()
    assert (source.calls, source.cancelled) == (1, 1)
    again = Source()
    again.answer(b"1")
    assert await cache.load("a", again, ttl=10.0) == b"1"


async def test_an_error_that_nobody_waited_for_is_not_reported_as_lost(cache: InProcessCache) -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
    source = Source()
    loading = asyncio.create_task(cache.load("a", source, ttl=10.0))
    await settle()
    source.fail(OSError("gone"))
    for _ in range(3):  # To the turn in which the loader has ended and its caller has not been told yet.
        await asyncio.sleep(0)
    loading.cancel()
    await asyncio.wait([loading])
    assert loading.cancelled()
    del loading, source
    gc.collect()
    assert reports == []


async def test_closing_ends_loads_and_sends_callers_to_their_own_loader(clock: ManualClock) -> None:
    state = CacheState()
    other = InProcessCache(clock=clock, state=state)
    mine, theirs = Source(), Source()
    async with InProcessCache(clock=clock, state=state) as cache:
        begun = asyncio.create_task(cache.load("a", mine, ttl=10.0))
        await settle()
        joined = asyncio.create_task(other.load("a", theirs, ttl=10.0))
        await settle()
        assert (mine.calls, theirs.calls) == (1, 0)
    await settle()
    assert (mine.calls, mine.cancelled, theirs.calls) == (2, 1, 1)
    mine.answer(b"1")
    theirs.answer(b"2")
    assert (await begun, await joined) == (b"1", b"2")


async def test_closing_before_a_loader_has_begun_leaves_nothing_behind(clock: ManualClock) -> None:
    state = CacheState()
    source = Source()
    async with InProcessCache(clock=clock, state=state) as cache:
        loading = asyncio.create_task(cache.load("a", source, ttl=10.0))
        await asyncio.sleep(0)
    assert state.flights.under_way == {}
    source.answer(b"1")
    assert await loading == b"1"
