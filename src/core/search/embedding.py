"""How the vectors of entries come into the index.

Two kinds of embedder. A *quick* one (the static model: microseconds a text) is asked as entries are indexed: its
vectors are derived data like their words, and nothing of them is stored. A *stored* one (a sentence model, a server
that costs money) works in the background, for one process at a time, by a job, and its vectors are kept by the store;
until they are there the quick ones stand in, and every answer in between says `degraded`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.changes import Enqueue, NewJob, PutVectors
from ...ports.errors import NotHeld, PortError
from ...ports.records import Vector

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ...ports.clock import Clock
    from ...ports.embedder import Embedder
    from ...ports.records import Entry
    from ...ports.storage import Storage
    from ...ports.worker import Worker
    from .index import Index

EMBED_JOB = "embed"
"""One job a model, for whoever has entries without its vectors: which these are is read off the store, so that none is
forgotten whatever happens to the job, and a write costs nothing more.
"""
_PAGE = 256
_LEASE_SECONDS = 60.0
_PAUSE = 5.0
"""Seconds that an embedder which failed is left alone."""


class Embedding:
    """`owner` names this process among those that share the store."""

    def __init__(
        self,
        storage: Storage,
        worker: Worker,
        clock: Clock,
        *,
        quick: Embedder | None = None,
        stored: Embedder | None = None,
        owner: str = "",
    ) -> None:
        self._storage = storage
        self._worker = worker
        self._clock = clock
        self._quick = quick
        self._stored = stored
        self._owner = owner
        self._of: Index | None = None
        self._unembedded: dict[str, None] = {}
        self._waiting: dict[str, None] = {}
        self._try_again_at: dict[str, float] = {}

    @property
    def embedders(self) -> tuple[Embedder, ...]:
        """The better one first."""
        return tuple(each for each in (self._stored, self._quick) if each is not None)

    @property
    def stored_model(self) -> str:
        """Whose vectors the store keeps; empty where it keeps none."""
        return "" if self._stored is None else self._stored.model

    @property
    def quick(self) -> Embedder | None:
        return self._quick

    @property
    def stored(self) -> Embedder | None:
        return self._stored

    @property
    def incomplete(self) -> bool:
        """Whether there are entries without a vector that they are to have."""
        return bool(self._unembedded or self._waiting)

    @property
    def due(self) -> bool:
        """Whether `sweep` has something to do by now."""
        return self._stored is not None and bool(self._waiting) and self._allowed(self._stored)

    def begin(self, index: Index | None) -> None:
        """What is missing is now told of this index, of which nothing is known yet. Who still makes vectors for the one
        before keeps its books: what they strike off is not there in the new one.
        """
        self._of = index
        self._unembedded = {}
        self._waiting.clear()

    async def restored(self, index: Index) -> None:
        """An index that was saved: under another model perhaps, or before all vectors were there."""
        if self._quick is not None:
            self._unembedded.update(dict.fromkeys(index.unembedded(self._quick.model)))
        if self._stored is not None:
            await self.take(index, index.unembedded(self._stored.model), wait=True)

    async def added(self, index: Index, entries: Sequence[Entry], *, at_once: bool) -> None:
        """`at_once`: so few that the question which waits for them gains more by their vectors than it loses."""
        active = [entry for entry in entries if entry.state == "active"]
        if self._quick is not None and active:
            if at_once:
                await self._embed(index, self._quick, active)
            else:
                self._unembedded.update(dict.fromkeys(entry.id for entry in active))
        if self._stored is not None:
            await self.take(index, [entry.id for entry in active], wait=True)

    @property
    def late_due(self) -> bool:
        return self._quick is not None and bool(self._unembedded) and self._allowed(self._quick)

    async def late(self, index: Index) -> None:
        """What was too much for the quick embedder to do at once, or failed."""
        while self._quick is not None and index is self._of and self._allowed(self._quick):
            books = self._unembedded
            some = list(books)[:_PAGE]
            if not some:
                return
            entries = await self._storage.get(some)
            if index is not self._of:
                return
            self._drop(books, set(some).difference(entry.id for entry in entries))
            await self._embed(index, self._quick, entries)

    async def take(self, index: Index, ids: Sequence[str], *, wait: bool) -> None:
        """The vectors that the store has by now. `wait`: the others are to be made."""
        if self._stored is None:
            return
        model = self._stored.model
        for start in range(0, len(ids), _PAGE):
            some = ids[start : start + _PAGE]
            found = await self._storage.vectors(some, model=model)
            await self._put(index, model, found)
            self._drop(self._waiting, found)
            if wait:
                self._waiting.update(dict.fromkeys(entry_id for entry_id in some if entry_id not in found))

    def want(self, ids: Iterable[str]) -> None:
        """These have no vectors of the stored one, and are to have some."""
        self._waiting.update(dict.fromkeys(ids))

    async def sweep(self) -> None:
        """Make what is missing and store it, unless another process is at it. Its vectors come back by the outbox."""
        embedder = self._stored
        if embedder is None:
            return
        kind = f"{EMBED_JOB}:{embedder.model}"
        await self._storage.apply(Enqueue(NewJob(kind=kind, key=embedder.model), self._clock.now()))
        leases = await self._storage.lease_jobs([kind], owner=self._owner, ttl=_LEASE_SECONDS)
        if not leases:
            self._pause(embedder)
            return
        (lease,) = leases
        try:
            for some in self._batches(embedder.capabilities.batch):
                entries = [e for e in await self._storage.get(some) if e.state == "active"]
                self._drop(self._waiting, set(some).difference(entry.id for entry in entries))
                vectors = await embedded(embedder, entries)
                now = self._clock.now()
                puts = [
                    PutVectors(entry.id, entry.version, embedder.model, now, tuple(each))
                    for entry, each in zip(entries, vectors, strict=True)
                ]
                await self._storage.apply(*puts)
                self._drop(self._waiting, some)
                lease = await self._storage.renew_job(lease, ttl=_LEASE_SECONDS)
            await self._storage.complete_job(lease)
        except NotHeld:
            # Slower than the lease: another has it, and what was stored is stored.
            self._pause(embedder)
        except PortError as error:
            self._pause(embedder)
            await self._storage.fail_job(lease, reason=str(error), retry_in=_PAUSE)

    def _batches(self, size: int) -> Iterable[list[str]]:
        while some := list(self._waiting)[:size]:
            yield some

    async def _embed(self, index: Index, embedder: Embedder, entries: Sequence[Entry]) -> None:
        books = self._unembedded
        books.update(dict.fromkeys(entry.id for entry in entries))
        if not self._allowed(embedder):
            return
        try:
            vectors = await embedded(embedder, entries)
        except PortError:
            # Said by the next answer; the entries are found by their words.
            self._pause(embedder)
            return

        def put() -> None:
            for entry, each in zip(entries, vectors, strict=True):
                # Of a version that was replaced meanwhile they would stand in for those of its successor.
                if index.holds(entry.id, entry.version):
                    index.put_vectors(entry.id, embedder.model, each)

        await self._worker.run(put)
        self._drop(books, [entry.id for entry in entries])

    async def _put(self, index: Index, model: str, vectors: Mapping[str, Sequence[Vector]]) -> None:
        def put() -> None:
            for entry_id, each in vectors.items():
                index.put_vectors(entry_id, model, each)

        if vectors:
            await self._worker.run(put)

    def _allowed(self, embedder: Embedder) -> bool:
        return self._clock.monotonic() >= self._try_again_at.get(embedder.model, -1.0)

    def _pause(self, embedder: Embedder) -> None:
        self._try_again_at[embedder.model] = self._clock.monotonic() + _PAUSE

    def _drop(self, books: dict[str, None], ids: Iterable[str]) -> None:
        for entry_id in ids:
            books.pop(entry_id, None)


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
    return [[Vector(values=next(values), start=span.start, end=span.end) for span in some] for some in spans]
