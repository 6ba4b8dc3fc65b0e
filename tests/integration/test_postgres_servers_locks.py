"""Two transactions on one lock, each stopped where it hurts."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

import asyncpg
import pytest

from agent_memory.adapters.postgres.connections import connect_arguments
from agent_memory.adapters.postgres.lock_statements import ACQUIRE, RELEASE, RENEW
from agent_memory_contract.servers.postgres import SOURCES, connect, fresh_database
from agent_memory_contract.servers.postgres_template import migrated_template

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory.adapters.postgres.config import PostgresSettings

    Connection = asyncpg.Connection[asyncpg.Record]

NAME = "file:src/app.py"
KEY = sha256(NAME.encode()).digest()
SECOND = 1_000_000
_CLOCK = """
CREATE TABLE agent_memory.test_clock (micros bigint NOT NULL);
INSERT INTO agent_memory.test_clock VALUES (0);
CREATE OR REPLACE FUNCTION agent_memory.now_micros() RETURNS bigint LANGUAGE sql VOLATILE
    RETURN (SELECT micros FROM agent_memory.test_clock);
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=SOURCES)
async def server(request: pytest.FixtureRequest) -> AsyncGenerator[PostgresSettings]:
    """Its clock stands still until `set_clock`."""
    async with fresh_database(request.param, template=await migrated_template(request.param)) as settings:
        connection = await connect(settings)
        await connection.execute(_CLOCK)
        await connection.close()
        yield settings


@asynccontextmanager
async def clients(server: PostgresSettings) -> AsyncGenerator[tuple[Connection, Connection]]:
    one = await asyncpg.connect(**connect_arguments(server, origin="one"))
    two = await asyncpg.connect(**connect_arguments(server, origin="two"))
    try:
        yield one, two
    finally:
        one.terminate()
        two.terminate()


async def set_clock(server: PostgresSettings, micros: int) -> None:
    connection = await connect(server)
    await connection.execute("UPDATE agent_memory.test_clock SET micros = $1", micros)
    await connection.close()


async def acquire(connection: Connection, owner: str, ttl: int = 10 * SECOND) -> asyncpg.Record:
    row = await connection.fetchrow(ACQUIRE, NAME, owner, ttl)
    assert row is not None
    return row


async def blocked(server: PostgresSettings) -> None:
    """Return once one client waits for the other inside the server."""
    watcher = await connect(server)
    async with asyncio.timeout(20):
        while not await watcher.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ):
            pass
    await watcher.close()


async def test_a_renewal_begun_in_time_holds_though_it_commits_late(server: PostgresSettings) -> None:
    async with clients(server) as (holder, other):
        lease = await acquire(holder, "ada")
        renewal = holder.transaction()
        await renewal.start()
        assert await holder.fetch(RENEW, KEY, "ada", lease["token"], 60 * SECOND)
        await set_clock(server, 11 * SECOND)
        trying = asyncio.create_task(acquire(other, "bob"))
        await blocked(server)
        await renewal.commit()
        found = await trying
        assert (found["granted"], found["owner"], found["token"]) == (False, "ada", lease["token"])
        assert found["expires_at"] == 60 * SECOND


async def test_a_renewal_that_comes_after_another_grant_fails(server: PostgresSettings) -> None:
    async with clients(server) as (holder, other):
        lease = await acquire(holder, "ada")
        await set_clock(server, 11 * SECOND)
        grant = other.transaction()
        await grant.start()
        assert (await acquire(other, "bob"))["granted"]
        await set_clock(server, 9 * SECOND)  # as if the renewal had been asked for before
        renewing = asyncio.create_task(holder.fetch(RENEW, KEY, "ada", lease["token"], 60 * SECOND))
        await blocked(server)
        await grant.commit()
        assert await renewing == []


async def test_of_two_who_take_a_free_name_one_gets_it(server: PostgresSettings) -> None:
    async with clients(server) as (one, two):
        grant = one.transaction()
        await grant.start()
        first = await acquire(one, "ada")
        trying = asyncio.create_task(acquire(two, "bob"))
        await blocked(server)
        await grant.commit()
        found = await trying
        assert first["granted"]
        assert (found["granted"], found["owner"]) == (False, "ada")


async def test_a_grant_that_was_rolled_back_leaves_the_name_free_and_its_token_unused(
    server: PostgresSettings,
) -> None:
    async with clients(server) as (one, two):
        grant = one.transaction()
        await grant.start()
        first = await acquire(one, "ada")
        trying = asyncio.create_task(acquire(two, "bob"))
        await blocked(server)
        await grant.rollback()
        found = await trying
        assert found["granted"]
        assert found["token"] > first["token"]


async def test_a_release_under_way_frees_nothing_before_it_commits(server: PostgresSettings) -> None:
    async with clients(server) as (one, two):
        lease = await acquire(one, "ada")
        release = one.transaction()
        await release.start()
        assert await one.fetch(RELEASE, KEY, "ada", lease["token"])
        assert not (await acquire(two, "bob"))["granted"]
        await release.commit()
        assert (await acquire(two, "bob"))["granted"]


async def test_leases_that_ran_out_do_not_pile_up(server: PostgresSettings) -> None:
    async with clients(server) as (one, _):
        for number in range(200):
            await set_clock(server, number * SECOND)
            assert await one.fetch(ACQUIRE, f"file {number}", "ada", SECOND // 2)
        assert await one.fetchval("SELECT count(*) FROM locks") < 5
