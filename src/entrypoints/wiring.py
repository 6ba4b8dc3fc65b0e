"""The composition root: the one place where adapters meet the domain."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from secrets import randbits, token_hex
from typing import TYPE_CHECKING

import msgspec

from ..adapters.inprocess.clock import SystemClock
from ..core.ids import IdSource
from ..core.memory import Memory
from ..ports.clock import Clock
from ..ports.storage import Storage
from .feed import Feed
from .logs import Log
from .search import open_search
from .settings import Settings
from .settings_postgres import postgres_driver_needed, postgres_settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ..ports.event_bus import EventBus


class App(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that runs, wired. `instance` names this process among those that share a store."""

    settings: Settings
    instance: str
    clock: Clock
    storage: Storage
    memory: Memory
    feed: Feed
    log: Log


@asynccontextmanager
async def open_app(settings: Settings, log: Log) -> AsyncGenerator[App]:
    """Opened in order, closed in reverse. `Misconfigured`, `Unavailable` or `Corrupt` when it cannot start."""
    async with AsyncExitStack() as stack:
        instance = token_hex(4)
        clock = SystemClock()
        open_shape = _open_postgres if settings.db_type == "postgresql" else _open_sqlite
        storage, bus = await open_shape(settings, clock, instance, stack)
        search = await open_search(settings, storage, clock, instance, stack)
        new_id = IdSource(lambda: int(clock.now().timestamp() * 1000), randbits)
        memory = Memory(storage, clock, new_id, search)
        yield App(
            settings=settings,
            instance=instance,
            clock=clock,
            storage=storage,
            memory=memory,
            log=log,
            feed=Feed(storage, bus, clock, log, relays=settings.db_type == "sqlite"),
        )


async def _open_sqlite(
    settings: Settings, clock: Clock, instance: str, stack: AsyncExitStack
) -> tuple[Storage, EventBus]:
    from ..adapters.inprocess.event_bus import InProcessEventBus  # noqa: PLC0415 - this shape only
    from ..adapters.sqlite import SqliteStorage  # noqa: PLC0415 - same

    storage = await stack.enter_async_context(
        SqliteStorage(
            settings.db_path,
            clock=clock,
            origin=instance,
            busy_timeout=settings.busy_timeout,
            synchronous=settings.synchronous,
        )
    )
    return storage, await stack.enter_async_context(InProcessEventBus())


async def _open_postgres(
    settings: Settings, clock: Clock, instance: str, stack: AsyncExitStack
) -> tuple[Storage, EventBus]:
    with postgres_driver_needed():
        from ..adapters.postgres.event_bus import PostgresEventBus  # noqa: PLC0415 - needs the driver
        from ..adapters.postgres.storage import PostgresStorage  # noqa: PLC0415 - same
    server = postgres_settings(settings)
    storage = await stack.enter_async_context(PostgresStorage(server, clock=clock, origin=instance))
    return storage, await stack.enter_async_context(PostgresEventBus(server, clock=clock, origin=instance))
