"""The harnesses of the SQLite adapters: two connections to one file are two clients."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agent_memory.adapters.sqlite import SqliteLock

from .harness import HarnessCapabilities
from .manual_clock import ManualClock
from .storage_sqlite_harness import SqliteStorageHarness

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from .harness import Bench


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


@asynccontextmanager
async def storage(bench: Bench) -> AsyncGenerator[SqliteStorageHarness]:
    yield SqliteStorageHarness(bench.folder)


@asynccontextmanager
async def lock(bench: Bench) -> AsyncGenerator[SqliteLockHarness]:
    yield SqliteLockHarness(bench.folder / "memory.db")
