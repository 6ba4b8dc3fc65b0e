"""The composition root: the one place where adapters meet the domain."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from secrets import randbits, token_hex
from typing import TYPE_CHECKING

import msgspec

from ..adapters.inprocess.clock import SystemClock
from ..adapters.inprocess.event_bus import InProcessEventBus
from ..adapters.sqlite import SqliteStorage
from ..core.ids import IdSource
from ..core.memory import Memory
from ..ports.clock import Clock
from ..ports.storage import Storage
from .feed import Feed
from .logs import Log
from .settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


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
        storage = await stack.enter_async_context(
            SqliteStorage(
                settings.db_path,
                clock=clock,
                origin=instance,
                busy_timeout=settings.busy_timeout,
                synchronous=settings.synchronous,
            )
        )
        memory = Memory(storage, clock, IdSource(lambda: int(clock.now().timestamp() * 1000), randbits))
        bus = await stack.enter_async_context(InProcessEventBus())
        yield App(
            settings=settings,
            instance=instance,
            clock=clock,
            storage=storage,
            memory=memory,
            log=log,
            feed=Feed(storage, bus, clock, log),
        )
