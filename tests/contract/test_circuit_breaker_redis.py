from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.adapters.inprocess.circuit_breaker import InProcessCircuitBreaker
from agent_memory.adapters.redis.circuit_breaker import RedisCircuitBreaker
from agent_memory_contract.servers.redis import SOURCES

from .breaker_calls import THREE
from .circuit_breaker_contract import CircuitBreakerContract
from .redis_harness import RedisHarness

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager

    from agent_memory.adapters.redis.connection import RedisServer
    from agent_memory.ports.circuit_breaker import Thresholds
    from agent_memory.ports.clock import Clock


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


class TestRedisCircuitBreaker(CircuitBreakerContract):
    @pytest.fixture(params=SOURCES)
    async def harness(self, request: pytest.FixtureRequest) -> AsyncGenerator[BreakerHarness]:
        async with BreakerHarness(request.param) as harness:
            yield harness
