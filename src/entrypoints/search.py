"""Search, wired: its thread, its file, its embedders."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from ..adapters.files.sidecar import FileSidecar
from ..adapters.inprocess.worker import ThreadWorker
from .settings_limits import breaker_thresholds
from .wiring_parts import make_breaker, tell_transitions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AsyncExitStack
    from datetime import datetime

    from ..core.search.found import Answer, Mode, VectorCount
    from ..core.search.looking import Similar
    from ..core.search.searching import Search
    from ..ports.circuit_breaker import CircuitBreaker, Thresholds
    from ..ports.clock import Clock
    from ..ports.embedder import Embedder
    from ..ports.queries import EntryFilter
    from ..ports.records import Entry
    from ..ports.sidecar import Sidecar
    from ..ports.storage import Storage
    from ..ports.worker import Worker
    from .logs import Log
    from .settings import Settings


_FAILURES = 2
"""In a row at most, until an embedding server is left alone."""


class LateSearch:
    """A `Search` whose modules are loaded by the first question, on the worker: a start has no use for them.

    `model`: the one that is configured, None where there is none; `breaker`: before its server, where it is on one.
    """

    def __init__(
        self,
        worker: Worker,
        sidecar: Sidecar | None,
        load: Callable[[], Callable[[], Search]],
        *,
        model: Embedder | None,
        breaker: CircuitBreaker | None = None,
        stored_model: str = "",
    ) -> None:
        self.model = model
        self.breaker = breaker
        self._stored_model = stored_model
        self._worker = worker
        self._sidecar = sidecar
        self._load = load
        self._search: Search | None = None

    @property
    def embeds(self) -> bool:
        return self.model is not None

    async def find(
        self, text: str, where: EntryFilter, *, mode: Mode, limit: int, now: datetime
    ) -> Answer | None:
        if self._search is None:
            make = await self._worker.run(self._load)
            if self._search is None:  # another question may have made it meanwhile
                self._search = make()
        return await self._search.find(text, where, mode=mode, limit=limit, now=now)

    @property
    def ready(self) -> bool:
        return self._search is not None and self._search.ready

    async def similar(
        self, entries: Sequence[Entry], *, ceiling: str, now: datetime
    ) -> list[tuple[Similar, ...] | None] | None:
        """Loads nothing: a write does not wait for that."""
        if self._search is None:
            return None
        return await self._search.similar(entries, ceiling=ceiling, now=now)

    async def vectors(self) -> VectorCount | None:
        """None where nothing is loaded: who asks how it is loads nothing."""
        return None if self._search is None else await self._search.vectors()

    async def purged(self) -> None:
        if self._search is not None:
            await self._search.purged()
        elif self._sidecar is not None:
            await self._sidecar.drop()

    async def rebuild(self) -> str:
        if self._search is not None:
            return await self._search.rebuild()
        if self._sidecar is not None:
            await self._sidecar.drop()
        return self._stored_model

    async def close(self) -> None:
        if self._search is not None:
            await self._search.close()


async def open_search(
    settings: Settings, storage: Storage, clock: Clock, stack: AsyncExitStack, *, instance: str, log: Log
) -> LateSearch:
    """Nothing is loaded before the first question."""
    sidecar = None
    if settings.db_type == "sqlite":
        sidecar = FileSidecar(settings.db_path.with_name(settings.db_path.name + "-index"))
    breaker = None
    if settings.embedder == "openai":
        breaker = await stack.enter_async_context(make_breaker("embedder", _thresholds(settings), clock))
        tell_transitions(breaker, log)
    quick, stored = await _open_embedders(settings, clock, stack, breaker, instance=instance)
    worker = await stack.enter_async_context(ThreadWorker(name="search"))

    def load() -> Callable[[], Search]:
        from ..core.search.searching import Search  # noqa: PLC0415 - by the first question

        return partial(
            Search,
            storage,
            worker,
            clock,
            quick=quick,
            stored=stored,
            sidecar=sidecar,
            owner=instance,
            most=settings.search_index_max,
        )

    search = LateSearch(
        worker,
        sidecar,
        load,
        model=stored or quick,
        breaker=breaker,
        stored_model="" if stored is None else stored.model,
    )
    stack.push_async_callback(search.close)
    return search


def _thresholds(settings: Settings) -> Thresholds:
    """Every question waits for the server's vector of it, two seconds where it does not answer: one that is down must
    not be asked by each, and two in a row say enough.
    """
    thresholds = breaker_thresholds(settings)
    return msgspec.structs.replace(thresholds, failures=min(thresholds.failures, _FAILURES))


async def _open_embedders(
    settings: Settings,
    clock: Clock,
    stack: AsyncExitStack,
    breaker: CircuitBreaker | None,
    *,
    instance: str,
) -> tuple[Embedder | None, Embedder | None]:
    """The quick one and the chosen one."""
    if settings.embedder == "off":
        return None, None
    from ..adapters.embedders.static import StaticEmbedder  # noqa: PLC0415 - unless it is off

    quick = await stack.enter_async_context(StaticEmbedder())
    if settings.embedder == "static":
        return quick, None
    from .embedding import choose_embedder  # noqa: PLC0415 - where another is chosen

    # The static one stands in until the vectors of this one are made, and wherever it fails.
    stored = choose_embedder(settings, clock, breaker, instance=instance)
    return quick, None if stored is None else await stack.enter_async_context(stored)
