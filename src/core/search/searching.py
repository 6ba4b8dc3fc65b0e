"""Search as recall asks for it: entries of the store, ranked by the index, each checked again before it is shown."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ...ports.errors import PortError
from ...ports.scopes import ScopeFilter
from .allowance import Allowance
from .embedding import Embedding
from .follower import Follower
from .found import Answer, Scored, VectorCount
from .keeping import Keeping
from .large import Large
from .matching import matches
from .question import asks_for_a_name, names_something
from .weights import Weights

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from datetime import datetime

    from ...ports.clock import Clock
    from ...ports.embedder import Embedder
    from ...ports.queries import EntryFilter
    from ...ports.records import Entry
    from ...ports.sidecar import Sidecar
    from ...ports.storage import Storage
    from ...ports.worker import Worker
    from .found import Mode
    from .index import Index
    from .looking import Similar
    from .rank import Ranked

_EVERYWHERE = ScopeFilter(descendants=True)
_SPARE = 8
"""Results asked for beyond the limit, in place of those that changed while they were ranked."""


_BEHIND = 64
"""Events that a write takes into the index; more of them wait for the next question."""
_LOOKING = 4
"""Writes that look for similar entries at once. Others do without: they would wait for each other."""


class Search:
    """`most`: entries up to which there is an index; it lives in memory, about 1.3 KB an entry. `patience`: seconds
    that a question waits for it. Where there is none, or not yet, the store's own searches by words and by meaning are
    joined; where the store has no index of vectors `find` gives None, and its search by words has to do. `moment`:
    seconds that a write waits to be told what is similar.
    """

    def __init__(
        self,
        storage: Storage,
        worker: Worker,
        clock: Clock,
        *,
        quick: Embedder | None = None,
        stored: Embedder | None = None,
        sidecar: Sidecar | None = None,
        owner: str = "",
        weights: Weights | None = None,
        patience: float = 3.0,
        moment: float = 0.1,
        most: int = 1_000_000,
    ) -> None:
        self._storage = storage
        self._worker = worker
        self._weights = weights or Weights()
        self._patience = patience
        self._moment = moment
        self._looking = 0
        self._allowance = Allowance(clock)
        self._most = most
        self._clock = clock
        self._too_many_until = -1.0
        self._keeping = Keeping(storage, worker, sidecar)
        self._embedding = Embedding(storage, worker, clock, quick=quick, stored=stored, owner=owner)
        self._follower = Follower(storage, worker, self._embedding, self._keeping)
        self._large = Large(storage, worker, self._embedding)
        self._filling: asyncio.Task[None] | None = None
        self._filling_since = 0.0
        self._errands: dict[str, asyncio.Task[None]] = {}

    @property
    def embeds(self) -> bool:
        return bool(self._embedding.embedders)

    async def find(
        self, text: str, where: EntryFilter, *, mode: Mode, limit: int, now: datetime
    ) -> Answer | None:
        index = await self._ready_index()
        weights = self._weights if mode != "dense" else self._weights.by_meaning_alone()
        if index is None:
            if mode == "lexical" or not self._large.possible:
                return None
            return await self._find_in_store(text, where, mode=mode, limit=limit, weights=weights)
        vectors, degraded = await self._vectors(index, text, where, mode)
        if not vectors:
            weights = self._weights  # by words, which is said, rather than nothing

        def search() -> list[Ranked]:
            from .index import Asked  # noqa: PLC0415 - loads numpy

            return index.search(Asked(text, where, vectors, limit + _SPARE, now, weights))

        ranked = await self._worker.run(search)
        if self._embedding.late_due:
            self._start("late", partial(self._embedding.late, index))
        elif self._follower.save_due:
            # Not before the vectors are there: a start would make all of them again.
            self._start("save", self._follower.save)
        if self._embedding.due:
            self._start("embed", self._embedding.sweep)
        standing = await self._standing([one.id for one in ranked], where, limit)
        hits = tuple(
            Scored(
                entry=standing[one.id],
                score=one.score,
                match=one.match,
                lexical=one.lexical,
                dense=one.dense,
                parts=one.parts,
                start=one.start,
                end=one.end,
                sure=one.sure,
            )
            for one in ranked
            if one.id in standing
        )
        return Answer(hits[:limit], degraded)

    async def _find_in_store(
        self, text: str, where: EntryFilter, *, mode: Mode, limit: int, weights: Weights
    ) -> Answer:
        whole = False
        if self._clock.monotonic() < self._too_many_until:
            whole = await self._large.follow(_BEHIND)
            if not whole:
                self._start("hear", self._hear)
        answer = await self._large.find(text, where, mode=mode, limit=limit, weights=weights, whole=whole)
        if self._embedding.due:
            self._start("embed", self._embedding.sweep)
        return answer

    async def _hear(self) -> None:
        await self._large.follow()

    async def _standing(self, ids: Sequence[str], where: EntryFilter, limit: int) -> dict[str, Entry]:
        """Those that the filter still admits, as the store has them: of the first ones, as many as an answer holds, and
        of the others where that leaves too few.
        """
        found: dict[str, Entry] = {}
        while ids and len(found) < limit:
            some, ids = ids[:limit], ids[limit:]
            entries = await self._storage.get(some, ceiling=where.where.ceiling)
            found.update((entry.id, entry) for entry in entries if matches(entry, where))
        return found

    @property
    def ready(self) -> bool:
        """Whether `similar` may find something now: the index is there, few ask, and there is time left for it."""
        return self._follower.filled and self._looking < _LOOKING and self._allowance.left

    async def similar(
        self, entries: Sequence[Entry], *, ceiling: str, now: datetime
    ) -> list[tuple[Similar, ...] | None] | None:
        """Of each entry, those that say the same, among all that were committed before the call and that a recall at
        its scope sees. None where that was not to be known at once: the index is not there or far behind.
        """
        from .looking import similar_to  # noqa: PLC0415 - loads numpy, which is there when the index is

        began = self._clock.monotonic()
        self._looking += 1
        try:
            async with asyncio.timeout(self._moment):
                index = await self._follower.catch_up_soon(_BEHIND)
                if index is not None:
                    return await similar_to(
                        index, entries, ceiling=ceiling, now=now,
                        storage=self._storage, worker=self._worker, embedder=self._embedding.quick,
                    )  # fmt: skip
        except (TimeoutError, PortError):
            # The write says what is wrong with the store, if anything is.
            pass
        finally:
            self._looking -= 1
            self._allowance.spend(self._clock.monotonic() - began)
        if self._follower.filled:
            self._start("follow", self._follow)
        return None

    async def _follow(self) -> None:
        await self._follower.catch_up()

    async def vectors(self) -> VectorCount | None:
        """None where there is no index, or no model."""
        index, embedders = self._follower.index, self._embedding.embedders
        if index is None or not embedders:
            return None
        model = embedders[0].model
        embedded, entries = await self._worker.run(lambda: (index.embedded(model), len(index)))
        return VectorCount(entries=embedded, pending=max(0, entries - embedded))

    async def purged(self) -> None:
        """To be said after a purge, before its caller hears of it: no file may hold the words of what is gone."""
        await self._keeping.drop()

    async def rebuild(self) -> str:
        """The next question makes it anew from the store. The model whose vectors the store keeps, if any."""
        await self._keeping.drop()
        await self._follower.forget()
        return self._embedding.stored_model

    async def idle(self) -> None:
        """Until what was begun beside the answers (saving, embedding) has ended, well or not."""
        if self._errands:
            await asyncio.wait(self._errands.values())

    async def close(self) -> None:
        running = [task for task in (self._filling, *self._errands.values()) if task is not None]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    async def _ready_index(self) -> Index | None:
        """Caught up with what was committed before the call, or None when that takes longer than a caller waits.

        The time that it takes to fill is waited for once, not by every question that comes meanwhile.
        """
        loop = asyncio.get_running_loop()
        filling = self._filling is not None and not self._filling.done()
        waiting_since = self._filling_since if filling else loop.time()
        try:
            async with asyncio.timeout_at(waiting_since + self._patience):
                while (index := await self._follower.catch_up()) is None or len(index) > self._most:
                    if index is not None:
                        # It has grown since it was filled.
                        await self._follower.drop()
                    if await self._too_many():
                        return None
                    await self._fill()
                return index
        except TimeoutError:
            return None

    async def _too_many(self) -> bool:
        """Looked at again once a minute."""
        now = self._clock.monotonic()
        if now < self._too_many_until:
            return True
        if (await self._storage.stats(_EVERYWHERE)).entries <= self._most:
            return False
        self._too_many_until = now + 60
        return True

    async def _fill(self) -> None:
        """Filled once for all who ask; it goes on when they have stopped waiting."""
        if self._filling is None or self._filling.done():
            self._filling_since = asyncio.get_running_loop().time()
            self._filling = asyncio.create_task(self._follower.fill(), name="search index")
            self._filling.add_done_callback(_seen)
        filling = self._filling
        await asyncio.wait([filling])
        filling.result()

    def _start(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Beside the answers, one of a name at a time."""
        running = self._errands.get(name)
        if running is None or running.done():
            task = self._errands[name] = asyncio.create_task(work(), name=f"search: {name}")
            task.add_done_callback(_seen)

    async def _vectors(
        self, index: Index, text: str, where: EntryFilter, mode: Mode
    ) -> tuple[Mapping[str, bytes], bool]:
        """The question as each model sees it, and whether something of that is missing."""
        embedders = self._embedding.embedders
        if not embedders or mode == "lexical" or (mode == "hybrid" and asks_for_a_name(text)):
            return {}, False
        asked = text
        if names_something(text):
            asked = await self._worker.run(lambda: index.dense_question(text, where))
        vectors: dict[str, bytes] = {}
        for embedder in embedders:
            with suppress(PortError):
                (vectors[embedder.model],) = await embedder.embed([asked], kind="query")
        return vectors, self._embedding.incomplete or len(vectors) < len(embedders)


def _seen(task: asyncio.Task[None]) -> None:
    """Its error, if any, is told to whoever waits; where nobody does, the next question tries again."""
    if not task.cancelled():
        task.exception()
