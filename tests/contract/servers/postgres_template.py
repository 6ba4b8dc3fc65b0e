"""A database with the schema in it, made once a run and server, for others to be copied from."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from agent_memory.adapters.postgres.migrate import migrate

from .postgres import administer, connect, shared_server
from .run_folder import once_a_run

if TYPE_CHECKING:
    from agent_memory.adapters.postgres.config import PostgresSettings

TEMPLATE = "agent_memory_template"


async def migrated_template(source: str) -> str:
    """Its name."""
    settings = await asyncio.to_thread(shared_server, source)
    await asyncio.to_thread(once_a_run, f"{TEMPLATE}-{source}", lambda: asyncio.run(_create(settings)))
    return TEMPLATE


async def _create(settings: PostgresSettings) -> None:
    """Anew where a given server has one of an earlier run."""
    await administer(settings, f'DROP DATABASE IF EXISTS "{TEMPLATE}" WITH (FORCE)')
    await administer(settings, f'CREATE DATABASE "{TEMPLATE}"')
    template = msgspec.structs.replace(settings, database=TEMPLATE)
    await migrate(template)
    connection = await connect(template)
    try:
        await connection.execute("VACUUM FREEZE")
    finally:
        await connection.close()
