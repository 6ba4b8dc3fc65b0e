"""Saboteurs of STORAGE-273 to STORAGE-283: lists that lie, maintenance that harms, backups that are not whole."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.ports.errors import Unavailable
from agent_memory.ports.queries import PendingJob
from agent_memory_contract.builders import adds, entry
from agent_memory_contract.manual_clock import ManualClock

from .storage_registry import breaks
from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.changes import Applied, Change, Once
    from agent_memory.ports.records import JobLease
    from agent_memory.ports.storage import Maintenance, Storage


class BendsLists(Wrapper):
    def bent(self, listed: list[PendingJob]) -> list[PendingJob]:
        return listed

    async def pending_jobs(self, kinds: Sequence[str] = (), *, limit: int = 50) -> list[PendingJob]:
        return self.bent(await self.inner.pending_jobs(kinds, limit=limit))


@breaks(273)
class ListsWithoutLeases(BendsLists):
    def bent(self, listed: list[PendingJob]) -> list[PendingJob]:
        return [PendingJob(one.job) for one in listed]


@breaks(273)
class ListsOnlyWhatWaits(BendsLists):
    def bent(self, listed: list[PendingJob]) -> list[PendingJob]:
        return [one for one in listed if one.leased_until is None]


@breaks(273)
class ListsByAge(BendsLists):
    def bent(self, listed: list[PendingJob]) -> list[PendingJob]:
        return sorted(listed, key=lambda one: one.job.id)


@breaks(274)
class ListsEveryKind(Wrapper):
    async def pending_jobs(self, kinds: Sequence[str] = (), *, limit: int = 50) -> list[PendingJob]:
        return await self.inner.pending_jobs(limit=limit)


@breaks(274)
class CutsBeforeItLooksAtKinds(Wrapper):
    async def pending_jobs(self, kinds: Sequence[str] = (), *, limit: int = 50) -> list[PendingJob]:
        found = await self.inner.pending_jobs(limit=min(limit, 2))
        return [one for one in found if not kinds or one.job.kind in kinds]


@breaks(275)
class ListsTheDead(Wrapper):
    async def pending_jobs(self, kinds: Sequence[str] = (), *, limit: int = 50) -> list[PendingJob]:
        dead = [PendingJob(job) for job in await self.inner.dead_jobs()]
        return [*await self.inner.pending_jobs(kinds, limit=limit), *dead]


@breaks(276)
class RemembersOldLeases(Wrapper):
    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.leases: dict[int, JobLease] = {}

    async def lease_jobs(
        self, kinds: Sequence[str], *, owner: str, ttl: float, limit: int = 1
    ) -> list[JobLease]:
        found = await self.inner.lease_jobs(kinds, owner=owner, ttl=ttl, limit=limit)
        self.leases.update({lease.job.id: lease for lease in found})
        return found

    async def pending_jobs(self, kinds: Sequence[str] = (), *, limit: int = 50) -> list[PendingJob]:
        return [
            PendingJob(one.job, self.leases[one.job.id].expires_at if one.job.id in self.leases else None)
            for one in await self.inner.pending_jobs(kinds, limit=limit)
        ]


@breaks(277)
class TrimsWhatIsToldYet(Wrapper):
    async def maintain(self, task: Maintenance) -> None:
        await self.inner.maintain(task)
        await self.inner.trim_outbox(await self.inner.outbox_head())


@breaks(277)
class LeavesATrace(Wrapper):
    async def maintain(self, task: Maintenance) -> None:
        await self.inner.maintain(task)
        await self.inner.apply(*adds(entry(f"maintained: {task}")))


@breaks(278)
class DropsEveryKey(Wrapper):
    """As if the keys were gone: a call with one is done anew."""

    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.round = 0

    async def maintain(self, task: Maintenance) -> None:
        await self.inner.maintain(task)
        self.round += 1

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        if once is not None:
            once = msgspec.structs.replace(once, key=f"{once.key} {self.round}")
        return await self.inner.apply(*changes, once=once)


@breaks(279)
class LocksWritersOut(Wrapper):
    busy = False

    async def maintain(self, task: Maintenance) -> None:
        self.busy = True
        await self.inner.maintain(task)
        self.busy = False

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        if self.busy:
            raise Unavailable("maintenance")
        return await self.inner.apply(*changes, once=once)


@breaks(280)
class BacksUpAnEmptyStore(Wrapper):
    async def backup(self, target: str) -> None:
        async with SqliteStorage(target, clock=ManualClock(), origin="x"):
            pass


@breaks(280)
class BacksUpEntriesOnly(Wrapper):
    """What waits in the outbox and among the jobs is left out."""

    async def backup(self, target: str) -> None:
        await self.inner.backup(target)
        async with SqliteStorage(target, clock=ManualClock(), origin="x") as copy:
            await copy.trim_outbox(await copy.outbox_head())


@breaks(281)
class CopiesPiecemeal(Wrapper):
    """First some entries, then the others, each as they are by then."""

    async def backup(self, target: str) -> None:
        await self.inner.backup(target)
        async with SqliteStorage(target, clock=ManualClock(), origin="x") as copy:
            await copy.apply(*adds(entry(tags=("pair",))))


@breaks(282)
class ReplacesBackups(Wrapper):
    async def backup(self, target: str) -> None:
        await asyncio.to_thread(Path(target).unlink, missing_ok=True)
        await self.inner.backup(target)


@breaks(283)
class LeavesItsDraft(Wrapper):
    async def backup(self, target: str) -> None:
        shutil.copy(__file__, f"{target}.part")
        await self.inner.backup(target)
        await asyncio.to_thread(Path(f"{target}.part").unlink)


@breaks(283)
class SwallowsTheCancellation(Wrapper):
    async def backup(self, target: str) -> None:
        with suppress(BaseException):
            await self.inner.backup(target)
        await self.inner.outbox_head()
        shutil.copy(__file__, f"{target}.part")
