"""What the database tells of its own commits, and what becomes of it on a bad line."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec
import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.postgres.connections import connect_arguments
from agent_memory.adapters.postgres.event_bus import PostgresEventBus
from agent_memory.adapters.postgres.event_bus_message import MAX_PAYLOAD
from agent_memory.adapters.postgres.storage import PostgresStorage
from agent_memory.ports.changes import RemoveEntries, ReplaceEntry
from agent_memory.ports.records import Event, Gap
from agent_memory_contract.builders import adds, changed, entry
from agent_memory_contract.manual_clock import ManualClock
from agent_memory_contract.servers.postgres import SOURCES, fresh_database
from agent_memory_contract.servers.postgres_template import migrated_template
from agent_memory_contract.tcp_gate import TcpGate

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory.adapters.postgres.config import PostgresSettings
    from agent_memory.ports.event_bus import Subscription

ODD = "Ünï\ncode 🧠 \u2028 'quoted' \"twice\" \\ %s $1 \x01"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=SOURCES)
async def server(request: pytest.FixtureRequest) -> AsyncGenerator[PostgresSettings]:
    async with fresh_database(request.param, template=await migrated_template(request.param)) as settings:
        yield settings


@asynccontextmanager
async def listening(server: PostgresSettings) -> AsyncGenerator[Subscription]:
    async with PostgresEventBus(server, clock=SystemClock()) as bus, bus.subscribe() as subscription:
        yield subscription


@asynccontextmanager
async def direct(server: PostgresSettings) -> AsyncGenerator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(**connect_arguments(server, origin="test"))
    try:
        yield connection
    finally:
        await connection.close()


async def tell(connection: Any, seq: int, *, subject: str = "", payload: bytes = b"") -> None:
    """As the storage does it."""
    await connection.execute(
        "INSERT INTO outbox (seq, kind, scope, subject, at, version, origin, payload) "
        "VALUES ($1, 'entry.added', 'acme', $2, 7, 1, 'here', $3)",
        seq,
        subject,
        payload,
    )


async def take(subscription: Subscription) -> Event | Gap:
    async with asyncio.timeout(20):
        return await anext(subscription)


async def test_what_is_told_is_what_the_outbox_holds(server: PostgresSettings) -> None:
    async with (
        PostgresStorage(server, clock=SystemClock(), origin=ODD) as storage,
        listening(server) as subscription,
    ):
        first = entry(scope="acme/shop")
        await storage.apply(*adds(first, entry()))
        await storage.apply(ReplaceEntry(changed(first), 1), RemoveEntries((first.id,), first.at))
        kept = await storage.outbox(0)
        assert [event.kind for event in kept] == [
            "entry.added",
            "entry.added",
            "entry.updated",
            "entry.removed",
        ]
        assert [await take(subscription) for _ in kept] == kept


async def test_a_commit_tells_and_a_rollback_does_not(server: PostgresSettings) -> None:
    async with direct(server) as connection, listening(server) as subscription:
        undone = connection.transaction()
        await undone.start()
        await tell(connection, 1)
        await undone.rollback()
        await tell(connection, 2, subject=ODD)
        event = await take(subscription)
        assert isinstance(event, Event)
        assert (event.seq, event.subject) == (2, ODD)


async def test_a_large_payload_goes_by_reference(server: PostgresSettings) -> None:
    async with direct(server) as connection, listening(server) as subscription:
        fits = bytes(range(256)) * (MAX_PAYLOAD // 256)
        await tell(connection, 1, payload=fits)
        await tell(connection, 2, payload=fits + b"x")
        await tell(connection, 3, subject="s" * 5000, payload=fits)
        told = [await take(subscription) for _ in range(3)]
        assert [(each.seq, each.payload) for each in told if isinstance(each, Event)] == [
            (1, fits),
            (2, b""),
            (3, b""),
        ]


async def test_what_no_message_can_carry_hinders_no_commit_and_is_a_gap(server: PostgresSettings) -> None:
    async with direct(server) as connection, listening(server) as subscription:
        await tell(connection, 1, subject="s" * 9000)
        assert isinstance(await take(subscription), Gap)
        await tell(connection, 2)
        assert isinstance(await take(subscription), Event)
        assert await connection.fetchval("SELECT count(*) FROM outbox") == 2


@pytest.mark.parametrize("text", ["", "0", "0 {", "0 [1]", "rubbish", f"0 [1,'a','b','c',{10**30},1,'d','']"])
async def test_a_message_of_someone_else_is_a_gap_and_no_end(server: PostgresSettings, text: str) -> None:
    async with direct(server) as connection, listening(server) as subscription:
        await connection.execute("SELECT pg_notify('agent_memory_events', $1)", text)
        assert isinstance(await take(subscription), Gap)
        await tell(connection, 2)
        assert isinstance(await take(subscription), Event)


async def test_a_line_that_fell_silent_is_found_out_and_renewed(server: PostgresSettings) -> None:
    """Nothing tells that it is dead: only that a question is not answered."""
    clock = ManualClock()
    async with TcpGate(server.host, server.port) as gate, direct(server) as connection:
        behind = msgspec.structs.replace(server, port=gate.port, connection_timeout=0.3)
        async with PostgresEventBus(behind, clock=clock) as bus, bus.subscribe() as subscription:
            await tell(connection, 1)
            assert isinstance(await take(subscription), Event)
            gate.stall()
            await tell(connection, 2)
            reading = asyncio.create_task(take(subscription))
            await clock.advance(30.0)
            await asyncio.wait([reading], timeout=1.0)
            assert not reading.done()
            gate.resume()
            while not reading.done():
                await clock.advance(1.0)
                await asyncio.wait([reading], timeout=0.05)
            assert isinstance(await reading, Gap)
            await tell(connection, 3)
            event = await take(subscription)
            assert isinstance(event, Event)
            assert event.seq == 3
