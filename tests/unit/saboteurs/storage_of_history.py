"""Saboteurs of STORAGE-50 to STORAGE-62: pasts that were not so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.queries import EntryQuery, LexicalQuery, Page, VectorQuery
from agent_memory_contract.builders import MICROSECOND, after
from agent_memory_contract.storage_reads import WHATEVER, ids, matches

from .storage_of_filters import but
from .storage_registry import breaks
from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from agent_memory.ports.queries import EntryFilter, Hit
    from agent_memory.ports.records import Entry, Revision


@breaks(50)
class NeverEndsRevisions(Wrapper):
    async def history(self, entry_id: str, *, limit: int = 50, ceiling: str = "global") -> list[Revision]:
        past = await self.inner.history(entry_id, limit=limit, ceiling=ceiling)
        return [msgspec.structs.replace(revision, until=None) for revision in past]


@breaks(51)
class HidesTheTombstone(Wrapper):
    async def history(self, entry_id: str, *, limit: int = 50, ceiling: str = "global") -> list[Revision]:
        past = await self.inner.history(entry_id, limit=limit, ceiling=ceiling)
        return [revision for revision in past if revision.entry.state != "deleted"]


@breaks(52)
class LimitsFromTheOldest(Wrapper):
    async def history(self, entry_id: str, *, limit: int = 50, ceiling: str = "global") -> list[Revision]:
        return (await self.inner.history(entry_id, ceiling=ceiling))[-limit:]


@breaks(53)
class TellsHistoryToAll(Wrapper):
    async def history(self, entry_id: str, *, limit: int = 50, ceiling: str = "global") -> list[Revision]:
        return await self.inner.history(entry_id, limit=limit)


@breaks(54, 55, 56)
class AsOfAnInstantBefore(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return but(asked, as_of=asked.as_of - MICROSECOND) if asked.as_of else asked


@breaks(54, 55)
class SeesTheFuture(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return but(asked, as_of=after(1000)) if asked.as_of else asked


class OnlyOfWhatStands(Wrapper):
    """The past of what is gone is gone."""

    async def query(self, query: EntryQuery) -> Page[Entry]:
        page = await self.inner.query(query)
        standing = set(ids(await self.inner.get(ids(page.items))))
        kept = tuple(e for e in page.items if e.id in standing or not query.filter.as_of)
        return msgspec.structs.replace(page, items=kept)

    async def search(self, query: LexicalQuery) -> list[Hit]:
        hits = await self.inner.search(query)
        standing = set(ids(await self.inner.get([hit.entry.id for hit in hits])))
        return [hit for hit in hits if hit.entry.id in standing]


breaks(56, 60)(OnlyOfWhatStands)


@breaks(57)
class JudgesByTheFieldsOfNow(Wrapper):
    async def query(self, query: EntryQuery) -> Page[Entry]:
        page = await self.inner.query(msgspec.structs.replace(query, filter=but(query.filter, as_of=None)))
        then = await matches(self.inner, but(WHATEVER, as_of=query.filter.as_of))
        return Page(tuple(e for e in then if e.id in ids(page.items)))


@breaks(59, 60)
class SearchesThePresent(Wrapper):
    async def search(self, query: LexicalQuery) -> list[Hit]:
        return await self.inner.search(msgspec.structs.replace(query, filter=but(query.filter, as_of=None)))


@breaks(61)
class IgnoresThePastOfVectors(Wrapper):
    async def nearest(self, query: VectorQuery) -> list[Hit]:
        return await self.inner.nearest(msgspec.structs.replace(query, filter=but(query.filter, as_of=None)))


@breaks(62)
class ForgetsThePastOnTheNextPage(Wrapper):
    async def query(self, query: EntryQuery) -> Page[Entry]:
        if query.cursor:
            query = msgspec.structs.replace(query, filter=but(query.filter, as_of=None))
        return await self.inner.query(query)
