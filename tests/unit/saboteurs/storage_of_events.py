"""Saboteurs of STORAGE-170 to STORAGE-192: events that are missing or late, marks that lie."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.changes import CastVote, Enqueue, RemoveRelation
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import vote
from agent_memory_contract.storage_reads import ALL_SCOPES

from .storage_registry import breaks
from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from agent_memory.ports.changes import Applied, Change, Once
    from agent_memory.ports.records import Event
    from agent_memory.ports.storage import Storage


class BendsEvents(Wrapper):
    def bent(self, events: list[Event]) -> list[Event]:
        return events

    async def outbox(self, after: int, *, limit: int = 500) -> list[Event]:
        return self.bent(await self.inner.outbox(after, limit=limit))


@breaks(170)
class CallsEveryChangeAnUpdate(BendsEvents):
    def bent(self, events: list[Event]) -> list[Event]:
        return [msgspec.structs.replace(event, kind="entry.updated") for event in events]


@breaks(170)
class ForgetsVersions(BendsEvents):
    def bent(self, events: list[Event]) -> list[Event]:
        return [msgspec.structs.replace(event, version=0) for event in events]


@breaks(170)
class KeepsTheOtherEndToItself(BendsEvents):
    def bent(self, events: list[Event]) -> list[Event]:
        return [msgspec.structs.replace(event, payload=b"") for event in events]


@breaks(170, 175, 262)
class ForgetsUpdates(BendsEvents):
    def bent(self, events: list[Event]) -> list[Event]:
        return [event for event in events if event.kind not in {"entry.updated", "entry.added"}]


@breaks(171)
class OneEventForSeveral(BendsEvents):
    def bent(self, events: list[Event]) -> list[Event]:
        return [list(same)[-1] for _, same in itertools.groupby(events, lambda event: event.kind)]


@breaks(172)
class TellsOfRemovedNothing(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, RemoveRelation):
            await self.inner.apply(CastVote(vote("nobody", "relation.removed")))
        return change


@breaks(173)
class OrdersEventsBySubject(BendsEvents):
    def bent(self, events: list[Event]) -> list[Event]:
        return sorted(events, key=lambda event: event.subject)


@breaks(174)
class StartsWithTheOneBefore(Wrapper):
    async def outbox(self, after: int, *, limit: int = 500) -> list[Event]:
        return await self.inner.outbox(max(0, after - 1), limit=limit)


@breaks(175, 176)
class PublishesLate(Wrapper):
    """Some events appear after later ones, as where seqs are drawn before the commit."""

    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.held: set[int] = set()

    async def outbox(self, after: int, *, limit: int = 500) -> list[Event]:
        found = await self.inner.outbox(after, limit=limit)
        late = {event.seq for event in found if event.seq % 5 == 0} - self.held
        self.held |= late
        return [event for event in found if event.seq not in late]


@breaks(177)
class TrimsOneLess(Wrapper):
    async def trim_outbox(self, up_to: int) -> int:
        return await self.inner.trim_outbox(up_to - 1)


@breaks(178, 179)
class ForgetsItsHead(Wrapper):
    async def outbox_head(self) -> int:
        told = await self.inner.outbox(0, limit=10_000)
        return told[-1].seq if told else 0


@breaks(185, 186, 188)
class MarksTheScopeAlone(Wrapper):
    async def generation(self, where: ScopeFilter) -> str:
        return await self.inner.generation(ScopeFilter(scope=where.scope, inherit=False))


@breaks(185, 186, 188)
class MarksEverything(Wrapper):
    async def generation(self, where: ScopeFilter) -> str:
        return await self.inner.generation(ALL_SCOPES)


@breaks(187)
class MarksWithoutRelations(Wrapper):
    async def generation(self, where: ScopeFilter) -> str:
        stats = await self.inner.stats(where)
        return f"{stats.entries}"


@breaks(189, 191, 192)
class MarksEveryQuestion(Wrapper):
    asked_so_far = 0

    async def generation(self, where: ScopeFilter) -> str:
        self.asked_so_far += 1
        return f"{self.asked_so_far}"


@breaks(189)
class MarksJobs(Wrapper):
    jobs = 0

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        self.jobs += sum(isinstance(change, Enqueue) for change in changes)
        return await self.inner.apply(*changes, once=once)

    async def generation(self, where: ScopeFilter) -> str:
        return f"{self.jobs} {await self.inner.generation(where)}"


@breaks(186, 190)
class MarksByCounting(Wrapper):
    async def generation(self, where: ScopeFilter) -> str:
        return f"{await self.inner.stats(where)}"


@breaks(191, 192)
class MarksByInstance(Wrapper):
    async def generation(self, where: ScopeFilter) -> str:
        return f"{id(self.inner)} {await self.inner.generation(where)}"
