from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.postgres.event_bus import PostgresEventBus
from agent_memory_contract.servers.postgres import SOURCES

from .event_bus_contract import EventBusContract
from .postgres_harness import PostgresHarness

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class TestPostgresEventBus(EventBusContract):
    @pytest.fixture(params=SOURCES)
    async def harness(
        self, request: pytest.FixtureRequest
    ) -> AsyncGenerator[PostgresHarness[PostgresEventBus]]:
        async with PostgresHarness(
            request.param, lambda settings, clock: PostgresEventBus(settings, clock=clock)
        ) as harness:
            yield harness
