from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.servers.postgres import SOURCES

from .storage_contract import StorageContract
from .storage_postgres_harness import PostgresStorageHarness, postgres_storage_harness

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class TestPostgresStorage(StorageContract):
    @pytest.fixture(params=SOURCES)
    async def harness(self, request: pytest.FixtureRequest) -> AsyncGenerator[PostgresStorageHarness]:
        async with postgres_storage_harness(request.param) as harness:
            yield harness
