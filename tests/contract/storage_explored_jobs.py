"""STORAGE-294: whatever becomes of jobs, each is where a plain model says."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import strategies as st

from agent_memory.ports.changes import Enqueue, Enqueued, NewJob
from agent_memory.ports.errors import NotHeld

from .builders import adds, entry
from .exploring import explore, schedule
from .storage_ledger import ModelJob
from .suite import Suite, level

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agent_memory.ports.records import JobLease
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness

STEP = 10.0
"""Seconds by which time moves. What is awaited comes between two of them."""
TTL = 25.0
LATER = 15.0


class Put(msgspec.Struct, frozen=True):
    client: int
    key: str
    later: bool
    max_attempts: int


class Take(msgspec.Struct, frozen=True):
    client: int
    limit: int


class Renew(msgspec.Struct, frozen=True):
    client: int
    which: int


class Complete(msgspec.Struct, frozen=True):
    client: int
    which: int


class Fail(msgspec.Struct, frozen=True):
    client: int
    which: int


class Raise(msgspec.Struct, frozen=True):
    """Revive a job or discard it, dead or not."""

    client: int
    which: int
    discard: bool


class Pass(msgspec.Struct, frozen=True):
    steps: int


Step = Put | Take | Renew | Complete | Fail | Raise | Pass

_CLIENTS = st.integers(0, 1)
_WHICH = st.integers(0, 7)
STEPS: tuple[st.SearchStrategy[Step], ...] = (
    st.builds(Put, _CLIENTS, st.sampled_from(("", "", "k", "l")), st.booleans(), st.integers(1, 3)),
    st.builds(Take, _CLIENTS, st.integers(1, 3)),
    st.builds(Take, _CLIENTS, st.integers(1, 3)),
    st.builds(Renew, _CLIENTS, _WHICH),
    st.builds(Complete, _CLIENTS, _WHICH),
    st.builds(Fail, _CLIENTS, _WHICH),
    st.builds(Fail, _CLIENTS, _WHICH),
    st.builds(Raise, _CLIENTS, _WHICH, st.booleans()),
    st.builds(Pass, st.integers(1, 3)),
)


class Play:
    """One schedule, on jobs of a kind of its own."""

    def __init__(self, harness: StorageHarness, clients: Sequence[Storage], number: int) -> None:
        self._harness = harness
        self._clients = clients
        self._kind = f"explored-{number}"
        self._jobs: list[ModelJob] = []
        self._leases: list[JobLease] = []

    async def run(self, steps: Sequence[Step]) -> None:
        for step in steps:
            match step:
                case Pass():
                    await self._harness.advance(STEP * step.steps)
                case Put():
                    await self._put(self._client(step.client), step)
                case Take():
                    await self._take(self._client(step.client), step.limit)
                case Raise() if self._jobs:
                    job = self._jobs[step.which % len(self._jobs)]
                    await self._raise(self._client(step.client), job, discard=step.discard)
                case Renew() | Complete() | Fail() if self._leases:
                    lease = self._leases[step.which % len(self._leases)]
                    await self._use(self._client(step.client), step, lease)
                case _:
                    pass
        for store in self._clients:
            await self._check(store)

    def _client(self, which: int) -> Storage:
        return self._clients[which % len(self._clients)]

    def _job(self, number: int) -> ModelJob:
        return next(job for job in self._jobs if job.id == number)

    async def _put(self, store: Storage, step: Put) -> None:
        now = self._harness.now()
        standing = [job for job in self._jobs if step.key and job.key == step.key and job.alive]
        if any(job.used_up(now) for job in standing):
            return  # a dead letter or not: nobody has asked yet
        run_at = now + timedelta(seconds=LATER) if step.later else None
        new = NewJob(kind=self._kind, key=step.key, run_at=run_at, max_attempts=step.max_attempts)
        [outcome] = (await store.apply(Enqueue(new, at=now))).outcomes
        assert isinstance(outcome, Enqueued)
        if standing:
            assert outcome == Enqueued(standing[0].id, created=False)
            return
        assert outcome.created
        assert outcome.id not in {job.id for job in self._jobs}
        self._jobs.append(
            ModelJob(id=outcome.id, key=step.key, run_at=run_at or now, max_attempts=step.max_attempts)
        )

    async def _take(self, store: Storage, limit: int) -> None:
        now = self._harness.now()
        due = {job.id for job in self._jobs if job.due(now)}
        taken = await store.lease_jobs([self._kind], owner="w", ttl=TTL, limit=limit)
        for job in self._jobs:
            job.dead = job.dead or job.used_up(now)
        assert len(taken) == min(limit, len(due)), (
            f"{len(taken)} of {len(due)} that are due, {limit} asked for"
        )
        for lease in taken:
            assert lease.job.id in due, "not due, or leased to another"
            due.remove(lease.job.id)
            job = self._job(lease.job.id)
            assert lease.token > job.token
            job.lease(now, lease.token, TTL)
            assert lease.job.attempts == job.attempts
            self._leases.append(lease)

    async def _use(self, store: Storage, step: Renew | Complete | Fail, lease: JobLease) -> None:
        """Only with the latest lease of a job that still runs."""
        now = self._harness.now()
        job = self._job(lease.job.id)
        if job.used_up(now):
            return
        calls: dict[type, Callable[[], Awaitable[object]]] = {
            Renew: lambda: store.renew_job(lease, ttl=TTL),
            Complete: lambda: store.complete_job(lease, *adds(entry())),
            Fail: lambda: store.fail_job(lease, reason="broken", retry_in=LATER),
        }
        call = calls[type(step)]
        if not job.alive or job.token != lease.token:
            with pytest.raises(NotHeld):
                await call()
            return
        answer = await call()
        match step:
            case Renew():
                job.leased_until = now + timedelta(seconds=TTL)
            case Complete():
                job.gone = True
            case Fail():
                assert answer == job.fail(now, LATER)

    async def _raise(self, store: Storage, job: ModelJob, *, discard: bool) -> None:
        now = self._harness.now()
        taken = [other for other in self._jobs if job.key and other.key == job.key and other.alive]
        if any(other.used_up(now) for other in (job, *taken)):
            return  # a dead letter or not: nobody has asked yet
        change = store.discard_jobs if discard else store.revive_jobs
        changes = job.dead and (discard or not taken)
        assert await change([job.id]) == changes
        if not changes:
            return
        job.dead = False
        if discard:
            job.gone = True
        else:
            job.revive()
            job.run_at = now

    async def _check(self, store: Storage) -> None:
        now = self._harness.now()
        in_doubt = {job.id for job in self._jobs if job.used_up(now)}
        alive = {job.id for job in self._jobs if job.alive} - in_doubt
        dead = {job.id for job in self._jobs if job.dead}
        pending = {each.job.id for each in await store.pending_jobs([self._kind], limit=1_000)}
        buried = {job.id for job in await store.dead_jobs(limit=1_000) if job.kind == self._kind}
        assert pending - in_doubt == alive
        assert buried - in_doubt == dead


class StorageExploredJobs(Suite):
    @level("concurrent")
    async def test_storage_294_any_life_of_jobs_is_as_modelled(
        self, harness: StorageHarness, seed: int
    ) -> None:
        """Put, leased, renewed, run out, failed, completed, buried, revived and discarded, by two clients in turn."""
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(harness.open())]
            if harness.capabilities.second_client:
                clients.append(await stack.enter_async_context(harness.second_client()))
            await explore(
                schedule(*STEPS), seed, lambda number, steps: Play(harness, clients, number).run(steps)
            )
