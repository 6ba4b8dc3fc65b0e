"""Saboteurs of STORAGE-263 to STORAGE-272: marks that stand still or never do, outlooks that promise too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_memory_contract.storage_reads import ALL_SCOPES

from .storage_registry import breaks
from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from datetime import datetime

    from agent_memory.ports.changes import Applied, Change, Once
    from agent_memory.ports.queries import Outlook
    from agent_memory.ports.scopes import ScopeFilter
    from agent_memory.ports.storage import Storage


@breaks(263)
class NeverKnowsItsMark(Wrapper):
    def mark(self) -> int | None:
        return None


@breaks(263)
class MarksWhenClosed(Wrapper):
    last = 0

    def mark(self) -> int | None:
        self.last = self.inner.mark() or self.last
        return self.last


@breaks(264)
class MarksEveryLook(Wrapper):
    looks = 0

    def mark(self) -> int | None:
        self.looks += 1
        return self.looks


@breaks(265, 266, 267)
class MarksNothing(Wrapper):
    def mark(self) -> int | None:
        return None if self.inner.mark() is None else 1


@breaks(265)
class MarksAppliesOnly(Wrapper):
    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.applied = 0

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        self.applied += 1
        return await self.inner.apply(*changes, once=once)

    def mark(self) -> int | None:
        return None if self.inner.mark() is None else self.applied


@breaks(265, 266)
class MarksOneLookLate(Wrapper):
    before: int | None = None

    def mark(self) -> int | None:
        told, self.before = self.before, self.inner.mark()
        return told


class BendsOutlooks(Wrapper):
    def bent(self, outlook: Outlook, now: datetime) -> Outlook:
        raise NotImplementedError

    async def outlook(self, where: ScopeFilter, *, now: datetime) -> Outlook:
        return self.bent(await self.inner.outlook(where, now=now), now)


@breaks(268)
class OutlooksOnEverything(Wrapper):
    async def outlook(self, where: ScopeFilter, *, now: datetime) -> Outlook:
        return await self.inner.outlook(ALL_SCOPES, now=now)


@breaks(269, 271, 272)
class PromisesForEver(BendsOutlooks):
    def bent(self, outlook: Outlook, now: datetime) -> Outlook:
        return msgspec.structs.replace(outlook, until=None)


@breaks(269)
class RoundsTheInstant(BendsOutlooks):
    def bent(self, outlook: Outlook, now: datetime) -> Outlook:
        if outlook.until is None:
            return outlook
        return msgspec.structs.replace(outlook, until=outlook.until.replace(microsecond=999_999))


@breaks(270)
class EndsWithEveryQuestion(BendsOutlooks):
    def bent(self, outlook: Outlook, now: datetime) -> Outlook:
        return msgspec.structs.replace(outlook, until=outlook.until or now)


@breaks(272)
class LooksNoFurtherThanOthers(BendsOutlooks):
    """Takes what it sees first, of whatever scope, for all there is."""

    def bent(self, outlook: Outlook, now: datetime) -> Outlook:
        return outlook

    async def outlook(self, where: ScopeFilter, *, now: datetime) -> Outlook:
        first = await self.inner.outlook(ALL_SCOPES, now=now)
        own = await self.inner.outlook(where, now=now)
        return own if own.until == first.until else msgspec.structs.replace(own, until=None)
