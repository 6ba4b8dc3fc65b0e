"""`agent-memory context`, `sessions` and `votes`, beside agents that use the library."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

import agent_memory

from .clients.live_server import server_environment
from .postgres_shape import Run, run_program

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def program(folder: Path, *arguments: str, **settings: str) -> Run:
    return await asyncio.create_task(run_program(server_environment(folder, **settings), *arguments))


async def test_a_person_sees_what_an_agent_is_told(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db", agent_id="ada") as memory:
        await memory.remember("Run the tests.", kind="guideline", scope="acme")
        await memory.session("begin", "acme/web/s1", purpose="fix it")
        await memory.file_lock("checkout", "app.py")
        told = await memory.context_text("acme/web", task="repair")
        shown = await program(tmp_path, "context", "repair", "--scope", "acme/web")
        assert (shown.code, shown.output) == (0, told + "\n")
        as_json = json.loads((await program(tmp_path, "context", "--scope", "acme/web", "--json")).output)
        assert [one["content"] for one in as_json["guidelines"]] == ["Run the tests."]
        assert as_json["locks"] == [{"file_path": "app.py", "agent": "ada"}]
        small = await program(tmp_path, "context", "--max-tokens", "5")
        assert small.code == 1
        assert "max_tokens: expected int >= 200" in small.errors


async def test_a_person_ends_a_session_that_an_agent_left(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db", agent_id="ada") as memory:
        await memory.session("begin", "acme/web/s1", purpose="fix it")
        listed = await program(tmp_path, "sessions", "--scope", "acme")
        assert listed.code == 0
        assert listed.output.startswith("acme/web/s1 open, begun 20")
        assert listed.output.endswith(", agent ada: fix it\n")
        ended = await program(tmp_path, "sessions", "--end", "acme/web/s1", "--summary", "It was fixed.")
        assert ended.code == 0
        assert "acme/web/s1; its summary is entry " in ended.output
        shown = json.loads((await program(tmp_path, "sessions", "--show", "acme/web/s1", "--json")).output)
        assert (shown["session"]["state"], shown["session"]["summary"]) == ("ended", "It was fixed.")
        (found,) = await memory.recall("fixed", scope="acme/web")
        assert found.source.client == "cli"
        none = await program(tmp_path, "sessions", "--scope", "other")
        assert (none.code, none.output) == (1, "No sessions here.\n")


async def test_a_person_sees_a_vote_and_joins_it(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db", agent_id="ada") as memory:
        await memory.vote("cast", "Which queue?", choice="Redis", scope="acme")
        asked = ("votes", "Which queue?", "--scope", "acme")
        assert (await program(tmp_path, "votes")).output == "acme: Which queue? (1 voted)\n"
        joined = await program(tmp_path, *asked, "--choice", "redis", "--agent-id", "ines")
        assert joined.output.startswith("your vote counts\nRedis: 2\n")
        stands = json.loads((await program(tmp_path, *asked, "--k", "3", "--json")).output)
        assert (stands["leader"], stands["decided"]) == ("Redis", False)
        assert (await program(tmp_path, *asked, "--ballots")).output == "ada: Redis\nines: redis\n"
        nobody = await program(tmp_path, "votes", "Which one?", "--scope", "acme")
        assert (nobody.code, nobody.output) == (1, "Nobody has voted on this.\n")
