"""The SQLite storage on a file of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from agent_memory.adapters.sqlite import SqliteStorage

from .manual_clock import ManualClock
from .storage_harness import StorageHarnessCapabilities

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from agent_memory.ports.storage import Storage


class SqliteStorageHarness:
    capabilities = StorageHarnessCapabilities(second_client=True, durable=True, newer_schema=True)

    def __init__(self, folder: Path) -> None:
        self._path = folder / "memory.db"
        self._clock = ManualClock()
        self._backups = folder / "backups"
        self._places: list[str] = []

    def open(self) -> Storage:
        return SqliteStorage(self._path, clock=self._clock, origin="a")

    def second_client(self) -> Storage:
        return SqliteStorage(self._path, clock=self._clock, origin="b")

    def now(self) -> datetime:
        return self._clock.now()

    async def advance(self, seconds: float) -> None:
        await self._clock.advance(seconds)

    async def claim_newer_schema(self) -> None:
        await asyncio.to_thread(self._raise_version)

    def _raise_version(self) -> None:
        with closing(sqlite3.connect(self._path)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version = {version + 1}")

    def backup_place(self) -> str:
        self._backups.mkdir(exist_ok=True)
        self._places.append(str(self._backups / f"{len(self._places)}.db"))
        return self._places[-1]

    def open_backup(self, place: str) -> Storage:
        return SqliteStorage(place, clock=self._clock, origin="copy")

    def backup_leftovers(self) -> list[str]:
        return [str(file) for file in self._backups.iterdir() if str(file) not in self._places]

    async def sever(self) -> None:
        raise NotImplementedError("nothing lies between a process and its file")

    async def heal(self) -> None:
        raise NotImplementedError("nothing lies between a process and its file")
