"""SqliteLock against the Lock contract: two connections to one file are two clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.sqlite import SqliteLock

from .harness import HarnessCapabilities
from .lock_contract import LockContract
from .manual_clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path


class SqliteLockHarness:
    capabilities = HarnessCapabilities(second_client=True, durable=True)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._clock = ManualClock()

    def open(self) -> SqliteLock:
        return SqliteLock(self._path, clock=self._clock)

    def second_client(self) -> SqliteLock:
        return SqliteLock(self._path, clock=self._clock)

    async def advance(self, seconds: float) -> None:
        await self._clock.advance(seconds)

    async def sever(self) -> None:
        raise NotImplementedError("a file cannot be cut off")

    async def heal(self) -> None:
        raise NotImplementedError("a file cannot be cut off")


class TestSqliteLock(LockContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> SqliteLockHarness:
        return SqliteLockHarness(tmp_path / "memory.db")
