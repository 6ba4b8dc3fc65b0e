"""The program in its Redis shape, for tests: its settings, and one instance of it in this process."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from agent_memory.adapters.redis.connection import RedisServer
from agent_memory.adapters.redis.settings import RedisSettings
from agent_memory.core.caller import Caller
from agent_memory.core.requests import FileLock, Recall, Remember
from agent_memory.entrypoints.health import Health, check_health
from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.settings import PREFIX, read_settings
from agent_memory.entrypoints.wiring import App, open_app

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from pathlib import Path

    from agent_memory.core.results import FileLockResult
    from agent_memory.ports.records import Event, Gap

PATIENCE = 15.0


def environment_of(folder: Path, port: int, **settings: str) -> dict[str, str]:
    mine = {
        "DB_PATH": str(folder / "memory.db"),
        "REDIS_ENABLED": "true",
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(port),
        "REDIS_CONNECT_TIMEOUT_MS": "1000",
        **settings,
    }
    return {"HOME": str(folder)} | {PREFIX + name: value for name, value in mine.items()}


class Instance:
    """One instance, and what an agent does with it."""

    def __init__(self, app: App, agent: str) -> None:
        self.app = app
        self.caller = Caller(client="test", agent=agent, tool="test", ceiling=app.settings.scope)

    async def remember(self, content: str) -> str:
        done = await self.app.memory.remember(Remember(content=content), self.caller)
        return done.results[0].id

    async def recall(self, query: str) -> list[str]:
        found = await self.app.memory.recall(Recall(query=query), self.caller)
        return [one.content for one in found.results]

    async def lock(self, action: str, path: str | None = "a.py", **given: Any) -> FileLockResult:
        request = msgspec.convert({"action": action, "file_path": path, **given}, FileLock)
        return await self.app.file_locks.act(request, self.caller)

    async def call(self) -> None:
        """What a tool call does first."""
        assert self.app.limits is not None
        await self.app.limits.admit(self.caller, None)

    async def health(self) -> Health:
        return await check_health(self.app, self.app.settings.scope)

    @asynccontextmanager
    async def watch(self) -> AsyncGenerator[Callable[[], Awaitable[Event | Gap]]]:
        async with self.app.feed.watch("global") as events:

            async def following() -> Event | Gap:
                async with asyncio.timeout(PATIENCE):
                    return await anext(events)

            yield following

    async def until_healthy(self) -> None:
        await until(self._is_well)

    async def _is_well(self) -> bool:
        return (await self.health()).status == "healthy"


@asynccontextmanager
async def instance(environment: dict[str, str], agent: str = "ada") -> AsyncGenerator[Instance]:
    reading = read_settings(environment)
    assert reading.warnings == ()
    async with open_app(reading.settings, Log("error")) as app:
        yield Instance(app, agent)


@asynccontextmanager
async def behind(port: int, password: str = "") -> AsyncGenerator[RedisServer]:
    """For a look at what is there, and for an administrator's commands."""
    async with RedisServer(RedisSettings(host="127.0.0.1", port=port, password=password)) as server:
        yield server


async def until(holds: Callable[[], Awaitable[bool]]) -> float:
    """The seconds that it took."""
    begun = time.monotonic()
    while not await holds():
        assert time.monotonic() - begun < PATIENCE, f"it did not come about within {PATIENCE} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - begun
