from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.servers.redis import SOURCES

from . import redis_harnesses
from .circuit_breaker_contract import CircuitBreakerContract
from .harness import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


class TestRedisCircuitBreaker(CircuitBreakerContract):
    @pytest.fixture(params=SOURCES)
    async def harness(
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> AsyncGenerator[redis_harnesses.BreakerHarness]:
        async with redis_harnesses.circuit_breaker(Bench(url=request.param, folder=tmp_path)) as harness:
            yield harness
