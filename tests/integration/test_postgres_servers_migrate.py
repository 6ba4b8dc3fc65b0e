"""`agent-memory migrate`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.postgres.migrate import migrations
from agent_memory_contract.servers.postgres import SOURCES, administer, connect, fresh_database

from .postgres_shape import environment_of, run_program

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory.adapters.postgres.config import PostgresSettings

    from .postgres_shape import Run

NAMES = [each.name for each in migrations()]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=SOURCES)
async def server(request: pytest.FixtureRequest) -> AsyncGenerator[PostgresSettings]:
    async with fresh_database(request.param) as settings:
        yield settings


async def migrate(server: PostgresSettings, *arguments: str) -> Run:
    return await run_program(environment_of(server), "migrate", *arguments)


async def has_schema(server: PostgresSettings) -> bool:
    connection = await connect(server)
    try:
        return await connection.fetchval("SELECT to_regnamespace('agent_memory') IS NOT NULL") is True
    finally:
        await connection.close()


async def test_check_says_what_is_missing_and_changes_nothing(server: PostgresSettings) -> None:
    run = await migrate(server, "--check", "--json")
    assert (run.code, run.errors) == (1, "")
    state = json.loads(run.output)
    assert (state["schema"], state["newest"], state["missing"]) == (0, len(NAMES), NAMES)
    assert not await has_schema(server)


async def test_it_goes_as_far_as_told_and_then_to_the_end(server: PostgresSettings) -> None:
    run = await migrate(server, "--to", "1", "--json")
    assert (run.code, json.loads(run.output)["missing"]) == (0, NAMES[1:])
    assert (await migrate(server, "--check")).code == 1
    run = await migrate(server)
    assert (run.code, run.errors) == (0, "")
    assert "up to date" in run.output
    assert (await migrate(server, "--check")).code == 0
    assert (await migrate(server)).code == 0


async def test_there_is_no_way_back_and_none_beyond(server: PostgresSettings) -> None:
    assert (await migrate(server)).code == 0
    for number in ("1", str(len(NAMES) + 1)):
        run = await migrate(server, "--to", number)
        assert (run.code, run.output) == (1, "")
        assert run.errors.startswith(f"agent-memory: rejected: to {number}: ")


async def test_a_newer_schema_is_left_alone(server: PostgresSettings) -> None:
    assert (await migrate(server)).code == 0
    await administer(
        server,
        "INSERT INTO agent_memory.migrations SELECT max(number) + 1, 'later' FROM agent_memory.migrations",
    )
    for arguments in ([], ["--check"]):
        run = await migrate(server, *arguments)
        assert run.code == 78
        assert "upgrade the program" in run.errors


async def test_an_sqlite_file_needs_none(server: PostgresSettings) -> None:
    run = await run_program(environment_of(server, DB_TYPE="sqlite"), "migrate")
    assert (run.code, run.output) == (1, "")
    assert "whenever it is opened" in run.errors
