"""The harnesses of the in-process adapters."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.adapters.inprocess.cache import CacheState, InProcessCache
from agent_memory.adapters.inprocess.circuit_breaker import InProcessCircuitBreaker
from agent_memory.adapters.inprocess.event_bus import EventHub, InProcessEventBus
from agent_memory.adapters.inprocess.lock import InProcessLock
from agent_memory.adapters.inprocess.lock_table import LockTable
from agent_memory.adapters.inprocess.rate_limiter import InProcessRateLimiter
from agent_memory.adapters.inprocess.sliding_log import SlidingLogs

from .breaker_calls import THREE
from .inprocess_harness import InProcessHarness

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory.ports.circuit_breaker import Thresholds
    from agent_memory.ports.clock import Clock

    from .harness import Bench


class CacheHarness(InProcessHarness[InProcessCache]):
    max_bytes = 64 * 1024

    def __init__(self) -> None:
        state = CacheState(max_bytes=self.max_bytes)
        super().__init__(lambda clock: InProcessCache(clock=clock, state=state))


class BreakerHarness(InProcessHarness[InProcessCircuitBreaker]):
    """The circuit is made when first opened, with the thresholds given then."""

    def __init__(self) -> None:
        super().__init__(self._client)
        self._machine: BreakerMachine | None = None

    def open(self, thresholds: Thresholds = THREE) -> InProcessCircuitBreaker:
        if self._machine is None:
            self._machine = BreakerMachine("db", thresholds)
        return self._client(self._clock)

    def second_client(self, thresholds: Thresholds = THREE) -> InProcessCircuitBreaker:
        return self.open(thresholds)

    def _client(self, clock: Clock) -> InProcessCircuitBreaker:
        assert self._machine is not None, "open it first"
        return InProcessCircuitBreaker(clock=clock, machine=self._machine)


@asynccontextmanager
async def cache(_: Bench) -> AsyncGenerator[CacheHarness]:
    yield CacheHarness()


@asynccontextmanager
async def lock(_: Bench) -> AsyncGenerator[InProcessHarness[InProcessLock]]:
    table = LockTable()
    yield InProcessHarness(lambda clock: InProcessLock(clock=clock, table=table))


@asynccontextmanager
async def event_bus(_: Bench) -> AsyncGenerator[InProcessHarness[InProcessEventBus]]:
    hub = EventHub()
    yield InProcessHarness(lambda _: InProcessEventBus(hub=hub))


@asynccontextmanager
async def rate_limiter(_: Bench) -> AsyncGenerator[InProcessHarness[InProcessRateLimiter]]:
    logs = SlidingLogs()
    yield InProcessHarness(lambda clock: InProcessRateLimiter(clock=clock, logs=logs))


@asynccontextmanager
async def circuit_breaker(_: Bench) -> AsyncGenerator[BreakerHarness]:
    yield BreakerHarness()
