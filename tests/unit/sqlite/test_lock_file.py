"""What the lock contract cannot see: the audit, and waiting across processes without a busy loop."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from agent_memory.adapters.sqlite import SqliteLock
from agent_memory.ports.instants import to_micros

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from agent_memory_contract.manual_clock import ManualClock


async def test_a_forced_release_is_kept_and_logged(
    path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with SqliteLock(path, clock=clock) as lock:
        lease = await lock.acquire("file:a.py", owner="ada", ttl=60.0)
        await lock.force_release("file:a.py", by="admin", reason="stuck since noon")
    with closing(sqlite3.connect(path.with_name("memory.db-locks"))) as connection:
        rows = connection.execute("SELECT name, owner, token, by, reason, at FROM forced").fetchall()
    assert rows == [("file:a.py", "ada", lease.token, "admin", "stuck since noon", to_micros(clock.now()))]
    assert "stuck since noon" in caplog.text


async def test_names_that_ran_out_do_not_pile_up(path: Path, clock: ManualClock) -> None:
    async with SqliteLock(path, clock=clock) as lock:
        for number in range(50):
            await lock.acquire(f"name {number}", owner="ada", ttl=1.0)
            await clock.advance(1.0)
    with closing(sqlite3.connect(path.with_name("memory.db-locks"))) as connection:
        assert connection.execute("SELECT count(*) FROM leases").fetchone()[0] <= 2
