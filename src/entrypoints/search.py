"""Search, wired: its thread, its file, its embedder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..adapters.files.sidecar import FileSidecar
from ..adapters.inprocess.worker import ThreadWorker
from ..core.search.searching import Search
from .embedding import choose_embedder

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from ..ports.clock import Clock
    from ..ports.storage import Storage
    from .settings import Settings


async def open_search(
    settings: Settings, storage: Storage, clock: Clock, instance: str, stack: AsyncExitStack
) -> Search:
    """Nothing is loaded before the first question."""
    sidecar = None
    if settings.db_type == "sqlite":
        sidecar = FileSidecar(settings.db_path.with_name(settings.db_path.name + "-index"))
    quick = stored = None
    if settings.embedder != "off":
        from ..adapters.embedders.static import StaticEmbedder  # noqa: PLC0415 - unless it is off

        quick = await stack.enter_async_context(StaticEmbedder())
    if settings.embedder not in {"off", "static"}:
        # The static one stands in until the vectors of this one are made, and wherever it fails.
        stored = choose_embedder(settings, clock)
        if stored is not None:
            await stack.enter_async_context(stored)
    worker = await stack.enter_async_context(ThreadWorker(name="search"))
    search = Search(
        storage,
        worker,
        clock,
        quick=quick,
        stored=stored,
        sidecar=sidecar,
        owner=instance,
        most=settings.search_index_max,
    )
    stack.push_async_callback(search.close)
    return search
