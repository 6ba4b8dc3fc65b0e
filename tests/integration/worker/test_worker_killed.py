"""SIGKILL of workers at any instant: every job is done, its effect is there once, and nobody does another's job."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from agent_memory.core.drafting import expire_jobs
from agent_memory.ports.changes import AddEntry, Enqueue, NewJob
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.records import STATES
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import entry
from agent_memory_contract.servers.postgres import SOURCES

from .crew import crew_of, place_of
from .history import overlaps, runs

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.entrypoints.wiring import App

KILLS = 30
MOST_BETWEEN = 0.6
"""Seconds: about what a worker takes to start and get to work, so that kills fall into both."""
JOBS_A_KILL = 6
EVERYTHING = EntryFilter(where=ScopeFilter(descendants=True), states=STATES)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Load:
    def __init__(self, app: App) -> None:
        self._app = app
        self.effects: list[str] = []
        self.expiring: list[str] = []
        self.poison = 0

    async def add(self, number: int) -> None:
        """Some jobs of each kind, due at once."""
        now = self._app.clock.now()
        names = [f"job {number}-{n}" for n in range(JOBS_A_KILL)]
        # One that expires, added as if long ago.
        gone = now - timedelta(seconds=1)
        new = entry(f"expires {number}", at=gone - timedelta(seconds=9), expires_at=gone)
        await self._app.storage.apply(
            *(
                Enqueue(NewJob(kind="effect", payload=name.encode(), max_attempts=1000), now)
                for name in names
            ),
            AddEntry(new, expire_jobs(new.id, gone)),
        )
        self.effects += names
        self.expiring.append(new.id)

    async def poison_it(self) -> None:
        now = self._app.clock.now()
        jobs = [NewJob(kind=kind, max_attempts=3) for kind in ("poison", "poison", "crash")]
        await self._app.storage.apply(*(Enqueue(job, now) for job in jobs))
        self.poison += len(jobs)

    async def done(self) -> bool:
        return not [
            one for one in await self._app.storage.pending_jobs(limit=500) if one.job.kind != "upkeep.tick"
        ]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("source", ["sqlite", *SOURCES[:1]])
async def test_every_job_of_killed_workers_is_done_once(source: str, tmp_path: Path) -> None:
    random = Random(6)
    async with place_of(source, tmp_path, dict(os.environ)) as place, place.app() as app:
        load = Load(app)
        async with crew_of(place, 2) as crew:
            for kill in range(KILLS):
                await load.add(kill)
                if kill == 3:
                    await load.poison_it()
                # Not to wait for anything: the instant of the kill is what chance decides.
                await asyncio.sleep(random.random() * MOST_BETWEEN)
                await crew.replace_the_dead()
                await crew.kill(random.randrange(len(crew.workers)))
                await crew.hire()
            async with asyncio.timeout(60):
                while not await load.done():
                    await crew.replace_the_dead()
                    await asyncio.sleep(0.05)
            assert await crew.dismiss()
        kept = [one async for one in app.storage.scan(EVERYTHING)]
        dead = await app.storage.dead_jobs()
    # The effect of each, once.
    assert Counter(one.author for one in kept if one.author) == Counter(load.effects)
    expired = {one.id: one for one in kept if not one.author}
    assert {one: (expired[one].state, expired[one].version) for one in load.expiring} == dict.fromkeys(
        load.expiring, ("archived", 2)
    )
    # What cannot be done is put aside, with the reason; what kills its worker as well.
    assert Counter(job.kind for job in dead) == {"poison": 2, "crash": 1}
    # A kill may have been its last attempt.
    reasons = {"ValueError: this job cannot be done", "the lease ran out in the last attempt"}
    assert {job.last_error for job in dead} <= reasons
    assert crew.died_by_themselves >= 1
    # At least once each, and never by two at a time.
    history = [run for run in runs(place.history, crew.killed) if run.subject]
    assert len({run.subject for run in history}) == len(load.effects)
    assert overlaps(history) == []
