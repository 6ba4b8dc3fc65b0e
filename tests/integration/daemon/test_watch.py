"""Upkeep in a client's own server rests while a daemon of the same memory does it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent_memory.entrypoints.daemon.watch import has_daemon, unless_a_daemon_does
from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.settings import read_settings
from agent_memory.entrypoints.wiring import open_app

from .household import PATIENCE, daemon_of

if TYPE_CHECKING:
    from .household import Home


class Upkeep:
    """Never ends by itself; says when it begins and when it was stopped."""

    def __init__(self) -> None:
        self.began = asyncio.Semaphore(0)
        self.stopped = asyncio.Semaphore(0)

    async def __call__(self) -> None:
        self.began.release()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped.release()


async def test_it_rests_while_there_is_a_daemon_and_goes_on_when_that_is_gone(home: Home) -> None:
    upkeep = Upkeep()
    async with (
        open_app(read_settings(home.environment()).settings, Log("error")) as app,
        asyncio.timeout(PATIENCE),
    ):
        watching = asyncio.create_task(unless_a_daemon_does(app, upkeep, every=0.05))
        await upkeep.began.acquire()
        async with daemon_of(home):
            await upkeep.stopped.acquire()
        await upkeep.began.acquire()
        watching.cancel()
        await asyncio.wait([watching])
        await upkeep.stopped.acquire()


async def test_a_daemon_of_another_memory_does_not_count(home: Home) -> None:
    other = home.environment(DB_PATH=str(home.folder / "other.db"))
    async with daemon_of(home):
        async with open_app(read_settings(other).settings, Log("error")) as app:
            assert not await has_daemon(app)
        async with open_app(read_settings(home.environment()).settings, Log("error")) as app:
            assert await has_daemon(app)


async def test_a_daemon_that_takes_no_more_clients_counts(home: Home) -> None:
    async with (
        daemon_of(home, DAEMON_CLIENTS_MAX="1"),
        open_app(read_settings(home.environment()).settings, Log("error")) as app,
    ):
        _, writer = await asyncio.open_unix_connection(str(home.socket))
        async with asyncio.timeout(PATIENCE):
            while not await has_daemon(app):  # a busy machine may take longer than it waits
                pass
        writer.close()
