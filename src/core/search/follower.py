"""Keeps the index at what the store holds: filled by pages once, from then on by the outbox.

It is derived and may be thrown away at any time. It follows when it is asked to, before each search, so that whatever
was committed before the question, by this process or another, is found by it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...ports.errors import PortError
from ...ports.queries import EntryFilter, EntryQuery
from ...ports.records import Vector
from ...ports.scopes import ScopeFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...ports.clock import Clock
    from ...ports.embedder import Embedder
    from ...ports.records import Entry, Event
    from ...ports.storage import Storage
    from ...ports.worker import Worker
    from .index import Index

_EVERYTHING = EntryFilter(where=ScopeFilter(descendants=True))
_PAGE = 256
_EVENTS = 500
_BEHIND = 20_000
"""Events. Further behind than this, reading everything anew is less work than going through them."""
_DEAD = 10_000
"""Former versions that may lie about, and as many again as there are entries."""
_PAUSE = 5.0
"""Seconds that an embedder which failed is left alone."""
_CHANGES = frozenset({"entry.added", "entry.updated", "entry.removed", "entry.purged"})


class Follower:
    """`new_index` makes an empty one, on the worker: that is where numpy is first loaded.

    With an `embedder`, entries are embedded as they are indexed: derived data like their words, and as cheap. While
    that fails they are found by their words, `unembedded` says that there are such, and it is tried again later.
    """

    def __init__(
        self,
        storage: Storage,
        worker: Worker,
        clock: Clock,
        new_index: Callable[[], Index],
        embedder: Embedder | None,
    ) -> None:
        self._storage = storage
        self._worker = worker
        self._clock = clock
        self._new_index = new_index
        self._embedder = embedder
        self._index: Index | None = None
        self._seq = 0
        self._turn = asyncio.Lock()
        self._unembedded: dict[str, None] = {}
        self._try_again_at = -1.0

    @property
    def index(self) -> Index | None:
        """As far as it is filled: None until it once was whole."""
        return self._index

    @property
    def unembedded(self) -> int:
        return len(self._unembedded)

    async def catch_up(self) -> Index | None:
        """The index with everything that was committed before the call; None when it must be filled first.

        Cancelled, it goes on with the next call where it stopped.
        """
        async with self._turn:
            head = await self._storage.outbox_head()
            index = self._index
            if index is None:
                return None
            if self._seq != head and not await self._follow(index, head):
                self._index = None
                return None
            if self._unembedded:
                await self._embed_late(index)
            return index

    async def fill(self) -> None:
        """From the store, whatever stood here before. What changes meanwhile is in the outbox after its head."""
        async with self._turn:
            self._unembedded.clear()
            self._seq = await self._storage.outbox_head()
            index = await self._worker.run(self._new_index)
            query = EntryQuery(filter=_EVERYTHING, order="oldest", limit=_PAGE)
            while True:
                page = await self._storage.query(query)
                await self._put(index, page.items, ())
                if page.cursor is None:
                    break
                query = EntryQuery(filter=_EVERYTHING, order="oldest", limit=_PAGE, cursor=page.cursor)
            self._index = index

    async def _follow(self, index: Index, head: int) -> bool:
        """False when that is not possible, or not worth it."""
        if not 0 <= head - self._seq <= _BEHIND or index.dead > _DEAD + len(index):
            return False
        while self._seq < head:
            events = await self._storage.outbox(self._seq, limit=_EVENTS)
            if not events or events[0].seq != self._seq + 1:
                return False
            await self._take(index, events)
            self._seq = events[-1].seq
        return True

    async def _take(self, index: Index, events: Sequence[Event]) -> None:
        ids = list(dict.fromkeys(event.subject for event in events if event.kind in _CHANGES))
        for start in range(0, len(ids), _PAGE):
            some = ids[start : start + _PAGE]
            entries = await self._storage.get(some)
            gone = set(some).difference(entry.id for entry in entries)
            await self._put(index, entries, gone)

    async def _put(self, index: Index, entries: Sequence[Entry], gone: Sequence[str] | set[str]) -> None:
        def put() -> None:
            for entry in entries:
                index.put(entry)
            for entry_id in gone:
                index.remove(entry_id)

        await self._worker.run(put)
        await self._embed(index, [entry for entry in entries if entry.state == "active"])

    async def _embed(self, index: Index, entries: Sequence[Entry]) -> None:
        embedder = self._embedder
        if embedder is None or not entries:
            return
        vectors: list[list[Vector]] | None = None
        if self._clock.monotonic() >= self._try_again_at:
            try:
                vectors = await embedded(embedder, entries)
            except PortError:
                self._try_again_at = self._clock.monotonic() + _PAUSE
        if vectors is None:
            self._unembedded.update(dict.fromkeys(entry.id for entry in entries))
            return
        made = vectors

        def put() -> None:
            for entry, chunks in zip(entries, made, strict=True):
                index.put_vectors(entry.id, embedder.model, chunks)

        await self._worker.run(put)
        for entry in entries:
            self._unembedded.pop(entry.id, None)

    async def _embed_late(self, index: Index) -> None:
        if self._clock.monotonic() < self._try_again_at:
            return
        while some := list(self._unembedded)[:_PAGE]:
            entries = await self._storage.get(some)
            for entry_id in set(some).difference(entry.id for entry in entries):
                del self._unembedded[entry_id]
            await self._embed(index, entries)
            if self._try_again_at > self._clock.monotonic():
                return


async def embedded(embedder: Embedder, entries: Sequence[Entry]) -> list[list[Vector]]:
    """The vectors of each entry, one a span; the title goes before each."""
    spans = await embedder.split([entry.content for entry in entries])
    texts = [
        f"{entry.title}\n{entry.content[span.start : span.end]}" if entry.title
        else entry.content[span.start : span.end]
        for entry, some in zip(entries, spans, strict=True)
        for span in some
    ]  # fmt: skip
    values = iter(await embedder.embed(texts, kind="document"))
    return [
        [Vector(values=next(values), start=span.start, end=span.end) for span in some] for some in spans
    ]
