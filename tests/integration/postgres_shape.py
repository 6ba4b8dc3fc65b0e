"""The program in its PostgreSQL shape, for tests: its environment, and what a server's administrator may do to it."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from agent_memory.entrypoints.settings import PREFIX, Settings, read_settings
from agent_memory_contract.servers.postgres import connect

if TYPE_CHECKING:
    from agent_memory.adapters.postgres.config import PostgresSettings

PROGRAM = (sys.executable, "-m", "agent_memory.entrypoints.cli")


def environment_of(server: PostgresSettings, **settings: str) -> dict[str, str]:
    """What a user sets, and nothing of the caller's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    mine = {
        "DB_TYPE": "postgresql",
        "PG_HOST": server.host,
        "PG_PORT": str(server.port),
        "PG_DATABASE": server.database,
        "PG_USER": server.user,
        "PG_PASSWORD": server.password,
        "PG_SSL": server.ssl,
        "RATE_LIMIT": "0",  # tests call as fast as they can; those of limits say so
        **settings,
    }
    return kept | {PREFIX + name: value for name, value in mine.items()}


def settings_of(server: PostgresSettings) -> Settings:
    return read_settings(environment_of(server)).settings


async def terminate_everyone(server: PostgresSettings) -> int:
    """As `pg_terminate_backend` on every connection to the database but this one. How many there were."""
    connection = await connect(server)
    try:
        ended: int = await connection.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    finally:
        await connection.close()
    return ended


class Run(NamedTuple):
    code: int
    output: str
    errors: str


async def run_program(environment: dict[str, str], *arguments: str) -> Run:
    """`agent-memory` with these arguments, to its end."""
    program = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await program.communicate()
    assert program.returncode is not None
    return Run(program.returncode, output.decode(), errors.decode())
