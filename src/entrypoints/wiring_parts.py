"""What stands behind each port, by the settings. Adapters are loaded where they are used."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ..core.call_limits import CallLimits, Limit, Limits
from ..ports.blobs import BlobStore
from ..ports.cache import Cache
from ..ports.circuit_breaker import CircuitBreaker
from ..ports.event_bus import EventBus
from ..ports.lock import Lock
from ..ports.rate_limiter import RateLimiter
from .settings_adapters import STORES
from .settings_limits import breaker_thresholds, limits_are_on
from .settings_postgres import postgres_driver_needed, postgres_settings

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from ..ports.circuit_breaker import Thresholds, Transition
    from ..ports.clock import Clock
    from ..ports.storage import Storage
    from .logs import Log
    from .measuring import Measuring
    from .settings import Settings


def make_store(settings: Settings, clock: Clock, instance: str) -> AbstractAsyncContextManager[Storage]:
    if settings.db_type == "postgresql":
        with postgres_driver_needed():
            from ..adapters.postgres.storage import PostgresStorage  # noqa: PLC0415 - needs the driver
        return PostgresStorage(postgres_settings(settings), clock=clock, origin=instance)
    if settings.db_type not in STORES:
        from .wiring_chosen import make_chosen_store  # noqa: PLC0415 - this shape only

        return make_chosen_store(settings, clock, instance)
    from ..adapters.sqlite import SqliteStorage  # noqa: PLC0415 - this shape only

    return SqliteStorage(
        settings.db_path,
        clock=clock,
        origin=instance,
        busy_timeout=settings.busy_timeout,
        synchronous=settings.synchronous,
    )


class RedisLoad(msgspec.Struct, frozen=True, kw_only=True):
    """`failed` connections never came about, `lost` ones broke. Bytes are None where the server does not say, and
    `memory_limit` is 0 where it has none.
    """

    connected: bool
    failed: int
    lost: int
    memory_used: int | None = None
    memory_limit: int | None = None


class RedisCheck(Protocol):
    async def figures(self, problems: list[str]) -> dict[str, Any]:
        """`redis` of `memory_health`; what is wrong is added to `problems`."""
        ...

    async def load(self) -> RedisLoad: ...


class Coordination(msgspec.Struct, frozen=True, kw_only=True):
    """What instances share beside their store. `needs_relay`: nobody puts events on the bus. `guard` is around each
    call to the store, `committed` after each commit. `cache` and `limiter` are those of all, where there are such, and
    `redis` says how Redis is. `limiter_breaker` stands before a limiter that is chosen, `blobs` is what is chosen for
    named exports.
    """

    bus: EventBus
    needs_relay: bool = False
    make_lock: Callable[[], Lock]
    breaker: CircuitBreaker | None = None
    redis_breaker: CircuitBreaker | None = None
    limiter_breaker: CircuitBreaker | None = None
    guard: Callable[[], AbstractAsyncContextManager[None]] | None = None
    committed: Callable[[], None] | None = None
    cache: Cache | None = None
    limiter: RateLimiter | None = None
    redis: RedisCheck | None = None
    blobs: BlobStore | None = None


async def open_alone(
    settings: Settings, clock: Clock, instance: str, stack: AsyncExitStack, *, remote: bool
) -> Coordination:
    """Without Redis: by the store's own technology, and each process for itself. `remote`: the store is reached over a
    network.
    """
    bus = await stack.enter_async_context(make_bus(settings, clock, instance))
    make = partial(make_lock, settings, clock, instance)
    needs_relay = settings.db_type != "postgresql"
    if not remote or settings.circuit_breaker:
        return Coordination(bus=bus, needs_relay=needs_relay, make_lock=make)
    breaker = await stack.enter_async_context(
        make_breaker(settings.db_type, breaker_thresholds(settings), clock)
    )
    return Coordination(
        bus=bus, needs_relay=needs_relay, make_lock=make, breaker=breaker, guard=breaker.guard
    )


def make_bus(settings: Settings, clock: Clock, instance: str) -> AbstractAsyncContextManager[EventBus]:
    if settings.db_type == "postgresql" and not settings.event_bus:
        from ..adapters.postgres.event_bus import PostgresEventBus  # noqa: PLC0415 - needs the driver

        return PostgresEventBus(postgres_settings(settings), clock=clock, origin=instance)
    from ..adapters.inprocess.event_bus import InProcessEventBus  # noqa: PLC0415 - this shape only

    return InProcessEventBus()


def make_lock(settings: Settings, clock: Clock, instance: str) -> Lock:
    if settings.db_type == "postgresql":
        from ..adapters.postgres.lock import PostgresLock  # noqa: PLC0415 - needs the driver

        return PostgresLock(postgres_settings(settings), clock=clock, origin=instance)
    from ..adapters.sqlite.lock import SqliteLock  # noqa: PLC0415 - once a file is locked

    return SqliteLock(settings.db_path, clock=clock)


def make_breaker(name: str, thresholds: Thresholds, clock: Clock) -> CircuitBreaker:
    from ..adapters.inprocess.breaker_machine import BreakerMachine  # noqa: PLC0415 - a remote shape only
    from ..adapters.inprocess.circuit_breaker import InProcessCircuitBreaker  # noqa: PLC0415 - same

    return InProcessCircuitBreaker(clock=clock, machine=BreakerMachine(name, thresholds))


def make_limits(
    settings: Settings,
    clock: Clock,
    log: Log,
    *,
    measuring: Measuring,
    instance: str,
    shared: RateLimiter | None = None,
) -> CallLimits | None:
    """Counted by `shared`, in this process where there is none."""
    if not limits_are_on(settings):
        return None
    from ..adapters.inprocess.rate_limiter import InProcessRateLimiter  # noqa: PLC0415 - where limits are on

    local = measuring.limiter(InProcessRateLimiter(clock=clock))
    limits = Limits(
        burst=Limit(settings.rate_burst_max, settings.rate_burst_window),
        agent=Limit(settings.rate_per_agent_max, settings.rate_per_agent_window),
        total=Limit(settings.rate_global_max, settings.rate_global_window),
    )
    return CallLimits(
        local if shared is None else measuring.limiter(shared),
        limits,
        local=local,
        instance=instance,
        fail_mode=settings.rate_fail_mode,
        on_change=partial(_tell_counting, log, settings.rate_fail_mode),
    )


def tell_transitions(breaker: CircuitBreaker, log: Log) -> None:
    """Each becomes a line; who wants figures adds a listener of their own."""

    def tell(transition: Transition) -> None:
        write = log.info if transition.after == "closed" else log.warning
        write(
            f"circuit breaker {transition.name}: {transition.before} to {transition.after}",
            breaker=transition.name,
            before=transition.before,
            after=transition.after,
        )

    breaker.on_transition(tell)


def _tell_counting(log: Log, fail_mode: str, answers: bool) -> None:  # noqa: FBT001 - the hook's own shape
    if answers:
        log.info("rate limits are counted together again")
    else:
        log.warning("rate limits cannot be counted together for now", fail_mode=fail_mode)
