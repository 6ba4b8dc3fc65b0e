"""STORAGE-170 to STORAGE-179: the outbox tells of every change, once, in order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.changes import (
    AddRelation,
    CastVote,
    Change,
    Enqueue,
    NewJob,
    PutSession,
    PutVectors,
    RemoveEntries,
    RemoveRelation,
    ReplaceEntry,
    other_end,
)

from .builders import T0, adds, after, changed, entry, relation, session, vector, vote
from .storage_reads import AbandonedError, abandoned, events, ids, safely
from .suite import Suite, level, needs, running

if TYPE_CHECKING:
    from agent_memory.ports.records import Event
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness


async def follow(store: Storage, done: asyncio.Event) -> list[Event]:
    """What a reader sees that polls while others write, until they have ended and nothing is left."""
    seen: list[Event] = []
    while True:
        over = done.is_set()
        batch = await store.outbox(seen[-1].seq if seen else 0, limit=7)
        seen += batch
        if over and not batch:
            return seen


async def written_while_followed(reader: Storage, writers: list[Storage]) -> tuple[list[Event], list[str]]:
    """100 units from 10 tasks while a reader follows; some units give up. What it saw, and what was kept."""
    done = asyncio.Event()
    kept: list[str] = []

    async def write(store: Storage, number: int) -> None:
        for n in range(10):
            new = [entry(), entry()]
            if (n + number) % 4 == 0:
                with pytest.raises(AbandonedError):
                    await abandoned(store, *adds(*new))
            else:
                await store.apply(*adds(*new))
                kept.extend(ids(new))

    async with safely(), running(follow(reader, done)) as following:
        await asyncio.gather(*(write(writers[n % len(writers)], n) for n in range(10)))
        done.set()
        return await following, kept


class StorageOutbox(Suite):
    async def test_storage_170_each_change_has_its_event(self, harness: StorageHarness) -> None:
        """One a change, of its kind, with scope, subject and version, a relation's other end too; jobs have none."""
        one, two = entry(scope="acme/web"), entry(scope="other")
        put, cast = session(), vote("ada", "yes", scope="acme")
        steps: list[tuple[Change, str, str, str | None, int | None]] = [
            (adds(one)[0], "entry.added", one.scope, one.id, 1),
            (adds(two)[0], "entry.added", two.scope, two.id, 1),
            (ReplaceEntry(changed(one), 1), "entry.updated", one.scope, one.id, 2),
            (PutVectors(one.id, 2, "m", after(1), (vector(1),)), "entry.embedded", one.scope, one.id, None),
            (AddRelation(relation(two, one)), "relation.added", two.scope, None, None),
            (RemoveRelation(two.id, one.id, after(2)), "relation.removed", two.scope, None, None),
            (PutSession(put), "session.changed", put.scope, put.id, None),
            (CastVote(cast), "vote.cast", cast.scope, cast.question, None),
            (RemoveEntries((two.id,), at=after(3)), "entry.removed", two.scope, two.id, 2),
            (RemoveEntries((two.id,), at=after(4), purge=True), "entry.purged", two.scope, two.id, None),
        ]
        async with harness.open() as store:
            for change, kind, scope, subject, version in steps:
                head = await store.outbox_head()
                await store.apply(change)
                [event] = await events(store, head)
                assert (event.kind, event.scope) == (kind, scope)
                assert subject is None or event.subject == subject
                assert version is None or event.version == version
                if isinstance(change, AddRelation | RemoveRelation):
                    assert event.subject == two.id
                    assert event.payload == other_end(one.id, one.scope)
            head = await store.outbox_head()
            await store.apply(Enqueue(NewJob(kind="embed"), at=T0))
            assert await events(store, head) == []

    async def test_storage_171_each_removed_entry_has_its_event(self, harness: StorageHarness) -> None:
        """One change of several entries is several events; what was not there has none."""
        new = [entry(scope=f"acme/p{n}") for n in range(3)]
        async with harness.open() as store:
            await store.apply(*adds(*new))
            for purge, kind in ((False, "entry.removed"), (True, "entry.purged")):
                head = await store.outbox_head()
                await store.apply(RemoveEntries((*ids(new), entry().id), at=after(1), purge=purge))
                told = [(event.kind, event.subject, event.scope) for event in await events(store, head)]
                assert sorted(told) == sorted((kind, e.id, e.scope) for e in new)

    async def test_storage_172_what_changed_nothing_has_no_event(self, harness: StorageHarness) -> None:
        """A unit that was rolled back, removals of what is not there."""
        absent, here = entry(), entry()
        async with harness.open() as store:
            await store.apply(*adds(here))
            head = await store.outbox_head()
            with pytest.raises(AbandonedError):
                await abandoned(store, *adds(entry()), PutSession(session()))
            await store.apply(
                RemoveEntries((absent.id,), at=after(1)), RemoveRelation(here.id, absent.id, after(1))
            )
            assert await store.outbox_head() == head
            assert await events(store, head) == []

    async def test_storage_173_events_come_in_order(self, harness: StorageHarness) -> None:
        """Of commits, and within a unit of its changes; seq grows strictly."""
        first, second, third = entry(), entry(), entry()
        async with harness.open() as store:
            await store.apply(*adds(second, first))
            await store.apply(*adds(third))
            told = await events(store)
            assert [event.subject for event in told] == [second.id, first.id, third.id]
            seqs = [event.seq for event in told]
            assert seqs == sorted(set(seqs))
            assert seqs[0] > 0

    async def test_storage_174_the_outbox_is_read_in_parts(self, harness: StorageHarness) -> None:
        """After a seq, that one not included, at most so many; the head is the last."""
        async with harness.open() as store:
            assert await store.outbox_head() == 0
            assert await store.outbox(0) == []
            await store.apply(*adds(*(entry() for _ in range(5))))
            told = await events(store)
            assert await store.outbox(0, limit=2) == told[:2]
            assert await store.outbox(told[1].seq, limit=2) == told[2:4]
            assert await store.outbox(told[4].seq) == []
            assert await store.outbox_head() == told[4].seq

    @level("concurrent")
    async def test_storage_175_a_follower_misses_nothing(self, harness: StorageHarness) -> None:
        """Ten writers at once, some giving up: what it saw as it went is what there is at the end."""
        async with harness.open() as store:
            seen, kept = await written_while_followed(store, [store])
            assert seen == await events(store)
            assert sorted(event.subject for event in seen) == sorted(kept)

    @level("concurrent")
    async def test_storage_176_a_follower_misses_nothing_of_other_clients(
        self, harness: StorageHarness
    ) -> None:
        """Two clients write while a third reads."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two, harness.second_client() as reader:
            seen, kept = await written_while_followed(reader, [one, two])
            assert seen == await events(one)
            assert sorted(event.subject for event in seen) == sorted(kept)

    async def test_storage_177_trimming_deletes_what_was_read(self, harness: StorageHarness) -> None:
        """Up to a seq, that one included; it says how many."""
        async with harness.open() as store:
            await store.apply(*adds(*(entry() for _ in range(5))))
            told = await events(store)
            assert await store.trim_outbox(told[2].seq) == 3
            assert await events(store) == told[3:]
            assert await store.trim_outbox(told[2].seq) == 0

    async def test_storage_178_seqs_are_never_used_again(self, harness: StorageHarness) -> None:
        """A trimmed outbox goes on where it was, and knows its head."""
        async with harness.open() as store:
            await store.apply(*adds(entry(), entry()))
            head = await store.outbox_head()
            await store.trim_outbox(head)
            assert await store.outbox_head() == head
            applied = await store.apply(*adds(entry()))
            assert applied.seq > head
            assert [event.seq for event in await events(store)] == [applied.seq]

    async def test_storage_179_seqs_are_not_used_again_after_a_restart(self, harness: StorageHarness) -> None:
        """Trimmed to nothing and opened again, the outbox still goes on."""
        needs(harness, "durable")
        async with harness.open() as store:
            await store.apply(*adds(entry(), entry()))
            head = await store.outbox_head()
            await store.trim_outbox(head)
        async with harness.open() as store:
            assert await store.outbox_head() == head
            assert (await store.apply(*adds(entry()))).seq > head
