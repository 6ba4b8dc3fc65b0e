from __future__ import annotations

import asyncio
from datetime import UTC, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.clock import SystemClock

if TYPE_CHECKING:
    from agent_memory_contract.manual_clock import ManualClock


def test_system_clock_tells_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


async def test_system_clock_never_wakes_early() -> None:
    clock = SystemClock()
    for seconds in (0.0, 0.0004, 0.003):
        began = clock.monotonic()
        await clock.sleep(seconds)
        assert clock.monotonic() - began >= seconds


async def test_manual_clock_wakes_sleepers_in_order_at_their_own_moments(clock: ManualClock) -> None:
    woken: list[tuple[str, float]] = []

    async def doze(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        for name, seconds in (("late", 3.0), ("early", 1.0), ("twin", 1.0), ("due", 5.0)):
            group.create_task(doze(name, seconds))
        await clock.advance(5.0)
        assert woken == [("early", 1.0), ("twin", 1.0), ("late", 3.0), ("due", 5.0)]


async def test_manual_clock_does_not_wake_what_is_not_due(clock: ManualClock) -> None:
    sleeper = asyncio.create_task(clock.sleep(1.0))
    await clock.advance(0.999)
    assert not sleeper.done()
    await clock.advance(0.001)
    assert sleeper.done()


async def test_manual_clock_carries_on_through_sleeps_begun_on_the_way(clock: ManualClock) -> None:
    async def beat() -> float:
        for _ in range(3):
            await clock.sleep(2.0)
        return clock.monotonic()

    beating = asyncio.create_task(beat())
    await clock.advance(100.0)
    assert beating.result() == 6.0


async def test_manual_clock_lets_those_run_who_are_woken_by_the_woken(clock: ManualClock) -> None:
    gates = [asyncio.Event() for _ in range(10)]

    async def pass_on(before: asyncio.Event, after: asyncio.Event) -> None:
        await before.wait()
        after.set()

    async def begin() -> None:
        await clock.sleep(1.0)
        gates[0].set()

    async with asyncio.TaskGroup() as group:
        group.create_task(begin())
        for before, after in pairwise(gates):
            group.create_task(pass_on(before, after))
        await clock.advance(1.0)
        assert gates[-1].is_set()


async def test_manual_clock_forgets_a_cancelled_sleeper(clock: ManualClock) -> None:
    sleeper = asyncio.create_task(clock.sleep(1.0))
    await clock.advance(0.0)
    sleeper.cancel()
    await clock.advance(2.0)
    assert sleeper.cancelled()
    assert clock.monotonic() == 2.0


@pytest.mark.parametrize("seconds", [0.0, -1.0])
async def test_manual_clock_sleeps_for_nothing_without_being_moved(
    clock: ManualClock, seconds: float
) -> None:
    async with asyncio.timeout(10.0):
        await clock.sleep(seconds)


async def test_manual_clock_moves_both_times_together(clock: ManualClock) -> None:
    before = clock.now()
    await clock.advance(61.5)
    assert clock.now() - before == timedelta(seconds=61.5)
    assert clock.monotonic() == 61.5
