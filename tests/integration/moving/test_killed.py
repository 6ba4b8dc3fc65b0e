"""An import that was killed in the midst is started again, and ends as if nothing had happened."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import TYPE_CHECKING

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.ports.changes import AddRelation, CastVote, PutSession, RemoveEntries, ReplaceEntry
from agent_memory_contract.builders import adds, after, changed, entry, relation, session, vote

from .processes import environment, run, started

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = 3000
KILLS = 6


async def fill(path: Path) -> None:
    async with SqliteStorage(path, clock=SystemClock(), origin="fill", synchronous="NORMAL") as store:
        made = [entry(scope=f"acme/p{n % 7}", at=after(n)) for n in range(ENTRIES)]
        await store.apply(*adds(*made))
        later = [
            ReplaceEntry(changed(each, content=each.content + "!", at=after(9000)), 1) for each in made[::10]
        ]
        gone = RemoveEntries(tuple(each.id for each in made[1::50]), at=after(9001))
        ties = [AddRelation(relation(made[n], made[n + 2])) for n in range(2, ENTRIES - 2, 50)]
        held = [PutSession(session(f"acme/p1/s{n}")) for n in range(20)]
        cast = [CastVote(vote("ada", f"{n}", seconds=n)) for n in range(600)]
        await store.apply(*later, gone, *ties, *held, *cast)


async def count(path: Path) -> int:
    """Events: one for each record that was written."""
    async with SqliteStorage(path, clock=SystemClock(), origin="look") as store:
        return await store.outbox_head()


async def kill_when_written(path: Path, text: Path, events: int) -> bool:
    """False if it ended before it had written so much."""
    process = await started(environment(path), "import", str(text))
    async with SqliteStorage(path, clock=SystemClock(), origin="watch") as store, asyncio.timeout(90):
        while process.returncode is None and await store.outbox_head() < events:
            pass  # each look is a turn of another thread
    if process.returncode is None:
        process.kill()
    await process.communicate()
    return process.returncode == -9


async def test_an_import_that_is_killed_goes_on(tmp_path: Path) -> None:
    source, target, text = tmp_path / "one.db", tmp_path / "two.db", tmp_path / "all.jsonl"
    await fill(source)
    assert (await run(environment(source), "export", "--output", str(text))).code == 0
    chance = Random(5)
    total = ENTRIES + 59 + 20 + 600
    killed = 0
    written: list[int] = []
    async with SqliteStorage(target, clock=SystemClock(), origin="make"):
        pass
    for number in range(KILLS):
        killed += await kill_when_written(target, text, total * number // KILLS + chance.randrange(300) + 1)
        written.append(await count(target))
        assert (await run(environment(target), "maintain", "verify")).output == b"no problem found\n"
    assert killed >= KILLS // 2
    assert written == sorted(written)
    assert 0 < written[0] < total
    again = await run(environment(target), "import", str(text), "--json")
    result = json.loads(again.output)
    assert again.code == 0
    assert result["entries"]["skipped"] > 0
    assert result["conflicts"] == []
    assert (await run(environment(target), "export")).output == (
        await run(environment(source), "export")
    ).output
    assert (await run(environment(target), "maintain", "verify")).output == b"no problem found\n"
