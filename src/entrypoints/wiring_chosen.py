"""The adapters that settings choose by name, in the places where those of a shape would stand."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ..ports.adapter import BreakerSetup, CacheSetup, Setup
from ..ports.errors import Misconfigured, PortError
from .fleet_bus import FleetBus
from .guarded_redis import GuardedRateLimiter
from .lazy_lock import LazyLock
from .query_cache import near_cache_bytes
from .registry import Registered, choose, parse_address
from .settings_limits import breaker_thresholds
from .wiring_parts import make_breaker, tell_transitions

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack

    from ..ports.adapter import Adapter
    from ..ports.clock import Clock
    from ..ports.embedder import Embedder
    from ..ports.lock import Lock, LockCapabilities
    from ..ports.storage import Storage
    from .logs import Log
    from .settings import Settings
    from .wiring_parts import Coordination

_LIMITER_PATIENCE = 1.0
"""Seconds that a call of a tool waits to be counted."""


class ChosenLock(LazyLock):
    """`make` may give any context manager of a lock, so that what it can do is told by its descriptor."""

    def __init__(
        self, make: Callable[[], AbstractAsyncContextManager[Lock]], capabilities: LockCapabilities
    ) -> None:
        super().__init__(cast("Callable[[], Lock]", make))
        self._capabilities = capabilities

    @property
    def capabilities(self) -> LockCapabilities:
        return self._capabilities


def make_chosen_store(
    settings: Settings, clock: Clock, instance: str
) -> AbstractAsyncContextManager[Storage]:
    one, adapter = choose("storage", settings.storage)
    return _made(one, adapter, Setup(**_told(settings.storage, settings, clock, instance)))


def make_chosen_embedder(
    settings: Settings, clock: Clock, instance: str
) -> AbstractAsyncContextManager[Embedder]:
    one, adapter = choose("embedder", settings.embedder)
    return _made(one, adapter, Setup(**_told(settings.embedder, settings, clock, instance)))


async def with_chosen(
    shared: Coordination,
    settings: Settings,
    store: Storage,
    stack: AsyncExitStack,
    *,
    clock: Clock,
    instance: str,
    log: Log,
) -> Coordination:
    """What a shape has, with what is chosen in its place."""
    if settings.db_type not in {"sqlite", "postgresql"}:
        _check_lock_reaches(settings, store)
    chosen: dict[str, Any] = {}
    told = partial(_told, settings=settings, clock=clock, instance=instance)
    if settings.event_bus:
        one, adapter = choose("event_bus", settings.event_bus)
        bus = await stack.enter_async_context(_made(one, adapter, Setup(**told(settings.event_bus))))
        if adapter.capabilities.shared == "process":
            chosen |= {"bus": bus, "needs_relay": True, "committed": None}
        else:
            fleet = FleetBus(store, bus, clock=clock, log=log, instance=instance)
            chosen["bus"] = await stack.enter_async_context(fleet)
            chosen |= {"needs_relay": False, "committed": fleet.committed}
    if settings.cache and settings.query_cache_size:
        one, adapter = choose("cache", settings.cache)
        cache_setup = CacheSetup(
            **told(settings.cache),
            max_bytes=near_cache_bytes(settings),
            max_entries=settings.query_cache_size,
        )
        chosen["cache"] = await stack.enter_async_context(_made(one, adapter, cache_setup))
    if settings.lock:
        one, adapter = choose("lock", settings.lock)
        make = partial(_made, one, adapter, Setup(**told(settings.lock)))
        chosen["make_lock"] = partial(ChosenLock, make, adapter.capabilities)
    if settings.rate_limiter:
        one, adapter = choose("rate_limiter", settings.rate_limiter)
        limiter = await stack.enter_async_context(_made(one, adapter, Setup(**told(settings.rate_limiter))))
        before = await stack.enter_async_context(
            make_breaker(f"limiter {one.name}", breaker_thresholds(settings), clock)
        )
        tell_transitions(before, log)
        chosen["limiter"] = GuardedRateLimiter(limiter, before, patience=_LIMITER_PATIENCE)
        chosen["limiter_breaker"] = before
    if settings.circuit_breaker:
        one, adapter = choose("circuit_breaker", settings.circuit_breaker)
        breaker_setup = BreakerSetup(
            **told(settings.circuit_breaker), name=settings.db_type, thresholds=breaker_thresholds(settings)
        )
        breaker = await stack.enter_async_context(_made(one, adapter, breaker_setup))
        chosen |= {"breaker": breaker, "guard": breaker.guard}
    if settings.blob_store:
        one, adapter = choose("blob_store", settings.blob_store)
        chosen["blobs"] = await stack.enter_async_context(
            _made(one, adapter, Setup(**told(settings.blob_store)))
        )
    return msgspec.structs.replace(shared, **chosen)


def _check_lock_reaches(settings: Settings, store: Storage) -> None:
    """The lock beside a storage of someone else's is a file of this host."""
    if store.capabilities.shared == "network" and not settings.lock and not settings.redis_enabled:
        raise Misconfigured(
            f"AGENT_MEMORY_STORAGE={settings.db_type} is shared over a network, and needs locks that are: "
            "set AGENT_MEMORY_LOCK, or AGENT_MEMORY_REDIS_ENABLED=true"
        )


def _made(one: Registered, adapter: Adapter, setup: Setup) -> AbstractAsyncContextManager[Any]:
    what = f"{one.port} adapter {one.name!r} of {one.package} {one.version}"
    try:
        made: Any = adapter.make(setup)
    except PortError:
        raise
    except Exception as error:
        # A package of someone else's may fail in any way; whoever chose it is told which one, and how.
        raise Misconfigured(f"{what} cannot be made as it is set: {type(error).__name__}: {error}") from error
    if not isinstance(made, AbstractAsyncContextManager):
        raise Misconfigured(f"{what} made a {type(made).__name__}, which is no async context manager")
    return cast("AbstractAsyncContextManager[Any]", made)


def _told(text: str, settings: Settings, clock: Clock, instance: str) -> dict[str, Any]:
    """The fields that every `Setup` has."""
    return {
        **msgspec.structs.asdict(parse_address(text)),
        "clock": clock,
        "instance": instance,
        "folder": str(settings.data_dir),
        "program": settings,
    }
