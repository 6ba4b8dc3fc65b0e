from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.postgres.lock import PostgresLock
from agent_memory_contract.servers.postgres import SOURCES

from .lock_contract import LockContract
from .postgres_harness import PostgresHarness

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class TestPostgresLock(LockContract):
    @pytest.fixture(params=SOURCES)
    async def harness(self, request: pytest.FixtureRequest) -> AsyncGenerator[PostgresHarness[PostgresLock]]:
        async with PostgresHarness(
            request.param, lambda settings, clock: PostgresLock(settings, clock=clock)
        ) as harness:
            yield harness
