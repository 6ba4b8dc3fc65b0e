"""Saboteurs of STORAGE-130 to STORAGE-151: relations and walks gone astray."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.changes import (
    AddRelation,
    Applied,
    Linked,
    RemoveEntries,
    RemoveRelation,
)
from agent_memory.ports.errors import NotFound
from agent_memory.ports.queries import Graph, GraphQuery

from .storage_registry import breaks
from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.changes import Change, Once, Outcome
    from agent_memory.ports.records import Relation
    from agent_memory.ports.storage import Storage


class BendsRelations(Wrapper):
    def bent(self, relations: list[Relation]) -> list[Relation]:
        return relations

    async def relations(
        self, ids: Sequence[str], *, limit: int = 200, ceiling: str = "global"
    ) -> list[Relation]:
        return self.bent(await self.inner.relations(ids, limit=limit, ceiling=ceiling))

    async def walk(self, query: GraphQuery) -> Graph:
        graph = await self.inner.walk(query)
        return Graph(tuple(self.bent(list(graph.relations))), graph.truncated)

    async def path(self, query: GraphQuery, target: str) -> list[Relation] | None:
        path = await self.inner.path(query, target)
        return path and self.bent(path)


@breaks(130)
class ForgetsWhoRelated(BendsRelations):
    def bent(self, relations: list[Relation]) -> list[Relation]:
        return [msgspec.structs.replace(relation, agent="") for relation in relations]


@breaks(133, 140, 142, 148)
class RelatesInReverse(BendsRelations):
    def bent(self, relations: list[Relation]) -> list[Relation]:
        return relations[::-1]


@breaks(133, 145, 151)
class RelatesTwice(BendsRelations):
    def bent(self, relations: list[Relation]) -> list[Relation]:
        return [*relations, *relations[1:]]


@breaks(131)
class AlwaysLinksAnew(Wrapper):
    def answered(self, applied: Applied) -> Applied:
        outcomes: list[Outcome] = [
            Linked(created=True) if isinstance(o, Linked) else o for o in applied.outcomes
        ]
        return msgspec.structs.replace(applied, outcomes=tuple(outcomes))


@breaks(132)
class RelatesNothing(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        try:
            return await self.inner.apply(*changes, once=once)
        except NotFound:
            return Applied((Linked(created=True),))


class RemembersRelations(Wrapper):
    """Shows whatever was ever made and not taken off, whatever became of its ends."""

    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.made: list[Relation] = []

    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, AddRelation):
            self.made.append(change.relation)
        return change

    async def relations(
        self, ids: Sequence[str], *, limit: int = 200, ceiling: str = "global"
    ) -> list[Relation]:
        return [r for r in self.made if r.source in ids or r.target in ids][:limit]


breaks(32, 134, 135, 262)(RemembersRelations)


@breaks(134, 146)
class RelatesBeyondTheCeiling(Wrapper):
    async def relations(
        self, ids: Sequence[str], *, limit: int = 200, ceiling: str = "global"
    ) -> list[Relation]:
        return await self.inner.relations(ids, limit=limit)

    async def walk(self, query: GraphQuery) -> Graph:
        return await self.inner.walk(msgspec.structs.replace(query, ceiling="global"))


@breaks(146)
class PathsBeyondTheCeiling(Wrapper):
    async def path(self, query: GraphQuery, target: str) -> list[Relation] | None:
        return await self.inner.path(msgspec.structs.replace(query, ceiling="global"), target)


@breaks(136)
class RemovesEveryType(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        return msgspec.structs.replace(change, type=None) if isinstance(change, RemoveRelation) else change


@breaks(137)
class RemovesOneType(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, RemoveRelation):
            return msgspec.structs.replace(change, type=change.type or "part_of")
        return change


@breaks(140, 150)
class WalksAsFarAsItLikes(Wrapper):
    async def walk(self, query: GraphQuery) -> Graph:
        return await self.inner.walk(msgspec.structs.replace(query, depth=5))


@breaks(141)
class WalksAlongArrows(Wrapper):
    async def walk(self, query: GraphQuery) -> Graph:
        graph = await self.inner.walk(query)
        return Graph(tuple(r for r in graph.relations if r.target != query.start), graph.truncated)


@breaks(143)
class WalksAlongEverything(Wrapper):
    async def walk(self, query: GraphQuery) -> Graph:
        return await self.inner.walk(msgspec.structs.replace(query, types=()))


@breaks(143)
class PathsAlongEverything(Wrapper):
    async def path(self, query: GraphQuery, target: str) -> list[Relation] | None:
        return await self.inner.path(msgspec.structs.replace(query, types=()), target)


@breaks(144, 151)
class CutsInSilence(Wrapper):
    async def walk(self, query: GraphQuery) -> Graph:
        return Graph((await self.inner.walk(query)).relations)


@breaks(144)
class AlwaysSaysCut(Wrapper):
    async def walk(self, query: GraphQuery) -> Graph:
        graph = await self.inner.walk(query)
        return Graph(graph.relations, len(graph.relations) >= query.limit)


@breaks(31, 120, 147, 166)
class ForgetsToRemove(Wrapper):
    async def written(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        return tuple(change for change in changes if not isinstance(change, RemoveEntries))


@breaks(149)
class FindsAPathOfNothing(Wrapper):
    async def path(self, query: GraphQuery, target: str) -> list[Relation] | None:
        return await self.inner.path(query, target) or []


@breaks(149)
class PathsAsFarAsItLikes(Wrapper):
    async def path(self, query: GraphQuery, target: str) -> list[Relation] | None:
        return await self.inner.path(msgspec.structs.replace(query, depth=5), target)
