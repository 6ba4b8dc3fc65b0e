"""`agent-memory locks` and `agent-memory unlock`, beside a program that holds a lock through the library."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

import agent_memory
from agent_memory.ports.errors import NotHeld
from agent_memory_contract.servers.free_port import free_port

from .clients.live_server import server_environment
from .postgres_shape import Run, run_program

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def program(folder: Path, *arguments: str, **settings: str) -> asyncio.Task[Run]:
    return asyncio.create_task(run_program(server_environment(folder, **settings), *arguments))


async def test_a_person_sees_and_ends_a_lock_that_an_agent_left(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db", agent_id="ada") as memory:
        await memory.remember("there is a memory here")
        got = await memory.file_lock("checkout", "src/../app.py", ttl_seconds=600)
        listed = await program(tmp_path, "locks")
        assert listed.code == 0
        assert listed.output.startswith("app.py: ada, since 20")
        as_json = json.loads((await program(tmp_path, "locks", "--json")).output)
        assert [(one["file_path"], one["agent"]) for one in as_json["locks"]] == [("app.py", "ada")]

        ended = await program(tmp_path, "unlock", "./app.py", "--reason", "ada hangs", "--agent-id", "root")
        assert ended.code == 0
        assert ended.output.startswith("app.py is free; ended: app.py: ada, since ")
        assert all(word in ended.errors for word in ("file:app.py", "'ada'", "'root'", "ada hangs"))
        with pytest.raises(NotHeld):
            await memory.file_lock("renew", "app.py", token=got.token)

        again = await program(tmp_path, "unlock", "app.py", "--reason", "to be sure")
        assert (again.code, again.output) == (1, "app.py is free\n")
        none = await program(tmp_path, "locks")
        assert (none.code, none.output) == (0, "no file is locked\n")


async def test_unlocking_asks_for_a_reason_and_for_the_admin_key_where_one_is_set(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db", agent_id="ada") as memory:
        await memory.remember("there is a memory here")
        await memory.file_lock("checkout", "app.py")
        assert (await program(tmp_path, "unlock", "app.py")).code == 2
        unlock = ("unlock", "app.py", "--reason", "x")
        missing = await program(tmp_path, *unlock, ADMIN_KEY="open-sesame")
        assert missing.code == 1
        assert "ending another's lock needs --admin-key" in missing.errors
        wrong = await program(tmp_path, *unlock, "--admin-key", "please", ADMIN_KEY="open-sesame")
        assert wrong.code == 1
        assert (await memory.file_lock("status", "app.py")).status == "yours"
        right = await program(tmp_path, *unlock, "--admin-key", "open-sesame", ADMIN_KEY="open-sesame")
        assert right.code == 0


async def test_a_scope_has_locks_of_its_own(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db", scope="acme") as memory:
        await memory.remember("there is a memory here")
        await memory.file_lock("checkout", "app.py")
        assert (await program(tmp_path, "locks")).output == "no file is locked\n"
        assert "app.py" in (await program(tmp_path, "locks", SCOPE="acme")).output


async def test_that_redis_is_away_is_said_once(tmp_path: Path) -> None:
    away = {"REDIS_ENABLED": "true", "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(free_port())}
    done = await program(tmp_path, "remember", "there is a memory here", **away)
    assert done.code == 0
    [line] = done.errors.splitlines()
    assert line.startswith("agent-memory: warning: redis 127.0.0.1:")
