"""The query cache, wired: which answers are kept, where, and what makes them stale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from .. import __version__
from ..adapters.inprocess.cache import CacheState, InProcessCache
from ..core.answers import Answers
from ..core.freshness import Freshness
from ..ports.cache import Cache
from .measuring import Measuring, Unmeasured
from .zones import make_zones

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AsyncExitStack

    from ..ports.clock import Clock
    from ..ports.storage import Storage
    from .feed import Feed
    from .settings import Settings

_MEGABYTE = 1 << 20


class QueryCache(msgspec.Struct, frozen=True):
    """`answers` is None where it is switched off; `caches` are those whose figures count, `limits` the bytes that each
    may take in this process.
    """

    answers: Answers | None = None
    caches: tuple[Cache, ...] = ()
    limits: tuple[int, ...] = ()


async def open_query_cache(
    settings: Settings,
    storage: Storage,
    clock: Clock,
    feed: Feed,
    stack: AsyncExitStack,
    *,
    instance: str,
    shared: Cache | None = None,
    measuring: Measuring | None = None,
) -> QueryCache:
    """`shared`: an open cache for recalls that other processes use too; without one they are kept in this process.

    A store without marks is listened to for as long as `stack` is open.
    """
    if not settings.query_cache_size:
        return QueryCache()
    state = CacheState(max_bytes=_own_bytes(settings), max_entries=settings.query_cache_size)
    own = await stack.enter_async_context(InProcessCache(clock=clock, state=state))
    events = None if storage.capabilities.marks else await stack.enter_async_context(feed.subscribe())
    look = Unmeasured().cache if measuring is None else measuring.cache
    answers = Answers(
        Freshness(storage, clock, events=events, ttl=settings.scope_cache_ttl),
        shared=look(shared or own),
        own=look(own),
        ttl=settings.query_cache_ttl if shared is None or settings.cache else settings.redis_cache_ttl,
        # "Yesterday" is ranked by the zone in which it is asked.
        schema=f"{__version__} {make_zones(settings.timezone).local}",
        process=instance,
        exact=storage.capabilities.marks,
    )
    if shared is None:
        return QueryCache(answers, (own,), (_own_bytes(settings),))
    return QueryCache(answers, (own, shared), (_own_bytes(settings), near_cache_bytes(settings)))


def near_cache_bytes(settings: Settings) -> int:
    """What is left in this process for the answers that it shares, beside its own: no less than a megabyte."""
    left = settings.cache_limit_mb * _MEGABYTE - _own_bytes(settings)
    return max(_MEGABYTE, min(settings.query_cache_memory_mb * _MEGABYTE, left))


def _own_bytes(settings: Settings) -> int:
    return min(settings.query_cache_memory_mb, settings.cache_limit_mb) * _MEGABYTE


def cache_figures(caches: Sequence[Cache]) -> dict[str, Any]:
    """`hitRate` is of all questions so far, 0 before the first."""
    stats = [cache.stats() for cache in caches]
    hits = sum(one.hits for one in stats)
    asked = hits + sum(one.misses for one in stats)
    return {
        "entries": sum(one.entries for one in stats),
        "memoryMB": round(sum(one.bytes for one in stats) / _MEGABYTE, 3),
        "hitRate": round(hits / asked, 4) if asked else 0.0,
    }
