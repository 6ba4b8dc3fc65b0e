"""STORAGE-185 to STORAGE-192: a generation changes for whom something changed, and for nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.changes import (
    AddRelation,
    CastVote,
    Enqueue,
    NewJob,
    PutSession,
    RemoveEntries,
    RemoveRelation,
    ReplaceEntry,
)
from agent_memory.ports.scopes import ScopeFilter

from .builders import T0, adds, after, changed, entry, relation, session, vote
from .storage_reads import AbandonedError, abandoned
from .suite import Suite, level, needs

if TYPE_CHECKING:
    from agent_memory.ports.changes import Change
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness

FILTERS = {
    "own": ScopeFilter(scope="acme/web", inherit=False),
    "child inherits": ScopeFilter(scope="acme/web/s1"),
    "parent's tree": ScopeFilter(scope="acme", inherit=False, descendants=True),
    "everything": ScopeFilter(descendants=True),
    "own ceiling": ScopeFilter(descendants=True, ceiling="acme/web"),
    "child alone": ScopeFilter(scope="acme/web/s1", inherit=False),
    "child under its own ceiling": ScopeFilter(scope="acme/web/s1", ceiling="acme/web/s1"),
    "parent": ScopeFilter(scope="acme"),
    "sibling": ScopeFilter(scope="acme/api", descendants=True),
    "begins alike": ScopeFilter(scope="acme/web2", descendants=True, inherit=False),
    "root": ScopeFilter(),
    "other": ScopeFilter(scope="other", descendants=True),
}
SEERS = {"own", "child inherits", "parent's tree", "everything", "own ceiling"}


async def marks(store: Storage) -> dict[str, str]:
    return {name: await store.generation(where) for name, where in FILTERS.items()}


async def seers(store: Storage, *changes: Change) -> set[str]:
    """The filters whose generation the changes changed."""
    before = await marks(store)
    await store.apply(*changes)
    now = await marks(store)
    return {name for name in FILTERS if now[name] != before[name]}


class StorageGenerations(Suite):
    async def test_storage_185_a_new_entry_changes_what_sees_it(self, harness: StorageHarness) -> None:
        """Its own scope, those that inherit from it, the trees that hold it; also the first one of a scope."""
        async with harness.open() as store:
            for _ in range(2):
                assert await seers(store, *adds(entry(scope="acme/web"))) == SEERS

    async def test_storage_186_changes_of_an_entry_change_what_sees_it(self, harness: StorageHarness) -> None:
        """Update, deletion and purge alike."""
        first = entry(scope="acme/web")
        async with harness.open() as store:
            await store.apply(*adds(first))
            assert await seers(store, ReplaceEntry(changed(first), 1)) == SEERS
            assert await seers(store, RemoveEntries((first.id,), at=after(5))) == SEERS
            assert await seers(store, RemoveEntries((first.id,), at=after(6), purge=True)) == SEERS

    async def test_storage_187_relations_change_what_sees_their_source(self, harness: StorageHarness) -> None:
        """When made and when removed."""
        one, two = entry(scope="acme/web"), entry(scope="acme/web")
        async with harness.open() as store:
            await store.apply(*adds(one, two))
            assert await seers(store, AddRelation(relation(one, two))) >= SEERS
            assert await seers(store, RemoveRelation(one.id, two.id, after(1))) >= SEERS

    async def test_storage_188_sessions_and_votes_change_what_sees_them(
        self, harness: StorageHarness
    ) -> None:
        """As entries do."""
        async with harness.open() as store:
            assert await seers(store, PutSession(session("acme/web"))) == SEERS
            assert await seers(store, CastVote(vote("ada", "yes", scope="acme/web"))) == SEERS

    async def test_storage_189_what_changed_nothing_keeps_the_mark(self, harness: StorageHarness) -> None:
        """A repeat, a job, a rolled-back unit, a removal of nothing, and reading."""
        first = entry("a fact", scope="acme/web")
        async with harness.open() as store:
            await store.apply(*adds(first))
            before = await marks(store)
            with pytest.raises(AbandonedError):
                await abandoned(store, ReplaceEntry(changed(first), 1))
            repeat = entry("a fact", scope="acme/web")
            job = Enqueue(NewJob(kind="embed"), at=T0)
            nothing = RemoveEntries((entry().id,), at=after(1))
            assert await seers(store, *adds(repeat), job, nothing) == set()
            assert await marks(store) == before

    async def test_storage_190_a_mark_never_returns(self, harness: StorageHarness) -> None:
        """Equal marks mean equal content: a thing done and undone is not the same state."""
        seen: set[str] = set()
        async with harness.open() as store:
            for n in range(10):
                new = entry("a fact", scope="acme/web")
                await store.apply(*adds(new))
                seen.add(await store.generation(FILTERS["own"]))
                await store.apply(RemoveEntries((new.id,), at=after(n), purge=True))
                seen.add(await store.generation(FILTERS["own"]))
        assert len(seen) == 20

    @level("concurrent")
    async def test_storage_191_clients_agree_on_the_mark(self, harness: StorageHarness) -> None:
        """So that one may trust what another derived; a write of either changes it for both."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            await one.apply(*adds(entry(scope="acme/web")))
            before = await marks(one)
            assert await marks(two) == before
            assert await seers(two, *adds(entry(scope="acme/web"))) == SEERS
            assert await marks(one) == await marks(two)

    async def test_storage_192_a_mark_outlives_a_restart(self, harness: StorageHarness) -> None:
        """The same content has the same mark; what is written later has another."""
        needs(harness, "durable")
        async with harness.open() as store:
            await store.apply(*adds(entry(scope="acme/web")))
            before = await marks(store)
        async with harness.open() as store:
            assert await marks(store) == before
            assert await seers(store, *adds(entry(scope="acme/web"))) == SEERS
