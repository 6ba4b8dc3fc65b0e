"""How the adapters that come with the program are made where settings choose them by name.

A name alone is set up by the program's own settings (PG_*, REDIS_*, ...); an address says where in their place. Drivers
are loaded here and not before.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import msgspec

from ..ports.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from ..adapters.redis.connection import RedisServer
    from ..ports.adapter import BreakerSetup, CacheSetup, Setup
    from ..ports.blobs import BlobStore
    from ..ports.cache import Cache
    from ..ports.circuit_breaker import CircuitBreaker
    from ..ports.embedder import Embedder
    from ..ports.event_bus import EventBus
    from ..ports.lock import Lock
    from ..ports.rate_limiter import RateLimiter
    from ..ports.storage import Storage
    from .settings import Settings


def _postgres(setup: Setup) -> Settings:
    """The program's settings, with what the address says in their place."""
    setup.refuse_other_options()
    told = {
        "pg_host": setup.host,
        "pg_port": setup.port,
        "pg_user": setup.user,
        "pg_password": setup.password,
        "pg_database": setup.path.strip("/"),
    }
    changes: dict[str, Any] = {field: value for field, value in told.items() if value}
    program: Settings = setup.program
    return msgspec.structs.replace(program, **changes)


@asynccontextmanager
async def _redis(setup: Setup) -> AsyncGenerator[RedisServer]:
    from ..adapters.redis.connection import RedisServer  # noqa: PLC0415 - needs the driver
    from .settings_redis import redis_settings  # noqa: PLC0415 - same

    program: Settings = setup.program
    if "://" in setup.text:
        program = msgspec.structs.replace(program, redis_url=setup.text)
    async with RedisServer(redis_settings(program)) as server:
        yield server


def _file_of(setup: Setup) -> Path:
    from .setting import path  # noqa: PLC0415 - where an address is given

    setup.refuse_other_options()
    program: Settings = setup.program
    return path(setup.path) if setup.path else program.db_path


def sqlite_storage(setup: Setup) -> AbstractAsyncContextManager[Storage]:
    from ..adapters.sqlite import SqliteStorage  # noqa: PLC0415 - where it is chosen

    program: Settings = setup.program
    return SqliteStorage(
        _file_of(setup),
        clock=setup.clock,
        origin=setup.instance,
        busy_timeout=program.busy_timeout,
        synchronous=program.synchronous,
    )


def postgres_storage(setup: Setup) -> AbstractAsyncContextManager[Storage]:
    from ..adapters.postgres.storage import PostgresStorage  # noqa: PLC0415 - needs the driver
    from .settings_postgres import postgres_settings  # noqa: PLC0415 - same

    return PostgresStorage(postgres_settings(_postgres(setup)), clock=setup.clock, origin=setup.instance)


def inprocess_cache(setup: CacheSetup) -> AbstractAsyncContextManager[Cache]:
    from ..adapters.inprocess.cache import CacheState, InProcessCache  # noqa: PLC0415 - where it is chosen

    setup.refuse_other_options()
    state = CacheState(max_bytes=setup.max_bytes, max_entries=setup.max_entries)
    return InProcessCache(clock=setup.clock, state=state)


@asynccontextmanager
async def redis_cache(setup: CacheSetup) -> AsyncGenerator[Cache]:
    from ..adapters.redis.cache import RedisCache  # noqa: PLC0415 - needs the driver

    async with (
        _redis(setup) as server,
        RedisCache(
            server, clock=setup.clock, max_bytes=setup.max_bytes, max_entries=setup.max_entries
        ) as cache,
    ):
        yield cache


def inprocess_lock(setup: Setup) -> AbstractAsyncContextManager[Lock]:
    from ..adapters.inprocess.lock import InProcessLock  # noqa: PLC0415 - where it is chosen

    setup.refuse_other_options()
    return InProcessLock(clock=setup.clock)


def sqlite_lock(setup: Setup) -> AbstractAsyncContextManager[Lock]:
    from ..adapters.sqlite.lock import SqliteLock  # noqa: PLC0415 - where it is chosen

    return SqliteLock(_file_of(setup), clock=setup.clock)


def postgres_lock(setup: Setup) -> AbstractAsyncContextManager[Lock]:
    from ..adapters.postgres.lock import PostgresLock  # noqa: PLC0415 - needs the driver
    from .settings_postgres import postgres_settings  # noqa: PLC0415 - same

    return PostgresLock(postgres_settings(_postgres(setup)), clock=setup.clock, origin=setup.instance)


@asynccontextmanager
async def redis_lock(setup: Setup) -> AsyncGenerator[Lock]:
    from ..adapters.redis.lock import RedisLock  # noqa: PLC0415 - needs the driver

    async with _redis(setup) as server, RedisLock(server, clock=setup.clock) as lock:
        yield lock


def inprocess_bus(setup: Setup) -> AbstractAsyncContextManager[EventBus]:
    from ..adapters.inprocess.event_bus import InProcessEventBus  # noqa: PLC0415 - where it is chosen

    setup.refuse_other_options()
    return InProcessEventBus()


def postgres_bus(setup: Setup) -> AbstractAsyncContextManager[EventBus]:
    from ..adapters.postgres.event_bus import PostgresEventBus  # noqa: PLC0415 - needs the driver
    from .settings_postgres import postgres_settings  # noqa: PLC0415 - same

    return PostgresEventBus(postgres_settings(_postgres(setup)), clock=setup.clock, origin=setup.instance)


@asynccontextmanager
async def redis_bus(setup: Setup) -> AsyncGenerator[EventBus]:
    from ..adapters.redis.event_bus import RedisEventBus  # noqa: PLC0415 - needs the driver

    async with _redis(setup) as server, RedisEventBus(server) as bus:
        yield bus


def inprocess_limiter(setup: Setup) -> AbstractAsyncContextManager[RateLimiter]:
    from ..adapters.inprocess.rate_limiter import InProcessRateLimiter  # noqa: PLC0415 - where it is chosen

    setup.refuse_other_options()
    return InProcessRateLimiter(clock=setup.clock)


@asynccontextmanager
async def redis_limiter(setup: Setup) -> AsyncGenerator[RateLimiter]:
    from ..adapters.redis.rate_limiter import RedisRateLimiter  # noqa: PLC0415 - needs the driver

    async with _redis(setup) as server, RedisRateLimiter(server) as limiter:
        yield limiter


def inprocess_breaker(setup: BreakerSetup) -> AbstractAsyncContextManager[CircuitBreaker]:
    from .wiring_parts import make_breaker  # noqa: PLC0415 - where it is chosen

    setup.refuse_other_options()
    return make_breaker(setup.name, setup.thresholds, setup.clock)


@asynccontextmanager
async def redis_breaker(setup: BreakerSetup) -> AsyncGenerator[CircuitBreaker]:
    from ..adapters.redis.circuit_breaker import RedisCircuitBreaker  # noqa: PLC0415 - needs the driver
    from .wiring_parts import make_breaker  # noqa: PLC0415 - same

    async with (
        _redis(setup) as server,
        make_breaker(setup.name, setup.thresholds, setup.clock) as alone,
        RedisCircuitBreaker(
            server, setup.name, clock=setup.clock, fallback=alone, thresholds=setup.thresholds
        ) as breaker,
    ):
        yield breaker


def embedder(setup: Setup) -> AbstractAsyncContextManager[Embedder]:
    """One of the program's own, by its name in the address."""
    from .embedding import choose_embedder  # noqa: PLC0415 - where it is chosen
    from .setting import path  # noqa: PLC0415 - same

    setup.refuse_other_options()
    name = setup.text.partition("://")[0]
    changes: dict[str, Any] = {"embedder": name}
    if setup.host or (setup.path and name != "onnx"):
        raise Misconfigured(f"embedder {name}: takes no address; the settings AGENT_MEMORY_EMBEDDER_* say it")
    if setup.path:
        changes["embedder_path"] = path(setup.path)
    made = choose_embedder(msgspec.structs.replace(setup.program, **changes), setup.clock)
    assert made is not None
    return made


def folder_blob_store(setup: Setup) -> AbstractAsyncContextManager[BlobStore]:
    from ..adapters.files.blobs import FileBlobStore  # noqa: PLC0415 - where it is chosen
    from .setting import path  # noqa: PLC0415 - same

    setup.refuse_other_options()
    return nullcontext(FileBlobStore(path(setup.path or f"{setup.folder}/blobs")))
