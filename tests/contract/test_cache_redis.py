from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.redis.cache import RedisCache
from agent_memory_contract.servers.redis import SOURCES

from .cache_contract import CacheContract
from .redis_harness import RedisHarness

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class CacheHarness(RedisHarness[RedisCache]):
    max_bytes = None

    def __init__(self, source: str) -> None:
        super().__init__(source, lambda server, clock: RedisCache(server, clock=clock))


class TestRedisCache(CacheContract):
    @pytest.fixture(params=SOURCES)
    async def harness(self, request: pytest.FixtureRequest) -> AsyncGenerator[CacheHarness]:
        async with CacheHarness(request.param) as harness:
            yield harness
