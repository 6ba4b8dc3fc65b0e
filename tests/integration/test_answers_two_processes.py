"""Kept answers of several programs on one file: what one has acknowledged, the next answer of another holds."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

import agent_memory
from agent_memory.entrypoints.settings import PREFIX
from agent_memory.entrypoints.stdio_client import StdioClient

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = (sys.executable, "-m", "agent_memory.entrypoints.cli")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def server(path: Path, **settings: str) -> StdioClient:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    mine = {"DB_PATH": str(path), **settings}
    return StdioClient([*PROGRAM, "mcp"], kept | {PREFIX + name: value for name, value in mine.items()})


async def done(client: StdioClient, tool: str, **arguments: Any) -> Any:
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.text
    return answer.structured


async def contents(client: StdioClient) -> set[str]:
    """Asked twice, so that the second answer is one given again."""
    first = await done(client, "memory_recall", query="okapi", limit=100)
    assert await done(client, "memory_recall", query="okapi", limit=100) == first
    return {entry["content"] for entry in first["results"]}


async def cache_of(client: StdioClient) -> dict[str, float]:
    figures: dict[str, float] = (await done(client, "memory_health"))["cache"]
    return figures


async def test_a_write_acknowledged_in_one_is_in_the_next_answer_of_the_other(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    async with server(path) as one, server(path) as two:
        for number in range(40):
            writer, reader = (one, two) if number % 2 else (two, one)
            text = f"okapi {number}"
            stored = await done(writer, "memory_remember", content=text)
            assert text in await contents(reader)
            wanted = stored["results"][0]["id"]
            for _ in range(3):
                assert (await done(reader, "memory_get", ids=[wanted]))["entries"][0]["content"] == text
            await done(writer, "memory_update", id=wanted, content=f"{text} changed")
            found = await done(reader, "memory_get", ids=[wanted])
            assert found["entries"][0]["content"] == f"{text} changed"
            assert f"{text} changed" in await contents(reader)
            if number % 4 == 0:
                await done(writer, "memory_forget", ids=[wanted], purge=number % 8 == 0)
                assert (await done(reader, "memory_get", ids=[wanted]))["missing"] == [wanted]
                assert f"{text} changed" not in await contents(reader)
        for client in (one, two):
            figures = await cache_of(client)
            assert figures["entries"] > 0
            assert figures["memoryMB"] > 0
            assert figures["hitRate"] > 0.2


async def test_a_program_in_python_sees_what_a_server_wrote(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    async with server(path) as other, agent_memory.open_memory(path) as memory:
        for number in range(30):
            before = await memory.recall("okapi", limit=100)
            assert await memory.recall("okapi", limit=100) == before
            await done(other, "memory_remember", content=f"okapi {number}")
            assert len(await memory.recall("okapi", limit=100)) == number + 1


async def test_switched_off_nothing_is_kept(tmp_path: Path) -> None:
    async with server(tmp_path / "memory.db", QUERY_CACHE_SIZE="0") as client:
        await done(client, "memory_remember", content="an okapi")
        assert await contents(client) == {"an okapi"}
        assert await cache_of(client) == {"entries": 0, "memoryMB": 0.0, "hitRate": 0.0}
