"""STORAGE-01 to STORAGE-17: units of work are atomic, isolated and never in each other's way."""

from __future__ import annotations

import asyncio
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
from agent_memory.ports.errors import Conflict, NotFound, Unavailable

from .builders import T0, adds, after, changed, entry, relation, session, vote
from .storage_reads import AbandonedError, abandoned, events, ids, matches, safely, search, settled, state_of
from .suite import TURNS, Suite, cancelled, needs, running, soon, turns

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

    async def test_storage_05_a_failing_apply_harms_no_other(self, harness: StorageHarness) -> None:
        """One of fifty at once is refused; the rest is kept, and nothing of the one."""
        async with harness.open() as store:
            new = [entry() for _ in range(50)]
            refused = ReplaceEntry(changed(entry()), 1)
            work = [
                store.apply(*adds(e), refused) if n == 25 else store.apply(*adds(e))
                for n, e in enumerate(new)
            ]
            results = await settled(*work)
            assert isinstance(results.pop(25), NotFound)
            assert all(isinstance(result, Applied) for result in results), results
            assert set(ids(await matches(store))) == set(ids(new)) - {new[25].id}

    async def test_storage_06_two_units_never_mix(self, harness: StorageHarness) -> None:
        """One that gives up takes nothing of another that began beside it."""
        async with harness.open() as store:
            lost, kept = entry(), entry()
            begun = asyncio.Event()

            async def gives_up() -> None:
                async with store.unit() as unit:
                    await unit.apply(*adds(lost))
                    begun.set()
                    await turns(50)
                    raise AbandonedError

            async def goes_on() -> None:
                await begun.wait()
                await in_unit(store, *adds(kept))

            async with safely(), running(gives_up()) as first:
                await goes_on()
                with pytest.raises(AbandonedError):
                    await first
            assert ids(await matches(store)) == [kept.id]

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

    async def test_storage_13_a_unit_cancelled_while_it_waits_leaves_no_trace(
        self, harness: StorageHarness
    ) -> None:
        """The one before it commits, the one after it begins."""
        async with harness.open() as store:
            for moment in TURNS:
                first, second = entry(), entry()
                async with store.unit() as unit:
                    await unit.apply(*adds(first))
                    async with running(in_unit(store, *adds(second))) as waiting:
                        await turns(moment)
                        await cancelled(waiting)
                await soon(in_unit(store, *adds(entry())))
                assert first.id in ids(await store.get([first.id, second.id]))

    async def test_storage_14_no_update_is_lost_between_units(self, harness: StorageHarness) -> None:
        """Twenty at once read a number and write the next; who is refused tries again."""
        async with harness.open() as store:
            counter = entry(metadata={"n": 0})
            await store.apply(*adds(counter))

            async def count() -> None:
                async with store.unit() as unit:
                    [now] = await unit.get([counter.id])
                    following = changed(now, metadata={"n": now.metadata["n"] + 1})
                    await unit.apply(ReplaceEntry(following, now.version))

            remaining = 20
            for _ in range(remaining):
                results = await settled(*(count() for _ in range(remaining)))
                assert all(
                    result is None or isinstance(result, (Conflict, Unavailable)) for result in results
                )
                remaining -= results.count(None)
                if not remaining:
                    break
            [last] = await store.get([counter.id])
            assert (last.metadata, last.version) == ({"n": 20}, 21)

    async def test_storage_15_writers_on_two_clients_lose_nothing(self, harness: StorageHarness) -> None:
        """Sixty units at once over two clients: all are kept."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            new = [entry() for _ in range(60)]
            results = await settled(*((one, two)[n % 2].apply(*adds(e)) for n, e in enumerate(new)))
            assert all(isinstance(result, Applied) for result in results), results
            assert set(ids(await matches(one))) == set(ids(await matches(two))) == set(ids(new))

    async def test_storage_16_a_read_sees_one_state(self, harness: StorageHarness) -> None:
        """Two entries always changed together are never read apart."""
        async with harness.open() as store:
            pair = [entry(metadata={"n": 0}), entry(metadata={"n": 0})]
            await store.apply(*adds(*pair))
            done = asyncio.Event()

            async def write() -> None:
                current = pair
                for n in range(1, 100):
                    current = [changed(e, metadata={"n": n}) for e in current]
                    await store.apply(*(ReplaceEntry(e, n) for e in current))
                done.set()

            async with safely(), running(write()) as writing:
                while not done.is_set():
                    for read in (await store.get(ids(pair)), await matches(store)):
                        assert len({e.metadata["n"] for e in read}) == 1
                await writing

    async def test_storage_17_seq_is_that_of_the_last_event(self, harness: StorageHarness) -> None:
        """What `apply` answers can be waited for in the outbox."""
        async with harness.open() as store:
            new = entry()
            applied = await store.apply(*adds(entry(), new), Enqueue(JOB, at=T0))
            assert applied.seq == await store.outbox_head() > 0
            assert (await events(store))[-1].subject == new.id
            assert (await store.apply(AddEntry(new))).seq == 0
