from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.servers.redis import SOURCES

from . import redis_harnesses
from .harness import Bench
from .rate_limiter_contract import RateLimiterContract

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.adapters.redis.rate_limiter import RedisRateLimiter

    from .redis_harness import RedisHarness


class TestRedisRateLimiter(RateLimiterContract):
    @pytest.fixture(params=SOURCES)
    async def harness(
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> AsyncGenerator[RedisHarness[RedisRateLimiter]]:
        async with redis_harnesses.rate_limiter(Bench(url=request.param, folder=tmp_path)) as harness:
            yield harness
