"""STORAGE-130 to STORAGE-137: relations between entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.changes import AddRelation, Linked, RemoveEntries, RemoveRelation, Unlinked
from agent_memory.ports.errors import NotFound
from agent_memory.ports.records import RELATION_TYPES

from .builders import adds, after, entry, relation
from .storage_reads import state_of
from .suite import Suite

if TYPE_CHECKING:
    from .storage_harness import StorageHarness


class StorageRelations(Suite):
    async def test_storage_130_a_relation_comes_back_as_it_went_in(self, harness: StorageHarness) -> None:
        """Every type, with who made it, found from either end."""
        one, two = entry(), entry()
        made = [relation(one, two, name, n) for n, name in enumerate(RELATION_TYPES)]
        async with harness.open() as store:
            applied = await store.apply(*adds(one, two), *(AddRelation(r) for r in made))
            assert applied.outcomes[2:] == (Linked(created=True),) * len(made)
            assert await store.relations([one.id]) == made
            assert await store.relations([two.id]) == made

    async def test_storage_131_a_relation_stands_once(self, harness: StorageHarness) -> None:
        """Made again it is as it was, and nothing is written; the other way round it is another."""
        one, two = entry(), entry()
        async with harness.open() as store:
            await store.apply(*adds(one, two), AddRelation(relation(one, two)))
            before = await state_of(store)
            again = await store.apply(AddRelation(relation(one, two, seconds=9)))
            assert again.outcomes == (Linked(created=False),)
            assert await state_of(store) == before
            assert await store.relations([one.id]) == [relation(one, two)]
            back = await store.apply(AddRelation(relation(two, one)))
            assert back.outcomes == (Linked(created=True),)

    async def test_storage_132_both_ends_must_exist(self, harness: StorageHarness) -> None:
        """`NotFound` names the one that is missing or deleted."""
        here, gone, never = entry(), entry(), entry()
        async with harness.open() as store:
            await store.apply(*adds(here, gone), RemoveEntries((gone.id,), at=after(1)))
            for missing in (gone, never):
                for made in (relation(here, missing), relation(missing, here)):
                    with pytest.raises(NotFound, match=missing.id):
                        await store.apply(AddRelation(made))
            assert await store.relations([here.id]) == []

    async def test_storage_133_relations_come_by_creation(self, harness: StorageHarness) -> None:
        """Those that touch any of the ids, each once, the earliest when limited."""
        new = [entry() for _ in range(6)]
        made = [relation(new[n], new[n + 1], seconds=10 - n) for n in range(5)]
        async with harness.open() as store:
            await store.apply(*adds(*new), *(AddRelation(r) for r in made))
            assert await store.relations([new[1].id, new[2].id]) == [made[2], made[1], made[0]]
            assert await store.relations([new[1].id, new[2].id], limit=2) == [made[2], made[1]]
            assert await store.relations([entry().id]) == []
            assert await store.relations([]) == []

    async def test_storage_134_both_ends_must_be_visible(self, harness: StorageHarness) -> None:
        """A relation out of the ceiling is not shown from either end."""
        inside, also, outside = entry(scope="acme/web"), entry(scope="acme/web/s1"), entry(scope="acme/web2")
        made = relation(inside, also)
        async with harness.open() as store:
            await store.apply(*adds(inside, also, outside), AddRelation(made))
            await store.apply(AddRelation(relation(inside, outside)), AddRelation(relation(outside, also)))
            assert await store.relations([inside.id, also.id, outside.id], ceiling="acme/web") == [made]
            assert len(await store.relations([inside.id])) == 2

    async def test_storage_135_a_deleted_end_hides_the_relation(self, harness: StorageHarness) -> None:
        """It is not shown from the end that stays."""
        one, two, three = entry(), entry(), entry()
        kept = relation(one, three)
        async with harness.open() as store:
            await store.apply(*adds(one, two, three), AddRelation(relation(one, two)), AddRelation(kept))
            await store.apply(RemoveEntries((two.id,), at=after(1)))
            assert await store.relations([one.id]) == [kept]
            assert await store.relations([two.id]) == []

    async def test_storage_136_a_relation_is_removed_by_type(self, harness: StorageHarness) -> None:
        """From source to target, only that type; the outcome counts."""
        one, two = entry(), entry()
        made = [relation(one, two, "depends_on", 1), relation(one, two, "part_of", 2)]
        back = relation(two, one, "part_of", 3)
        async with harness.open() as store:
            await store.apply(*adds(one, two), *(AddRelation(r) for r in (*made, back)))
            remove = RemoveRelation(one.id, two.id, after(9), type="part_of")
            assert (await store.apply(remove)).outcomes == (Unlinked(1),)
            assert await store.relations([one.id]) == [made[0], back]
            assert (await store.apply(remove)).outcomes == (Unlinked(0),)

    async def test_storage_137_all_relations_between_two_are_removed(self, harness: StorageHarness) -> None:
        """Without a type: every one from source to target, none back."""
        one, two = entry(), entry()
        made = [relation(one, two, "depends_on", 1), relation(one, two, "part_of", 2)]
        back = relation(two, one, "part_of", 3)
        async with harness.open() as store:
            await store.apply(*adds(one, two), *(AddRelation(r) for r in (*made, back)))
            applied = await store.apply(RemoveRelation(one.id, two.id, after(9)))
            assert applied.outcomes == (Unlinked(2),)
            assert await store.relations([one.id]) == [back]
