"""What a question reads from the store: no more than it shows, and nothing that cannot have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.guarded_storage import GuardedStorage
from agent_memory.core.search.searching import Search
from agent_memory.ports.changes import RemoveEntries
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import T0, adds, after, entry
from agent_memory_contract.storage_marks import mark_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from agent_memory.adapters.inprocess.worker import ThreadWorker
    from agent_memory.ports.records import Entry
    from agent_memory_contract.manual_clock import ManualClock

EVERYWHERE = EntryFilter(where=ScopeFilter(descendants=True), live_at=T0)


class Counted(GuardedStorage):
    """`gone` is removed just before the entries of an answer are read."""

    def __init__(self, storage: SqliteStorage) -> None:
        super().__init__(storage)
        self.heads = 0
        self.got: list[int] = []
        self.marks = True
        self.gone: tuple[str, ...] = ()

    def mark(self) -> int | None:
        return super().mark() if self.marks else None

    async def outbox_head(self) -> int:
        self.heads += 1
        return await super().outbox_head()

    async def get(self, ids: Sequence[str], *, ceiling: str = "global") -> list[Entry]:
        if self.gone:
            await super().apply(RemoveEntries(self.gone, at=after(1)))
            self.gone = ()
        self.got.append(len(ids))
        return await super().get(ids, ceiling=ceiling)


@pytest.fixture
def counted(storage: SqliteStorage) -> Counted:
    return Counted(storage)


@pytest.fixture
async def search(counted: Counted, worker: ThreadWorker, clock: ManualClock) -> AsyncIterator[Search]:
    opened = Search(counted, worker, clock, patience=30)
    await mark_of(counted)
    yield opened
    await opened.close()


async def found(search: Search, limit: int) -> list[str]:
    answer = await search.find("okapi", EVERYWHERE, mode="hybrid", limit=limit, now=T0)
    assert answer is not None
    return [hit.entry.id for hit in answer.hits]


async def test_the_outbox_is_not_read_while_the_mark_stands(
    counted: Counted, search: Search, path: Path, clock: ManualClock
) -> None:
    first, second = entry("an okapi"), entry("another okapi")
    await counted.apply(*adds(first))
    assert await found(search, 10) == [first.id]
    counted.heads = 0
    for _ in range(3):
        assert await found(search, 10) == [first.id]
    assert counted.heads == 0
    async with SqliteStorage(path, clock=clock, origin="b") as other:
        await other.apply(*adds(second))
        for _ in range(3):
            assert await found(search, 10) == [second.id, first.id]
    assert counted.heads == 1


async def test_without_a_mark_it_is_read_each_time(counted: Counted, search: Search) -> None:
    await found(search, 10)
    counted.marks = False
    counted.heads = 0
    for _ in range(3):
        await found(search, 10)
    assert counted.heads == 3


async def test_so_many_entries_are_read_as_are_shown(counted: Counted, search: Search) -> None:
    await counted.apply(*adds(*(entry(f"okapi {n}") for n in range(20))))
    await found(search, 4)
    counted.got.clear()
    assert len(await found(search, 4)) == 4
    assert counted.got == [4]


async def test_others_are_read_in_place_of_those_that_changed(counted: Counted, search: Search) -> None:
    known = [entry(f"okapi {n}") for n in range(20)]
    await counted.apply(*adds(*known))
    before = await found(search, 4)
    after_them = (await found(search, 8))[4:]
    counted.got.clear()
    counted.gone = (before[0], before[2])
    assert await found(search, 4) == [before[1], before[3], *after_them[:2]]
    assert counted.got == [4, 4]
