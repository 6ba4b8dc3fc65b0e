"""What a model reads before every task."""

from __future__ import annotations

import pytest

from agent_memory.entrypoints.mcp import frames
from agent_memory.entrypoints.mcp.content import CacheHint
from agent_memory.entrypoints.mcp.handlers import tool_list
from agent_memory.entrypoints.mcp.identity import Identity, ServerInfo
from agent_memory.entrypoints.mcp.tools import TOOLS


@pytest.mark.parametrize("stateless", [True, False])
def test_the_whole_message_is_short_also_with_a_long_id(stateless: bool) -> None:
    info = ServerInfo(name="agent-memory", title="Agent Memory", version="100.10.10")
    tail = Identity(info, offers=frozenset({"tools"})).stateless_tail if stateless else None
    body = b'{"tools":' + bytes(tool_list()) + b"}"
    line = frames.result("x" * 36, body, tail=tail, cache=CacheHint(3_600_000, "public"))
    assert len(line) <= 8192


def test_a_tool_that_writes_does_not_say_that_it_only_reads() -> None:
    hints = {tool["name"]: tool["annotations"] for tool in TOOLS}
    assert hints["memory_export"] == {
        "readOnlyHint": False,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
    }
    assert {name for name, hint in hints.items() if hint["readOnlyHint"]} == {
        "memory_recall",
        "memory_get",
        "memory_context",
        "memory_health",
    }
