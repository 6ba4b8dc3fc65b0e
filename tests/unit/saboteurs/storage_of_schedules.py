"""Storages that break a promise only where steps meet in a certain way: what random schedules are for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.changes import CastVote, Enqueue, PutSession
from agent_memory.ports.errors import Unavailable

from .storage_registry import breaks
from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from datetime import datetime

    from agent_memory.ports.changes import Applied, Change, Once
    from agent_memory.ports.records import JobLease
    from agent_memory.ports.storage import Storage


@breaks(295)
class ASessionEndsOnce(Wrapper):
    """Whoever ends it again is told that it is done, and nothing is changed."""

    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.ended: dict[str, datetime] = {}

    async def rewritten(self, change: Change) -> Change:
        if not isinstance(change, PutSession) or change.session.ended_at is None:
            return change
        first = self.ended.setdefault(change.session.id, change.session.ended_at)
        return PutSession(msgspec.structs.replace(change.session, ended_at=first))


@breaks(292)
class AVoteOutlivesItsUnit(Wrapper):
    """One that was cancelled with other changes is cast all the same."""

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        try:
            return await super().apply(*changes, once=once)
        except asyncio.CancelledError:
            votes = [change for change in changes if isinstance(change, CastVote)]
            if len(changes) > 1 and votes:
                await self.inner.apply(*votes)
            raise


@breaks(293)
class DoesHalfOfWhatWasLost(Wrapper):
    """What was not answered is tried again later, its first change alone."""

    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.lost: tuple[Change, ...] = ()

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        try:
            lost, self.lost = self.lost, ()
            if lost:
                await self.inner.apply(*lost)
            return await super().apply(*changes, once=once)
        except Unavailable:
            if len(changes) > 1:
                self.lost = tuple(change for change in changes[:1] if isinstance(change, CastVote))
            raise


@breaks(294)
class AKeyIsFreeOnceItsJobFailed(Wrapper):
    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.failed: set[str] = set()

    async def fail_job(self, lease: JobLease, *, reason: str, retry_in: float) -> bool:
        again = await super().fail_job(lease, reason=reason, retry_in=retry_in)
        self.failed.add(lease.job.key)
        return again

    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, Enqueue) and change.job.key in self.failed:
            self.failed.discard(change.job.key)
            return Enqueue(msgspec.structs.replace(change.job, key=""), change.at)
        return change
