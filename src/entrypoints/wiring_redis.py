"""What a fleet shares through Redis: events, locks, limits, and the state of the breaker before the database."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from ..adapters.inprocess.event_bus import InProcessEventBus
from ..ports.errors import PortError
from .fleet_bus import FleetBus
from .guarded_redis import GuardedLock, GuardedRateLimiter
from .query_cache import near_cache_bytes
from .settings_limits import breaker_thresholds
from .settings_redis import redis_driver_needed, redis_settings
from .wiring_parts import Coordination, RedisLoad, make_breaker, tell_transitions

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from ..adapters.redis.connection import RedisServer
    from ..ports.circuit_breaker import CircuitBreaker
    from ..ports.clock import Clock
    from ..ports.storage import Storage
    from .logs import Log
    from .settings import Settings

_LIMITER_PATIENCE = 1.0
"""Seconds that a call of a tool waits to be counted."""
_REDIS_RESET_SECONDS = 2.0
"""At most: a try costs Redis nothing, and locks are refused meanwhile."""
_HEALTH_PATIENCE = 2.0


async def open_fleet(
    settings: Settings, store: Storage, stack: AsyncExitStack, *, clock: Clock, instance: str, log: Log
) -> Coordination:
    """Redis need not be there, now or later."""
    with redis_driver_needed():
        from ..adapters.redis.cache import RedisCache  # noqa: PLC0415 - needs the driver
        from ..adapters.redis.circuit_breaker import RedisCircuitBreaker  # noqa: PLC0415 - same
        from ..adapters.redis.connection import RedisServer  # noqa: PLC0415 - same
        from ..adapters.redis.event_bus import RedisEventBus  # noqa: PLC0415 - same
        from ..adapters.redis.lock import RedisLock  # noqa: PLC0415 - same
        from ..adapters.redis.rate_limiter import RedisRateLimiter  # noqa: PLC0415 - same
    server = await stack.enter_async_context(RedisServer(redis_settings(settings)))
    thresholds = breaker_thresholds(settings)
    before_redis = await stack.enter_async_context(
        make_breaker(
            "redis",
            msgspec.structs.replace(
                thresholds, reset_timeout=min(thresholds.reset_timeout, _REDIS_RESET_SECONDS)
            ),
            clock,
        )
    )
    tell_transitions(before_redis, log)
    # One that is chosen takes the place of the bus, and needs no second one beside it.
    bus = None
    if not settings.event_bus:
        told = await stack.enter_async_context(RedisEventBus(server))
        bus = await stack.enter_async_context(
            FleetBus(store, told, clock=clock, log=log, instance=instance, hears=lambda: told.is_hearing)
        )
    cache = None
    if settings.query_cache_size and not settings.cache:
        cache = await stack.enter_async_context(
            RedisCache(
                server,
                clock=clock,
                max_bytes=near_cache_bytes(settings),
                max_entries=settings.query_cache_size,
            )
        )
    breaker = None
    if store.capabilities.shared == "network" and not settings.circuit_breaker:
        alone = await stack.enter_async_context(make_breaker(settings.db_type, thresholds, clock))
        breaker = await stack.enter_async_context(
            RedisCircuitBreaker(server, settings.db_type, clock=clock, fallback=alone, thresholds=thresholds)
        )
    return Coordination(
        bus=await stack.enter_async_context(InProcessEventBus()) if bus is None else bus,
        committed=None if bus is None else bus.committed,
        make_lock=lambda: GuardedLock(RedisLock(server, clock=clock), before_redis),
        cache=cache,
        limiter=GuardedRateLimiter(RedisRateLimiter(server), before_redis, patience=_LIMITER_PATIENCE),
        breaker=breaker,
        redis_breaker=before_redis,
        guard=None if breaker is None else breaker.guard,
        redis=RedisCheck(server, before_redis),
    )


class RedisCheck:
    """Redis, as health asks it."""

    def __init__(self, server: RedisServer, breaker: CircuitBreaker) -> None:
        """`breaker` is the one before locks and limits."""
        self._server = server
        self._breaker = breaker

    async def figures(self, problems: list[str]) -> dict[str, Any]:
        """`connected`, `host` and `port`, by a round trip now; and whether it takes what is written, which one that is
        full, read-only or cannot save refuses while it still answers. `breaker`: the circuit before it.
        """
        location = self._server.settings.location
        host, port = location.addresses[0] if location.addresses else (location.path, 0)
        figures: dict[str, Any] = {"connected": False, "host": host, "port": port}
        what = ""
        try:
            async with asyncio.timeout(_HEALTH_PATIENCE):
                figures["pingMs"] = round(await self._server.ping() * 1000, 3)
                figures["connected"] = True
                what = ": new file locks are refused"
                await self._server.execute("SET", f"{self._server.prefix}health", "", "EX", 1)
        except PortError as error:
            problems.append(f"{error.code}: {error}{what}")
        except TimeoutError:
            problems.append(f"unavailable: {self._server.name}: no answer within {_HEALTH_PATIENCE:g} s")
        now = await self._breaker.status()
        figures["breaker"] = {"state": now.state, "failures": now.failures, "retryAfter": now.retry_after}
        return figures

    async def load(self) -> RedisLoad:
        """Also where this user may not ask for INFO."""
        connected, told = False, b""
        with suppress(PortError, TimeoutError):
            async with asyncio.timeout(_HEALTH_PATIENCE):
                await self._server.ping()
                connected = True
                told = await self._server.execute("INFO", "memory", retries=0)
        return RedisLoad(
            connected=connected,
            failed=self._server.connections_failed,
            lost=self._server.connections_lost,
            memory_used=_told(told, b"used_memory"),
            memory_limit=_told(told, b"maxmemory"),
        )


def _told(info: bytes, name: bytes) -> int | None:
    for line in info.splitlines():
        key, _, value = line.partition(b":")
        if key == name and value.isdigit():
            return int(value)
    return None
