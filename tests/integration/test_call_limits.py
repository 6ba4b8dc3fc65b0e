"""Rate limits as a client meets them, on a real server."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from .clients.raw_server import raw_server, request_line

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_refused_call_does_nothing_and_says_when_to_try_again(tmp_path: Path) -> None:
    async with raw_server(
        tmp_path, RATE_LIMIT="1", RATE_LIMIT_BURST_MAX="3", RATE_LIMIT_BURST_WINDOW_MS="2000"
    ) as server:
        outcomes = [await server.call("memory_remember", {"content": f"fact {n}"}) for n in range(4)]
        assert [outcome.is_error for outcome in outcomes] == [False, False, False, True]
        refused = outcomes[3].text
        assert refused.startswith("rate_limited: burst limit: client 'raw' has used up 3 calls in 2 s")
        found = re.search(r"retry_after (\d+\.\d+) s", refused)
        assert found is not None
        assert 0 < float(found[1]) <= 2
        assert await server.active() == 3
        await asyncio.sleep(float(found[1]))
        await server.done("memory_remember", {"content": "fact 3"})


async def test_what_is_wrong_counts_as_well(tmp_path: Path) -> None:
    async with raw_server(tmp_path, RATE_LIMIT="1", RATE_LIMIT_PER_AGENT_MAX="2") as server:
        await server.refused("memory_recall", {"limit": -1}, "rejected: limit")
        await server.refused("memory_recall", {"limit": -1}, "rejected: limit")
        await server.refused("memory_recall", {"limit": -1}, "rate_limited: per-agent limit")


async def test_each_agent_id_is_counted_by_itself_and_a_configured_one_for_all(tmp_path: Path) -> None:
    calls = [("memory_file_lock", {"action": "list", "agent_id": name}) for name in ("ada", "bob")]
    async with raw_server(tmp_path, RATE_LIMIT="1", RATE_LIMIT_PER_AGENT_MAX="1") as server:
        for tool, arguments in calls:
            await server.done(tool, arguments)
            await server.refused(tool, arguments, "rate_limited", f"agent '{arguments['agent_id']}'")
    async with raw_server(tmp_path, AGENT_ID="eve", RATE_LIMIT="1", RATE_LIMIT_PER_AGENT_MAX="1") as server:
        await server.done(*calls[0])
        await server.refused(*calls[1], "rate_limited", "agent 'eve'")


async def test_health_is_not_limited_nor_is_what_a_client_needs_to_connect(tmp_path: Path) -> None:
    async with raw_server(tmp_path, RATE_LIMIT="1", RATE_LIMIT_GLOBAL_MAX="1") as server:
        await server.done("memory_recall", {})
        await server.refused("memory_recall", {}, "rate_limited: global limit: all agents together")
        health = await server.done("memory_health", {})
        assert health["limiter"] == {"enabled": True, "mode": "process", "refused": 1}
        listed = await server.ask(request_line("tools", "tools/list", {}))
        assert listed["result"]["tools"]


async def test_reading_a_resource_counts(tmp_path: Path) -> None:
    async with raw_server(tmp_path, RATE_LIMIT="1", RATE_LIMIT_PER_AGENT_MAX="1") as server:
        first = await server.ask(request_line(1, "resources/read", {"uri": "memory://scope/acme"}))
        assert "result" in first
        second = await server.ask(request_line(2, "resources/read", {"uri": "memory://scope/acme"}))
        assert "rate_limited" in second["error"]["message"]
        assert 0 < second["error"]["data"]["retryAfterMs"] <= 60_000
        figures = await server.ask(request_line(3, "resources/read", {"uri": "memory://stats"}))
        assert "result" in figures


@pytest.mark.parametrize("setting", ["auto", "0"])
async def test_off_is_off(setting: str, tmp_path: Path) -> None:
    """As it is by default for one user's own file."""
    async with raw_server(
        tmp_path,
        RATE_LIMIT=setting,
        RATE_LIMIT_BURST_MAX="1",
        RATE_LIMIT_PER_AGENT_MAX="1",
        RATE_LIMIT_GLOBAL_MAX="1",
    ) as server:
        for _ in range(20):
            await server.done("memory_recall", {})
        assert (await server.done("memory_health", {}))["limiter"] == {"enabled": False}
