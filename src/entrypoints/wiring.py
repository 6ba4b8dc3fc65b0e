"""The composition root: the one place where adapters meet the domain."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from secrets import token_hex
from typing import TYPE_CHECKING

import msgspec

from ..adapters.inprocess.clock import SystemClock
from ..adapters.inprocess.entropy import Entropy
from ..adapters.inprocess.worker import ThreadWorker
from ..core.call_limits import CallLimits
from ..core.file_lock import FileLocks
from ..core.guarded_storage import GuardedStorage
from ..core.ids import IdSource
from ..core.memory import Memory
from ..core.redaction.cleaning import Cleaner
from ..core.redaction.redactor import Redactor
from ..core.teamwork import Teamwork
from ..ports.blobs import BlobStore
from ..ports.circuit_breaker import CircuitBreaker
from ..ports.clock import Clock
from ..ports.storage import Storage
from .admin import AdminGuard
from .changes import Changes
from .feed import Feed
from .lazy_lock import LazyLock
from .logs import Log
from .measuring import Measuring, make_measuring
from .query_cache import QueryCache, open_query_cache
from .search import LateSearch, open_search
from .settings import Settings, secrets_of
from .settings_adapters import chooses
from .wiring_parts import Coordination, RedisCheck, make_limits, make_store, open_alone, tell_transitions
from .zones import make_zones

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class App(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that runs, wired. `instance` names this process among those that share a store.

    `storage` is what calls use; `store` the same without circuit breaker, for who asks how it is. `breaker`, `limits`
    and `redis` are None where there are none; `breakers` are all, those before Redis, a limiter that is chosen and an
    embedding server too. `blobs` is None where named exports go to a folder.
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
    blobs: BlobStore | None
    lock: LazyLock
    memory: Memory
    cleaner: Cleaner | None
    search: LateSearch
    query_cache: QueryCache
    file_locks: FileLocks
    team: Teamwork
    feed: Feed
    changes: Changes
    guard: AdminGuard
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
            remote = store.capabilities.shared == "network"
            shared = await open_alone(settings, clock, instance, stack, remote=remote)
        if chooses(settings):
            from .wiring_chosen import with_chosen  # noqa: PLC0415 - this shape only

            shared = await with_chosen(
                shared, settings, store, stack, clock=clock, instance=instance, log=log
            )
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
        new_id = IdSource(lambda: int(clock.now().timestamp() * 1000), Entropy().bits)
        cleaner = await _cleaner(settings, stack)
        file_locks = FileLocks(lock, clock, instance=instance, ttl=settings.file_lock_ttl, cleaner=cleaner)
        yield App(
            settings=settings,
            instance=instance,
            clock=clock,
            store=store,
            storage=storage,
            breaker=shared.breaker,
            breakers=tuple(
                one
                for one in (shared.breaker, shared.redis_breaker, shared.limiter_breaker, search.breaker)
                if one is not None
            ),
            limits=make_limits(
                settings, clock, log, measuring=measuring, instance=instance, shared=shared.limiter
            ),
            redis=shared.redis,
            blobs=shared.blobs,
            lock=lock,
            memory=Memory(
                storage,
                clock,
                new_id,
                search=search,
                answers=query_cache.answers,
                zones=make_zones(settings.timezone),
                cleaner=cleaner,
            ),
            cleaner=cleaner,
            search=search,
            query_cache=query_cache,
            file_locks=file_locks,
            team=Teamwork(
                storage,
                clock,
                new_id,
                file_locks,
                search=search,
                answers=query_cache.answers,
                cleaner=cleaner,
            ),
            feed=feed,
            changes=await stack.enter_async_context(Changes(feed, clock, storage)),
            guard=AdminGuard(clock, log),
            log=log,
            measuring=measuring,
        )


async def _cleaner(settings: Settings, stack: AsyncExitStack) -> Cleaner | None:
    if not settings.redact:
        return None
    return Cleaner(
        Redactor(secrets_of(settings)), await stack.enter_async_context(ThreadWorker(name="redaction"))
    )


def _attended(store: Storage, shared: Coordination) -> Storage:
    if shared.guard is None and shared.committed is None:
        return store
    return GuardedStorage(store, guard=shared.guard, committed=shared.committed)
