from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.servers.postgres import SOURCES

from . import postgres_harnesses
from .harness import Bench
from .lock_contract import LockContract

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.adapters.postgres.lock import PostgresLock

    from .postgres_harness import PostgresHarness


class TestPostgresLock(LockContract):
    @pytest.fixture(params=SOURCES)
    async def harness(
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> AsyncGenerator[PostgresHarness[PostgresLock]]:
        async with postgres_harnesses.lock(Bench(url=request.param, folder=tmp_path)) as harness:
            yield harness
