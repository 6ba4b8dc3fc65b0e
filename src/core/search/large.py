"""A store too large for an index in this process: its own searches by words and by meaning, joined by the same weights.

Only where the store has an index of vectors, and for the model whose vectors it keeps. What stands around an entry, who
said it and when are not looked at.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from ...ports.errors import PortError
from ...ports.queries import LexicalQuery, VectorQuery
from ..lexical import query_terms
from .found import Answer
from .question import asks_for_a_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...ports.embedder import Embedder
    from ...ports.queries import EntryFilter, Hit
    from ...ports.records import Vector
    from ...ports.storage import Storage
    from ...ports.worker import Worker
    from .embedding import Embedding
    from .found import Mode
    from .weights import Weights

_CANDIDATES = 64
"""Of each side, beyond the limit."""
_EVENTS = 500
"""Of the outbox, read at once."""
_FIRST = 20_000
"""Events before the first question of a process that are gone through for entries without vectors."""
_CHANGES = frozenset({"entry.added", "entry.updated"})


class Near(NamedTuple):
    """`hits`: the nearest. `vectors`: those of what was found by words alone. `asked`: the question's own."""

    hits: Sequence[Hit]
    vectors: Mapping[str, Sequence[Vector]]
    asked: bytes


class Large:
    """Which entries lack vectors is heard from the outbox and seen in what is found: nobody goes through the store."""

    def __init__(self, storage: Storage, worker: Worker, embedding: Embedding) -> None:
        self._storage = storage
        self._worker = worker
        self._embedding = embedding
        self._seq: int | None = None
        self._turn = asyncio.Lock()

    @property
    def possible(self) -> bool:
        return self._embedding.stored is not None and self._storage.capabilities.vectors == "approximate"

    async def find(
        self, text: str, where: EntryFilter, *, mode: Mode, limit: int, weights: Weights, whole: bool
    ) -> Answer:
        """`whole`: all entries that lack vectors are known by now. `degraded` where one does, or the model or the
        store's search by meaning did not answer.
        """
        most = limit + _CANDIDATES
        named = mode == "hybrid" and asks_for_a_name(text)
        words, near = await asyncio.gather(
            self._by_words(text, where, most, wanted=mode != "dense"),
            self._by_meaning(text, where, most, wanted=not named),
        )
        known = await self._with_vectors(words, near)
        if known is not None:
            compared = known.vectors.keys() | {hit.entry.id for hit in known.hits}
            self._embedding.want(hit.entry.id for hit in words if hit.entry.id not in compared)

        def join() -> Answer:
            from .joined import joined  # noqa: PLC0415 - loads numpy

            return Answer(joined(words, known, weights)[:limit])

        answer = await self._worker.run(join)
        lacking = not named and (known is None or not whole or self._embedding.incomplete)
        return Answer(answer.hits, lacking)

    async def follow(self, most: int | None = None) -> bool:
        """Hear of entries that came since the last time. `most`: not more events than so many; False where there are
        more, or there may be.
        """
        stored = self._embedding.stored
        if stored is None:
            return False
        async with self._turn:
            head = await self._storage.outbox_head()
            seq = max(0, head - _FIRST) if self._seq is None else self._seq
            if most is not None and head - seq > most:
                return False
            while seq < head:
                events = await self._storage.outbox(seq, limit=_EVENTS)
                if not events:
                    break
                ids = list(dict.fromkeys(event.subject for event in events if event.kind in _CHANGES))
                have = await self._storage.vectors(ids, model=stored.model) if ids else {}
                self._embedding.want([each for each in ids if each not in have])
                self._seq = seq = events[-1].seq
            self._seq = head
            return True

    async def _by_words(self, text: str, where: EntryFilter, most: int, *, wanted: bool) -> list[Hit]:
        if not wanted:
            return []
        return await self._storage.search(LexicalQuery(terms=query_terms(text), filter=where, limit=most))

    async def _by_meaning(
        self, text: str, where: EntryFilter, most: int, *, wanted: bool
    ) -> tuple[Embedder, bytes, list[Hit]] | None:
        embedder = self._embedding.stored
        if not wanted or embedder is None:
            return None
        try:
            (vector,) = await embedder.embed([text], kind="query")
            asked = VectorQuery(vector=vector, model=embedder.model, filter=where, limit=most)
            return embedder, vector, await self._storage.nearest(asked)
        except PortError:
            # Said by the answer, which has its words.
            return None

    async def _with_vectors(
        self, words: Sequence[Hit], near: tuple[Embedder, bytes, list[Hit]] | None
    ) -> Near | None:
        """What words found is compared too, or the same entry would count for less than its neighbour."""
        if near is None:
            return None
        embedder, vector, hits = near
        standing = {hit.entry.id for hit in hits}
        others = [hit.entry.id for hit in words if hit.entry.id not in standing]
        try:
            vectors = await self._storage.vectors(others, model=embedder.model) if others else {}
        except PortError:
            return None
        return Near(hits, vectors, vector)
