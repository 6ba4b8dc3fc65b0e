from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.servers.redis import SOURCES

from . import redis_harnesses
from .harness import Bench
from .lock_contract import LockContract

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.adapters.redis.lock import RedisLock

    from .redis_harness import RedisHarness


class TestRedisLock(LockContract):
    @pytest.fixture(params=SOURCES)
    async def harness(
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> AsyncGenerator[RedisHarness[RedisLock]]:
        async with redis_harnesses.lock(Bench(url=request.param, folder=tmp_path)) as harness:
            yield harness
