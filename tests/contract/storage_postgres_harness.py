"""The PostgreSQL storage on a database of its own, behind a gate; its clock stands still until told to move."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.postgres.storage import PostgresStorage
from agent_memory.ports.instants import to_micros
from agent_memory_contract.servers.postgres import administer, connect, fresh_database
from agent_memory_contract.servers.postgres_template import migrated_template

from .manual_clock import ManualClock
from .storage_harness import StorageHarnessCapabilities
from .tcp_gate import TcpGate

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
    capabilities = StorageHarnessCapabilities(second_client=True, sever=True, durable=True, newer_schema=True)

    def __init__(self, settings: PostgresSettings, gate: TcpGate) -> None:
        self.settings = settings
        self._gate = gate
        self._clock = ManualClock()

    def open(self) -> PostgresStorage:
        return self._client("a")

    def second_client(self) -> PostgresStorage:
        return self._client("b")

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
        await self._gate.shut()

    async def heal(self) -> None:
        await self._gate.open()

    def _client(self, origin: str) -> PostgresStorage:
        settings = msgspec.structs.replace(self.settings, host="127.0.0.1", port=self._gate.port)
        return PostgresStorage(settings, clock=SystemClock(), origin=origin)


@asynccontextmanager
async def postgres_storage_harness(source: str) -> AsyncGenerator[PostgresStorageHarness]:
    template = await migrated_template(source)
    async with (
        fresh_database(source, template=template) as settings,
        TcpGate(settings.host, settings.port) as gate,
    ):
        harness = PostgresStorageHarness(settings, gate)
        await harness.stop_clock()
        yield harness
