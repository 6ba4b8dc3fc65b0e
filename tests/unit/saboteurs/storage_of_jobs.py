"""Saboteurs of STORAGE-200 to STORAGE-224, and 229: jobs lost, given twice, or never given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.changes import AddEntry, Applied, Enqueue, Enqueued, ReplaceEntry
from agent_memory.ports.queries import JobCounts
from agent_memory_contract.builders import T0, new_id

from .storage_of_units import one_by_one
from .storage_registry import breaks
from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.changes import Change, NewJob, Once
    from agent_memory.ports.queries import JobStats
    from agent_memory.ports.records import Job, JobLease
    from agent_memory.ports.storage import Storage


class BendsNewJobs(Wrapper):
    def bent(self, job: NewJob) -> NewJob:
        return job

    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, Enqueue):
            return Enqueue(self.bent(change.job), change.at)
        if isinstance(change, (AddEntry, ReplaceEntry)):
            return msgspec.structs.replace(change, jobs=tuple(self.bent(job) for job in change.jobs))
        return change


@breaks(200)
class LosesPayloads(BendsNewJobs):
    def bent(self, job: NewJob) -> NewJob:
        return msgspec.structs.replace(job, payload=job.payload.strip(b"\0"))


@breaks(201)
class EnqueuesBeforeItWrites(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        for change in changes:
            if isinstance(change, (AddEntry, ReplaceEntry)):
                await one_by_one(self.inner, [Enqueue(job, T0) for job in change.jobs])
        bare = [msgspec.structs.replace(c, jobs=()) if isinstance(c, AddEntry) else c for c in changes]
        return await self.inner.apply(*bare, once=once)


@breaks(202, 203)
class RunsAtOnce(BendsNewJobs):
    def bent(self, job: NewJob) -> NewJob:
        return msgspec.structs.replace(job, run_at=None)


@breaks(204)
class LeasesAnyKind(Wrapper):
    async def lease_jobs(
        self, kinds: Sequence[str], *, owner: str, ttl: float, limit: int = 1
    ) -> list[JobLease]:
        every = {*kinds, "embed", "notify"}
        return await self.inner.lease_jobs(sorted(every), owner=owner, ttl=ttl, limit=limit)


@breaks(205, 206)
class LeasesTwice(Wrapper):
    async def lease_jobs(
        self, kinds: Sequence[str], *, owner: str, ttl: float, limit: int = 1
    ) -> list[JobLease]:
        found = await self.inner.lease_jobs(kinds, owner=owner, ttl=ttl, limit=limit)
        return [*found, *found]


@breaks(207)
class NeverChangesTokens(Wrapper):
    async def lease_jobs(
        self, kinds: Sequence[str], *, owner: str, ttl: float, limit: int = 1
    ) -> list[JobLease]:
        found = await self.inner.lease_jobs(kinds, owner=owner, ttl=ttl, limit=limit)
        return [msgspec.structs.replace(lease, token=1) for lease in found]


@breaks(207)
class NeverTakesBack(Wrapper):
    async def lease_jobs(
        self, kinds: Sequence[str], *, owner: str, ttl: float, limit: int = 1
    ) -> list[JobLease]:
        return await self.inner.lease_jobs(kinds, owner=owner, ttl=ttl * 1000, limit=limit)


@breaks(208, 209, 210)
class AsksForNoToken(Wrapper):
    """Whoever names the job finishes it."""

    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.leases: dict[int, JobLease] = {}

    async def lease_jobs(
        self, kinds: Sequence[str], *, owner: str, ttl: float, limit: int = 1
    ) -> list[JobLease]:
        found = await self.inner.lease_jobs(kinds, owner=owner, ttl=ttl, limit=limit)
        self.leases.update({lease.job.id: lease for lease in found})
        return found

    async def renew_job(self, lease: JobLease, *, ttl: float) -> JobLease:
        return await self.inner.renew_job(self.leases[lease.job.id], ttl=ttl)

    async def complete_job(self, lease: JobLease, *changes: Change) -> Applied:
        return await self.inner.complete_job(self.leases[lease.job.id], *changes)

    async def fail_job(self, lease: JobLease, *, reason: str, retry_in: float) -> bool:
        return await self.inner.fail_job(self.leases[lease.job.id], reason=reason, retry_in=retry_in)


@breaks(211)
class RenewsInWord(Wrapper):
    async def renew_job(self, lease: JobLease, *, ttl: float) -> JobLease:
        renewed = await self.inner.renew_job(lease, ttl=0.001)
        return msgspec.structs.replace(renewed, expires_at=lease.expires_at.replace(year=2100))


@breaks(203)
class LeasesTheLatestFirst(Wrapper):
    async def lease_jobs(
        self, kinds: Sequence[str], *, owner: str, ttl: float, limit: int = 1
    ) -> list[JobLease]:
        return (await self.inner.lease_jobs(kinds, owner=owner, ttl=ttl, limit=limit))[::-1]


@breaks(212, 223)
class IgnoresKeys(BendsNewJobs):
    def bent(self, job: NewJob) -> NewJob:
        return msgspec.structs.replace(job, key=job.key and new_id())


@breaks(213)
class NeverCompletes(Wrapper):
    async def complete_job(self, lease: JobLease, *changes: Change) -> Applied:
        return await self.inner.apply(*changes)


@breaks(214)
class ForgetsWhatTheJobDid(Wrapper):
    async def complete_job(self, lease: JobLease, *changes: Change) -> Applied:
        return await self.inner.complete_job(lease)


@breaks(215)
class CompletesBeforeItApplies(Wrapper):
    async def complete_job(self, lease: JobLease, *changes: Change) -> Applied:
        await self.inner.complete_job(lease)
        return await self.inner.apply(*changes)


@breaks(216)
class RetriesAtOnce(Wrapper):
    async def fail_job(self, lease: JobLease, *, reason: str, retry_in: float) -> bool:
        return await self.inner.fail_job(lease, reason=reason, retry_in=0)


@breaks(216, 217)
class ForgetsWhyItFailed(Wrapper):
    async def fail_job(self, lease: JobLease, *, reason: str, retry_in: float) -> bool:
        return await self.inner.fail_job(lease, reason="error", retry_in=retry_in)


@breaks(217, 219, 220, 221, 222)
class RetriesForEver(BendsNewJobs):
    def bent(self, job: NewJob) -> NewJob:
        return msgspec.structs.replace(job, max_attempts=1000)


@breaks(218)
class TellsTheOldestDeadFirst(Wrapper):
    async def dead_jobs(self, *, limit: int = 50) -> list[Job]:
        return (await self.inner.dead_jobs())[::-1][:limit]


@breaks(219)
class ClaimsToRevive(Wrapper):
    async def revive_jobs(self, ids: Sequence[int]) -> int:
        return len(ids) if await self.inner.revive_jobs(ids) else 0


@breaks(319)
class LosesTheDeadWhoseKeyIsTaken(Wrapper):
    async def revive_jobs(self, ids: Sequence[int]) -> int:
        revived = await self.inner.revive_jobs(ids)
        await self.inner.discard_jobs(ids)
        return revived


@breaks(220)
class ClaimsToDiscard(Wrapper):
    async def discard_jobs(self, ids: Sequence[int]) -> int:
        return len([job for job in await self.inner.dead_jobs() if job.id in ids])


@breaks(221)
class BuriesWithoutReason(Wrapper):
    async def dead_jobs(self, *, limit: int = 50) -> list[Job]:
        return [
            msgspec.structs.replace(job, last_error="") for job in await self.inner.dead_jobs(limit=limit)
        ]


@breaks(222)
class CountsLeasedAsWaiting(Wrapper):
    async def job_stats(self) -> JobStats:
        stats = await self.inner.job_stats()
        return msgspec.structs.replace(stats, waiting=stats.waiting + stats.leased, leased=0)


@breaks(222)
class ForgetsWhatIsDue(Wrapper):
    async def job_stats(self) -> JobStats:
        return msgspec.structs.replace(await self.inner.job_stats(), oldest_due=None)


@breaks(229)
class CountsTheDeadAmongThoseThatWait(Wrapper):
    async def job_stats(self) -> JobStats:
        stats = await self.inner.job_stats()
        by_kind = {
            kind: JobCounts(waiting=one.waiting + one.dead, leased=one.leased)
            for kind, one in stats.by_kind.items()
        }
        return msgspec.structs.replace(stats, by_kind=by_kind)


@breaks(224)
class HoldsTheKeysOfTheDead(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        dead = {job.key: job.id for job in await self.inner.dead_jobs()}
        if changes and isinstance(changes[0], Enqueue) and changes[0].job.key in dead:
            return Applied((Enqueued(dead[changes[0].job.key], created=False),))
        return await self.inner.apply(*changes, once=once)
