"""Keeps the index at what the store holds: filled by pages once, from then on by the outbox.

It is derived and may be thrown away at any time. It follows when it is asked to, before each search, so that whatever
was committed before the question, by this process or another, is found by it.
"""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from ...ports.errors import PortError
from ...ports.queries import EntryFilter, EntryQuery
from ...ports.records import Vector
from ...ports.scopes import ScopeFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...ports.clock import Clock
    from ...ports.embedder import Embedder
    from ...ports.records import Entry, Event
    from ...ports.sidecar import Sidecar
    from ...ports.storage import Storage
    from ...ports.worker import Worker
    from .index import Index
    from .saved import Mark

encode = msgspec.json.Encoder().encode

_EVERYTHING = EntryFilter(where=ScopeFilter(descendants=True))
_PAGE = 256
_EVENTS = 500
_BEHIND = 20_000
"""Events. Further behind than this, reading everything anew is less work than going through them."""
_DEAD = 10_000
"""Former versions that may lie about, and as many again as there are entries."""
_PAUSE = 5.0
"""Seconds that an embedder which failed is left alone."""
_WORTH_SAVING = 1_000
_SAVE_EVERY = 5_000
"""Events: what a start then has to go through at most, in about half a second."""
_PURGED = "entry.purged"
_CHANGES = frozenset({"entry.added", "entry.updated", "entry.removed", _PURGED})


class Follower:
    """numpy is first loaded on the worker, by the first question: a server that only starts never pays for it.

    With a `sidecar`, the index is kept there from time to time, and a start takes it from there if it is of this store
    and not too old. With an `embedder`, entries are embedded as they are indexed: derived data like their words, and as cheap. While
    that fails they are found by their words, `unembedded` says that there are such, and it is tried again later.
    """

    def __init__(
        self,
        storage: Storage,
        worker: Worker,
        clock: Clock,
        embedder: Embedder | None = None,
        sidecar: Sidecar | None = None,
    ) -> None:
        self._storage = storage
        self._worker = worker
        self._clock = clock
        self._embedder = embedder
        self._sidecar = sidecar
        self._index: Index | None = None
        self._seq = 0
        self._saved_seq: int | None = None
        self._purges = 0
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
        """From the sidecar, else from the store. What changes meanwhile is in the outbox after its head."""
        async with self._turn:
            self._unembedded.clear()
            head = await self._storage.outbox_head()
            if self._saved_seq is None:
                # Once: what could not be followed from there must not be tried again.
                self._saved_seq = -_SAVE_EVERY
                if (index := await self._from_sidecar(head)) is not None:
                    self._index = index
                    return
            self._seq = head
            index = await self._worker.run(_new_index)
            query = EntryQuery(filter=_EVERYTHING, order="oldest", limit=_PAGE)
            while True:
                page = await self._storage.query(query)
                await self._put(index, page.items, ())
                if page.cursor is None:
                    break
                query = EntryQuery(filter=_EVERYTHING, order="oldest", limit=_PAGE, cursor=page.cursor)
            self._index = index

    @property
    def worth_saving(self) -> bool:
        """Small ones are made again in no time."""
        index = self._index
        return (
            self._sidecar is not None
            and index is not None
            and len(index) >= _WORTH_SAVING
            and self._seq - (self._saved_seq or 0) >= _SAVE_EVERY
        )

    async def save(self) -> None:
        """Into the sidecar, as of now."""
        async with self._turn:
            index, seq = self._index, self._seq
            if index is None or self._sidecar is None:
                return
            event = await self._event(seq)
            if event is None:
                return
            self._saved_seq = seq

            def copy() -> list[bytes]:
                from .saved import Mark, to_bytes  # noqa: PLC0415 - loads numpy

                return to_bytes(index, Mark(seq, event))

            parts, purges = await self._worker.run(copy), self._purges
        await self._sidecar.save(parts)
        if purges != self._purges:
            await self._sidecar.drop()

    async def forget_words(self) -> None:
        """After a purge, which leaves nothing of an entry: no file may hold its words. The index is then made anew."""
        self._purges += 1
        if self._sidecar is not None:
            await self._sidecar.drop()

    async def _from_sidecar(self, head: int) -> Index | None:
        if self._sidecar is None or (data := await self._sidecar.load()) is None:
            return None

        def read() -> tuple[Mark, Index] | None:
            from .saved import Damaged, from_bytes, mark_of  # noqa: PLC0415 - loads numpy

            try:
                return mark_of(data), from_bytes(data)
            except Damaged:
                return None

        found = await self._worker.run(read)
        if found is None:
            return None
        mark, index = found
        if not 0 < head - mark.seq + 1 <= _BEHIND or await self._event(mark.seq) != mark.event:
            return None
        self._seq = self._saved_seq = mark.seq
        if self._embedder is not None:
            self._unembedded.update(dict.fromkeys(index.unembedded(self._embedder.model)))
        return index

    async def _event(self, seq: int) -> str | None:
        """What the outbox has there, as a digest; None when it is no longer there."""
        events = await self._storage.outbox(seq - 1, limit=1) if seq > 0 else []
        if not events or events[0].seq != seq:
            return None
        return blake2b(encode(events[0]), digest_size=16).hexdigest()

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
            if any(event.kind == _PURGED for event in events):
                await self.forget_words()
                return False
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


def _new_index() -> Index:
    from .index import Index  # noqa: PLC0415 - loads numpy

    return Index()


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
