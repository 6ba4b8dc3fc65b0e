"""The server goes down under load and comes back: nothing acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.postgres.storage import PostgresStorage
from agent_memory.ports.changes import AddEntry, NewJob, Once
from agent_memory.ports.errors import PortError
from agent_memory_contract.builders import T0, after, entry
from agent_memory_contract.servers.postgres import SOURCES, administer, private_cluster
from agent_memory_contract.storage_reads import events, ids, matches

if TYPE_CHECKING:
    from agent_memory.adapters.postgres.config import PostgresSettings
    from agent_memory.ports.records import Entry
    from agent_memory.ports.storage import Storage
    from agent_memory_contract.servers.postgres_cluster import Cluster, StopMode, Version

WRITERS = 64
VERSIONS = [source for source in SOURCES if source.isdecimal()]
JOB = NewJob(kind="embed")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Load:
    """Writers that repeat what failed until it is acknowledged, and remember what was."""

    def __init__(self, stores: list[Storage]) -> None:
        self._stores = stores
        self.acknowledged: list[Entry] = []
        self.failures: list[PortError] = []
        self._progress = asyncio.Condition()
        self._over = False

    async def write(self, number: int) -> None:
        store = self._stores[number % len(self._stores)]
        while not self._over:
            new = entry()
            # Half of them under an idempotency key, half by content alone.
            key = Once(key=new.id, digest=b"d", at=T0, keep_until=after(9e6)) if number % 4 < 2 else None
            while True:
                try:
                    await store.apply(AddEntry(new, (JOB,)), once=key)
                except PortError as error:
                    self.failures.append(error)
                    await asyncio.sleep(0.01)
                else:
                    break
            self.acknowledged.append(new)
            async with self._progress:
                self._progress.notify_all()

    async def more(self, count: int) -> None:
        """Return once so many more were acknowledged."""
        until = len(self.acknowledged) + count
        async with asyncio.timeout(60), self._progress:
            await self._progress.wait_for(lambda: len(self.acknowledged) >= until)

    def end(self) -> None:
        self._over = True


async def database(cluster: Cluster) -> PostgresSettings:
    await administer(cluster.settings, "CREATE DATABASE memory")
    return msgspec.structs.replace(cluster.settings, database="memory", statement_timeout=10.0)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_restart_under_load_loses_and_doubles_nothing(version: str, mode: str) -> None:
    cluster = await asyncio.to_thread(private_cluster, cast("Version", version))
    settings = await database(cluster)
    clock = SystemClock()
    async with (
        PostgresStorage(settings, clock=clock, origin="a") as one,
        PostgresStorage(settings, clock=clock, origin="b") as two,
    ):
        load = Load([one, two])
        async with asyncio.TaskGroup() as writers:
            for number in range(WRITERS):
                writers.create_task(load.write(number))
            await load.more(200)
            await asyncio.to_thread(cluster.stop, cast("StopMode", mode))
            assert (await one.health())["connected"] is False
            await asyncio.to_thread(cluster.start)
            await load.more(400)
            load.end()
        assert load.failures, "the load did not notice: this shows nothing"
        assert all(failure.retryable for failure in load.failures), {str(f) for f in load.failures}
        kept = await matches(one)
        assert sorted(ids(kept)) == sorted(ids(load.acknowledged))
        assert (await two.job_stats()).waiting == len(kept)
        told = await events(two)
        assert sorted(event.subject for event in told) == sorted(ids(kept))
        assert [event.seq for event in told] == list(range(1, len(kept) + 1))
        assert await one.verify() == []
    await asyncio.to_thread(cluster.stop)
