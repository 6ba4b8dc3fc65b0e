"""Saboteurs of STORAGE-90 to STORAGE-99: pages and scans that skip, repeat or never end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.errors import Rejected
from agent_memory.ports.queries import EntryQuery, Page
from agent_memory_contract.storage_reads import matches

from .storage_registry import breaks
from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent_memory.ports.queries import EntryFilter
    from agent_memory.ports.records import Entry


@breaks(90, 91, 92)
class GoesBackwards(Wrapper):
    async def query(self, query: EntryQuery) -> Page[Entry]:
        order = "oldest" if query.order == "newest" else "newest"
        return await self.inner.query(msgspec.structs.replace(query, order=order))


@breaks(92, 94, 99)
class SkipsASeam(Wrapper):
    async def query(self, query: EntryQuery) -> Page[Entry]:
        page = await self.inner.query(query)
        return msgspec.structs.replace(page, items=page.items[1:]) if query.cursor else page


@breaks(93)
class PromisesAnEmptyPage(Wrapper):
    async def query(self, query: EntryQuery) -> Page[Entry]:
        if query.cursor == "end":
            return Page(())
        page = await self.inner.query(query)
        full = len(page.items) == query.limit and page.cursor is None
        return Page(page.items, "end") if full else page


@breaks(94, 99)
class PagesByOffset(Wrapper):
    async def query(self, query: EntryQuery) -> Page[Entry]:
        found = await matches(self.inner, query.filter)
        if query.order == "newest":
            found.reverse()
        start = int(query.cursor or 0)
        end = start + query.limit
        return Page(tuple(found[start:end]), str(end) if end < len(found) else None)


@breaks(95)
class StartsOverAtAnUnknownCursor(Wrapper):
    async def query(self, query: EntryQuery) -> Page[Entry]:
        try:
            return await self.inner.query(query)
        except Rejected:
            return await self.inner.query(msgspec.structs.replace(query, cursor=None))


@breaks(96)
class TakesNoLimitForNone(Wrapper):
    async def query(self, query: EntryQuery) -> Page[Entry]:
        return await self.inner.query(msgspec.structs.replace(query, limit=max(1, query.limit)))


@breaks(97)
class ScansNewestFirst(Wrapper):
    async def scan(self, filter: EntryFilter, *, batch: int = 500) -> AsyncIterator[Entry]:  # noqa: A002 (the port's name)
        for entry in reversed([e async for e in self.inner.scan(filter, batch=batch)]):
            yield entry


@breaks(98)
class ScansByOffset(Wrapper):
    async def scan(self, filter: EntryFilter, *, batch: int = 500) -> AsyncIterator[Entry]:  # noqa: A002 (the port's name)
        start = 0
        while part := (await matches(self.inner, filter))[start : start + batch]:
            for entry in part:
                yield entry
            start += batch
