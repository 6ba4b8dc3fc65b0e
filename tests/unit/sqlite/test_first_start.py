"""The first of many processes is as safe as the last."""

from __future__ import annotations

import asyncio
import stat
import sys
from typing import TYPE_CHECKING

from agent_memory.adapters.sqlite import SqliteLock, SqliteStorage
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import adds, entry

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory_contract.manual_clock import ManualClock

PROCESSES = 8
WRITES = 20

PROGRAM = """
import asyncio, sys
from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.sqlite import SqliteLock, SqliteStorage
from agent_memory_contract.builders import adds, entry

async def main(path, name):
    async with SqliteStorage(path, clock=SystemClock(), origin=name, busy_timeout=60.0) as storage:
        async with SqliteLock(path, clock=SystemClock()) as lock:
            lease = await lock.acquire("all", owner=name, ttl=60.0, wait=60.0)
            await lock.release(lease)
        for number in range(int(sys.argv[3])):
            text = f"{name} wrote {number}"
            added = entry(text, scope="race", id=f"{name}-{number}")
            await storage.apply(*adds(added))

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


async def run(path: Path, name: str) -> tuple[int | None, bytes]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(path), name, str(WRITES), stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    return process.returncode, errors


async def test_processes_that_start_at_once_all_start_and_lose_nothing(
    tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "new" / "memory.db"
    ends = await asyncio.gather(*(run(path, f"p{n}") for n in range(PROCESSES)))
    assert ends == [(0, b"")] * PROCESSES
    async with SqliteStorage(path, clock=clock, origin="a") as storage:
        where = ScopeFilter(scope="race")
        found = {each.id async for each in storage.scan(EntryFilter(where=where), batch=50)}
        assert found == {f"p{process}-{number}" for process in range(PROCESSES) for number in range(WRITES)}
        assert await storage.verify() == []


async def test_files_are_for_their_owner_only(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "new" / "memory.db"
    async with SqliteStorage(path, clock=clock, origin="a") as storage, SqliteLock(path, clock=clock):
        await storage.apply(*adds(entry()))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}
    assert {"memory.db", "memory.db-wal", "memory.db-locks"} <= set(modes)


async def test_a_path_with_every_odd_character_is_a_path(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "a b" / "é?x=1&mode=memory#%41.db"
    async with SqliteStorage(path, clock=clock, origin="a") as storage:
        await storage.apply(*adds(entry()))
    assert path.is_file()
