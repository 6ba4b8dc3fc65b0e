"""STORAGE-140 to STORAGE-151: walking relations."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.changes import AddRelation, RemoveEntries
from agent_memory.ports.errors import Rejected
from agent_memory.ports.queries import Graph, GraphQuery

from .builders import adds, after, entry, relation
from .storage_reads import safely
from .suite import Suite

if TYPE_CHECKING:
    from agent_memory.ports.records import Entry, Relation
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness


async def chain(store: Storage, *new: Entry) -> list[Relation]:
    """The entries, each related to the next."""
    made = [relation(a, b, seconds=n) for n, (a, b) in enumerate(itertools.pairwise(new))]
    await store.apply(*adds(*new), *(AddRelation(r) for r in made))
    return made


class StorageGraph(Suite):
    async def test_storage_140_a_walk_goes_so_deep_and_no_deeper(self, harness: StorageHarness) -> None:
        """`depth` edges away from the start."""
        new = [entry() for _ in range(7)]
        async with harness.open() as store:
            made = await chain(store, *new)
            for depth in range(1, 6):
                graph = await store.walk(GraphQuery(start=new[0].id, depth=depth))
                assert graph == Graph(tuple(made[:depth]))

    async def test_storage_141_a_walk_goes_both_ways(self, harness: StorageHarness) -> None:
        """Against the arrows as along them."""
        new = [entry() for _ in range(5)]
        async with harness.open() as store:
            made = await chain(store, *new)
            graph = await store.walk(GraphQuery(start=new[2].id, depth=1))
            assert set(graph.relations) == {made[1], made[2]}
            graph = await store.walk(GraphQuery(start=new[4].id, depth=5))
            assert graph.relations == tuple(made[::-1])

    async def test_storage_142_the_near_comes_before_the_far(self, harness: StorageHarness) -> None:
        """Breadth first, whatever was made first."""
        start, *near = (entry() for _ in range(4))
        far = [entry() for _ in range(3)]
        outer = [relation(a, b, seconds=n) for n, (a, b) in enumerate(zip(near, far, strict=True))]
        inner = [relation(start, e, seconds=100 + n) for n, e in enumerate(near)]
        async with harness.open() as store:
            await store.apply(*adds(start, *near, *far), *(AddRelation(r) for r in (*outer, *inner)))
            graph = await store.walk(GraphQuery(start=start.id, depth=2))
            assert set(graph.relations[:3]) == set(inner)
            assert set(graph.relations[3:]) == set(outer)

    async def test_storage_143_a_walk_may_keep_to_types(self, harness: StorageHarness) -> None:
        """It neither shows nor passes along others."""
        a, b, c, d = (entry() for _ in range(4))
        kept = [relation(a, b, "part_of", 1), relation(b, c, "depends_on", 2)]
        others = [relation(a, c, "contradicts", 3), relation(a, d, "contradicts", 4)]
        async with harness.open() as store:
            await store.apply(*adds(a, b, c, d), *(AddRelation(r) for r in (*kept, *others)))
            query = GraphQuery(start=a.id, depth=5, types=("part_of", "depends_on"))
            assert await store.walk(query) == Graph(tuple(kept))
            assert await store.path(query, d.id) is None

    async def test_storage_144_a_walk_says_when_its_limit_cut_it(self, harness: StorageHarness) -> None:
        """And only then."""
        start, *rest = (entry() for _ in range(6))
        made = [relation(start, e, seconds=n) for n, e in enumerate(rest)]
        async with harness.open() as store:
            await store.apply(*adds(start, *rest), *(AddRelation(r) for r in made))
            cut = await store.walk(GraphQuery(start=start.id, limit=4))
            assert (len(cut.relations), cut.truncated) == (4, True)
            full = await store.walk(GraphQuery(start=start.id, limit=5, depth=3))
            assert (len(full.relations), full.truncated) == (5, False)

    async def test_storage_145_a_walk_ends_on_cycles(self, harness: StorageHarness) -> None:
        """Each relation once, also one from an entry to itself's neighbours and back."""
        a, b, c = (entry() for _ in range(3))
        made = [relation(a, b, seconds=1), relation(b, c, seconds=2), relation(c, a, seconds=3)]
        made.append(relation(b, a, seconds=4))
        async with harness.open() as store, safely():
            await store.apply(*adds(a, b, c), *(AddRelation(r) for r in made))
            graph = await store.walk(GraphQuery(start=a.id, depth=5))
            assert len(graph.relations) == 4
            assert set(graph.relations) == set(made)
            assert not graph.truncated

    async def test_storage_146_a_walk_never_leaves_its_ceiling(self, harness: StorageHarness) -> None:
        """Nor passes through what is outside to come back in; nor starts there."""
        inside, outside, back = entry(scope="acme/web"), entry(scope="acme/web2"), entry(scope="acme/web/s1")
        async with harness.open() as store:
            await chain(store, inside, outside, back)
            assert await store.walk(GraphQuery(start=inside.id, depth=5, ceiling="acme/web")) == Graph(())
            assert await store.walk(GraphQuery(start=outside.id, depth=5, ceiling="acme/web")) == Graph(())
            query = GraphQuery(start=inside.id, depth=5, ceiling="acme/web")
            assert await store.path(query, back.id) is None

    async def test_storage_147_a_walk_never_passes_through_the_deleted(self, harness: StorageHarness) -> None:
        """Its relations are gone from every chain."""
        new = [entry() for _ in range(4)]
        async with harness.open() as store:
            made = await chain(store, *new)
            await store.apply(RemoveEntries((new[2].id,), at=after(9)))
            assert await store.walk(GraphQuery(start=new[0].id, depth=5)) == Graph((made[0],))
            assert await store.path(GraphQuery(start=new[0].id, depth=5), new[3].id) is None

    async def test_storage_148_a_path_is_a_shortest_one(self, harness: StorageHarness) -> None:
        """In order from the start, along arrows or against them."""
        new = [entry() for _ in range(5)]
        short = [relation(new[4], new[0], seconds=50), relation(new[3], new[4], seconds=51)]
        async with harness.open() as store:
            made = await chain(store, *new[:4])
            query = GraphQuery(start=new[0].id, depth=5)
            assert await store.path(query, new[3].id) == made
            await store.apply(*adds(new[4]), *(AddRelation(r) for r in short))
            assert await store.path(query, new[3].id) == short

    async def test_storage_149_no_path_is_none(self, harness: StorageHarness) -> None:
        """Where nothing leads there, or only a longer way than asked for."""
        new = [entry() for _ in range(4)]
        lonely = entry()
        async with harness.open() as store:
            await chain(store, *new)
            await store.apply(*adds(lonely))
            assert await store.path(GraphQuery(start=new[0].id, depth=5), lonely.id) is None
            assert await store.path(GraphQuery(start=new[0].id, depth=2), new[3].id) is None
            assert await store.path(GraphQuery(start=new[0].id, depth=3), new[3].id) is not None

    async def test_storage_150_a_depth_out_of_range_is_rejected(self, harness: StorageHarness) -> None:
        """One to five."""
        new = entry()
        async with harness.open() as store:
            await store.apply(*adds(new))
            for depth in (0, 6, -1):
                with pytest.raises(Rejected):
                    await store.walk(GraphQuery(start=new.id, depth=depth))

    async def test_storage_151_a_dense_graph_is_walked_within_its_limit(
        self, harness: StorageHarness
    ) -> None:
        """Fifty entries all related to each other: 40 relations, no explosion."""
        new = [entry() for _ in range(50)]
        made = [relation(a, b) for n, a in enumerate(new) for b in new[:n]]
        async with harness.open() as store, safely():
            await store.apply(*adds(*new), *(AddRelation(r) for r in made))
            graph = await store.walk(GraphQuery(start=new[0].id, depth=5, limit=40))
            assert len(set(graph.relations)) == len(graph.relations) == 40
            assert graph.truncated
