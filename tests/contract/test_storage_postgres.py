from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.servers.postgres import SOURCES

from . import postgres_harnesses
from .harness import Bench
from .storage_contract import StorageContract

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from .storage_postgres_harness import PostgresStorageHarness


class TestPostgresStorage(StorageContract):
    @pytest.fixture(params=SOURCES)
    async def harness(
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> AsyncGenerator[PostgresStorageHarness]:
        async with postgres_harnesses.storage(Bench(url=request.param, folder=tmp_path)) as harness:
            yield harness
