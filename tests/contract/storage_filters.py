"""STORAGE-65 to STORAGE-78: what each filter admits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent_memory.ports.changes import RemoveEntries, ReplaceEntry
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.records import KINDS, STATES
from agent_memory.ports.scopes import ScopeFilter

from .builders import MICROSECOND, adds, after, changed, entry
from .storage_reads import ALL_SCOPES, ids, matches
from .suite import Suite

if TYPE_CHECKING:
    from agent_memory.ports.records import Entry
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness

TREE = (
    "global", "acme", "acme/web", "acme/web/s1", "acme/web/s2", "acme/api", "acme/web2", "acme/web2/s1",
    "acme/web-x", "acme/web.x", "acme-2", "acme2/web", "other",
)  # fmt: skip


async def seen(store: Storage, **where: Any) -> set[str]:
    """The scopes whose entries a scope filter admits."""
    return {e.scope for e in await matches(store, EntryFilter(where=ScopeFilter(**where)))}


async def found(store: Storage, **asked: Any) -> list[Entry]:
    return await matches(store, EntryFilter(where=ALL_SCOPES, **asked))


class StorageFilters(Suite):
    async def test_storage_65_a_scope_inherits_from_its_ancestors(self, harness: StorageHarness) -> None:
        """Up to `global`; never from siblings or children."""
        async with harness.open() as store:
            await store.apply(*adds(*(entry(scope=scope) for scope in TREE)))
            assert await seen(store, scope="acme/web/s1") == {"acme/web/s1", "acme/web", "acme", "global"}
            assert await seen(store, scope="acme/web") == {"acme/web", "acme", "global"}
            assert await seen(store) == {"global"}

    async def test_storage_66_without_inheritance_a_scope_sees_itself(self, harness: StorageHarness) -> None:
        """And nothing else, though nothing be there."""
        async with harness.open() as store:
            await store.apply(*adds(*(entry(scope=scope) for scope in TREE)))
            assert await seen(store, scope="acme/web", inherit=False) == {"acme/web"}
            assert await seen(store, scope="acme/we", inherit=False) == set()

    async def test_storage_67_descendants_are_the_tree_below(self, harness: StorageHarness) -> None:
        """By segments: a name that merely begins alike is no descendant."""
        async with harness.open() as store:
            await store.apply(*adds(*(entry(scope=scope) for scope in TREE)))
            tree = {"acme/web", "acme/web/s1", "acme/web/s2"}
            assert await seen(store, scope="acme/web", inherit=False, descendants=True) == tree
            assert await seen(store, scope="acme/web", descendants=True) == {*tree, "acme", "global"}
            assert await seen(store, descendants=True) == set(TREE)

    async def test_storage_68_the_ceiling_wins(self, harness: StorageHarness) -> None:
        """Nothing outside its tree is seen, whatever else is asked."""
        async with harness.open() as store:
            await store.apply(*adds(*(entry(scope=scope) for scope in TREE)))
            tree = {"acme/web", "acme/web/s1", "acme/web/s2"}
            assert await seen(store, scope="acme/web/s1", ceiling="acme/web") == {"acme/web/s1", "acme/web"}
            assert await seen(store, scope="acme", descendants=True, ceiling="acme/web") == tree
            assert await seen(store, scope="global", descendants=True, ceiling="acme/web") == tree
            assert await seen(store, scope="acme", ceiling="acme/web") == set()
            assert await seen(store, scope="other", descendants=True, ceiling="acme/web") == set()

    async def test_storage_69_scopes_are_no_patterns(self, harness: StorageHarness) -> None:
        """`_`, `%` and `.` stand for themselves, and case matters."""
        scopes = ("acme/a_b", "acme/a_b/s1", "acme/aXb", "acme/aXb/s1", "acme/a.b", "acme/A_B/s1")
        async with harness.open() as store:
            await store.apply(*adds(*(entry(scope=scope) for scope in scopes)))
            below = await seen(store, scope="acme/a_b", inherit=False, descendants=True)
            assert below == {"acme/a_b", "acme/a_b/s1"}
            assert await seen(store, scope="acme/a.b", descendants=True) == {"acme/a.b"}

    async def test_storage_70_kinds_are_alternatives(self, harness: StorageHarness) -> None:
        """One of those named; none named, any."""
        new = {kind: entry(kind=kind) for kind in KINDS}
        async with harness.open() as store:
            await store.apply(*adds(*new.values()))
            assert await found(store, kinds=("tool",)) == [new["tool"]]
            assert await found(store, kinds=("tool", "note")) == [new["tool"], new["note"]]
            assert len(await found(store)) == len(KINDS)

    async def test_storage_71_states_are_alternatives(self, harness: StorageHarness) -> None:
        """Active unless told otherwise; any means any but deleted."""
        new = [entry(state=state) for state in STATES[:3]]
        gone = entry()
        async with harness.open() as store:
            await store.apply(*adds(*new, gone), RemoveEntries((gone.id,), at=after(1)))
            assert ids(await found(store)) == [new[0].id]
            assert ids(await found(store, states=("superseded", "archived"))) == ids(new[1:])
            assert ids(await found(store, states=())) == ids(new)
            assert ids(await found(store, states=("deleted",))) == [gone.id]

    async def test_storage_72_tags_match_whole(self, harness: StorageHarness) -> None:
        """By exact text: no substring, no pattern, no other case, no separator."""
        tags = ("red", "Red", "redder", "re%", "r_d", 're"d', "re'd", "re,d", "red ", "réd", "[red]")
        new = {tag: entry(tags=(tag,)) for tag in tags}
        async with harness.open() as store:
            await store.apply(*adds(*new.values(), entry(tags=("re", "d"))))
            for tag in tags:
                assert await found(store, tags=(tag,)) == [new[tag]], tag
                assert await found(store, tags_any=(tag,)) == [new[tag]], tag

    async def test_storage_73_all_of_the_tags(self, harness: StorageHarness) -> None:
        """`tags` must all be there; a tag named twice is one."""
        both, one, none = entry(tags=("b", "x", "a")), entry(tags=("a", "x")), entry()
        async with harness.open() as store:
            await store.apply(*adds(both, one, none))
            assert await found(store, tags=("a", "b")) == [both]
            assert await found(store, tags=("a", "a")) == [both, one]
            assert await found(store, tags=("a", "absent")) == []

    async def test_storage_74_any_of_the_tags(self, harness: StorageHarness) -> None:
        """`tags_any` needs one; an entry with several of them comes once."""
        both, one, none = entry(tags=("b", "a")), entry(tags=("b",)), entry(tags=("c",))
        async with harness.open() as store:
            await store.apply(*adds(both, one, none))
            assert await found(store, tags_any=("a", "b", "absent")) == [both, one]
            assert await found(store, tags_any=("absent",)) == []
            assert await found(store, tags_any=("b", "c"), tags=("a",)) == [both]

    async def test_storage_75_tags_follow_the_current_version(self, harness: StorageHarness) -> None:
        """What an update took off no longer matches."""
        first = entry(tags=("old", "kept"))
        second = changed(first, tags=("kept", "new"))
        async with harness.open() as store:
            await store.apply(*adds(first), ReplaceEntry(second, 1))
            assert await found(store, tags=("old",)) == []
            assert await found(store, tags=("kept", "new")) == [second]

    async def test_storage_76_since_is_included_until_is_not(self, harness: StorageHarness) -> None:
        """To the microsecond."""
        new = [entry(at=after(10) + n * MICROSECOND) for n in range(-1, 2)]
        async with harness.open() as store:
            await store.apply(*adds(*new))
            assert await found(store, since=after(10)) == new[1:]
            assert await found(store, until=after(10)) == new[:1]
            assert await found(store, since=after(10), until=after(10) + MICROSECOND) == [new[1]]
            assert await found(store, since=after(10), until=after(10)) == []

    async def test_storage_77_time_is_when_it_happened(self, harness: StorageHarness) -> None:
        """Where that is known; else when it was told."""
        happened, told = entry(at=after(100), occurred_at=after(-100)), entry(at=after(0))
        async with harness.open() as store:
            await store.apply(*adds(told, happened))
            assert await found(store) == [happened, told]
            assert await found(store, until=after(-50)) == [happened]
            assert await found(store, since=after(50)) == []

    async def test_storage_78_live_is_from_valid_from_to_the_first_end(self, harness: StorageHarness) -> None:
        """[valid_from, valid_until) and before expires_at; without `live_at` nobody asks."""
        always = entry()
        starts, ends, expires = (
            entry(valid_from=after(10)),
            entry(valid_until=after(10)),
            entry(expires_at=after(10)),
        )
        async with harness.open() as store:
            await store.apply(*adds(always, starts, ends, expires))
            assert await found(store, live_at=after(10)) == [always, starts]
            assert await found(store, live_at=after(10) - MICROSECOND) == [always, ends, expires]
            assert len(await found(store)) == 4
