from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.servers.redis import SOURCES

from . import redis_harnesses
from .event_bus_contract import EventBusContract
from .harness import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.adapters.redis.event_bus import RedisEventBus

    from .redis_harness import RedisHarness


class TestRedisEventBus(EventBusContract):
    @pytest.fixture(params=SOURCES)
    async def harness(
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> AsyncGenerator[RedisHarness[RedisEventBus]]:
        async with redis_harnesses.event_bus(Bench(url=request.param, folder=tmp_path)) as harness:
            yield harness
