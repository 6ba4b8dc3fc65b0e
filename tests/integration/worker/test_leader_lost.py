"""The process that does scheduled work is killed: another goes on within one lease, and never do two at once."""

from __future__ import annotations

import asyncio
import os
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.servers.postgres import SOURCES

from .child import TICK
from .crew import Crew, Place, crew_of, place_of
from .history import Run, overlaps, runs

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 5
LEASE = 10.0
"""Seconds: what is promised, with nothing added. Long enough that half of it is time for a busy machine."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def ticks_after(place: Place, crew: Crew, moment: float) -> list[Run]:
    """Those that began later; waits for one."""
    async with asyncio.timeout(30):
        while True:
            later = [run for run in runs(place.history, crew.killed) if run.start > moment]
            if later:
                return later
            await asyncio.sleep(0.01)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("source", ["sqlite", *SOURCES[:1]])
async def test_scheduled_work_goes_on_when_its_leader_is_killed(source: str, tmp_path: Path) -> None:
    random = Random(7)
    async with place_of(source, tmp_path, dict(os.environ), lease=LEASE) as place, crew_of(place, 3) as crew:
        moment = 0.0
        for _ in range(KILLS):
            latest = (await ticks_after(place, crew, moment))[-1]
            # Within a run or between two, as chance decides.
            await asyncio.sleep(random.random() * 2 * TICK)
            leader = runs(place.history, crew.killed)[-1].pid
            [number] = [n for n, worker in enumerate(crew.workers) if worker.pid == leader]
            pid = await crew.kill(number)
            moment = max(crew.killed[pid], latest.start)
            await crew.hire()
        await ticks_after(place, crew, moment)
        await asyncio.sleep(5 * TICK)
        assert await crew.dismiss()
        history = runs(place.history, crew.killed)
    assert overlaps(history) == []
    for before, after in pairwise(history):
        cut_off = before.pid in crew.killed and before.end == crew.killed[before.pid]
        assert after.start - before.end <= LEASE
        # Whoever comes next knows when it was done last.
        assert cut_off or after.start - before.end >= TICK * 0.8
    assert len({run.pid for run in history}) > 1
    # Of those who were killed at work, or the test has shown nothing.
    assert any(run.pid in crew.killed and run.end == crew.killed[run.pid] for run in history)
