"""Several programs on one PostgreSQL database."""

from __future__ import annotations

import asyncio
import json
import time
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from agent_memory.core.caller import Caller
from agent_memory.core.requests import Remember
from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.stdio_client import StdioClient
from agent_memory.entrypoints.wiring import open_app
from agent_memory.ports.records import Event, Gap
from agent_memory_contract.servers.postgres import SOURCES, connect, fresh_database

from .postgres_shape import PROGRAM, environment_of, settings_of, terminate_everyone

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from agent_memory.adapters.postgres.config import PostgresSettings

CALLER = Caller(client="test", agent="ada", tool="test", ceiling="global")
WITHIN = 0.05
"""Seconds from an acknowledged write in one program to its being seen in another."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=SOURCES)
async def server(request: pytest.FixtureRequest) -> AsyncGenerator[PostgresSettings]:
    """An empty database."""
    async with fresh_database(request.param) as settings:
        yield settings


def mcp_server(server: PostgresSettings) -> StdioClient:
    return StdioClient([*PROGRAM, "mcp"], environment_of(server))


async def insist(client: StdioClient, tool: str, arguments: dict[str, Any], *, tries: int = 20) -> Any:
    """The first answer that is no retryable error."""
    for _ in range(tries):
        answer = await client.call_tool(tool, arguments)
        if not answer.is_error:
            return answer.structured
        assert "unavailable" in answer.text, answer.text
    raise AssertionError(f"{tool} did not recover in {tries} tries")


async def test_what_one_server_acknowledged_the_other_recalls_at_once(server: PostgresSettings) -> None:
    delays: list[float] = []
    async with mcp_server(server) as one, mcp_server(server) as two:
        for number in range(60):
            writer, reader = (one, two) if number % 2 else (two, one)
            await insist(writer, "memory_remember", {"content": f"fact{number} of the team", "scope": "acme"})
            acknowledged = time.perf_counter()
            found = await insist(
                reader, "memory_recall", {"query": f"fact{number}", "scope": "acme"}, tries=1
            )
            delays.append(time.perf_counter() - acknowledged)
            assert [entry["content"] for entry in found["results"]] == [f"fact{number} of the team"]
    assert median(delays) < WITHIN


async def test_servers_survive_the_end_of_every_connection_and_stay_true(server: PostgresSettings) -> None:
    async with mcp_server(server) as one, mcp_server(server) as two:
        began_as = one.pid, two.pid
        await insist(two, "memory_recall", {"scope": "acme"})
        for number in range(8):
            await insist(one, "memory_recall", {"scope": "acme"})
            assert await terminate_everyone(server) >= 2
            await insist(one, "memory_remember", {"content": f"fact{number}", "scope": "acme"})
            found = await insist(two, "memory_recall", {"query": f"fact{number}", "scope": "acme"})
            assert [entry["content"] for entry in found["results"]] == [f"fact{number}"]
        everything = await insist(two, "memory_recall", {"scope": "acme", "limit": 50})
        assert len(everything["results"]) == 8
        assert (one.pid, two.pid) == began_as


async def test_a_watcher_hears_of_another_s_commits_in_their_order_and_soon(server: PostgresSettings) -> None:
    delays: list[float] = []
    async with (
        mcp_server(server) as other,
        open_app(settings_of(server), Log("error")) as app,
        app.feed.watch("acme") as changes,
    ):
        for number in range(60):
            stored = await insist(
                other, "memory_remember", {"content": f"fact{number}", "scope": "acme/shop"}
            )
            acknowledged = time.perf_counter()
            event = await soon(changes)
            delays.append(time.perf_counter() - acknowledged)
            assert isinstance(event, Event)
            assert (event.kind, event.subject) == ("entry.added", stored["results"][0]["id"])
    assert median(delays) < WITHIN


async def test_a_watcher_whose_connection_ended_is_told_of_the_gap_and_hears_on(
    server: PostgresSettings,
) -> None:
    async with (
        open_app(settings_of(server), Log("error")) as one,
        open_app(settings_of(server), Log("error")) as two,
        two.feed.watch("acme") as changes,
    ):
        for number in range(3):
            await terminate_everyone(server)
            assert isinstance(await soon(changes), Gap)
            await one.memory.remember(Remember(content=f"fact{number}", scope="acme"), CALLER)
            event = await soon(changes)
            assert isinstance(event, Event)
            assert event.origin == one.instance


async def soon(changes: AsyncIterator[Event | Gap]) -> Event | Gap:
    async with asyncio.timeout(20):
        return await anext(changes)


async def test_ten_programs_may_start_at_once_on_an_empty_database(server: PostgresSettings) -> None:
    starting = [
        await asyncio.create_subprocess_exec(
            *PROGRAM,
            "health",
            "--json",
            env=environment_of(server),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(10)
    ]
    said = [await program.communicate() for program in starting]
    assert [errors for _, errors in said] == [b""] * 10
    assert {json.loads(output)["status"] for output, _ in said} == {"healthy"}
    connection = await connect(server)
    applied = await connection.fetch("SELECT number FROM agent_memory.migrations ORDER BY number")
    await connection.close()
    assert [number for (number,) in applied] == list(range(1, len(applied) + 1))
