"""What is over takes no room in this process, however much of it there was: clauses of several ports."""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from agent_memory.ports.errors import LockTimeout
from agent_memory.ports.rate_limiter import Window

from .suite import Suite, level, running, settle, until_done

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agent_memory.ports.cache import Cache
    from agent_memory.ports.event_bus import EventBus
    from agent_memory.ports.lock import Lock
    from agent_memory.ports.rate_limiter import RateLimiter

    from .harness import Harness

CROWD = 25
"""Names that are in use at once."""
WARM, MANY = 3, 24
"""Crowds before and within the count: what an adapter makes once, and keeps of what was last, is there by then."""
LONG = 100.0
A_TRACE = 0.6
"""Blocks of memory for each name: whatever is kept of one takes a block at least."""
SLACK = 1_000
"""Blocks that may be there or not, however many names there were: a table not yet swept, a hundred cancelled timers,
which asyncio keeps until there are more.
"""


async def growth(use: Callable[[str], Awaitable[None]], *, warm: int = WARM, many: int = MANY) -> float:
    """Blocks of memory that stay for each name. `use` is told what the names of one crowd begin with."""
    for number in range(warm):
        await use(f"before-{number}")
    before = _blocks()
    for number in range(many):
        await use(f"after-{number}")
    return (_blocks() - before - SLACK) / (many * CROWD)


def _blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()


def names(crowd: str) -> list[str]:
    return [f"{crowd}-{number}" for number in range(CROWD)]


class CacheForgetting(Suite):
    @level("concurrent")
    async def test_cache_61_loads_that_are_over_take_no_room(self, harness: Harness[Cache]) -> None:
        """A name that was loaded and deleted is forgotten, as is one whose load failed or was given up."""

        async def loader() -> bytes:
            await asyncio.sleep(0)
            return b"loaded"

        async def fails() -> bytes:
            raise ValueError("no such thing")

        async with harness.open() as cache:

            async def use(crowd: str) -> None:
                keys = names(crowd)
                loads = [cache.load(key, loader if n % 3 else fails, ttl=5.0) for n, key in enumerate(keys)]
                given_up = [asyncio.create_task(cache.load(f"{key}-", loader, ttl=5.0)) for key in keys]
                await asyncio.sleep(0)
                for task in given_up:
                    task.cancel()
                await asyncio.gather(*loads, *given_up, return_exceptions=True)
                await cache.clear(prefix=crowd)
                await settle(harness, lambda: cache.get("elsewhere"))

            assert await growth(use) < A_TRACE


class LockForgetting(Suite):
    @level("concurrent")
    async def test_lock_61_names_that_are_free_take_no_room(self, harness: Harness[Lock]) -> None:
        """Whether they were released or ran out, also after somebody gave up waiting for them."""
        async with harness.open() as lock:

            async def use(crowd: str) -> None:
                leases = await asyncio.gather(
                    *(lock.acquire(name, owner="ada", ttl=5.0) for name in names(crowd))
                )
                await asyncio.gather(*map(lock.release, leases[::5]))
                patient = [lease.name for index, lease in enumerate(leases) if index % 5]
                waits = [lock.acquire(name, owner="bob", ttl=5.0, wait=1.0) for name in patient]
                async with running(_all_of(waits, or_errors=True)) as waiting:
                    await settle(harness, lambda: lock.inspect("elsewhere"))
                    await harness.advance(1.5)
                    await until_done(waiting, harness, lambda: lock.inspect("elsewhere"), within=2.0)
                await harness.advance(6.0)

            assert await growth(use) < A_TRACE

    @level("concurrent")
    async def test_lock_62_waits_that_are_over_take_no_room(self, harness: Harness[Lock]) -> None:
        """Whether they brought the lease or ended before; and no task goes on until when one would have ended."""
        async with harness.open() as lock:

            async def wait(name: str, seconds: float) -> None:
                with suppress(LockTimeout):
                    await lock.release(await lock.acquire(name, owner="bob", ttl=LONG, wait=seconds))

            async def use(crowd: str) -> None:
                leases = await asyncio.gather(
                    *(lock.acquire(name, owner="ada", ttl=LONG) for name in names(crowd))
                )
                # For every other name nobody is left at the end of the first wait.
                waits = [wait(lease.name, 1.0) for lease in leases]
                waits += [wait(lease.name, LONG) for lease in leases[::2]]
                async with running(_all_of(waits)) as waiting:
                    await settle(harness, lambda: lock.inspect("elsewhere"))
                    await harness.advance(1.5)
                    await asyncio.gather(*map(lock.release, leases))
                    await until_done(waiting, harness, lambda: lock.inspect("elsewhere"), within=60.0)
                await harness.advance(LONG)

            assert await growth(use, warm=2, many=8) < A_TRACE

    @level("concurrent")
    async def test_lock_63_waits_that_are_over_leave_nobody_behind(self, harness: Harness[Lock]) -> None:
        """No task goes on until the time at which a wait that brought the lease would have been given up."""
        async with harness.open() as lock:
            leases = await asyncio.gather(
                *(lock.acquire(name, owner="ada", ttl=LONG) for name in names("waits"))
            )
            before = len(asyncio.all_tasks())
            waits = [lock.acquire(lease.name, owner="bob", ttl=5.0, wait=LONG) for lease in leases]
            async with running(_all_of(waits)) as waiting:
                await settle(harness, lambda: lock.inspect("elsewhere"))
                await asyncio.gather(*map(lock.release, leases))
                await until_done(waiting, harness, lambda: lock.inspect("elsewhere"), within=60.0)
            await settle(harness, lambda: lock.inspect("elsewhere"))
            assert len(asyncio.all_tasks()) - before < CROWD // 2


async def _all_of(work: Sequence[Awaitable[object]], *, or_errors: bool = False) -> None:
    await asyncio.gather(*work, return_exceptions=or_errors)


class BusForgetting(Suite):
    async def test_bus_61_who_left_takes_no_room(self, harness: Harness[EventBus]) -> None:
        """A subscription is forgotten with its block."""
        async with harness.open() as bus:

            async def use(crowd: str) -> None:
                for _ in names(crowd):
                    async with bus.subscribe():
                        pass

            assert await growth(use) < A_TRACE


class LimiterForgetting(Suite):
    async def test_limiter_61_keys_that_count_no_more_take_no_room(
        self, harness: Harness[RateLimiter]
    ) -> None:
        """Once the last hit on a key no longer counts, the next on any other may find it forgotten."""
        async with harness.open() as limiter:

            async def use(crowd: str) -> None:
                for name in names(crowd):
                    await limiter.hit([Window(name, 5, 10.0), Window("all", 1_000_000, 1.0)])
                await harness.advance(11.0)

            assert await growth(use) < A_TRACE
