"""How a worker ends when it is told to, and that a client's own server does a worker's work."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent_memory.core.drafting import expire_jobs
from agent_memory.entrypoints.stdio_client import StdioClient
from agent_memory.ports.changes import AddEntry, Enqueue, NewJob
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import entry

from .crew import Crew, Place, crew_of, place_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

    from agent_memory.entrypoints.wiring import App

PROGRAM = ("-m", "agent_memory.entrypoints.cli")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncGenerator[Place]:
    async with place_of("sqlite", tmp_path, dict(os.environ)) as place:
        yield place


@pytest.fixture
def short_folder() -> Generator[Path]:
    """The paths of sockets are short."""
    with tempfile.TemporaryDirectory(prefix="am-") as folder:
        yield Path(folder)


async def until(so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while True:
            if await so():
                return
            await asyncio.sleep(0.02)


async def at_work(app: App, crew: Crew, payload: str) -> asyncio.subprocess.Process:
    """The one worker, once it is at a job of this payload."""
    await app.storage.apply(Enqueue(NewJob(kind="effect", payload=payload.encode()), app.clock.now()))

    async def begun() -> bool:
        jobs = await app.storage.pending_jobs(["effect"])
        return bool(jobs) and jobs[0].leased_until is not None

    await until(begun)
    return crew.workers[0]


async def test_what_runs_may_end_and_nothing_more_is_begun(place: Place) -> None:
    async with place.app() as app, crew_of(place, 1) as crew:
        worker = await at_work(app, crew, "slow")
        worker.send_signal(signal.SIGTERM)
        await app.storage.apply(*(Enqueue(NewJob(kind="effect"), app.clock.now()) for _ in range(50)))
        async with asyncio.timeout(20):
            assert await worker.wait() == 0
        stats = await app.storage.stats(ScopeFilter(descendants=True))
        assert stats.entries >= 1
        left = await app.storage.pending_jobs(["effect"], limit=100)
        assert b"slow" not in {one.job.payload for one in left}
        # None was left half done: what it had taken it has ended.
        assert {one.leased_until for one in left} == {None}


async def test_a_second_signal_leaves_it_to_its_lease(place: Place) -> None:
    async with place.app() as app, crew_of(place, 1) as crew:
        worker = await at_work(app, crew, "endless")
        worker.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        assert worker.returncode is None
        worker.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            await worker.wait()
        [left] = await app.storage.pending_jobs(["effect"])
        assert left.job.payload == b"endless"
        assert left.job.attempts == 1


async def test_one_worker_serves_its_clients(place: Place, short_folder: Path) -> None:
    settings = place.environment | {"AGENT_MEMORY_SOCKET": str(short_folder / "d.sock")}
    worker = await asyncio.create_subprocess_exec(
        *_program("worker", "--listen"), env=settings, stdin=asyncio.subprocess.DEVNULL
    )
    try:
        required = settings | {"AGENT_MEMORY_DAEMON": "required"}

        async def instance() -> str:
            async with StdioClient([*_program("mcp")], required, timeout=20) as client:
                health = await client.call_tool("memory_health", {})
                return str(health.structured["instance"])

        async def served() -> bool:
            return "d.sock" in os.listdir(short_folder)  # noqa: PTH208 - in an async test

        await until(served)
        assert len({await instance() for _ in range(2)}) == 1
    finally:
        worker.terminate()
        async with asyncio.timeout(20):
            assert await worker.wait() == 0


async def test_without_a_worker_a_clients_server_does_the_work(place: Place) -> None:
    gone = datetime.now(UTC) - timedelta(seconds=1)
    new = entry(at=gone - timedelta(seconds=9), expires_at=gone)
    async with place.app() as app:
        await app.storage.apply(AddEntry(new, expire_jobs(new.id, gone)))
        async with StdioClient([*_program("mcp")], place.environment, timeout=20):

            async def archived() -> bool:
                [found] = await app.storage.get([new.id])
                return found.state == "archived"

            await until(archived)

            async def kept_up() -> bool:
                kinds = {one.job.kind for one in await app.storage.pending_jobs()}
                return {"upkeep.outbox", "upkeep.index", "upkeep.sessions"} <= kinds

            await until(kept_up)


def _program(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *PROGRAM, *arguments)
