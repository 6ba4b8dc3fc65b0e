"""The official SDK as client, over a real process, in each of its modes."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mcp import MCPError, StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp_types import PromptReference, TextContent, TextResourceContents

if TYPE_CHECKING:
    from mcp.client.client import Client as ClientType

SERVER = Path(__file__).parent / "mcp_fake_server.py"
MODES = pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])


def client(mode: str) -> ClientType:
    return Client(stdio_client(StdioServerParameters(command=sys.executable, args=[str(SERVER)])), mode=mode)


@MODES
async def test_a_tool_call_comes_back_with_text_and_structured_content(mode: str) -> None:
    async with client(mode) as connected:
        result = await connected.call_tool("echo", {"a": [1, "ü\n"]})
    assert result.structured_content == {"a": [1, "ü\n"]}
    assert isinstance(result.content[0], TextContent)
    assert result.content[0].text == "echoed"
    assert not result.is_error


@MODES
async def test_the_program_learns_the_revision_that_was_agreed(mode: str) -> None:
    async with client(mode) as connected:
        who = (await connected.call_tool("who", {})).structured_content
    assert who is not None
    assert who["protocol"] == ("2025-11-25" if mode == "legacy" else "2026-07-28")
    assert who["name"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_client_learns_who_the_server_is_and_what_it_offers(mode: str) -> None:
    async with client(mode) as connected:
        capabilities = connected.server_capabilities
        assert connected.instructions == "Be kind."
    assert capabilities is not None
    for offered in (
        capabilities.tools,
        capabilities.resources,
        capabilities.prompts,
        capabilities.completions,
    ):
        assert offered is not None
    assert capabilities.logging is None


@MODES
async def test_lists_come_page_by_page(mode: str) -> None:
    async with client(mode) as connected:
        first = await connected.list_tools()
        rest = await connected.list_tools(cursor=first.next_cursor)
    names = [tool.name for tool in (*first.tools, *rest.tools)]
    assert names == ["block", "boom", "crash", "echo", "noise", "report", "stubborn", "who"]
    assert rest.next_cursor is None


@MODES
async def test_resources_templates_prompts_and_completions_work(mode: str) -> None:
    async with client(mode) as connected:
        assert (await connected.list_resources()).resources[0].uri == "fake://a"
        assert (await connected.list_resource_templates()).resource_templates[
            0
        ].uri_template == "fake://{name}"
        text, _blob = (await connected.read_resource("fake://a")).contents
        assert isinstance(text, TextResourceContents)
        assert text.text == "A"
        assert (await connected.list_prompts()).prompts[0].name == "greet"
        prompt = await connected.get_prompt("greet", {"whom": "Ada"})
        assert isinstance(prompt.messages[0].content, TextContent)
        assert prompt.messages[0].content.text == "Hello Ada"
        reference = PromptReference(type="ref/prompt", name="greet")
        completion = (await connected.complete(reference, {"name": "whom", "value": "A"})).completion
    assert len(completion.values) == 100
    assert completion.has_more


@MODES
async def test_errors_carry_the_code_of_the_revision(mode: str) -> None:
    async with client(mode) as connected:
        with pytest.raises(MCPError) as unknown_tool:
            await connected.call_tool("nothing", {})
        with pytest.raises(MCPError) as unknown_resource:
            await connected.read_resource("fake://z")
        with pytest.raises(MCPError) as crash:
            await connected.call_tool("crash", {})
        wrong = await connected.call_tool("boom", {})
    assert unknown_tool.value.error.code == -32602
    assert unknown_resource.value.error.code == (-32002 if mode == "legacy" else -32602)
    assert crash.value.error.code == -32603
    assert "secret" not in crash.value.error.message
    assert wrong.is_error


@MODES
async def test_progress_reaches_the_client(mode: str) -> None:
    seen: list[tuple[float, float | None, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    async with client(mode) as connected:
        await connected.call_tool("report", {}, progress_callback=on_progress)
    assert seen == [(1, 2, "half"), (2, 2, None)]


@MODES
async def test_a_call_that_the_client_gives_up_leaves_the_connection_usable(mode: str) -> None:
    async with client(mode) as connected:
        call = asyncio.create_task(connected.call_tool("block", {}))
        await connected.call_tool("echo", {})
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await connected.call_tool("echo", {"still": 1})).structured_content == {"still": 1}


@MODES
async def test_what_the_program_prints_does_not_reach_the_client(mode: str) -> None:
    async with client(mode) as connected:
        assert not (await connected.call_tool("noise", {})).is_error
        assert (await connected.call_tool("echo", {"after": 1})).structured_content == {"after": 1}
