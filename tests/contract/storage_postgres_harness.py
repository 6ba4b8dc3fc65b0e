"""The PostgreSQL storage on a database of its own, whose clock stands still until told to move."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.postgres.storage import PostgresStorage
from agent_memory.ports.instants import to_micros
from agent_memory_contract.servers.postgres import administer, connect, fresh_database
from agent_memory_contract.servers.postgres_template import migrated_template

from .manual_clock import ManualClock
from .storage_harness import StorageHarnessCapabilities

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from agent_memory.adapters.postgres.config import PostgresSettings

# The schema's clock is a function of its own: here it reads what the test says.
_CLOCK = """
CREATE TABLE agent_memory.test_clock (micros bigint NOT NULL);
INSERT INTO agent_memory.test_clock VALUES ({now});
CREATE OR REPLACE FUNCTION agent_memory.now_micros() RETURNS bigint LANGUAGE sql VOLATILE
    RETURN (SELECT micros FROM agent_memory.test_clock);
"""


class PostgresStorageHarness:
    capabilities = StorageHarnessCapabilities(second_client=True, durable=True, newer_schema=True)

    def __init__(self, settings: PostgresSettings) -> None:
        self.settings = settings
        self._clock = ManualClock()

    def open(self) -> PostgresStorage:
        return PostgresStorage(self.settings, clock=SystemClock(), origin="a")

    def second_client(self) -> PostgresStorage:
        return PostgresStorage(self.settings, clock=SystemClock(), origin="b")

    def now(self) -> datetime:
        return self._clock.now()

    async def stop_clock(self) -> None:
        await administer(self.settings, _CLOCK.format(now=to_micros(self.now())))

    async def advance(self, seconds: float) -> None:
        await self._clock.advance(seconds)
        connection = await connect(self.settings)
        try:
            await connection.execute("UPDATE agent_memory.test_clock SET micros = $1", to_micros(self.now()))
        finally:
            await connection.close()

    async def claim_newer_schema(self) -> None:
        statement = (
            "INSERT INTO agent_memory.migrations SELECT max(number) + 1, 'later' FROM agent_memory.migrations"
        )
        await administer(self.settings, statement)

    def backup_place(self) -> str:
        raise NotImplementedError("pg_dump makes backups")

    def open_backup(self, place: str) -> PostgresStorage:
        raise NotImplementedError("pg_dump makes backups")

    def backup_leftovers(self) -> list[str]:
        raise NotImplementedError("pg_dump makes backups")

    async def sever(self) -> None:
        raise NotImplementedError("shown with a server of its own, by tests/integration")

    async def heal(self) -> None:
        raise NotImplementedError("shown with a server of its own, by tests/integration")


@asynccontextmanager
async def postgres_storage_harness(source: str) -> AsyncGenerator[PostgresStorageHarness]:
    template = await migrated_template(source)
    async with fresh_database(source, template=template) as settings:
        harness = PostgresStorageHarness(settings)
        await harness.stop_clock()
        yield harness
