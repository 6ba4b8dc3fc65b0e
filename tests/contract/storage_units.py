"""Of STORAGE-01 to STORAGE-17 those on one unit of work: it is atomic, and isolated until it commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.changes import (
    Added,
    AddEntry,
    AddRelation,
    Applied,
    CastVote,
    Done,
    Enqueue,
    Enqueued,
    Linked,
    NewJob,
    PutSession,
    Removed,
    RemoveEntries,
    Replaced,
    ReplaceEntry,
)
from agent_memory.ports.errors import NotFound

from .builders import T0, adds, after, changed, entry, relation, session, vote
from .storage_reads import AbandonedError, abandoned, events, ids, matches, search, state_of
from .suite import TURNS, Suite, cancelled, level, running, soon, turns

if TYPE_CHECKING:
    from agent_memory.ports.changes import Change
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness

JOB = NewJob(kind="embed")


def linked_pair(*, jobs: tuple[NewJob, ...] = (JOB,)) -> tuple[list[str], tuple[Change, ...]]:
    """Two entries, a relation between them and a job each: several rows of every kind."""
    one, two = entry(), entry()
    return [one.id, two.id], (*adds(one, two, jobs=jobs), AddRelation(relation(one, two)))


async def whole_or_absent(store: Storage, pairs: list[list[str]]) -> int:
    """How many pairs are there; fails on half a pair, or jobs and events that do not add up."""
    present = 0
    for pair in pairs:
        found = await store.get(pair)
        links = await store.relations(pair)
        assert (len(found), len(links)) in {(0, 0), (2, 1)}, "half a unit was kept"
        present += len(found) == 2
    written = [event for event in await events(store) if event.subject in {e for pair in pairs for e in pair}]
    assert len([event for event in written if event.kind == "entry.added"]) == 2 * present
    assert (await store.job_stats()).waiting == 2 * present
    return present


async def in_unit(store: Storage, *changes: Change) -> None:
    """The changes one by one in a unit of their own."""
    async with store.unit() as unit:
        for change in changes:
            await unit.apply(change)


class StorageUnits(Suite):
    async def test_storage_01_a_failed_unit_leaves_nothing(self, harness: StorageHarness) -> None:
        """Entry, index, event, job and generation go with the block's exception."""
        async with harness.open() as store:
            before = await state_of(store)
            lost = entry("something about giraffes")
            with pytest.raises(AbandonedError):
                await abandoned(store, *adds(lost, jobs=(JOB,)))
            assert await state_of(store) == before
            assert await search(store, "giraffes") == []

    async def test_storage_02_a_failing_change_undoes_those_before_it(self, harness: StorageHarness) -> None:
        """`apply` keeps all of its changes or none."""
        async with harness.open() as store:
            before = await state_of(store)
            _, changes = linked_pair()
            with pytest.raises(NotFound):
                await store.apply(*changes, ReplaceEntry(changed(entry()), 1))
            assert await state_of(store) == before

    @level("faulty")
    async def test_storage_03_a_cancelled_apply_is_all_or_nothing(self, harness: StorageHarness) -> None:
        """Whatever the moment; and the store works on."""
        async with harness.open() as store:
            pairs: list[list[str]] = []
            for moment in TURNS:
                pair, changes = linked_pair()
                pairs.append(pair)
                async with running(store.apply(*changes)) as task:
                    await turns(moment)
                    await cancelled(task)
                await soon(store.apply(*adds(entry())))
            await whole_or_absent(store, pairs)

    @level("faulty")
    async def test_storage_04_a_cancelled_unit_is_all_or_nothing(self, harness: StorageHarness) -> None:
        """Cancelled while it waits, writes, commits or rolls back; and the store works on."""
        async with harness.open() as store:
            pairs: list[list[str]] = []
            for moment in TURNS:
                pair, changes = linked_pair()
                pairs.append(pair)
                async with running(in_unit(store, *changes)) as task:
                    await turns(moment)
                    await cancelled(task)
                await soon(in_unit(store, *adds(entry())))
            await whole_or_absent(store, pairs)

    async def test_storage_07_a_unit_reads_its_own_writes(self, harness: StorageHarness) -> None:
        """By id, by query, by search and along relations, before it has committed."""
        async with harness.open() as store, store.unit() as unit:
            one, two = entry("the giraffe sleeps"), entry()
            await unit.apply(*adds(one, two), AddRelation(relation(one, two)))
            assert await unit.get([one.id]) == [one]
            assert ids(await matches(unit)) == ids([one, two])
            assert await search(unit, "giraffe") == [one.id]
            assert len(await unit.relations([two.id])) == 1

    async def test_storage_08_nobody_else_sees_an_open_unit(self, harness: StorageHarness) -> None:
        """Readers outside are not held up either: they see what is committed."""
        async with harness.open() as store:
            before = await state_of(store)
            async with store.unit() as unit:
                await unit.apply(*adds(entry(), jobs=(JOB,)))
                assert await soon(state_of(store)) == before

    async def test_storage_09_a_commit_is_seen_at_once(self, harness: StorageHarness) -> None:
        """Each acknowledged write is there in the very next read."""
        async with harness.open() as store:
            for _ in range(50):
                new = entry()
                await store.apply(*adds(new))
                assert await store.get([new.id]) == [new]
            last = entry()
            await in_unit(store, *adds(last))
            assert await store.get([last.id]) == [last]

    async def test_storage_10_outcomes_answer_changes_in_order(self, harness: StorageHarness) -> None:
        """One outcome a change, of the kind that the change names."""
        async with harness.open() as store:
            one, two = entry(), entry()
            applied = await store.apply(
                *adds(one, two),
                AddRelation(relation(one, two)),
                ReplaceEntry(changed(one, title="again"), 1),
                PutSession(session()),
                CastVote(vote("ada", "yes")),
                RemoveEntries((two.id,), at=after(5)),
                Enqueue(JOB, at=harness.now()),
            )
            *most, enqueued = applied.outcomes
            assert most == [
                Added(one.id, 1, duplicate=False),
                Added(two.id, 1, duplicate=False),
                Linked(created=True),
                Replaced(one.id, 2),
                Done(),
                Done(),
                Removed((two.id,)),
            ]
            assert isinstance(enqueued, Enqueued)
            assert enqueued.created

    async def test_storage_11_an_error_inside_a_unit_cannot_be_swallowed(
        self, harness: StorageHarness
    ) -> None:
        """A block that catches what `apply` raised and goes on is left with that error, and nothing is kept."""
        async with harness.open() as store:
            before = await state_of(store)

            async def swallows() -> None:
                async with store.unit() as unit:
                    await unit.apply(*adds(entry()))
                    with pytest.raises(NotFound):
                        await unit.apply(ReplaceEntry(changed(entry()), 1))

            with pytest.raises(NotFound):
                await swallows()
            assert await state_of(store) == before

    async def test_storage_12_no_changes_write_nothing(self, harness: StorageHarness) -> None:
        """An empty `apply` answers with no outcome and no event."""
        async with harness.open() as store:
            await store.apply(*adds(entry()))
            before = await state_of(store)
            assert await store.apply() == Applied(())
            assert await state_of(store) == before

    async def test_storage_17_seq_is_that_of_the_last_event(self, harness: StorageHarness) -> None:
        """What `apply` answers can be waited for in the outbox."""
        async with harness.open() as store:
            new = entry()
            applied = await store.apply(*adds(entry(), new), Enqueue(JOB, at=T0))
            assert applied.seq == await store.outbox_head() > 0
            assert (await events(store))[-1].subject == new.id
            assert (await store.apply(AddEntry(new))).seq == 0
