from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .storage_contract import StorageContract
from .storage_sqlite_harness import SqliteStorageHarness

if TYPE_CHECKING:
    from pathlib import Path


class TestSqliteStorage(StorageContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> SqliteStorageHarness:
        return SqliteStorageHarness(tmp_path)
