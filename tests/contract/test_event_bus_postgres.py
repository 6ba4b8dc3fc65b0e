from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.servers.postgres import SOURCES

from . import postgres_harnesses
from .event_bus_contract import EventBusContract
from .harness import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.adapters.postgres.event_bus import PostgresEventBus

    from .postgres_harness import PostgresHarness


class TestPostgresEventBus(EventBusContract):
    @pytest.fixture(params=SOURCES)
    async def harness(
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> AsyncGenerator[PostgresHarness[PostgresEventBus]]:
        async with postgres_harnesses.event_bus(Bench(url=request.param, folder=tmp_path)) as harness:
            yield harness
