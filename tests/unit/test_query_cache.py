"""The query cache as it is wired."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.cache import InProcessCache
from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.inprocess.event_bus import InProcessEventBus
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.caller import Caller
from agent_memory.core.memory import Memory
from agent_memory.core.requests import Get, Recall, Remember
from agent_memory.entrypoints.feed import Feed
from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.query_cache import QueryCache, cache_figures, open_query_cache
from agent_memory.entrypoints.settings import read_settings
from agent_memory_contract.builders import new_id

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.ports.cache import Cache

ADA = Caller(client="test")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def wired(
    path: Path, *, shared: Cache | None = None, given: tuple[str, str] = ("QUERY_CACHE_SIZE", "1000")
) -> AsyncGenerator[tuple[Memory, QueryCache]]:
    name, value = given
    settings = read_settings({"HOME": "/", f"AGENT_MEMORY_{name}": value}).settings
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(SqliteStorage(path / "memory.db", clock=clock, origin="a"))
        bus = await stack.enter_async_context(InProcessEventBus())
        feed = Feed(storage, bus, clock, Log("error"), relays=True)
        kept = await open_query_cache(settings, storage, clock, feed, stack, instance="a", shared=shared)
        while storage.mark() is None:
            await storage.outbox_head()
        yield Memory(storage, clock, new_id, answers=kept.answers), kept


async def test_a_shared_cache_keeps_recalls_and_the_process_its_gets(tmp_path: Path) -> None:
    shared = InProcessCache(clock=SystemClock())
    async with wired(tmp_path, shared=shared) as (memory, kept):
        wanted = (await memory.remember(Remember(content="an okapi"), ADA)).results[0].id
        for _ in range(3):
            await memory.recall(Recall(query="okapi"), ADA)
            await memory.get(Get(ids=[wanted]), ADA)
        own, other = kept.caches
        assert other is shared
        assert (shared.stats().entries, shared.stats().hits) == (1, 2)
        assert (own.stats().entries, own.stats().hits) == (1, 1)
        figures = cache_figures(kept.caches)
        assert (figures["entries"], figures["hitRate"]) == (2, 0.5)


@pytest.mark.parametrize("name", ["QUERY_CACHE_MEMORY_MB", "CACHE_LIMIT_MB"])
async def test_kept_answers_stay_below_either_limit(tmp_path: Path, name: str) -> None:
    async with wired(tmp_path, given=(name, "1")) as (memory, kept):
        for number in range(20):
            await memory.remember(Remember(content=f"okapi {number} " + "x" * 60_000), ADA)
        for number in range(30):
            question = Recall(query=f"okapi {number}", limit=20, max_tokens=100_000)
            await memory.recall(question, ADA)
        (own,) = kept.caches
        assert 500_000 < own.stats().bytes <= 1 << 20
        assert own.stats().evictions > 0
