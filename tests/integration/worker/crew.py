"""Workers as processes over one store, to be killed and replaced."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.settings import PREFIX, read_settings
from agent_memory.entrypoints.wiring import open_app
from agent_memory_contract.servers.postgres import fresh_database

from .child import LEASE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory.entrypoints.wiring import App

CHILD = Path(__file__).with_name("child.py")


class Place(NamedTuple):
    """A store, by its settings, and a file for what workers tell."""

    environment: dict[str, str]
    history: Path

    @asynccontextmanager
    async def app(self) -> AsyncGenerator[App]:
        async with open_app(read_settings(self.environment).settings, Log("error")) as app:
            yield app


class Crew:
    """`killed`: when each process was, by the clock that processes share."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.workers: list[asyncio.subprocess.Process] = []
        self.killed: dict[int, float] = {}
        self.died_by_themselves = 0

    async def hire(self) -> None:
        worker = await asyncio.create_subprocess_exec(
            sys.executable, str(CHILD), str(self._place.history), env=self._place.environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self.workers.append(worker)

    async def kill(self, number: int) -> int:
        """The process id of the one that is no more."""
        worker = self.workers.pop(number)
        self.killed.setdefault(worker.pid, time.monotonic())
        if worker.returncode is None:
            worker.kill()
        await worker.wait()
        return worker.pid

    async def replace_the_dead(self) -> None:
        for worker in list(self.workers):
            if worker.returncode is not None:
                self.workers.remove(worker)
                # A job killed it, at some time since the last look: later than what it told.
                self.killed.setdefault(worker.pid, 0.0)
                self.died_by_themselves += 1
                await self.hire()

    async def dismiss(self) -> bool:
        """Whether all end well when they are asked to, those aside that were still starting."""
        for worker in self.workers:
            if worker.returncode is None:
                worker.terminate()
        async with asyncio.timeout(30):
            return {await worker.wait() for worker in self.workers} <= {0, -signal.SIGTERM}


@asynccontextmanager
async def crew_of(place: Place, size: int) -> AsyncGenerator[Crew]:
    crew = Crew(place)
    try:
        for _ in range(size):
            await crew.hire()
        yield crew
    finally:
        for worker in crew.workers:
            if worker.returncode is None:
                worker.kill()
            await worker.wait()


@asynccontextmanager
async def place_of(
    source: str, folder: Path, environment: dict[str, str], *, lease: float = LEASE
) -> AsyncGenerator[Place]:
    """`source`: sqlite, or one of PostgreSQL. `lease`: seconds, of scheduled work."""
    history = folder / "history"
    history.touch()
    kept = {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
    common = {
        "WORKER_POLL_MS": "50",
        "WORKER_LEASE_MS": f"{lease * 1000:.0f}",
        "LOG_LEVEL": "error",
        "METRICS_PORT": "0",
    }

    def of(settings: dict[str, str]) -> Place:
        return Place(kept | {PREFIX + name: value for name, value in (common | settings).items()}, history)

    if source == "sqlite":
        yield of({"DB_PATH": str(folder / "memory.db"), "SYNCHRONOUS": "NORMAL"})
        return
    async with fresh_database(source) as server:
        yield of(
            {
                "DB_TYPE": "postgresql",
                "PG_HOST": server.host,
                "PG_PORT": str(server.port),
                "PG_DATABASE": server.database,
                "PG_USER": server.user,
                "PG_PASSWORD": server.password,
                "PG_SSL": server.ssl,
                "PG_POOL_MIN": "1",
            }
        )
