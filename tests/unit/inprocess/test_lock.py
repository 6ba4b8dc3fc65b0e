from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.lock import InProcessLock
from agent_memory.adapters.inprocess.lock_table import LockTable
from agent_memory.ports.errors import Unavailable
from agent_memory_contract.manual_clock import ManualClock, settle

if TYPE_CHECKING:
    from agent_memory.ports.lock import Lease


async def test_a_restarted_process_grants_above_the_tokens_of_the_former() -> None:
    clock = ManualClock(datetime(2025, 3, 1, tzinfo=UTC))
    former = [await InProcessLock(clock=clock).acquire("a", owner="ada", ttl=1.0)]
    await clock.advance(0.001)
    restarted = await InProcessLock(clock=clock).acquire("a", owner="ada", ttl=1.0)
    assert restarted.token > former[0].token


async def test_tokens_grow_while_the_wall_clock_stands_still(clock: ManualClock) -> None:
    lock = InProcessLock(clock=clock)
    tokens = [(await lock.acquire(f"name-{n}", owner="ada", ttl=1.0)).token for n in range(10)]
    assert tokens == sorted(set(tokens))


async def test_leases_that_ran_out_are_forgotten(clock: ManualClock) -> None:
    table = LockTable()
    lock = InProcessLock(clock=clock, table=table)
    for n in range(2_000):
        await lock.acquire(f"name-{n}", owner="ada", ttl=1.0)
        if n % 100 == 99:
            await clock.advance(1.0)
    assert len(table) <= 200


async def test_waiters_are_served_in_the_order_in_which_they_came(clock: ManualClock) -> None:
    lock = InProcessLock(clock=clock)
    served: list[int] = []

    async def use(number: int) -> None:
        lease = await lock.acquire("a", owner=f"agent-{number}", ttl=10.0, wait=100.0)
        served.append(number)
        await lock.release(lease)

    lease = await lock.acquire("a", owner="ada", ttl=10.0)
    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(use(number))
        await settle()
        await lock.release(lease)
    assert served == [0, 1, 2, 3, 4]


async def test_a_lease_cut_short_by_renewal_is_noticed_by_whoever_waits(clock: ManualClock) -> None:
    lock = InProcessLock(clock=clock)
    lease = await lock.acquire("a", owner="ada", ttl=1_000.0)
    waiter = asyncio.create_task(lock.acquire("a", owner="bob", ttl=1.0, wait=500.0))
    await settle()
    await lock.renew(lease, ttl=5.0)
    await clock.advance(4.9)
    assert not waiter.done()
    await clock.advance(0.2)
    assert waiter.result().owner == "bob"


async def test_a_waiter_sleeps_through_a_renewal(clock: ManualClock) -> None:
    lock = InProcessLock(clock=clock)
    lease = await lock.acquire("a", owner="ada", ttl=5.0)
    waiter = asyncio.create_task(lock.acquire("a", owner="bob", ttl=1.0, wait=100.0))
    await clock.advance(4.0)
    await lock.renew(lease, ttl=5.0)
    await clock.advance(4.0)
    assert not waiter.done()
    await clock.advance(1.0)
    assert waiter.result().owner == "bob"


async def test_closing_tells_whoever_waits_and_leaves_the_lease(clock: ManualClock) -> None:
    table = LockTable()
    other = InProcessLock(clock=clock, table=table)
    async with InProcessLock(clock=clock, table=table) as lock:
        lease = await lock.acquire("a", owner="ada", ttl=10.0)
        waiter = asyncio.create_task(lock.acquire("a", owner="bob", ttl=10.0, wait=100.0))
        await settle()
    with pytest.raises(Unavailable, match="closed while waiting"):
        await waiter
    found = await other.inspect("a")
    assert found is not None
    assert found.token == lease.token


async def test_closing_one_client_leaves_the_waiters_of_another(clock: ManualClock) -> None:
    table = LockTable()
    other = InProcessLock(clock=clock, table=table)
    async with InProcessLock(clock=clock, table=table) as lock:
        await lock.acquire("a", owner="ada", ttl=10.0)
        waiter = asyncio.create_task(other.acquire("a", owner="bob", ttl=10.0, wait=100.0))
        await settle()
    await clock.advance(10.0)
    assert waiter.result().owner == "bob"


async def test_a_lease_granted_to_a_cancelled_waiter_goes_to_the_next(clock: ManualClock) -> None:
    lock = InProcessLock(clock=clock)
    lease = await lock.acquire("a", owner="ada", ttl=10.0)
    first = asyncio.create_task(lock.acquire("a", owner="bob", ttl=50.0, wait=100.0))
    await settle()
    second = asyncio.create_task(lock.acquire("a", owner="cyd", ttl=50.0, wait=100.0))
    await settle()
    await lock.release(lease)
    first.cancel()
    await settle()
    assert first.cancelled()
    assert second.result().owner == "cyd"


async def test_a_cancelled_waiter_gives_back_nothing_that_was_taken_away_since(clock: ManualClock) -> None:
    lock = InProcessLock(clock=clock)
    lease = await lock.acquire("a", owner="ada", ttl=10.0)
    waiter = asyncio.create_task(lock.acquire("a", owner="bob", ttl=50.0, wait=100.0))
    await settle()
    await lock.release(lease)
    await lock.force_release("a", by="root", reason="test")
    other = await lock.acquire("a", owner="cyd", ttl=50.0)
    waiter.cancel()
    await settle()
    assert waiter.cancelled()
    await lock.renew(other, ttl=50.0)


async def test_forcing_says_who_and_why(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    lock = InProcessLock(clock=clock)
    await lock.acquire("file:a.py", owner="ada", ttl=10.0)
    with caplog.at_level(logging.WARNING):
        await lock.force_release("file:a.py", by="root", reason="stuck since noon")
    for word in ("file:a.py", "ada", "root", "stuck since noon"):
        assert word in caplog.text


async def test_nobody_who_gave_up_is_remembered(clock: ManualClock) -> None:
    table = LockTable()
    lock = InProcessLock(clock=clock, table=table)
    await lock.acquire("a", owner="ada", ttl=1_000.0)
    waiters: list[asyncio.Task[Lease]] = [
        asyncio.create_task(lock.acquire("a", owner=f"agent-{n}", ttl=1.0, wait=1.0 + n)) for n in range(20)
    ]
    await clock.advance(10.0)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.wait(waiters)
    assert [waiter.exception() for waiter in waiters if not waiter.cancelled()]
    assert table.waiting == 0
