from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.redis.rate_limiter import RedisRateLimiter
from agent_memory_contract.servers.redis import SOURCES

from .rate_limiter_contract import RateLimiterContract
from .redis_harness import RedisHarness

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class TestRedisRateLimiter(RateLimiterContract):
    @pytest.fixture(params=SOURCES)
    async def harness(self, request: pytest.FixtureRequest) -> AsyncGenerator[RedisHarness[RedisRateLimiter]]:
        async with RedisHarness(request.param, lambda server, _: RedisRateLimiter(server)) as harness:
            yield harness
