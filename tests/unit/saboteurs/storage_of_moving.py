"""Saboteurs of STORAGE-300 to STORAGE-318: entries put back otherwise than they stood, sweeps that leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from agent_memory.ports.changes import (
    AddEntry,
    Applied,
    CastVote,
    RemoveEntries,
    Restored,
    RestoreEntry,
    RestoreVote,
)
from agent_memory.ports.errors import Conflict, Rejected
from agent_memory.ports.queries import Page
from agent_memory_contract.storage_reads import ALL_SCOPES

from .storage_registry import breaks
from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.changes import Change, Once
    from agent_memory.ports.queries import Hit, LexicalQuery, Sweep
    from agent_memory.ports.records import Event, Relation, Revision, Session, Vote

T = TypeVar("T")


class Bends(Wrapper):
    """`bent` is what becomes of a restored entry."""

    def bent(self, change: RestoreEntry) -> Change:
        return change

    async def rewritten(self, change: Change) -> Change:
        return self.bent(change) if isinstance(change, RestoreEntry) else change


@breaks(300, 302)
class RestoresTheNewestOnly(Bends):
    def bent(self, change: RestoreEntry) -> Change:
        return AddEntry(msgspec.structs.replace(change.entry, version=1), change.jobs)


@breaks(300)
class EndsVersionsWhereTheNextBegin(Bends):
    def bent(self, change: RestoreEntry) -> Change:
        begins = [past.entry.updated_at for past in change.former[1:]] + [change.entry.updated_at]
        former = tuple(
            msgspec.structs.replace(past, until=until)
            for past, until in zip(change.former, begins, strict=True)
        )
        return msgspec.structs.replace(change, former=former)


@breaks(301)
class DoesNotIndexTheRestored(Wrapper):
    async def search(self, query: LexicalQuery) -> list[Hit]:
        return [hit for hit in await self.inner.search(query) if hit.entry.version == 1]


@breaks(302, 308)
class GivesUpTheRestored(Wrapper):
    """A next version of one loses the first of those before it."""

    async def history(self, entry_id: str, *, limit: int = 50, ceiling: str = "global") -> list[Revision]:
        past = await self.inner.history(entry_id, limit=limit, ceiling=ceiling)
        return past[:-1] if len(past) > 2 else past


@breaks(303)
class WakesTheDead(Bends):
    def bent(self, change: RestoreEntry) -> Change:
        return msgspec.structs.replace(change, entry=msgspec.structs.replace(change.entry, state="active"))


@breaks(303)
class TellsOfAnAddition(Wrapper):
    async def outbox(self, after: int, *, limit: int = 500) -> list[Event]:
        told = await self.inner.outbox(after, limit=limit)
        return [msgspec.structs.replace(event, kind="entry.added") for event in told]


@breaks(304)
class RestoresOverWhatStands(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        try:
            return await self.inner.apply(*changes, once=once)
        except Conflict as conflict:
            if conflict.current is None:
                raise
            await self.inner.apply(
                RemoveEntries((conflict.current.id,), at=conflict.current.updated_at, purge=True)
            )
            return await self.inner.apply(*changes, once=once)


@breaks(304)
class SkipsWhatIsTaken(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        try:
            return await self.inner.apply(*changes, once=once)
        except Conflict as conflict:
            raise Conflict("the id is taken") from conflict


@breaks(305)
class RestoresTwins(Bends):
    def bent(self, change: RestoreEntry) -> Change:
        entry = change.entry
        return msgspec.structs.replace(
            change, entry=msgspec.structs.replace(entry, content_hash=entry.id.encode()[:16])
        )


@breaks(305)
class TakesTheExpiredForGone(Bends):
    def bent(self, change: RestoreEntry) -> Change:
        return AddEntry(change.entry, change.jobs) if change.entry.version == 1 else change


@breaks(306)
class RestoresWithGaps(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        try:
            return await self.inner.apply(*changes, once=once)
        except Rejected:
            return Applied(())


@breaks(307)
class RestoresWithoutJobs(Bends):
    def bent(self, change: RestoreEntry) -> Change:
        return msgspec.structs.replace(change, jobs=())


@breaks(307)
class TellsNobody(Wrapper):
    async def outbox(self, after: int, *, limit: int = 500) -> list[Event]:
        return [event for event in await self.inner.outbox(after, limit=limit) if event.version < 2]


@breaks(308)
class AnswersInTheWrongPlace(Wrapper):
    def answered(self, applied: Applied) -> Applied:
        return msgspec.structs.replace(applied, outcomes=applied.outcomes[::-1])


@breaks(309)
class CountsAgain(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        return CastVote(change.vote) if isinstance(change, RestoreVote) else change


@breaks(309)
class TakesLikeVotesForTheSame(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        for change in changes:
            if isinstance(change, RestoreVote):
                vote = change.vote
                cast = await self.inner.votes(vote.scope, vote.question)
                if any(other.cast_at == vote.cast_at for other in cast):
                    return Applied((Restored(created=False),) * len(changes))
        return await self.inner.apply(*changes, once=once)


def cut(page: Page[T], kept: list[T]) -> Page[T]:
    return msgspec.structs.replace(page, items=tuple(kept))


@breaks(310)
class SweepsWhatStands(Wrapper):
    async def sweep_versions(
        self, sweep: Sweep, *, ids: Sequence[str] | None = None, former: bool = True
    ) -> Page[Revision]:
        page = await self.inner.sweep_versions(sweep, ids=ids, former=former)
        return cut(page, [revision for revision in page.items if revision.entry.state != "deleted"])


@breaks(310)
class SweepsByTime(Wrapper):
    async def sweep_versions(
        self, sweep: Sweep, *, ids: Sequence[str] | None = None, former: bool = True
    ) -> Page[Revision]:
        page = await self.inner.sweep_versions(sweep, ids=ids, former=former)
        return cut(page, sorted(page.items, key=lambda revision: (revision.entry.at, revision.entry.version)))


class Everywhere(Wrapper):
    def bent(self, sweep: Sweep) -> Sweep:
        return msgspec.structs.replace(sweep, where=ALL_SCOPES)


@breaks(311)
class SweepsVersionsOfAll(Everywhere):
    async def sweep_versions(
        self, sweep: Sweep, *, ids: Sequence[str] | None = None, former: bool = True
    ) -> Page[Revision]:
        return await self.inner.sweep_versions(self.bent(sweep), ids=ids, former=former)


@breaks(311)
class SweepsRelationsOfAll(Everywhere):
    async def sweep_relations(self, sweep: Sweep) -> Page[Relation]:
        return await self.inner.sweep_relations(self.bent(sweep))


@breaks(311)
class SweepsSessionsOfAll(Everywhere):
    async def sweep_sessions(self, sweep: Sweep, *, ids: Sequence[str] | None = None) -> Page[Session]:
        return await self.inner.sweep_sessions(self.bent(sweep), ids=ids)


@breaks(311)
class SweepsVotesOfAll(Everywhere):
    async def sweep_votes(self, sweep: Sweep) -> Page[Vote]:
        return await self.inner.sweep_votes(self.bent(sweep))


@breaks(312)
class ComesBackToWhatChanged(Wrapper):
    """It goes on by its own count of rows."""

    async def sweep_versions(
        self, sweep: Sweep, *, ids: Sequence[str] | None = None, former: bool = True
    ) -> Page[Revision]:
        start = int(sweep.cursor or 0)
        whole = msgspec.structs.replace(sweep, cursor=None, limit=10_000)
        items = (await self.inner.sweep_versions(whole, ids=ids, former=former)).items
        end = start + sweep.limit
        return Page(items[start:end], str(end) if end < len(items) else None)


@breaks(313)
class SweepsWithoutNames(Wrapper):
    async def sweep_versions(
        self, sweep: Sweep, *, ids: Sequence[str] | None = None, former: bool = True
    ) -> Page[Revision]:
        return await self.inner.sweep_versions(sweep, former=former)


@breaks(313)
class SweepsTheFormerToo(Wrapper):
    async def sweep_versions(
        self, sweep: Sweep, *, ids: Sequence[str] | None = None, former: bool = True
    ) -> Page[Revision]:
        return await self.inner.sweep_versions(sweep, ids=ids)


@breaks(314)
class SweepsRelationsByTarget(Wrapper):
    async def sweep_relations(self, sweep: Sweep) -> Page[Relation]:
        page = await self.inner.sweep_relations(sweep)
        return cut(page, sorted(page.items, key=lambda relation: relation.target))


@breaks(314)
class StopsAfterAPageOfRelations(Wrapper):
    async def sweep_relations(self, sweep: Sweep) -> Page[Relation]:
        return msgspec.structs.replace(await self.inner.sweep_relations(sweep), cursor=None)


@breaks(315)
class SweepsOpenSessions(Wrapper):
    async def sweep_sessions(self, sweep: Sweep, *, ids: Sequence[str] | None = None) -> Page[Session]:
        page = await self.inner.sweep_sessions(sweep, ids=ids)
        return cut(page, [session for session in page.items if session.ended_at is None])


@breaks(315)
class SweepsEverySession(Wrapper):
    async def sweep_sessions(self, sweep: Sweep, *, ids: Sequence[str] | None = None) -> Page[Session]:
        return await self.inner.sweep_sessions(sweep)


@breaks(316)
class SweepsVotesByTime(Wrapper):
    async def sweep_votes(self, sweep: Sweep) -> Page[Vote]:
        page = await self.inner.sweep_votes(sweep)
        return cut(page, sorted(page.items, key=lambda vote: vote.cast_at))


@breaks(317)
class BeginsAgain(Wrapper):
    async def sweep_votes(self, sweep: Sweep) -> Page[Vote]:
        try:
            return await self.inner.sweep_votes(sweep)
        except Rejected:
            return await self.inner.sweep_votes(msgspec.structs.replace(sweep, cursor=None))


@breaks(318)
class SweepsWithoutBounds(Wrapper):
    async def sweep_sessions(self, sweep: Sweep, *, ids: Sequence[str] | None = None) -> Page[Session]:
        bounded = msgspec.structs.replace(sweep, limit=min(max(sweep.limit, 1), 10_000))
        return await self.inner.sweep_sessions(bounded, ids=ids)
