"""A sleep that can be cut short ends when it should, however late it gets to begin."""

from __future__ import annotations

import asyncio

from agent_memory.ports.waking import Sleeper
from agent_memory_contract.manual_clock import ManualClock
from agent_memory_contract.suite import soon, turns


async def dozing(sleeper: Sleeper, seconds: float) -> asyncio.Task[bool]:
    task = asyncio.create_task(sleeper.doze(seconds))
    await turns(5)
    return task


async def test_it_ends_by_the_moment_that_it_was_asked_at() -> None:
    clock = ManualClock()
    task = asyncio.create_task(Sleeper(clock).doze(3.0))
    await asyncio.sleep(0)
    clock._elapsed = 19.0  # pyright: ignore[reportPrivateUsage] - before what is to wake it has begun
    assert await soon(task) is False


async def test_it_ends_when_the_time_has_come_and_not_before() -> None:
    clock = ManualClock()
    task = await dozing(Sleeper(clock), 3.0)
    await clock.advance(2.9)
    assert not task.done()
    await clock.advance(0.2)
    assert await soon(task) is False


async def test_waking_cuts_it_short_and_one_that_came_early_is_kept_for_the_next() -> None:
    clock = ManualClock()
    sleeper = Sleeper(clock)
    task = await dozing(sleeper, 3.0)
    sleeper.wake()
    assert await soon(task) is True
    sleeper.wake()
    assert await soon(sleeper.doze(3.0)) is True
    rest = await dozing(sleeper, 3.0)
    assert not rest.done()
    await clock.advance(3.0)
    assert await soon(rest) is False
