"""SIGKILL at any instant: what was acknowledged is there whole, what was not is there whole or not at all."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

import pytest
from acknowledged import Known, Ledger, Told, Unsure, content_of
from store_processes import call, opened, server

from agent_memory.core.drafting import EXPIRE_JOB
from agent_memory.entrypoints.stdio_child import ServerGone
from agent_memory_contract.manual_clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.entrypoints.stdio_client import StdioClient

KILLS = 25
WRITERS = 8
MOST_ACKNOWLEDGED = 60
"""Before a kill. With 0 the kill falls into the start."""
START_SECONDS = 0.3
SPREAD_SECONDS = 0.004
"""About four calls: the kill falls anywhere within one."""
LONG_AFTER = datetime(2100, 1, 1, tzinfo=UTC)


class Writers:
    """Tasks that write until the server is gone. `enough` is set after so many acknowledged calls."""

    def __init__(
        self, client: StdioClient, ledger: Ledger, name: str, random: Random, enough_at: int
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._name = name
        self._random = random
        self._left = enough_at
        self._words = 0
        self.enough = asyncio.Event()
        self.touched: set[str] = set()
        if not enough_at:
            self.enough.set()

    async def write(self) -> None:
        own: list[Known] = []
        try:
            while True:
                await self._step(own)
                self._left -= 1
                if self._left <= 0:
                    self.enough.set()
        except ServerGone:
            return

    async def _step(self, own: list[Known]) -> None:
        choice = self._random.random()
        if own and choice < 0.2:
            await self._update(self._random.choice(own))
        elif own and choice < 0.35:
            await self._forget(own.pop(self._random.randrange(len(own))))
        else:
            own += await self._remember(5 if choice > 0.8 else 1)

    async def _remember(self, count: int) -> list[Known]:
        told = tuple(self._told() for _ in range(count))
        unsure = self._started(Unsure(told=told))
        if count == 1:
            answer = await call(self._client, "remember", **told[0].arguments())
        else:
            answer = await call(self._client, "remember", entries=[one.arguments() for one in told])
        made = [one.as_known(result["id"]) for one, result in zip(told, answer["results"], strict=True)]
        self._ledger.known.update((known.id, known) for known in made)
        self._acknowledged(unsure, *made)
        return made

    async def _update(self, known: Known) -> None:
        word = self._word()
        unsure = self._started(Unsure(update=(known.id, word)))
        await call(
            self._client, "update", id=known.id, content=content_of(word), expected_version=len(known.words)
        )
        known.words.append(word)
        self._acknowledged(unsure, known)

    async def _forget(self, known: Known) -> None:
        unsure = self._started(Unsure(forget=known.id))
        answer = await call(self._client, "forget", ids=[known.id])
        assert answer["forgotten"] == 1
        known.forgotten = True
        self._acknowledged(unsure, known)

    def _started(self, unsure: Unsure) -> Unsure:
        self._ledger.unsure.append(unsure)
        return unsure

    def _acknowledged(self, unsure: Unsure, *known: Known) -> None:
        self._ledger.unsure.remove(unsure)
        self.touched.update(one.id for one in known)

    def _told(self) -> Told:
        word = self._word()
        return Told(
            word=word,
            tags=("crash", f"tag-of{word}"),
            title=f"About of{word}" if self._random.random() < 0.5 else "",
            expires=self._random.random() < 0.3,
        )

    def _word(self) -> str:
        self._words += 1
        return f"{self._name}w{self._words}"


async def write_until_killed(path: Path, ledger: Ledger, name: str, random: Random) -> set[str]:
    """The ids that were written or changed."""
    enough_at = random.choice([0, *range(1, MOST_ACKNOWLEDGED)])
    async with server(path) as client:
        writers = Writers(client, ledger, name, random, enough_at)
        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(writers.write())
            await writers.enough.wait()
            # Not to wait for anything: the instant of the kill is what chance decides.
            await asyncio.sleep(random.random() * (SPREAD_SECONDS if enough_at else START_SECONDS))
            await client.kill()
    return writers.touched


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_killed_server_has_kept_what_it_acknowledged(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    path = tmp_path / "memory.db"
    ledger = Ledger()
    for kill in range(KILLS):
        touched = await write_until_killed(path, ledger, f"k{kill}", random)
        async with server(path) as restarted:
            assert (await call(restarted, "health"))["status"] == "healthy"
            async with opened(path) as storage:
                before = set(ledger.known)
                await ledger.settle(storage)
                await ledger.check(storage, touched | (ledger.known.keys() - before))
    assert len(ledger.known) > KILLS
    async with opened(path) as storage:
        await ledger.check(storage)
    await every_job_is_there(path, ledger)


async def every_job_is_there(path: Path, ledger: Ledger) -> None:
    """Leased by someone who comes when all of them have become due."""
    due: set[str] = set()
    async with opened(path, ManualClock(LONG_AFTER)) as storage:
        while leases := await storage.lease_jobs([EXPIRE_JOB], owner="test", ttl=3600, limit=500):
            due.update(lease.job.payload.decode() for lease in leases)
    assert due == {known.id for known in ledger.known.values() if known.expires}
