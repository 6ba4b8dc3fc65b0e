"""The harnesses of the Redis adapters. `Bench.url` is a source of servers/redis.py, or a server's address."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.adapters.inprocess.circuit_breaker import InProcessCircuitBreaker
from agent_memory.adapters.redis.cache import RedisCache
from agent_memory.adapters.redis.circuit_breaker import RedisCircuitBreaker
from agent_memory.adapters.redis.event_bus import RedisEventBus
from agent_memory.adapters.redis.lock import RedisLock
from agent_memory.adapters.redis.rate_limiter import RedisRateLimiter
from agent_memory_contract.servers.redis import SOURCES, URL_VARIABLE

from .breaker_calls import THREE
from .redis_harness import PATIENCE, RedisHarness

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager

    from agent_memory.adapters.redis.connection import RedisServer
    from agent_memory.ports.circuit_breaker import Thresholds
    from agent_memory.ports.clock import Clock

    from .harness import Bench


class CacheHarness(RedisHarness[RedisCache]):
    max_bytes = None

    def __init__(self, source: str) -> None:
        super().__init__(source, lambda server, clock: RedisCache(server, clock=clock, patience=PATIENCE))


class BreakerHarness(RedisHarness[RedisCircuitBreaker]):
    """Each client falls back on a breaker of its own, as each process would."""

    def __init__(self, source: str) -> None:
        super().__init__(source, self._client)
        self._thresholds = THREE

    def open(self, thresholds: Thresholds = THREE) -> AbstractAsyncContextManager[RedisCircuitBreaker]:
        self._thresholds = thresholds
        return super().open()

    def second_client(
        self, thresholds: Thresholds = THREE
    ) -> AbstractAsyncContextManager[RedisCircuitBreaker]:
        return self.open(thresholds)

    @asynccontextmanager
    async def _client(self, server: RedisServer, clock: Clock) -> AsyncGenerator[RedisCircuitBreaker]:
        machine = BreakerMachine("db", self._thresholds)
        async with (
            InProcessCircuitBreaker(clock=clock, machine=machine) as fallback,
            RedisCircuitBreaker(
                server, "db", clock=clock, fallback=fallback, thresholds=self._thresholds
            ) as breaker,
        ):
            yield breaker


def cache(bench: Bench) -> CacheHarness:
    return CacheHarness(_source(bench))


def lock(bench: Bench) -> RedisHarness[RedisLock]:
    return RedisHarness(_source(bench), lambda server, clock: RedisLock(server, clock=clock))


def event_bus(bench: Bench) -> RedisHarness[RedisEventBus]:
    return RedisHarness(_source(bench), lambda server, _: RedisEventBus(server))


def rate_limiter(bench: Bench) -> RedisHarness[RedisRateLimiter]:
    return RedisHarness(_source(bench), lambda server, _: RedisRateLimiter(server))


def circuit_breaker(bench: Bench) -> BreakerHarness:
    return BreakerHarness(_source(bench))


def _source(bench: Bench) -> str:
    if "://" not in bench.url:
        return bench.url or SOURCES[0]
    # Keepers of servers are told by the environment, too: it is where a given one is found.
    os.environ[URL_VARIABLE] = bench.url
    return "given"
