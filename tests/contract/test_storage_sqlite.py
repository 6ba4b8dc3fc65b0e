from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import sqlite_harnesses
from .harness import Bench
from .storage_contract import StorageContract

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from .storage_sqlite_harness import SqliteStorageHarness


class TestSqliteStorage(StorageContract):
    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncGenerator[SqliteStorageHarness]:
        async with sqlite_harnesses.storage(Bench(folder=tmp_path)) as harness:
            yield harness
