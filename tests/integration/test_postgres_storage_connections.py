"""Connections that end, are all taken, or wait too long."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.postgres.storage import PostgresStorage
from agent_memory.ports.changes import AddEntry, Applied, ReplaceEntry
from agent_memory.ports.errors import Unavailable
from agent_memory_contract.builders import adds, changed, entry
from agent_memory_contract.servers.postgres import SOURCES, administer, connect, fresh_database
from agent_memory_contract.servers.postgres_template import migrated_template
from agent_memory_contract.storage_reads import ALL_SCOPES, ids, matches, settled
from agent_memory_contract.suite import running, soon, turns

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory.adapters.postgres.config import PostgresSettings
    from agent_memory.ports.records import Entry

_OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=SOURCES)
async def settings(request: pytest.FixtureRequest) -> AsyncGenerator[PostgresSettings]:
    async with fresh_database(request.param, template=await migrated_template(request.param)) as settings:
        yield settings


def opened(settings: PostgresSettings) -> PostgresStorage:
    return PostgresStorage(settings, clock=SystemClock(), origin="a")


async def terminate_all(settings: PostgresSettings) -> None:
    """Every connection of the database but the one that asks."""
    await administer(
        settings,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


async def test_idle_connections_may_end_unnoticed(settings: PostgresSettings) -> None:
    """Each kind of call works at once afterwards."""
    async with opened(settings) as store:
        first = entry()
        await store.apply(*adds(first))
        await terminate_all(settings)
        assert ids(await matches(store)) == [first.id]
        await terminate_all(settings)
        assert isinstance(await store.apply(ReplaceEntry(changed(first), 1)), Applied)
        await terminate_all(settings)
        second = entry()
        await store.apply(*adds(second))
        await terminate_all(settings)
        async with store.unit() as unit:
            await unit.apply(*adds(entry()))
        assert len(await matches(store)) == 3


async def test_a_unit_whose_connection_ends_is_rolled_back(settings: PostgresSettings) -> None:
    """`Unavailable`, from the call or from leaving; nothing is kept, and the store works on."""
    async with opened(settings) as store:

        async def cut_off() -> None:
            async with store.unit() as unit:
                await unit.apply(*adds(entry()))
                await terminate_all(settings)
                await unit.apply(*adds(entry()))

        with pytest.raises(Unavailable):
            await cut_off()
        assert await matches(store) == []
        await store.apply(*adds(entry()))


async def test_writers_outlive_terminated_connections(settings: PostgresSettings) -> None:
    """Whoever was not refused has his entry kept; who repeats a refused one has it once."""
    async with opened(settings) as store:
        new = [entry() for _ in range(400)]

        async def until_kept(one: Entry) -> None:
            while True:
                try:
                    await store.apply(AddEntry(one))
                except Unavailable:
                    continue
                return

        async def write() -> None:
            await asyncio.gather(*(until_kept(one) for one in new))

        async with running(write()) as work:
            for _ in range(5):
                await terminate_all(settings)
            await work
        assert sorted(ids(await matches(store))) == sorted(ids(new))
        assert await store.outbox_head() == len(new)


async def test_a_full_pool_says_so(settings: PostgresSettings) -> None:
    """Rather than to wait for ever; and works once a connection is free."""
    small = msgspec.structs.replace(settings, pool_min=1, pool_max=1, connection_timeout=0.5)
    async with opened(small) as store:
        async with store.unit() as unit:
            await unit.apply(*adds(entry()))
            with pytest.raises(Unavailable, match="POOL_MAX"):
                await soon(store.outbox_head())
        assert len(await matches(store)) == 1


async def test_who_waits_for_a_row_waits_no_longer_than_the_statement_timeout(
    settings: PostgresSettings,
) -> None:
    """A unit that holds an entry holds up who changes the same, until that one gives up."""
    impatient = msgspec.structs.replace(settings, statement_timeout=0.5)
    first = entry()
    async with opened(settings) as patient, opened(impatient) as other:
        await patient.apply(*adds(first))
        async with patient.unit() as unit:
            await unit.apply(ReplaceEntry(changed(first, title="mine"), 1))
            with pytest.raises(Unavailable, match="STATEMENT_TIMEOUT"):
                await soon(other.apply(ReplaceEntry(changed(first, title="theirs"), 1)))
        assert [e.title for e in await matches(other)] == ["mine"]


async def test_deadlocks_are_tried_again(settings: PostgresSettings) -> None:
    """Two that change the same two entries crosswise, many times over: each is done or refused, none fails."""
    async with opened(settings) as store:
        one, two = entry(), entry()
        await store.apply(*adds(one, two))

        async def both(first: str, second: str) -> None:
            [a, b] = await store.get([first, second])
            await store.apply(*(ReplaceEntry(changed(e, title=f"{e.version}"), e.version) for e in (a, b)))

        results = await settled(*(both(*((one.id, two.id)[:: (-1) ** n])) for n in range(20)))
        refused = [result for result in results if isinstance(result, Exception)]
        assert {type(error).__name__ for error in refused} <= {"Conflict"}
        assert {e.version for e in await store.get([one.id, two.id])} == {21 - len(refused)}


async def test_no_connection_stays_in_a_transaction(settings: PostgresSettings) -> None:
    """However units and calls end."""
    async with opened(settings) as store:
        for moment in (0, 1, 2, 3, 5, 8, 20):
            async with running(store.apply(*adds(entry()))) as task:
                await turns(moment)
                task.cancel()
            async with running(_in_unit(store)) as task:
                await turns(moment)
                task.cancel()
        await store.apply(*adds(entry()))
        await nothing_open(settings)


async def nothing_open(settings: PostgresSettings) -> None:
    """Return once the server knows of no transaction that waits for its client."""
    connection = await connect(settings)
    try:
        async with asyncio.timeout(10):
            while await connection.fetchval(_OPEN):
                pass
    finally:
        await connection.close()


async def _in_unit(store: PostgresStorage) -> None:
    async with store.unit() as unit:
        await unit.apply(*adds(entry()))
        await unit.stats(ALL_SCOPES)
