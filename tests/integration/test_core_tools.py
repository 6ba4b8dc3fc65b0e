"""AGENT_MEMORY_TOOLS=core: fewer tools to read, and a clear word about the others."""

from __future__ import annotations

import pytest
from mcp import MCPError

from agent_memory.entrypoints.mcp.handlers import CORE
from agent_memory.entrypoints.mcp.tools import TOOLS

from .daemon.household import a_home, daemon_of
from .told import connected, shape

OFFERED = [tool["name"] for tool in TOOLS if tool["name"] in CORE]


@pytest.mark.parametrize("name", ["embedded", "daemon"])
async def test_only_the_core_is_listed_and_the_rest_refused(name: str) -> None:
    async with shape(name) as environment:
        async with connected(environment | {"AGENT_MEMORY_TOOLS": "core"}) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == OFFERED
            assert not (await client.call_tool("memory_remember", {"content": "x"})).is_error
            for hidden in ("memory_link", "memory_file_lock", "memory_health"):
                with pytest.raises(MCPError) as refused:
                    await client.call_tool(hidden, {})
                assert refused.value.error.code == -32602
                assert "AGENT_MEMORY_TOOLS=core" in refused.value.error.message
            with pytest.raises(MCPError) as refused:
                await client.call_tool("memory_nonsense", {})
            assert "unknown tool" in refused.value.error.message
        async with connected(environment) as client:
            assert len((await client.list_tools()).tools) == len(TOOLS)


async def test_a_daemons_own_setting_holds_for_all_its_clients() -> None:
    async with a_home() as home, daemon_of(home, TOOLS="core"):
        for wish in ({}, {"TOOLS": "all"}):
            async with connected(home.environment(DAEMON="required", **wish)) as client:
                assert [tool.name for tool in (await client.list_tools()).tools] == OFFERED
