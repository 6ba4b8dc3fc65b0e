"""The schema: numbered migrations, each in one transaction, all under one advisory lock."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from ...ports.errors import Misconfigured
from . import pgvector
from .connections import SCHEMA, SEARCH_PATH, connect_arguments, server_name
from .errors import POOLER, port_errors

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from .config import PostgresSettings
    from .connections import Connection as PoolConnection

    Connection = asyncpg.Connection[asyncpg.Record]

MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = 0x41674D656D
"""Of the advisory lock: 'AgMem'. Anything that no one else on the server uses will do."""

_HAS_SCHEMA = f"SELECT to_regnamespace('{SCHEMA}') IS NOT NULL"
_CREATE_SCHEMA = f"CREATE SCHEMA {SCHEMA}"
_CREATE_TABLE = f"""
CREATE TABLE IF NOT EXISTS {SCHEMA}.migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_SEARCH_PATH = "SELECT current_setting('search_path')"
_EXISTS = f"SELECT to_regclass('{SCHEMA}.migrations') IS NOT NULL"
_VERSION = f"SELECT coalesce(max(number), 0) FROM {SCHEMA}.migrations"  # noqa: S608 - a constant of this package
_RECORD = f"INSERT INTO {SCHEMA}.migrations (number, name) VALUES ($1, $2)"  # noqa: S608 - same


class Migration(NamedTuple):
    number: int
    name: str
    file: Path


class SchemaState(NamedTuple):
    """`version` is the database's (0: nothing yet), `newest` the program's.

    `vectors`: the schema of pgvector's types, where vectors are kept in them.
    """

    version: int
    newest: int
    vectors: str | None


def migrations() -> list[Migration]:
    found = sorted(MIGRATIONS.glob("*.sql"))
    return [Migration(int(file.name.split("_", 1)[0]), file.stem, file) for file in found]


async def schema_state(settings: PostgresSettings) -> SchemaState:
    """Without changing anything."""
    async with _connected(settings) as connection:
        return await _state(connection)


async def migrate(settings: PostgresSettings, *, to: int | None = None) -> SchemaState:
    """Apply what is missing, up to number `to`. `Misconfigured` when the schema is newer than the program.

    Any number of programs may do this at once: one migrates, the others wait for it.
    """
    async with _connected(settings) as connection:
        state = await _state(connection)
        if state.version > state.newest:
            raise Misconfigured(
                f"{server_name(settings)} has schema {state.version} and this program knows {state.newest}: "
                "upgrade the program, or set AGENT_MEMORY_PG_DATABASE to another database"
            )
        target = state.newest if to is None else to
        if state.version < target or (
            state.version and not state.vectors and await pgvector.is_offered(connection)
        ):
            await connection.execute("SET statement_timeout = 0")
            await _locked(connection, target)
        return await _state(connection)


@asynccontextmanager
async def _connected(settings: PostgresSettings) -> AsyncGenerator[Connection]:
    with port_errors(server_name(settings)):
        connection = await asyncpg.connect(**connect_arguments(settings, origin="migrations"))
        try:
            if await connection.fetchval(_SEARCH_PATH) != SEARCH_PATH:
                raise Misconfigured(f"{server_name(settings)}: {POOLER} (it drops our search_path)")
            yield connection
        finally:
            await connection.close(timeout=settings.connection_timeout)


async def _state(connection: Connection) -> SchemaState:
    version = await connection.fetchval(_VERSION) if await connection.fetchval(_EXISTS) else 0
    return SchemaState(version, migrations()[-1].number, await pgvector.schema_of(connection))


async def _locked(connection: Connection, to: int) -> None:
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await _apply(connection, to)
        await pgvector.adopt(connection)
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _apply(connection: Connection, to: int) -> None:
    if not await connection.fetchval(_HAS_SCHEMA):
        await connection.execute(_CREATE_SCHEMA)
    await connection.execute(_CREATE_TABLE)
    version = await connection.fetchval(_VERSION)
    for number, name, file in migrations():
        if version < number <= to:
            async with connection.transaction():
                await connection.execute(file.read_text(encoding="utf-8"))
                await connection.execute(_RECORD, number, name)


async def schema_version(connection: PoolConnection) -> int:
    """Of a database that was migrated."""
    return int(await connection.fetchval(_VERSION))
