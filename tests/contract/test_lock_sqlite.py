from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import sqlite_harnesses
from .harness import Bench
from .lock_contract import LockContract

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


class TestSqliteLock(LockContract):
    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncGenerator[sqlite_harnesses.SqliteLockHarness]:
        async with sqlite_harnesses.lock(Bench(folder=tmp_path)) as harness:
            yield harness
