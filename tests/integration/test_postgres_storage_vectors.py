"""Vectors where the server compares them itself, where it may not, and where it comes to do so later."""

from __future__ import annotations

import asyncio
import math
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.postgres.storage import PostgresStorage
from agent_memory.ports.changes import PutVectors
from agent_memory.ports.queries import EntryFilter, VectorQuery
from agent_memory_contract.builders import T0, adds, entry, unit_vector, vector
from agent_memory_contract.servers.postgres import SOURCES, administer, connect, fresh_database
from agent_memory_contract.servers.postgres_template import migrated_template
from agent_memory_contract.storage_filters_combined import StorageFiltersCombined
from agent_memory_contract.storage_postgres_harness import PostgresStorageHarness
from agent_memory_contract.storage_reads import ALL_SCOPES, ids
from agent_memory_contract.storage_vectors import StorageVectors
from agent_memory_contract.tcp_gate import TcpGate

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory.adapters.postgres.config import PostgresSettings
    from agent_memory.ports.records import Entry

VERSIONS = [source for source in SOURCES if source.isdecimal()]
DIMENSION = 16
ANY = EntryFilter(where=ALL_SCOPES)


@asynccontextmanager
async def humble_owner(source: str) -> AsyncGenerator[PostgresSettings]:
    """A database whose owner is no superuser, and so may not install this wheel's pgvector."""
    async with fresh_database(source) as settings:
        role = f"owner_{settings.database}"
        await administer(settings, f"CREATE ROLE {role} LOGIN PASSWORD 'humble'")
        await administer(settings, f'ALTER DATABASE "{settings.database}" OWNER TO {role}')
        try:
            yield msgspec.structs.replace(settings, user=role, password="humble")
        finally:
            await administer(settings, f"REASSIGN OWNED BY {role} TO {settings.user}")
            await administer(settings, f"DROP OWNED BY {role}")
            await administer(settings, f"DROP ROLE {role}")


def opened(settings: PostgresSettings) -> PostgresStorage:
    return PostgresStorage(settings, clock=SystemClock(), origin="a")


class TestPostgresWithoutPgvector(StorageVectors, StorageFiltersCombined):
    @pytest.fixture(params=VERSIONS)
    async def harness(self, request: pytest.FixtureRequest) -> AsyncGenerator[PostgresStorageHarness]:
        async with (
            humble_owner(request.param) as settings,
            TcpGate(settings.host, settings.port) as gate,
        ):
            yield PostgresStorageHarness(settings, gate)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def directions(count: int) -> list[list[float]]:
    chance = random.Random(3)
    return [[chance.gauss(0, 1) for _ in range(DIMENSION)] for _ in range(count)]


def embedded(entries: list[Entry], points: list[list[float]]) -> list[PutVectors]:
    return [PutVectors(e.id, 1, "m", T0, (vector(*point),)) for e, point in zip(entries, points, strict=True)]


def nearest(point: list[float], *, limit: int = 10, asked: EntryFilter = ANY) -> VectorQuery:
    return VectorQuery(vector=unit_vector(*point), model="m", limit=limit, filter=asked)


def by_cosine(wanted: list[float], entries: list[Entry], points: list[list[float]]) -> list[str]:
    """The truth, one by one."""

    def cosine(point: list[float]) -> float:
        return sum(map(float.__mul__, wanted, point)) / math.hypot(*point)

    order = sorted(zip(entries, points, strict=True), key=lambda pair: cosine(pair[1]), reverse=True)
    return [e.id for e, _ in order]


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_a_server_may_do_is_stated(version: str) -> None:
    async with humble_owner(version) as humble, opened(humble) as store:
        assert store.capabilities.vectors == "exact"
        assert (await store.health())["pgvector"] is False
    template = await migrated_template(version)
    async with fresh_database(version, template=template) as settings, opened(settings) as store:
        assert store.capabilities.vectors == "approximate"
        assert (await store.health())["pgvector"] is True


@pytest.mark.parametrize("version", VERSIONS)
async def test_vectors_move_into_pgvector_when_it_comes(version: str) -> None:
    new, points = [entry() for _ in range(30)], directions(30)
    async with humble_owner(version) as humble:
        async with opened(humble) as store:
            await store.apply(*adds(*new), *embedded(new, points))
            before = await store.nearest(nearest(points[0]))
        superuser = msgspec.structs.replace(humble, user="memory", password="open sesame")
        await administer(superuser, "CREATE EXTENSION vector")
        async with opened(humble) as store:
            assert store.capabilities.vectors == "approximate"
            after = await store.nearest(nearest(points[0]))
            assert ids(hit.entry for hit in after) == ids(hit.entry for hit in before)
            assert [hit.score for hit in after] == pytest.approx([hit.score for hit in before], abs=1e-5)
            late = entry()
            await store.apply(*adds(late), *embedded([late], [points[0]]))
            assert late.id in ids(hit.entry for hit in await store.nearest(nearest(points[0], limit=2)))


async def ask_widely_and_narrowly(
    store: PostgresStorage, new: list[Entry], points: list[list[float]]
) -> None:
    """Twenty times for all, where near the truth is enough, and for one in a hundred, where all must be found."""
    rare = EntryFilter(where=msgspec.structs.replace(ALL_SCOPES, scope="acme/web"))
    few = [(e, point) for e, point in zip(new, points, strict=True) if e.scope == "acme/web"]
    found: list[float] = []
    for wanted in directions(20):
        hits = ids(hit.entry for hit in await store.nearest(nearest(wanted)))
        found.append(len(set(hits) & set(by_cosine(wanted, new, points)[:10])) / 10)
        hits = ids(hit.entry for hit in await store.nearest(nearest(wanted, limit=len(few), asked=rare)))
        assert hits == by_cosine(wanted, *map(list, zip(*few, strict=True)))
    assert sum(found) / len(found) >= 0.95


async def index_scans(settings: PostgresSettings) -> int:
    """Once the server's processes have told of them, which they do as they end."""
    connection = await connect(settings)
    try:
        async with asyncio.timeout(30):
            while True:
                scans = await connection.fetchval(
                    "SELECT sum(idx_scan)::int FROM pg_stat_all_indexes WHERE indexrelname LIKE 'vectors_near_%'"
                )
                if scans:
                    return int(scans)
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_index_answers_and_filters_hold(version: str) -> None:
    """Among thousands the index is used; what it gives is near the truth, and never less than the filter admits."""
    count = 3000
    points = directions(count)
    new = [entry(scope="acme/web" if n % 100 == 0 else "acme/api") for n in range(count)]
    template = await migrated_template(version)
    async with fresh_database(version, template=template) as settings:
        async with opened(settings) as store:
            await store.apply(*adds(*new), *embedded(new, points))
            await administer(settings, "ANALYZE agent_memory.vectors, agent_memory.entries")
            await ask_widely_and_narrowly(store, new, points)
        assert await index_scans(settings) >= 20
