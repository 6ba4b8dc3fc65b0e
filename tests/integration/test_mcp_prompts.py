"""The prompts, through the official SDK in each era."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from mcp import MCPError, StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp_types import TextContent

from .clients.live_server import COMMAND, server_environment

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_types import GetPromptResult

MODES = pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])


def connect(folder: Path, mode: str = "auto", **settings: str) -> Client:
    environment = server_environment(folder, **settings)
    server = StdioServerParameters(command=COMMAND[0], args=list(COMMAND[1:]), env=environment)
    return Client(stdio_client(server), mode=mode)


def text_of(result: GetPromptResult) -> str:
    (message,) = result.messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    return message.content.text


@MODES
async def test_there_are_two_of_them_with_their_arguments(mode: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode) as client:
        prompts = (await client.list_prompts()).prompts
        if mode != "2026-07-28":  # a client that pins a revision asks for nothing
            assert client.server_capabilities.prompts is not None
    assert [prompt.name for prompt in prompts] == ["recall-before-work", "remember-after-work"]
    for prompt in prompts:
        assert prompt.title
        assert prompt.description
        given = [(one.name, bool(one.required)) for one in prompt.arguments or ()]
        assert given == [("task", True), ("scope", False)]


@MODES
async def test_before_work_a_model_is_told_what_is_known(mode: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode) as client:
        rule = {"content": "Ask Grace before\ntouching {billing}.", "kind": "guideline", "scope": "acme/web"}
        await client.call_tool("memory_remember", rule)
        asked = {"task": "change {the}\nbilling tables", "scope": "acme/web"}
        text = text_of(await client.get_prompt("recall-before-work", asked))
        assert text.startswith("The task: change {the} billing tables\n")
        assert "in scope acme/web, quoted" in text  # a name may end in a full stop
        assert "> Ask Grace before\n> touching {billing}." in text
        assert text == text_of(await client.get_prompt("recall-before-work", asked))


@MODES
async def test_after_work_a_model_is_told_what_to_store_and_where(mode: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode, SCOPE="acme/web") as client:
        text = text_of(await client.get_prompt("remember-after-work", {"task": "move to UTC"}))
    assert text.startswith("The task was: move to UTC\n")
    assert "in scope acme/web" in text
    assert "memory_session, end" in text


@MODES
async def test_tools_that_are_not_offered_are_not_named(mode: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode, TOOLS="core") as client:
        core = {
            "memory_remember",
            "memory_recall",
            "memory_get",
            "memory_update",
            "memory_forget",
            "memory_context",
        }
        for prompt in ("recall-before-work", "remember-after-work"):
            text = text_of(await client.get_prompt(prompt, {"task": "move to UTC"}))
            assert set(re.findall(r"memory_\w+", text)) <= core
            assert "session" not in text
            assert "memory_recall" in text


@MODES
async def test_what_cannot_be_meant_is_refused_by_name(mode: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode, SCOPE="acme/web") as client:
        for name, arguments, words in (
            ("sing", {}, "unknown prompt: sing"),
            ("recall-before-work", {}, "task is missing"),
            ("recall-before-work", {"task": " \n"}, "task is missing"),
            (
                "recall-before-work",
                {"task": "x", "mood": "gay"},
                "mood: no such argument; allowed here: task, scope",
            ),
            ("remember-after-work", {"task": "x", "scope": "other"}, "limited to 'acme/web'"),
            ("recall-before-work", {"task": "x" * 5000}, "task: 5000 characters is too long"),
        ):
            with pytest.raises(MCPError) as refused:
                await client.get_prompt(name, arguments)
            assert refused.value.error.code == -32602, name
            assert words in refused.value.error.message


async def test_a_prompt_that_reads_counts_under_the_rate_limit(tmp_path: Path) -> None:
    limits = {"RATE_LIMIT": "1", "RATE_LIMIT_BURST_MAX": "2", "RATE_LIMIT_BURST_WINDOW_MS": "600000"}
    async with connect(tmp_path, **limits) as client:
        for _ in range(5):
            await client.get_prompt("remember-after-work", {"task": "x"})
        for _ in range(2):
            await client.get_prompt("recall-before-work", {"task": "x"})
        with pytest.raises(MCPError) as refused:
            await client.get_prompt("recall-before-work", {"task": "x"})
        assert refused.value.error.code == -32010
        assert refused.value.error.data is not None
