"""Keeps the index at what the store holds: filled once, from then on by the outbox.

It is derived and may be thrown away at any time. It follows when it is asked to, before each search, so that whatever
was committed before the question, by this process or another, is found by it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...ports.queries import EntryFilter, EntryQuery
from ...ports.scopes import ScopeFilter

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ...ports.records import Entry, Event
    from ...ports.storage import Storage
    from ...ports.worker import Worker
    from .embedding import Embedding
    from .index import Index
    from .keeping import Keeping

_EVERYTHING = EntryFilter(where=ScopeFilter(descendants=True))
_PAGE = 256
_EVENTS = 500
_BEHIND = 20_000
"""Events. Further behind than this, reading everything anew is less work than going through them."""
_DEAD = 10_000
"""Former versions that may lie about, and as many again as there are entries."""
_EMBEDDED_AT_ONCE = 4_000
"""Entries whose vectors a question waits for: about a second. Beyond, they come in the background."""
_PURGED = "entry.purged"
_CHANGES = frozenset({"entry.added", "entry.updated", "entry.removed", _PURGED})
_EMBEDDED = "entry.embedded"


class Follower:
    """numpy is first loaded on the worker, by the first question: a server that only starts never pays for it."""

    def __init__(self, storage: Storage, worker: Worker, embedding: Embedding, keeping: Keeping) -> None:
        self._storage = storage
        self._worker = worker
        self._embedding = embedding
        self._keeping = keeping
        self._index: Index | None = None
        self._seq = 0
        self._mark: int | None = None
        self._behind = 0
        self._loaded = False
        self._turn = asyncio.Lock()

    async def catch_up(self) -> Index | None:
        """The index with everything that was committed before the call; None when it must be filled first.

        Cancelled, it goes on with the next call where it stopped.
        """
        return await self.catch_up_soon(_BEHIND)

    @property
    def index(self) -> Index | None:
        """As it stands, for who asks how it is: to be read on the worker."""
        return self._index

    @property
    def filled(self) -> bool:
        return self._index is not None

    async def drop(self) -> None:
        """It is to be filled anew, or not any more."""
        async with self._turn:
            self._index = None

    async def catch_up_soon(self, most: int) -> Index | None:
        """Like `catch_up`, for whoever has no time: None too when more than `most` events are to be taken."""
        async with self._turn:
            index = self._index
            mark = self._storage.mark()
            if index is not None and mark is not None and mark == self._mark:
                return index
            head = await self._storage.outbox_head()
            if index is None or most < head - self._seq <= _BEHIND:
                return None
            if self._seq != head and not await self._follow(index, head):
                self._index = None
                return None
            self._mark = mark
            return index

    async def fill(self) -> None:
        """From the sidecar, else from the store. What changes meanwhile is in the outbox after its head."""
        async with self._turn:
            self._embedding.begin(None)
            self._mark = None
            head = await self._storage.outbox_head()
            if not self._loaded:
                # Once: what could not be followed from there must not be tried again.
                self._loaded = True
                if (kept := await self._keeping.load(head, _BEHIND)) is not None:
                    self._seq, index = kept
                    self._embedding.begin(index)
                    await self._embedding.restored(index)
                    self._index = index
                    return
            index = await self._worker.run(_new_index)
            self._embedding.begin(index)
            query = EntryQuery(filter=_EVERYTHING, order="oldest", limit=_PAGE)
            count = 0
            while True:
                page = await self._storage.query(query)
                count += len(page.items)
                await self._put(index, page.items, (), at_once=count <= _EMBEDDED_AT_ONCE)
                if page.cursor is None:
                    break
                query = EntryQuery(filter=_EVERYTHING, order="oldest", limit=_PAGE, cursor=page.cursor)
            self._seq, self._index = head, index

    async def forget(self) -> None:
        """It is to be filled again, and not from the sidecar."""
        async with self._turn:
            self._index, self._loaded = None, True

    @property
    def save_due(self) -> bool:
        return self._index is not None and self._keeping.due(self._index, self._seq)

    async def save(self) -> None:
        async with self._turn:
            if self._index is None:
                return
            dropped = self._keeping.dropped
            parts = await self._keeping.copy(self._index, self._seq)
        await self._keeping.save(parts, dropped)

    async def _follow(self, index: Index, head: int) -> bool:
        """False when that is not possible, or not worth it."""
        if not 0 <= head - self._seq <= _BEHIND or index.dead > _DEAD + len(index):
            return False
        self._behind = head - self._seq
        while self._seq < head:
            events = await self._storage.outbox(self._seq, limit=_EVENTS)
            if not events or events[0].seq != self._seq + 1:
                return False
            await self._take(index, events)
            self._seq = events[-1].seq
            if any(event.kind == _PURGED for event in events):
                # Nothing of a purged entry may stay, and its words stand in lists beside those of others.
                await self._keeping.drop()
                return False
        return True

    async def _take(self, index: Index, events: Sequence[Event]) -> None:
        changed = dict.fromkeys(event.subject for event in events if event.kind in _CHANGES)
        ids = list(changed)
        at_once = self._behind <= _EMBEDDED_AT_ONCE
        for start in range(0, len(ids), _PAGE):
            some = ids[start : start + _PAGE]
            entries = await self._storage.get(some)
            await self._put(
                index, entries, set(some).difference(entry.id for entry in entries), at_once=at_once
            )
        embedded = dict.fromkeys(event.subject for event in events if event.kind == _EMBEDDED)
        await self._embedding.take(index, [each for each in embedded if each not in changed], wait=False)

    async def _put(
        self, index: Index, entries: Sequence[Entry], gone: Collection[str], *, at_once: bool
    ) -> None:
        def put() -> None:
            for entry in entries:
                index.put(entry)
            for entry_id in gone:
                index.remove(entry_id)

        await self._worker.run(put)
        await self._embedding.added(index, entries, at_once=at_once)


def _new_index() -> Index:
    from .index import Index  # noqa: PLC0415 - loads numpy

    return Index()
