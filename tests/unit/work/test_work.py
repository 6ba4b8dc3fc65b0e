"""The work of one process, as a whole."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from agent_memory.core.drafting import expire_jobs
from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.settings import read_settings
from agent_memory.entrypoints.wiring import App, open_app
from agent_memory.entrypoints.work import make_work
from agent_memory.ports.changes import AddEntry
from agent_memory.ports.errors import Corrupt
from agent_memory_contract.builders import T0, after, entry
from agent_memory_contract.suite import running

from .test_runner import Away

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.ports.storage import Storage


@pytest.fixture
async def app(tmp_path: Path) -> AsyncGenerator[App]:
    settings = read_settings(
        {"AGENT_MEMORY_DB_PATH": str(tmp_path / "memory.db"), "HOME": str(tmp_path)}
    ).settings
    async with open_app(settings, Log("error")) as app:
        yield app


async def test_a_write_of_anyone_wakes_it(app: App) -> None:
    """With a poll of an hour, only the look at the change mark can find the job."""
    new = entry(expires_at=after(1))
    async with running(make_work(app, poll=3600.0).run()):
        await asyncio.sleep(0.3)
        await app.storage.apply(AddEntry(new, expire_jobs(new.id, T0)))
        async with asyncio.timeout(20):
            while True:
                [found] = await app.storage.get([new.id])
                if found.state == "archived":
                    break
                await asyncio.sleep(0.01)


async def test_a_damaged_store_is_said_as_what_it_is(app: App) -> None:
    away = cast("Storage", Away(app.storage, Corrupt("damaged")))
    with pytest.raises(Corrupt):
        await make_work(msgspec.structs.replace(app, storage=away), poll=1.0).run()


async def test_once_does_what_is_due_and_puts_the_rest_in_its_place(app: App) -> None:
    await make_work(app, poll=1.0).once()
    pending = await app.storage.pending_jobs()
    assert {one.job.kind for one in pending} >= {"upkeep.index", "upkeep.outbox", "upkeep.sessions"}
    assert all(one.job.run_at > app.clock.now() for one in pending)


async def test_finished_work_begins_nothing_more(app: App) -> None:
    new = entry(expires_at=after(1))
    work = make_work(app, poll=0.01)
    async with running(work.run()) as task:
        await asyncio.sleep(0.1)
        await work.finish()
        await app.storage.apply(AddEntry(new, expire_jobs(new.id, T0)))
        await asyncio.sleep(0.2)
        assert not task.done()
    assert (await app.storage.get([new.id]))[0].state == "active"


async def test_work_that_never_ran_is_finished(app: App) -> None:
    await make_work(app, poll=1.0).finish()
