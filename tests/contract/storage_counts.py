"""STORAGE-250 to STORAGE-258: stats, scopes and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_memory.ports.changes import RemoveEntries, ReplaceEntry
from agent_memory.ports.queries import ScopeStats
from agent_memory.ports.scopes import ScopeFilter

from .builders import adds, after, changed, entry
from .storage_reads import ALL_SCOPES
from .suite import Suite

if TYPE_CHECKING:
    from .storage_harness import StorageHarness

WEB = ScopeFilter(scope="acme/web", inherit=False, descendants=True)
CAPPED = ScopeFilter(descendants=True, ceiling="acme/web")
BEYOND = ("global", "acme", "acme/web2", "acme/web-2", "acme/web.s1", "other")


def counted(counts: dict[str, int]) -> dict[str, int]:
    """A count of none may be given or left out."""
    return {name: count for name, count in counts.items() if count}


class StorageCounts(Suite):
    async def test_storage_250_stats_count_by_kind_and_state(self, harness: StorageHarness) -> None:
        """Kinds of active entries, states of all."""
        gone = entry(kind="tool")
        async with harness.open() as store:
            await store.apply(*adds(entry(kind="tool"), entry(kind="tool"), entry(kind="note"), gone))
            await store.apply(*adds(entry(state="archived", kind="guideline"), entry(state="superseded")))
            await store.apply(RemoveEntries((gone.id,), at=after(1)))
            stats = await store.stats(ALL_SCOPES)
            assert counted(stats.by_kind) == {"tool": 2, "note": 1}
            assert counted(stats.by_state) == {"active": 3, "archived": 1, "superseded": 1, "deleted": 1}
            assert stats.entries == 3

    async def test_storage_251_stats_keep_to_their_scopes(self, harness: StorageHarness) -> None:
        """As the filter says; an empty store counts nothing."""
        scopes = ("acme/web", "acme/web/s1", "acme/web/s1", "acme/web2", "acme", "global")
        async with harness.open() as store:
            empty = await store.stats(ALL_SCOPES)
            assert (empty.entries, counted(empty.by_state), empty.scopes, empty.vectors) == (0, {}, 0, 0)
            await store.apply(*adds(*(entry(scope=scope) for scope in scopes)))
            stats = await store.stats(WEB)
            assert (stats.entries, counted(stats.by_state), stats.scopes) == (3, {"active": 3}, 2)
            assert (await store.stats(ALL_SCOPES)).scopes == 5

    async def test_storage_252_scopes_come_by_name_with_their_counts(self, harness: StorageHarness) -> None:
        """Those that hold active entries."""
        gone = entry(scope="gone")
        async with harness.open() as store:
            await store.apply(*adds(*(entry(scope=s) for s in ("b", "a/z", "b", "a.b", "B", "global")), gone))
            await store.apply(*adds(entry(scope="asleep", state="archived")))
            await store.apply(RemoveEntries((gone.id,), at=after(1)))
            names = [("B", 1), ("a.b", 1), ("a/z", 1), ("b", 2), ("global", 1)]
            assert await store.scopes() == [ScopeStats(scope=s, entries=n) for s, n in names]
            assert await store.scopes(limit=2) == [ScopeStats(scope=s, entries=n) for s, n in names[:2]]

    async def test_storage_253_scopes_keep_to_prefix_and_ceiling(self, harness: StorageHarness) -> None:
        """The prefix may end within a segment; both act before the limit."""
        scopes = ("acme", "acme/web", "acme/web/s1", "acme/web2", "acme/x", "aaa")
        async with harness.open() as store:
            await store.apply(*adds(*(entry(scope=scope) for scope in scopes)))
            found = await store.scopes(prefix="acme/we", limit=3)
            assert [s.scope for s in found] == ["acme/web", "acme/web/s1", "acme/web2"]
            found = await store.scopes(ceiling="acme/web", limit=2)
            assert [s.scope for s in found] == ["acme/web", "acme/web/s1"]
            assert await store.scopes(prefix="acme/x", ceiling="acme/web") == []

    async def test_storage_254_tags_come_most_used_first(self, harness: StorageHarness) -> None:
        """Then by name, as code points go."""
        tags = (("x", "b"), ("b", "a"), ("b", "B"), ("é",), ("x",))
        async with harness.open() as store:
            await store.apply(*adds(*(entry(tags=t) for t in tags)))
            expected = [("b", 3), ("x", 2), ("B", 1), ("a", 1), ("é", 1)]
            assert await store.tags(ALL_SCOPES) == expected
            assert await store.tags(ALL_SCOPES, limit=2) == expected[:2]

    async def test_storage_255_only_tags_of_active_entries_count(self, harness: StorageHarness) -> None:
        """Of their current version."""
        first, gone, asleep = entry(tags=("old",)), entry(tags=("gone",)), entry(tags=("asleep",))
        async with harness.open() as store:
            await store.apply(*adds(first, gone, asleep))
            await store.apply(
                ReplaceEntry(changed(first, tags=("new",)), 1),
                ReplaceEntry(changed(asleep, state="archived"), 1),
                RemoveEntries((gone.id,), at=after(1)),
            )
            assert await store.tags(ALL_SCOPES) == [("new", 1)]

    async def test_storage_256_tags_keep_to_their_scopes(self, harness: StorageHarness) -> None:
        """And to the prefix, before the limit."""
        async with harness.open() as store:
            await store.apply(
                *adds(
                    entry(scope="acme/web", tags=("web", "wide")), entry(scope="acme/web/s1", tags=("web",))
                )
            )
            await store.apply(*adds(*(entry(scope="acme/web2", tags=("other", "wide")) for _ in range(5))))
            assert await store.tags(WEB) == [("web", 2), ("wide", 1)]
            assert await store.tags(WEB, prefix="wi", limit=1) == [("wide", 1)]
            assert await store.tags(ScopeFilter(scope="acme/web/s1")) == [("web", 2), ("wide", 1)]

    async def test_storage_257_stats_count_nothing_beyond_the_ceiling(self, harness: StorageHarness) -> None:
        """Neither above it, whatever is inherited, nor beside or around it."""
        async with harness.open() as store:
            await store.apply(*adds(*(entry(scope=scope) for scope in BEYOND), entry(scope="acme/web/s1")))
            stats = await store.stats(CAPPED)
            assert (stats.entries, counted(stats.by_kind), stats.scopes) == (1, {"note": 1}, 1)
            assert counted(stats.by_state) == {"active": 1}

    async def test_storage_258_tags_of_what_lies_beyond_the_ceiling_are_not_there(
        self, harness: StorageHarness
    ) -> None:
        """Not even counted for a tag that is also within it."""
        async with harness.open() as store:
            await store.apply(*adds(*(entry(scope=scope, tags=("theirs", "both")) for scope in BEYOND)))
            await store.apply(*adds(entry(scope="acme/web/s1", tags=("both",))))
            assert await store.tags(CAPPED) == [("both", 1)]
            assert await store.tags(CAPPED, prefix="the") == []
