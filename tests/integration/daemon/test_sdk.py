"""The official SDK as client, through the pump, in each of its modes; the daemon restarts under it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client

from .household import MCP, PATIENCE, daemon_of

if TYPE_CHECKING:
    from .household import Home

MODES = pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])


def client(home: Home, mode: str) -> Client:
    command, *arguments = MCP
    environment = home.environment(DAEMON="required")
    return Client(
        stdio_client(StdioServerParameters(command=command, args=arguments, env=environment)), mode=mode
    )


@MODES
async def test_tools_and_resources_work_through_the_pump(home: Home, mode: str) -> None:
    async with daemon_of(home), client(home, mode) as connected:
        names = {tool.name for tool in (await connected.list_tools()).tools}
        assert "memory_recall" in names
        stored = await connected.call_tool(
            "memory_remember", {"content": "ümläut\u2028 and all", "scope": "acme"}
        )
        assert not stored.is_error
        found = await connected.call_tool("memory_recall", {"query": "ümläut", "scope": "acme"})
        assert found.structured_content is not None
        assert found.structured_content["results"][0]["content"] == "ümläut\u2028 and all"
        assert len((await connected.list_resources()).resources) == 3


@MODES
async def test_a_session_goes_on_over_a_restart_of_the_daemon(home: Home, mode: str) -> None:
    async with daemon_of(home) as first, client(home, mode) as connected:
        assert not (await connected.call_tool("memory_remember", {"content": "before"})).is_error
        first.terminate()
        assert await asyncio.wait_for(first.wait(), PATIENCE) == 0
        async with daemon_of(home):
            found = await connected.call_tool("memory_recall", {"query": "before"})
            assert found.structured_content is not None
            assert found.structured_content["results"][0]["content"] == "before"


@MODES
async def test_many_calls_at_once_come_back_to_their_callers(home: Home, mode: str) -> None:
    async with daemon_of(home), client(home, mode) as connected:
        contents = [f"number {n} " + "y" * (n * 400) for n in range(60)]
        await asyncio.gather(
            *(connected.call_tool("memory_remember", {"content": text}) for text in contents)
        )
        answers = await asyncio.gather(
            *(connected.call_tool("memory_recall", {"query": f"number {n}"}) for n in range(60))
        )
        assert not any(answer.is_error for answer in answers)
