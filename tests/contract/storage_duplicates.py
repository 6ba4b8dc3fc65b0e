"""STORAGE-40 to STORAGE-49: a fact told twice is one entry, and no fact is taken for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.changes import Added, AddEntry, NewJob, RemoveEntries, ReplaceEntry
from agent_memory.ports.errors import Conflict
from agent_memory.ports.queries import EntryFilter

from .builders import MICROSECOND, adds, after, changed, digest, entry
from .storage_reads import ALL_SCOPES, ids, matches, search, settled, state_of
from .suite import Suite, level, needs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.records import State
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness


async def told_at_once(stores: Sequence[Storage], times: int = 20) -> None:
    """The same content `times` times, over all of the stores: one entry comes of it."""
    told = [entry("the same fact") for _ in range(times)]
    results = await settled(*(stores[n % len(stores)].apply(AddEntry(e)) for n, e in enumerate(told)))
    [kept] = await matches(stores[0])
    outcomes = [result.outcomes[0] for result in results]
    assert {outcome.id for outcome in outcomes} == {kept.id}
    assert [outcome.duplicate for outcome in outcomes].count(False) == 1


class StorageDuplicates(Suite):
    async def test_storage_40_a_repeat_names_what_stands(self, harness: StorageHarness) -> None:
        """The first entry, at the version it has by then."""
        first = entry("a fact")
        async with harness.open() as store:
            await store.apply(*adds(first), ReplaceEntry(changed(first, title="titled"), 1))
            applied = await store.apply(AddEntry(entry("a fact", at=after(9))))
            assert applied.outcomes == (Added(first.id, 2, duplicate=True),)

    async def test_storage_41_a_repeat_writes_nothing(self, harness: StorageHarness) -> None:
        """No entry, no event, no job, no new generation."""
        async with harness.open() as store:
            await store.apply(*adds(entry("a fact")))
            before = await state_of(store)
            await store.apply(*adds(entry("a fact", at=after(9)), jobs=(NewJob(kind="embed"),)))
            assert await state_of(store) == before

    @level("concurrent")
    async def test_storage_42_twenty_repeats_at_once_make_one_entry(self, harness: StorageHarness) -> None:
        """Exactly one of them is told that it was the first."""
        async with harness.open() as store:
            await told_at_once([store])

    @level("concurrent")
    async def test_storage_43_repeats_on_two_clients_make_one_entry(self, harness: StorageHarness) -> None:
        """As on one."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            await told_at_once([one, two])

    async def test_storage_44_a_repeat_within_one_unit_is_one(self, harness: StorageHarness) -> None:
        """The second change of an `apply` sees the first."""
        first, second = entry("a fact"), entry("a fact")
        async with harness.open() as store:
            applied = await store.apply(*adds(first, second))
            assert applied.outcomes == (
                Added(first.id, 1, duplicate=False),
                Added(first.id, 1, duplicate=True),
            )
            assert ids(await matches(store)) == [first.id]

    async def test_storage_45_identity_is_scope_and_hash(self, harness: StorageHarness) -> None:
        """The same content elsewhere, or under another hash (when it holds at another time), is another fact."""
        told = [
            entry("a fact"),
            entry("a fact", scope="acme/web"),
            entry("a fact", scope="acme2"),
            entry("a fact", content_hash=digest("a fact, in winter")),
        ]
        async with harness.open() as store:
            applied = await store.apply(*adds(*told))
            assert applied.outcomes == tuple(Added(e.id, 1, duplicate=False) for e in told)

    async def test_storage_46_an_expired_entry_gives_way(self, harness: StorageHarness) -> None:
        """It is archived and the new one added; an instant before its expiry it still stands."""
        first = entry("a fact", expires_at=after(10))
        early = entry("a fact", at=after(10) - MICROSECOND)
        late = entry("a fact", at=after(10))
        async with harness.open() as store:
            await store.apply(*adds(first))
            assert (await store.apply(AddEntry(early))).outcomes == (Added(first.id, 1, duplicate=True),)
            assert (await store.apply(AddEntry(late))).outcomes == (Added(late.id, 1, duplicate=False),)
            assert await matches(store) == [late]
            archived = await matches(store, EntryFilter(where=ALL_SCOPES, states=("archived",)))
            assert ids(archived) == [first.id]
            assert await search(store, "fact") == [late.id]

    async def test_storage_47_only_active_entries_are_repeated(self, harness: StorageHarness) -> None:
        """What is superseded, archived, deleted or purged does not keep a fact from being told again."""
        states: tuple[State, ...] = ("superseded", "archived")
        async with harness.open() as store:
            for state in states:
                first, again = entry(f"{state} fact"), entry(f"{state} fact")
                await store.apply(*adds(first), ReplaceEntry(changed(first, state=state), 1))
                assert (await store.apply(AddEntry(again))).outcomes == (Added(again.id, 1, duplicate=False),)
            for purge in (False, True):
                first, again = entry(f"gone {purge}"), entry(f"gone {purge}")
                await store.apply(*adds(first), RemoveEntries((first.id,), at=after(1), purge=purge))
                assert (await store.apply(AddEntry(again))).outcomes == (Added(again.id, 1, duplicate=False),)

    async def test_storage_48_no_update_makes_a_second_of_a_kind(self, harness: StorageHarness) -> None:
        """New content or a new state that would repeat an active entry is a `Conflict` with that entry."""
        stands, other = entry("a fact"), entry("another")
        asleep = entry("a fact", state="archived")
        async with harness.open() as store:
            await store.apply(*adds(asleep, stands, other))
            before = await state_of(store)
            for repeat in (changed(other, content="a fact"), changed(asleep, state="active")):
                with pytest.raises(Conflict) as refusal:
                    await store.apply(ReplaceEntry(repeat, 1))
                assert refusal.value.current == stands
            assert await state_of(store) == before

    async def test_storage_49_an_update_that_keeps_the_content_is_no_repeat(
        self, harness: StorageHarness
    ) -> None:
        """And the content it gave up is free for others."""
        first = entry("a fact")
        second = changed(first, title="titled")
        third = changed(second, content="another fact")
        again = entry("a fact")
        async with harness.open() as store:
            await store.apply(*adds(first), ReplaceEntry(second, 1), ReplaceEntry(third, 2))
            assert (await store.apply(AddEntry(again))).outcomes == (Added(again.id, 1, duplicate=False),)
            assert await matches(store) == [third, again]
