"""The composition root: the one place where adapters meet the domain."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from secrets import randbits, token_hex
from typing import TYPE_CHECKING

import msgspec

from ..adapters.inprocess.clock import SystemClock
from ..core.call_limits import CallLimits
from ..core.file_lock import FileLocks
from ..core.guarded_storage import GuardedStorage
from ..core.ids import IdSource
from ..core.memory import Memory
from ..ports.circuit_breaker import CircuitBreaker
from ..ports.clock import Clock
from ..ports.storage import Storage
from .feed import Feed
from .lazy_lock import LazyLock
from .logs import Log
from .measuring import Measuring, make_measuring
from .query_cache import QueryCache, open_query_cache
from .search import LateSearch, open_search
from .settings import Settings
from .wiring_parts import Coordination, RedisCheck, make_limits, make_store, open_alone, tell_transitions

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class App(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that runs, wired. `instance` names this process among those that share a store.

    `storage` is what calls use; `store` the same without circuit breaker, for who asks how it is. `breaker`, `limits`
    and `redis` are None where there are none; `breakers` are all, that before Redis too.
    """

    settings: Settings
    instance: str
    clock: Clock
    store: Storage
    storage: Storage
    breaker: CircuitBreaker | None
    breakers: tuple[CircuitBreaker, ...]
    limits: CallLimits | None
    redis: RedisCheck | None
    lock: LazyLock
    memory: Memory
    search: LateSearch
    query_cache: QueryCache
    file_locks: FileLocks
    feed: Feed
    log: Log
    measuring: Measuring


@asynccontextmanager
async def open_app(settings: Settings, log: Log) -> AsyncGenerator[App]:
    """Opened in order, closed in reverse. `Misconfigured`, `Unavailable` or `Corrupt` when it cannot start."""
    async with AsyncExitStack() as stack:
        instance = token_hex(4)
        clock = SystemClock()
        store = await stack.enter_async_context(make_store(settings, clock, instance))
        if settings.redis_enabled:
            from .wiring_redis import open_fleet  # noqa: PLC0415 - this shape only

            shared = await open_fleet(settings, store, stack, clock=clock, instance=instance, log=log)
        else:
            shared = await open_alone(settings, clock, instance, stack)
        measuring = make_measuring(settings)
        storage = measuring.storage(_attended(store, shared))
        if shared.breaker is not None:
            tell_transitions(shared.breaker, log)
        feed = Feed(storage, shared.bus, clock, log, relays=shared.needs_relay)
        query_cache = await open_query_cache(
            settings, storage, clock, feed, stack, instance=instance, shared=shared.cache, measuring=measuring
        )
        search = await open_search(settings, storage, clock, stack, instance=instance, log=log)
        lock = await stack.enter_async_context(LazyLock(lambda: measuring.lock(shared.make_lock())))
        new_id = IdSource(lambda: int(clock.now().timestamp() * 1000), randbits)
        yield App(
            settings=settings,
            instance=instance,
            clock=clock,
            store=store,
            storage=storage,
            breaker=shared.breaker,
            breakers=tuple(one for one in (shared.breaker, shared.redis_breaker) if one is not None),
            limits=make_limits(
                settings, clock, log, measuring=measuring, instance=instance, shared=shared.limiter
            ),
            redis=shared.redis,
            lock=lock,
            memory=Memory(storage, clock, new_id, search=search, answers=query_cache.answers),
            search=search,
            query_cache=query_cache,
            file_locks=FileLocks(lock, clock, instance=instance, ttl=settings.file_lock_ttl),
            feed=feed,
            log=log,
            measuring=measuring,
        )


def _attended(store: Storage, shared: Coordination) -> Storage:
    if shared.guard is None and shared.committed is None:
        return store
    return GuardedStorage(store, guard=shared.guard, committed=shared.committed)
