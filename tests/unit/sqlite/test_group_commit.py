"""Units that wait together are committed together, and stay atomic alone."""

# pyright: reportPrivateUsage=false
# The thread itself is what is tested here, and it stands behind no port.

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent_memory.ports.changes import AddRelation, RemoveEntries, ReplaceEntry
from agent_memory.ports.errors import Conflict, NotFound
from agent_memory.ports.queries import LexicalQuery
from agent_memory_contract.builders import adds, after, changed, entry, relation

if TYPE_CHECKING:
    from agent_memory.adapters.sqlite import SqliteStorage


async def commits(storage: SqliteStorage) -> int:
    """The generation of everything moves once a commit."""
    return int(await storage._points.call(lambda c: c.execute("SELECT tree FROM generations").fetchone()[0]))


async def test_concurrent_units_share_commits(storage: SqliteStorage) -> None:
    await asyncio.gather(*(storage.apply(*adds(entry(scope="global"))) for _ in range(100)))
    assert await commits(storage) < 50


async def test_a_unit_that_fails_after_writing_takes_nobody_with_it(storage: SqliteStorage) -> None:
    good = [entry() for _ in range(30)]
    half, absent = entry(), entry()
    results = await asyncio.gather(
        *(storage.apply(*adds(each)) for each in good[:15]),
        storage.apply(*adds(half), AddRelation(relation(half, absent))),
        *(storage.apply(*adds(each)) for each in good[15:]),
        return_exceptions=True,
    )
    failed = [result for result in results if isinstance(result, BaseException)]
    assert [type(failure) for failure in failed] == [NotFound]
    assert await storage.get([each.id for each in (*good, half)]) == good
    assert await storage.verify() == []


async def test_after_a_rerun_every_seq_is_given_once(storage: SqliteStorage) -> None:
    half, absent = entry(), entry()
    results = await asyncio.gather(
        *(storage.apply(*adds(entry())) for _ in range(10)),
        storage.apply(*adds(half), AddRelation(relation(half, absent))),
        *(storage.apply(*adds(entry())) for _ in range(10)),
        return_exceptions=True,
    )
    seqs = [result.seq for result in results if not isinstance(result, BaseException)]
    assert seqs == list(range(1, 21))
    assert [event.seq for event in await storage.outbox(0)] == seqs


async def test_a_later_unit_of_one_commit_sees_an_earlier_one(storage: SqliteStorage) -> None:
    first = entry("the heron stands")
    second = changed(first, content="the otter swims")
    added, replaced, removed = await asyncio.gather(
        storage.apply(*adds(first)),
        storage.apply(ReplaceEntry(second, 1)),
        storage.apply(RemoveEntries((first.id,), at=after(5))),
    )
    assert [added.seq, replaced.seq, removed.seq] == [1, 2, 3]
    assert await storage.search(LexicalQuery(terms=("heron", "otter"))) == []
    assert await storage.verify() == []


async def test_twenty_rivals_have_one_winner_and_all_learn_who(storage: SqliteStorage) -> None:
    first = entry()
    await storage.apply(*adds(first))
    rivals = [changed(first, title=f"rival {n}") for n in range(20)]
    results = await asyncio.gather(
        *(storage.apply(ReplaceEntry(rival, 1)) for rival in rivals), return_exceptions=True
    )
    lost = [result for result in results if isinstance(result, Conflict)]
    assert [len(lost), len(results)] == [19, 20]
    (winner,) = await storage.get([first.id])
    assert all(failure.current == winner for failure in lost)
