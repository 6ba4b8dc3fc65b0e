"""Limiter and lock behind a breaker, on the in-process adapters, with slowness and errors thrown in their way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.adapters.inprocess.circuit_breaker import InProcessCircuitBreaker
from agent_memory.adapters.inprocess.lock import InProcessLock
from agent_memory.adapters.inprocess.rate_limiter import InProcessRateLimiter
from agent_memory.entrypoints.guarded_redis import GuardedLock, GuardedRateLimiter
from agent_memory.entrypoints.sparing_breaker import SparingGuard
from agent_memory.ports.circuit_breaker import Thresholds
from agent_memory.ports.errors import CircuitOpen, LockTimeout, NotFound, Unavailable
from agent_memory.ports.rate_limiter import Window
from agent_memory_contract.manual_clock import ManualClock, settle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from agent_memory.ports.lock import Lease
    from agent_memory.ports.rate_limiter import Decision

WINDOWS = (Window("a", 100, 60.0),)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class CountedBreaker(InProcessCircuitBreaker):
    """Knows how often it was asked."""

    def __init__(self, clock: ManualClock, *, failures: int = 2) -> None:
        thresholds = Thresholds(failures=failures, reset_timeout=10.0, successes=1)
        super().__init__(clock=clock, machine=BreakerMachine("b", thresholds))
        self.asked = 0

    def guard(self) -> AbstractAsyncContextManager[None]:  # type: ignore[override]
        self.asked += 1
        return super().guard()

    async def state(self) -> str:
        return (await self.status()).state


class SlowLimiter(InProcessRateLimiter):
    slow = False

    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        if self.slow:
            await asyncio.Event().wait()
        return await super().hit(windows, cost=cost)


class TroubledLock(InProcessLock):
    trouble: Exception | None = None

    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        if self.trouble is not None:
            raise self.trouble
        return await super().acquire(name, owner=owner, ttl=ttl, wait=wait)


async def test_a_slow_limiter_is_waited_for_a_moment_and_then_not_at_all() -> None:
    clock = ManualClock()
    breaker = CountedBreaker(clock)
    slow = SlowLimiter(clock=clock)
    limiter = GuardedRateLimiter(slow, breaker, patience=0.01)
    assert (await limiter.hit(WINDOWS)).allowed
    slow.slow = True
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"no answer within 0\.01 s"):
            await limiter.hit(WINDOWS)
    with pytest.raises(CircuitOpen):
        await limiter.hit(WINDOWS)
    slow.slow = False
    await clock.advance(10.0)
    assert (await limiter.hit(WINDOWS)).allowed


async def test_a_caller_who_gives_up_says_nothing_about_the_limiter() -> None:
    clock = ManualClock()
    breaker = CountedBreaker(clock, failures=1)
    slow = SlowLimiter(clock=clock)
    slow.slow = True
    asking = asyncio.create_task(GuardedRateLimiter(slow, breaker, patience=30).hit(WINDOWS))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await breaker.state() == "closed"


async def test_a_long_wait_for_a_lock_takes_nobody_s_probe() -> None:
    clock = ManualClock()
    breaker = CountedBreaker(clock)
    inner = TroubledLock(clock=clock)
    lock = GuardedLock(inner, breaker)
    held = await lock.acquire("a", owner="ada", ttl=60)
    inner.trouble = Unavailable("away")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await lock.acquire("b", owner="ada", ttl=60)
    with pytest.raises(CircuitOpen):
        await lock.inspect("a")
    inner.trouble = None
    await clock.advance(10.0)
    waiting = asyncio.create_task(lock.acquire("a", owner="bob", ttl=60, wait=30))
    await settle()
    assert await breaker.state() == "closed"  # that somebody else has it is an answer
    await lock.release(held)
    assert (await waiting).owner == "bob"
    with pytest.raises(LockTimeout):
        await lock.acquire("a", owner="eve", ttl=60)


async def test_while_all_is_well_the_shared_state_is_asked_now_and_then_only() -> None:
    clock = ManualClock()
    breaker = CountedBreaker(clock)
    sparing = SparingGuard(breaker, clock, seconds=0.25)
    for _ in range(50):
        async with sparing.guard():
            pass
    assert breaker.asked == 1
    await clock.advance(0.25)
    async with sparing.guard():
        pass
    assert breaker.asked == 2


async def test_a_failure_is_counted_at_once_and_all_is_asked_again() -> None:
    clock = ManualClock()
    breaker = CountedBreaker(clock)
    sparing = SparingGuard(breaker, clock, seconds=60)
    async with sparing.guard():
        pass
    with pytest.raises(Unavailable):
        async with sparing.guard():
            raise Unavailable("away")
    assert (await breaker.status()).failures == 1
    with pytest.raises(Unavailable):
        async with sparing.guard():
            raise Unavailable("away")
    with pytest.raises(CircuitOpen):
        async with sparing.guard():
            pytest.fail("admitted")


async def test_what_is_no_failure_is_counted_as_none() -> None:
    clock = ManualClock()
    breaker = CountedBreaker(clock, failures=1)
    sparing = SparingGuard(breaker, clock, seconds=60)
    async with sparing.guard():
        pass
    with pytest.raises(NotFound):
        async with sparing.guard():
            raise NotFound("no")
    with pytest.raises(asyncio.CancelledError):
        async with sparing.guard():
            raise asyncio.CancelledError
    assert await breaker.state() == "closed"


async def test_what_others_have_opened_is_respected_when_the_sparing_is_over() -> None:
    clock = ManualClock()
    breaker = CountedBreaker(clock, failures=1)
    sparing = SparingGuard(breaker, clock, seconds=0.25)
    async with sparing.guard():
        pass
    with pytest.raises(Unavailable):
        async with breaker.guard():  # another instance
            raise Unavailable("away")
    async with sparing.guard():
        pass  # not known yet
    await clock.advance(0.25)
    with pytest.raises(CircuitOpen):
        async with sparing.guard():
            pytest.fail("admitted")


async def test_more_failures_than_it_takes_are_no_error_of_their_own() -> None:
    """Calls that were under way when it opened."""
    clock = ManualClock()
    breaker = CountedBreaker(clock, failures=1)
    sparing = SparingGuard(breaker, clock, seconds=60)
    async with sparing.guard():
        pass
    begin = asyncio.Event()

    async def call() -> None:
        async with sparing.guard():
            await begin.wait()
            raise Unavailable("away")

    calls = [asyncio.create_task(call()) for _ in range(5)]
    await settle()
    begin.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 5
