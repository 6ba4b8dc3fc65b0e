"""What a ceiling hides beside entries: figures of the whole store, its jobs, and keys of others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import agent_memory
from agent_memory.ports.errors import NotFound, Rejected

from .clients.live_server import server_environment
from .postgres_shape import run_program

if TYPE_CHECKING:
    from pathlib import Path

OF_EVERYBODY = {"size_bytes", "wal_bytes", "transactions", "waiting_writes"}


async def health(folder: Path, **settings: str) -> dict[str, Any]:
    ran = await run_program(server_environment(folder, **settings), "health", "--json")
    answer: dict[str, Any] = json.loads(ran.output)
    return answer


async def stored(folder: Path) -> None:
    async with agent_memory.open_memory(folder / "memory.db") as memory:
        await memory.remember("theirs", scope="other")
        await memory.remember("ours", scope="acme")


async def test_health_counts_nothing_beyond_it(tmp_path: Path) -> None:
    await stored(tmp_path)
    whole = await health(tmp_path)
    assert whole["database"].keys() > OF_EVERYBODY
    assert whole["jobs"]["waiting"] == 0
    limited = await health(tmp_path, SCOPE="acme")
    assert limited["entries"]["active"] == 1
    assert limited["database"].keys() & OF_EVERYBODY == set()
    assert limited["database"]["connected"]
    assert limited["jobs"] == {}


@pytest.mark.parametrize("action", ["list", "retry", "discard"])
async def test_jobs_of_everybody_are_refused(action: str, tmp_path: Path) -> None:
    await stored(tmp_path)
    ids = () if action == "list" else ("1",)
    ran = await run_program(server_environment(tmp_path, SCOPE="acme"), "jobs", action, *ids)
    assert ran.code == 1
    assert ran.output == ""
    assert "of the whole store" in ran.errors
    assert "'acme'" in ran.errors


async def test_an_idempotency_key_is_of_its_ceiling_and_its_pinned_agent(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    for scope, agent in (("global", ""), ("acme", ""), ("acme", "ada"), ("acme", "bob")):
        async with agent_memory.open_memory(path, scope=scope, agent_id=agent) as memory:
            mine = f"of {agent} in {scope}"
            first = await memory.remember(mine, idempotency_key="1")
            assert not first.replayed
            assert (await memory.remember(mine, idempotency_key="1")).replayed
            with pytest.raises(Rejected, match="another request"):
                await memory.remember("something else", idempotency_key="1")


async def test_names_of_exports_are_of_their_ceiling(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    await stored(tmp_path)
    for scope in ("global", "acme", "other", "acme/shop"):
        async with agent_memory.open_memory(path, scope=scope) as memory:
            with pytest.raises(NotFound):
                await memory.import_(name="out.jsonl")
            await memory.export(name="out.jsonl")
            await memory.import_(name="out.jsonl")
