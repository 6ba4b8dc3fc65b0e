"""Kept answers of several programs on one PostgreSQL database: as old as an event takes to come, and no older."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from statistics import median
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.postgres.event_bus import PostgresEventBus
from agent_memory.adapters.postgres.storage import PostgresStorage
from agent_memory.core.caller import Caller
from agent_memory.core.memory import Memory
from agent_memory.core.requests import Forget, Get, Recall, Remember
from agent_memory.entrypoints.feed import Feed
from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.query_cache import open_query_cache
from agent_memory.entrypoints.wiring import open_app
from agent_memory.ports.errors import Unavailable
from agent_memory_contract.builders import new_id
from agent_memory_contract.servers.postgres import SOURCES, fresh_database
from agent_memory_contract.servers.postgres_template import migrated_template
from agent_memory_contract.suite import turns
from agent_memory_contract.tcp_gate import TcpGate

from .postgres_shape import settings_of, terminate_everyone

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from agent_memory.adapters.postgres.config import PostgresSettings
    from agent_memory.entrypoints.query_cache import QueryCache

ADA = Caller(client="test", agent="ada", tool="test", ceiling="acme")
WITHIN = 0.05
"""Seconds from an acknowledged write in one program to another's kept answers being without it, as a rule."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=SOURCES)
async def server(request: pytest.FixtureRequest) -> AsyncGenerator[PostgresSettings]:
    async with fresh_database(request.param, template=await migrated_template(request.param)) as settings:
        yield settings


async def told(memory: Memory, content: str) -> str:
    """A connection that was just ended may fail a write: told again, it is the same entry."""
    for _ in range(20):
        with suppress(Unavailable):
            stored = await memory.remember(Remember(content=content, scope="acme/web"), ADA)
            return stored.results[0].id
    raise AssertionError("it did not recover")


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not happened():
            await turns(1)


async def count(memory: Memory) -> int:
    return len((await memory.recall(Recall(query="okapi", scope="acme/web", limit=100), ADA)).results)


def hits(kept: QueryCache) -> int:
    return sum(cache.stats().hits for cache in kept.caches)


async def test_answers_are_kept_and_end_with_an_event_of_the_other_program(server: PostgresSettings) -> None:
    delays: list[float] = []
    async with (
        open_app(settings_of(server), Log("error")) as one,
        open_app(settings_of(server), Log("error")) as two,
    ):
        for number in range(30):
            writer, reader = (one, two) if number % 2 else (two, one)
            before = hits(reader.query_cache)
            while hits(reader.query_cache) == before:
                assert await count(reader.memory) == number
            wanted = await told(writer.memory, f"okapi {number}")
            acknowledged = time.perf_counter()
            assert await count(writer.memory) == number + 1
            async with asyncio.timeout(20):
                while await count(reader.memory) == number:
                    await turns(1)
            delays.append(time.perf_counter() - acknowledged)
            assert (await reader.memory.get(Get(ids=[wanted]), ADA)).entries
    assert median(delays) < WITHIN


async def test_an_own_write_is_in_the_next_answer(server: PostgresSettings) -> None:
    async with open_app(settings_of(server), Log("error")) as app:
        wanted = ""
        for number in range(20):
            assert await count(app.memory) == await count(app.memory) == number
            wanted = await told(app.memory, f"okapi {number}")
            assert await count(app.memory) == number + 1
            assert (await app.memory.get(Get(ids=[wanted]), ADA)).entries
        await app.memory.forget(Forget(ids=[wanted]), ADA)
        assert (await app.memory.get(Get(ids=[wanted]), ADA)).missing == (wanted,)


@asynccontextmanager
async def deaf_at_will(server: PostgresSettings, gate: TcpGate) -> AsyncGenerator[tuple[Memory, QueryCache]]:
    """A program whose events come through the gate, and whose questions do not."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(PostgresStorage(server, clock=clock, origin="deaf"))
        behind = msgspec.structs.replace(server, port=gate.port)
        bus = await stack.enter_async_context(PostgresEventBus(behind, clock=clock))
        feed = Feed(storage, bus, clock, Log("error"), relays=False)
        kept = await open_query_cache(settings_of(server), storage, clock, feed, stack, instance="deaf")
        yield Memory(storage, clock, new_id, answers=kept.answers), kept


async def test_while_no_event_can_come_every_answer_is_the_store_s(server: PostgresSettings) -> None:
    async with (
        TcpGate(server.host, server.port) as gate,
        open_app(settings_of(server), Log("error")) as other,
        deaf_at_will(server, gate) as (memory, kept),
    ):
        assert kept.answers is not None
        whole = kept.answers._whole("acme")  # pyright: ignore[reportPrivateUsage] - the filter that gets are kept for
        fresh = kept.answers._freshness  # pyright: ignore[reportPrivateUsage] - what knows whether events come
        number = 0
        for _ in range(3):
            await until(lambda: fresh.moment(whole) is not None)
            assert await count(memory) == await count(memory) == number
            await gate.shut()
            await until(lambda: fresh.moment(whole) is None)
            for _ in range(3):
                wanted = await told(other.memory, f"okapi {number}")
                number += 1
                assert await count(memory) == number
                assert (await memory.get(Get(ids=[wanted]), ADA)).entries
            await told(other.memory, f"okapi {number}")
            number += 1
            await gate.open()
            await until(lambda: fresh.moment(whole) is not None)
            assert await count(memory) == number


async def test_no_answer_outlives_the_connection_that_told_of_changes(server: PostgresSettings) -> None:
    """Every connection is ended at once; the first answer after the gap holds what was written meanwhile."""
    async with (
        open_app(settings_of(server), Log("error")) as one,
        open_app(settings_of(server), Log("error")) as two,
        two.feed.subscribe() as events,
    ):
        for number in range(4):
            assert await count(two.memory) == await count(two.memory) == number
            lost = asyncio.create_task(until(lambda: not events.live))  # it may be back before all have ended
            await terminate_everyone(server)
            await lost
            await told(one.memory, f"okapi {number}")
            assert await count(two.memory) == number + 1
            await until(lambda: events.live)
            assert await count(two.memory) == number + 1
