from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.redis.lock import RedisLock
from agent_memory_contract.servers.redis import SOURCES

from .lock_contract import LockContract
from .redis_harness import RedisHarness

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class TestRedisLock(LockContract):
    @pytest.fixture(params=SOURCES)
    async def harness(self, request: pytest.FixtureRequest) -> AsyncGenerator[RedisHarness[RedisLock]]:
        async with RedisHarness(
            request.param, lambda server, clock: RedisLock(server, clock=clock)
        ) as harness:
            yield harness
