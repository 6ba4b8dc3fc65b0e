"""Saboteurs of STORAGE-65 to STORAGE-86: filters that let too much or too little through."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from agent_memory.ports.changes import AddEntry, ReplaceEntry
from agent_memory.ports.queries import EntryQuery, LexicalQuery, Page, VectorQuery
from agent_memory_contract.builders import MICROSECOND
from agent_memory_contract.storage_corpus import admits
from agent_memory_contract.storage_reads import ACTIVE, WHATEVER, matches

from .storage_registry import breaks
from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent_memory.ports.changes import Change
    from agent_memory.ports.queries import EntryFilter, Hit
    from agent_memory.ports.records import Entry
    from agent_memory.ports.storage import Storage


def but(asked: EntryFilter, **fields: Any) -> EntryFilter:
    return msgspec.structs.replace(asked, **fields)


def elsewhere(asked: EntryFilter, **fields: Any) -> EntryFilter:
    return but(asked, where=msgspec.structs.replace(asked.where, **fields))


class FiltersItself(Wrapper):
    """Takes every entry there is and keeps what `keeps` says."""

    def keeps(self, asked: EntryFilter, entry: Entry) -> bool:
        return admits(asked, entry)

    async def query(self, query: EntryQuery) -> Page[Entry]:
        if query.filter.as_of:
            return await self.inner.query(query)
        found = [e for e in await matches(self.inner, WHATEVER) if self.keeps(query.filter, e)]
        return Page(tuple(found))


@breaks(65)
class InheritsNothing(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return elsewhere(asked, inherit=False)


@breaks(66, 67)
class AlwaysInherits(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return elsewhere(asked, inherit=True)


@breaks(67)
class TakesPrefixesForTrees(FiltersItself):
    def keeps(self, asked: EntryFilter, entry: Entry) -> bool:
        below = asked.where.descendants and entry.scope.startswith(asked.where.scope)
        return below or admits(asked, entry)


@breaks(68)
class ForgetsTheCeiling(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return elsewhere(asked, ceiling="global")


@breaks(69)
class TakesScopesForPatterns(FiltersItself):
    def keeps(self, asked: EntryFilter, entry: Entry) -> bool:
        pattern = asked.where.scope.replace(".", r"\.").replace("_", ".")
        below = asked.where.descendants and re.fullmatch(f"{pattern}(/.*)?", entry.scope)
        return bool(below) or admits(asked, entry)


@breaks(70)
class SeesOneKind(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return but(asked, kinds=asked.kinds[:1])


@breaks(71)
class SeesOneState(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return but(asked, states=asked.states[:1])


@breaks(72)
class MatchesPartsOfTags(FiltersItself):
    def keeps(self, asked: EntryFilter, entry: Entry) -> bool:
        parts = all(any(tag in own for own in entry.tags) for tag in asked.tags)
        return parts and admits(but(asked, tags=()), entry)


@breaks(72)
class FoldsTags(FiltersItself):
    def keeps(self, asked: EntryFilter, entry: Entry) -> bool:
        own = tuple(tag.casefold() for tag in entry.tags)
        folded = but(asked, tags=tuple(tag.casefold() for tag in asked.tags))
        return admits(folded, msgspec.structs.replace(entry, tags=own))


@breaks(73)
class TakesAllForAny(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return but(asked, tags=(), tags_any=asked.tags) if asked.tags else asked


@breaks(74)
class TakesAnyForAll(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return but(asked, tags=asked.tags + asked.tags_any, tags_any=())


@breaks(75, 255)
class KeepsTagsTakenOff(Wrapper):
    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.had: dict[str, tuple[str, ...]] = {}

    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, AddEntry):
            self.had[change.entry.id] = change.entry.tags
        if isinstance(change, ReplaceEntry):
            tags = tuple({*change.entry.tags, *self.had.get(change.entry.id, ())})
            return ReplaceEntry(msgspec.structs.replace(change.entry, tags=tags), change.expected_version)
        return change


@breaks(76)
class LeavesSinceOut(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return but(asked, since=asked.since + MICROSECOND) if asked.since else asked


@breaks(76)
class TakesUntilIn(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return but(asked, until=asked.until + MICROSECOND) if asked.until else asked


@breaks(77, 91)
class GoesByTheTimeOfTelling(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, AddEntry):
            return AddEntry(msgspec.structs.replace(change.entry, occurred_at=None))
        return change


@breaks(78)
class LivesAnInstantLonger(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return but(asked, live_at=asked.live_at - MICROSECOND) if asked.live_at else asked


@breaks(80)
class ForgetsTimeWhereTagsAre(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return but(asked, since=None) if asked.tags_any else asked


@breaks(81)
class SearchesTheDead(Wrapper):
    async def search(self, query: LexicalQuery) -> list[Hit]:
        asked = query.filter if query.filter.as_of else but(query.filter, live_at=None)
        return await self.inner.search(msgspec.structs.replace(query, filter=asked))


@breaks(82)
class ForgetsTagsOfNeighbours(Wrapper):
    async def nearest(self, query: VectorQuery) -> list[Hit]:
        asked = but(query.filter, tags_any=()) if query.filter.kinds else query.filter
        return await self.inner.nearest(msgspec.structs.replace(query, filter=asked))


@breaks(83)
class ScansBeyondUntil(Wrapper):
    async def scan(self, filter: EntryFilter, *, batch: int = 500) -> AsyncIterator[Entry]:  # noqa: A002 (the port's name)
        async for entry in self.inner.scan(but(filter, until=None), batch=batch):
            yield entry


class LimitsFirst(Wrapper):
    """Takes the best of all scopes and then looks which of them were wanted."""

    async def query(self, query: EntryQuery) -> Page[Entry]:
        page = await self.inner.query(msgspec.structs.replace(query, filter=ACTIVE))
        return Page(tuple(e for e in page.items if admits(query.filter, e)))

    async def search(self, query: LexicalQuery) -> list[Hit]:
        hits = await self.inner.search(msgspec.structs.replace(query, filter=ACTIVE))
        return [hit for hit in hits if admits(query.filter, hit.entry)]

    async def nearest(self, query: VectorQuery) -> list[Hit]:
        hits = await self.inner.nearest(msgspec.structs.replace(query, filter=ACTIVE))
        return [hit for hit in hits if admits(query.filter, hit.entry)]


breaks(84, 85, 86)(LimitsFirst)
