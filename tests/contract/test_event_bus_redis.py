from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.redis.event_bus import RedisEventBus
from agent_memory_contract.servers.redis import SOURCES

from .event_bus_contract import EventBusContract
from .redis_harness import RedisHarness

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class TestRedisEventBus(EventBusContract):
    @pytest.fixture(params=SOURCES)
    async def harness(self, request: pytest.FixtureRequest) -> AsyncGenerator[RedisHarness[RedisEventBus]]:
        async with RedisHarness(request.param, lambda server, _: RedisEventBus(server)) as harness:
            yield harness
