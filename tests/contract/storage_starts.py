"""STORAGE-240 to STORAGE-247: opening, closing and opening again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.changes import (
    AddRelation,
    Applied,
    CastVote,
    Enqueue,
    NewJob,
    PutSession,
    PutVectors,
    RemoveEntries,
    ReplaceEntry,
)
from agent_memory.ports.errors import Misconfigured, PortError
from agent_memory.ports.queries import LexicalQuery, VectorQuery

from .builders import adds, after, changed, entry, relation, session, unit_vector, vector, vote
from .storage_reads import ACTIVE, ALL_SCOPES, WHATEVER, events, ids, matches, safely
from .suite import Suite, Undeclared, level, needs, turns

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from agent_memory.ports.changes import Change
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness


async def everything(store: Storage, subject: str) -> list[object]:
    """Whatever can be read of the store."""
    return [
        await matches(store, WHATEVER),
        await store.history(subject),
        await store.search(LexicalQuery(terms=("giraffe",), filter=ACTIVE)),
        await store.nearest(VectorQuery(vector=unit_vector(1, 0), model="m", filter=ACTIVE)),
        await store.relations([subject]),
        await store.sessions(ALL_SCOPES),
        await store.votes("acme", "tabs?"),
        await store.stats(ALL_SCOPES),
        await store.tags(ALL_SCOPES),
        await events(store),
        await store.job_stats(),
    ]


async def first_start(opening: AbstractAsyncContextManager[Storage]) -> str:
    """Open, write one entry, close."""
    new = entry()
    async with opening as store:
        await store.apply(*adds(new))
    return new.id


class StorageStarts(Suite):
    async def test_storage_240_all_is_there_after_a_restart(self, harness: StorageHarness) -> None:
        """Entries, revisions, indexes, relations, sessions, votes, events, jobs."""
        needs(harness, "durable")
        one, two = entry("a giraffe", tags=("a",)), entry()
        async with harness.open() as store:
            await store.apply(*adds(one, two), AddRelation(relation(one, two)), ReplaceEntry(changed(one), 1))
            await store.apply(PutVectors(one.id, 2, "m", after(1), (vector(1, 0),)), PutSession(session()))
            await store.apply(CastVote(vote("ada", "yes")), Enqueue(NewJob(kind="embed"), at=harness.now()))
            gone = entry()
            await store.apply(*adds(gone), RemoveEntries((gone.id,), at=after(1)))
            before = await everything(store, one.id)
        async with harness.open() as store:
            assert await everything(store, one.id) == before

    @level("concurrent")
    async def test_storage_241_first_starts_at_once_are_safe(self, harness: StorageHarness) -> None:
        """Several clients of a store that is not there yet: all start, all write, nothing is lost."""
        needs(harness, "second_client")
        async with safely():
            opened = [harness.second_client() for _ in range(4)]
            written = await asyncio.gather(*(first_start(opening) for opening in opened))
        async with harness.open() as store:
            assert set(ids(await matches(store))) == set(written)
            assert await store.verify() == []

    async def test_storage_242_a_newer_schema_is_refused(self, harness: StorageHarness) -> None:
        """`Misconfigured`, when entered, rather than to write what a later program cannot read."""
        if not harness.capabilities.newer_schema:
            raise Undeclared("harness", "newer_schema")
        async with harness.open() as store:
            await store.apply(*adds(entry()))
        await harness.claim_newer_schema()
        with pytest.raises(Misconfigured):
            await first_start(harness.open())

    async def test_storage_243_the_schema_version_stays(self, harness: StorageHarness) -> None:
        """A positive number, the same for every client and after a restart."""
        async with harness.open() as store:
            version = await store.schema_version()
            assert version > 0
        async with harness.open() as store:
            assert await store.schema_version() == version

    async def test_storage_244_health_says_that_it_is_connected(self, harness: StorageHarness) -> None:
        """While it is open."""
        async with harness.open() as store:
            await store.apply(*adds(entry()))
            assert (await store.health())["connected"] is True

    async def test_storage_245_verify_finds_nothing_wrong(self, harness: StorageHarness) -> None:
        """Fresh, and after every kind of change."""
        first, second = entry("a", tags=("x", "y"), title="t"), entry("b", tags=("x",))
        third = changed(first, content="c", tags=("y", "z"))
        changes: tuple[Change, ...] = (
            *adds(first, second),
            PutVectors(first.id, 1, "m", after(1), (vector(1, 0), vector(0, 1))),
            AddRelation(relation(first, second)),
            ReplaceEntry(third, 1),
            ReplaceEntry(changed(third, state="superseded"), 2),
            RemoveEntries((first.id,), at=after(5)),
            RemoveEntries((first.id, second.id), at=after(6), purge=True),
        )
        async with harness.open() as store:
            assert await store.verify() == []
            for change in changes:
                await store.apply(change)
                assert await store.verify() == [], change

    @level("concurrent")
    async def test_storage_246_leaving_does_not_hang_on_work_under_way(self, harness: StorageHarness) -> None:
        """Every call comes to an end, by its answer or a `PortError`."""
        async with safely():
            async with harness.open() as store:
                work = [asyncio.create_task(store.apply(*adds(entry()))) for _ in range(30)]
                await turns(3)
            results = await asyncio.gather(*work, return_exceptions=True)
        assert all(isinstance(result, (Applied, PortError)) for result in results), results

    @level("concurrent")
    async def test_storage_247_what_was_acknowledged_while_leaving_is_there(
        self, harness: StorageHarness
    ) -> None:
        """And what was refused is not."""
        needs(harness, "durable")
        new = [entry() for _ in range(30)]
        async with safely():
            async with harness.open() as store:
                work = [asyncio.create_task(store.apply(*adds(e))) for e in new]
                await turns(3)
            results = await asyncio.gather(*work, return_exceptions=True)
        kept = [e.id for e, result in zip(new, results, strict=True) if isinstance(result, Applied)]
        async with harness.open() as store:
            assert sorted(ids(await matches(store))) == sorted(kept)
