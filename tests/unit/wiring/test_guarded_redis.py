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
from agent_memory.ports.circuit_breaker import Thresholds
from agent_memory.ports.errors import CircuitOpen, LockTimeout, Unavailable
from agent_memory.ports.rate_limiter import Window
from agent_memory_contract.manual_clock import ManualClock, settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.lock import Lease
    from agent_memory.ports.rate_limiter import Decision

WINDOWS = (Window("a", 100, 60.0),)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Breaker(InProcessCircuitBreaker):
    def __init__(self, clock: ManualClock, *, failures: int = 2) -> None:
        thresholds = Thresholds(failures=failures, reset_timeout=10.0, successes=1)
        super().__init__(clock=clock, machine=BreakerMachine("b", thresholds))

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
    breaker = Breaker(clock)
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
    breaker = Breaker(clock, failures=1)
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
    breaker = Breaker(clock)
    inner = TroubledLock(clock=clock)
    lock = GuardedLock(inner, breaker)
    held = await lock.acquire("a", owner="ada", ttl=60)
    inner.trouble = Unavailable("away")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await lock.acquire("b", owner="ada", ttl=60)
    with pytest.raises(CircuitOpen):
        await lock.list()
    assert await lock.inspect("a") is not None
    held = await lock.renew(held, ttl=60)  # of a lease that is held nobody is cut off
    inner.trouble = None
    await clock.advance(10.0)
    waiting = asyncio.create_task(lock.acquire("a", owner="bob", ttl=60, wait=30))
    await settle()
    assert await breaker.state() == "closed"  # that somebody else has it is an answer
    await lock.release(held)
    assert (await waiting).owner == "bob"
    with pytest.raises(LockTimeout):
        await lock.acquire("a", owner="eve", ttl=60)
