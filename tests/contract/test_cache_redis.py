from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.servers.redis import SOURCES

from . import redis_harnesses
from .cache_contract import CacheContract
from .harness import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


class TestRedisCache(CacheContract):
    @pytest.fixture(params=SOURCES)
    async def harness(
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> AsyncGenerator[redis_harnesses.CacheHarness]:
        async with redis_harnesses.cache(Bench(url=request.param, folder=tmp_path)) as harness:
            yield harness
