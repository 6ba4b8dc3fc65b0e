"""Saboteurs of STORAGE-152 to STORAGE-169: sessions, votes and vectors gone astray."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.changes import (
    Applied,
    CastVote,
    Done,
    Embedded,
    PutSession,
    PutVectors,
)
from agent_memory.ports.errors import Conflict, Rejected
from agent_memory.ports.queries import Hit, VectorQuery
from agent_memory.ports.scopes import ScopeFilter, sees, visible
from agent_memory_contract.storage_reads import ACTIVE

from .storage_registry import breaks
from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.changes import Change, Once
    from agent_memory.ports.queries import Question, Stats
    from agent_memory.ports.records import Session, Vector, Vote
    from agent_memory.ports.storage import Storage


@breaks(152)
class NeverEndsSessions(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, PutSession):
            return PutSession(msgspec.structs.replace(change.session, ended_at=None))
        return change


@breaks(153, 154)
class OpensBesideAnother(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        try:
            return await self.inner.apply(*changes, once=once)
        except Conflict:
            return Applied((Done(),))


@breaks(155)
class TellsOldSessionsFirst(Wrapper):
    async def sessions(
        self, where: ScopeFilter, *, open_only: bool = False, limit: int = 50
    ) -> list[Session]:
        return (await self.inner.sessions(where, open_only=open_only))[::-1][:limit]


@breaks(156)
class LimitsSessionsFirst(Wrapper):
    async def sessions(
        self, where: ScopeFilter, *, open_only: bool = False, limit: int = 50
    ) -> list[Session]:
        found = await self.inner.sessions(where, limit=limit)
        return [session for session in found if not (open_only and session.ended_at)]


@breaks(157)
class OrdersVotesByTheirWord(Wrapper):
    async def votes(self, scope: str, question: str) -> list[Vote]:
        return sorted(await self.inner.votes(scope, question), key=lambda vote: vote.cast_at)


@breaks(157)
class KeepsTheLastVote(Wrapper):
    async def votes(self, scope: str, question: str) -> list[Vote]:
        return list({vote.agent: vote for vote in await self.inner.votes(scope, question)}.values())


@breaks(158)
class FoldsQuestions(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, CastVote):
            question = change.vote.question.casefold().strip()
            return CastVote(msgspec.structs.replace(change.vote, question=question))
        return change


@breaks(290)
class ListsQuestionsByName(Wrapper):
    async def questions(self, where: ScopeFilter, *, limit: int = 50) -> list[Question]:
        found = await self.inner.questions(where, limit=limit)
        return sorted(found, key=lambda one: one.question)


@breaks(290)
class CountsCurrentVotes(Wrapper):
    async def questions(self, where: ScopeFilter, *, limit: int = 50) -> list[Question]:
        found = await self.inner.questions(where, limit=limit)
        return [msgspec.structs.replace(one, votes=one.agents) for one in found]


@breaks(291)
class LimitsQuestionsFirst(Wrapper):
    async def questions(self, where: ScopeFilter, *, limit: int = 50) -> list[Question]:
        found = await self.inner.questions(ScopeFilter(descendants=True), limit=limit)
        return [one for one in found if sees(visible(where), one.scope)]


@breaks(160)
class GivesDistances(Wrapper):
    async def nearest(self, query: VectorQuery) -> list[Hit]:
        return [Hit(h.entry, 1 - h.score, h.start, h.end) for h in await self.inner.nearest(query)]


@breaks(161)
class ForgetsTheChunk(Wrapper):
    async def nearest(self, query: VectorQuery) -> list[Hit]:
        return [Hit(hit.entry, hit.score) for hit in await self.inner.nearest(query)]


@breaks(161)
class CrowdsByChunks(Wrapper):
    async def nearest(self, query: VectorQuery) -> list[Hit]:
        return (await self.inner.nearest(query))[: max(1, query.limit - 1)]


@breaks(162)
class MixesModels(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        return msgspec.structs.replace(change, model="m") if isinstance(change, PutVectors) else change

    async def nearest(self, query: VectorQuery) -> list[Hit]:
        return await self.inner.nearest(msgspec.structs.replace(query, model="m"))


@breaks(163)
class LeavesOutWhatDoesNotFit(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        try:
            return await self.inner.apply(*changes, once=once)
        except Rejected:
            return Applied((Embedded(stored=False),))


@breaks(164)
class EmbedsWhateverStands(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if not isinstance(change, PutVectors):
            return change
        standing = await self.inner.get([change.entry_id])
        version = standing[0].version if standing else change.version
        return msgspec.structs.replace(change, version=version)


@breaks(165)
class AddsVectors(Wrapper):
    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.put: tuple[Vector, ...] = ()

    async def rewritten(self, change: Change) -> Change:
        if not isinstance(change, PutVectors):
            return change
        self.put += change.vectors
        return msgspec.structs.replace(change, vectors=self.put)


@breaks(82, 167)
class NearestOfAll(Wrapper):
    async def nearest(self, query: VectorQuery) -> list[Hit]:
        asked = msgspec.structs.replace(ACTIVE, states=())
        return await self.inner.nearest(msgspec.structs.replace(query, filter=asked))


@breaks(168)
class CountsNoVectors(Wrapper):
    async def stats(self, where: ScopeFilter) -> Stats:
        return msgspec.structs.replace(await self.inner.stats(where), vectors=0)


@breaks(169)
class ReadsTheFirstChunk(Wrapper):
    async def vectors(self, ids: Sequence[str], *, model: str) -> dict[str, tuple[Vector, ...]]:
        found = await self.inner.vectors(ids, model=model)
        return {entry_id: some[:1] for entry_id, some in found.items()}


@breaks(169)
class ReadsEveryModel(Wrapper):
    async def vectors(self, ids: Sequence[str], *, model: str) -> dict[str, tuple[Vector, ...]]:
        found = [await self.inner.vectors(ids, model=each) for each in ("m", "m2")]
        return {entry_id: some for each in found for entry_id, some in each.items()}
