"""Several servers on one file."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from time import perf_counter
from typing import TYPE_CHECKING

from store_processes import call, found_by, opened, remembered, server

from agent_memory.entrypoints.benchmark.timing import percentile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent_memory.entrypoints.stdio_client import StdioClient

PROCESSES = 16
EACH = 25


async def test_sixteen_processes_write_without_an_error_or_a_loss(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    path = tmp_path / "memory.db"
    seconds: list[float] = []
    ids: list[str] = []

    async def write(client: StdioClient, writer: int) -> None:
        for number in range(EACH):
            started = perf_counter()
            ids.append(
                await remembered(client, f"writer {writer} note {number}", tags=[f"w{writer}n{number}"])
            )
            seconds.append(perf_counter() - started)

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(server(path)) for _ in range(PROCESSES)]
        await asyncio.gather(*(client.request("tools/list") for client in clients))
        async with asyncio.TaskGroup() as group:
            for writer, client in enumerate(clients):
                group.create_task(write(client, writer))
    record_property("p99_ms", round(percentile(seconds, 0.99) * 1000, 1))
    record_property("worst_ms", round(max(seconds) * 1000, 1))
    async with opened(path) as storage:
        assert len(ids) == len(set(ids)) == PROCESSES * EACH
        assert {entry.id for entry in await storage.get(ids)} == set(ids)
        assert await storage.verify() == []


async def test_four_first_starts_at_once_all_serve(tmp_path: Path) -> None:
    path = tmp_path / "not" / "there" / "yet" / "memory.db"

    async def start_and_remember(number: int) -> str:
        async with server(path) as client:
            tools = await client.request("tools/list")
            assert any(tool["name"] == "memory_recall" for tool in tools["tools"])
            return await remembered(client, f"first start {number}")

    ids = await asyncio.gather(*(start_and_remember(number) for number in range(4)))
    async with opened(path) as storage:
        assert len(await storage.get(ids)) == 4
        assert await storage.verify() == []


async def test_what_one_server_wrote_the_other_recalls_at_once(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    async with server(path) as one, server(path) as other:
        for number in range(20):
            writer, reader = (one, other) if number % 2 else (other, one)
            entry_id = await remembered(writer, f"heron{number} stands in the shallows")
            found = await call(reader, "recall", query=f"heron{number}")
            assert [result["id"] for result in found["results"]] == [entry_id]


async def test_a_change_by_one_server_is_not_overwritten_unseen_by_the_other(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    async with server(path) as one, server(path) as other:
        entry_id = await remembered(one, "the harbour opens at six")
        await call(one, "update", id=entry_id, content="the harbour opens at seven", expected_version=1)
        late = await other.call_tool(
            "memory_update", {"id": entry_id, "content": "the harbour opens at eight", "expected_version": 1}
        )
        assert late.is_error
        assert "version 2" in late.text
        got = await call(other, "get", ids=[entry_id])
        assert got["entries"][0]["content"] == "the harbour opens at seven"


async def test_a_forgotten_entry_is_gone_for_the_other_server_too(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    async with server(path) as one, server(path) as other:
        entry_id = await remembered(one, "a cormorant dries its wings")
        assert (await call(other, "recall", query="cormorant"))["results"]
        await call(one, "forget", ids=[entry_id])
        assert (await call(other, "recall", query="cormorant"))["results"] == []
    async with opened(path) as storage:
        assert await found_by(storage, "cormorant") == []
