"""The process that does scheduled work dies without a word: another has begun within one lease, to the letter."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

from agent_memory.adapters.inprocess.lock import InProcessLock
from agent_memory.adapters.sqlite import SqliteLock
from agent_memory.core.work.schedule import Progress, Schedule, Scheduler
from agent_memory.ports.errors import Unavailable
from agent_memory_contract.suite import running

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime
    from pathlib import Path

    from agent_memory.ports.lock import Lease, Lock

    from .bench import Bench

LEASE = 30.0
RENEWED_EVERY = 5.0


class Mortal:
    """A lock whose holders die: what they were granted stays until it runs out, as after SIGKILL."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self.renewals = 0

    async def acquire(self, name: str, **fields: Any) -> Lease:
        return await self._lock.acquire(name, **fields)

    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        renewed = await self._lock.renew(lease, ttl=ttl)
        self.renewals += 1
        return renewed

    async def release(self, _: Lease) -> None:
        raise Unavailable("dead")


@asynccontextmanager
async def lock_of(source: str, folder: Path, bench: Bench) -> AsyncGenerator[Lock]:
    if source == "sqlite":
        async with SqliteLock(folder / "memory.db", clock=bench.clock) as lock:
            yield lock
    else:
        async with InProcessLock(clock=bench.clock) as lock:
            yield lock


def scheduler(bench: Bench, lock: Lock, run: Any, owner: str) -> Scheduler:
    schedule = Schedule(name="chores", every=100.0, run=run, jitter=0.0, timeout=1e6)
    return Scheduler(bench.store, lock, [schedule], bench.clock, owner=owner, chance=lambda: 1.0, lease=LEASE)


async def renewed(bench: Bench, lock: Mortal) -> None:
    """Time for one renewal of the lock and of the job, and both done."""
    [before] = await bench.store.pending_jobs()
    times = lock.renewals
    await bench.clock.advance(RENEWED_EVERY)
    await bench.until(lambda: lock.renewals > times)
    async with asyncio.timeout(20):
        while (await bench.store.pending_jobs())[0].due_at == before.due_at:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("source", ["in process", "sqlite"])
@pytest.mark.parametrize("renewals", [0, 3])
@pytest.mark.parametrize("after", [0.0, 0.1, 2.5, 4.9])
async def test_another_has_begun_within_one_lease(
    source: str, renewals: int, after: float, bench: Bench, tmp_path: Path
) -> None:
    began: dict[str, float] = {}

    async def work_on(_: datetime) -> Progress:
        began["one"] = bench.clock.monotonic()
        await asyncio.Event().wait()
        return Progress()

    async def go_on(_: datetime) -> Progress:
        began.setdefault("two", bench.clock.monotonic())
        return Progress()

    async with lock_of(source, tmp_path, bench) as lock:
        mortal = Mortal(lock)
        follower = scheduler(bench, lock, go_on, "two")
        async with running(scheduler(bench, cast("Lock", mortal), work_on, "one").turn()):
            await bench.until(lambda: "one" in began)
            for _ in range(renewals):
                await renewed(bench, mortal)
            # The follower's last look before the death, and how long it sleeps after it.
            rest = await follower.turn()
            await bench.clock.advance(after)
            died = bench.clock.monotonic()
        await bench.clock.advance(max(0.0, rest - after))
        while "two" not in began:
            rest = await follower.turn()
            await bench.clock.advance(0.0 if "two" in began else rest)
            assert bench.clock.monotonic() <= died + LEASE
    # Not before what the dead one held is over, and not at the last moment either: a machine may be slow to wake it.
    assert died < began["two"] <= died + LEASE * 0.75
