"""STORAGE-310 to STORAGE-318: everything that scopes hold, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import pytest

from agent_memory.ports.changes import (
    AddRelation,
    CastVote,
    PutSession,
    RemoveEntries,
    ReplaceEntry,
)
from agent_memory.ports.errors import Rejected
from agent_memory.ports.queries import Sweep
from agent_memory.ports.records import RELATION_TYPES, Revision
from agent_memory.ports.scopes import ScopeFilter

from .builders import adds, after, changed, entry, relation, session, vote
from .storage_reads import ALL_SCOPES
from .suite import Suite

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent_memory.ports.queries import Page
    from agent_memory.ports.records import Entry, Session
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness

T = TypeVar("T")

ALL = Sweep(where=ALL_SCOPES)
UNDER = Sweep(where=ScopeFilter(scope="acme/web", inherit=False, descendants=True, ceiling="acme/web"))


async def swept(call: Callable[[Sweep], Awaitable[Page[T]]], sweep: Sweep = ALL, limit: int = 500) -> list[T]:
    """Page after page to the last."""
    found: list[T] = []
    while True:
        page = await call(msgspec.structs.replace(sweep, limit=limit))
        assert len(page.items) <= limit
        found += page.items
        if page.cursor is None:
            return found
        assert page.items, "an empty page promises another"
        sweep = msgspec.structs.replace(sweep, cursor=page.cursor)


def numbers(revisions: list[Revision]) -> list[tuple[str, int]]:
    return [(revision.entry.id, revision.entry.version) for revision in revisions]


async def with_history(store: Storage, count: int) -> list[Entry]:
    """Entries of one to three versions, the later ones earlier in time; every third is deleted in the end."""
    firsts = [entry(scope=("acme", "global", "acme/web")[n % 3], at=after(-n)) for n in range(count)]
    await store.apply(*adds(*firsts))
    for n, first in enumerate(firsts):
        if n % 2:
            await store.apply(ReplaceEntry(changed(first, at=after(10), title="x"), 1))
        if n % 3 == 0:
            await store.apply(RemoveEntries((first.id,), at=after(20)))
    return firsts


class StorageSweeps(Suite):
    async def test_storage_310_versions_are_swept_whole(self, harness: StorageHarness) -> None:
        """Every version of every entry, tombstones too, by id and then version, whatever the pages."""
        async with harness.open() as store:
            firsts = await with_history(store, 12)
            expected = [revision for first in firsts for revision in reversed(await store.history(first.id))]
            assert [r.until is None for r in expected].count(True) == 12
            for limit in (1, 2, 5, 500):
                assert await swept(store.sweep_versions, limit=limit) == expected

    async def test_storage_311_a_sweep_stays_in_its_scopes(self, harness: StorageHarness) -> None:
        """Entries, relations with both ends inside, sessions, votes: of the scope and below it, and of no other."""
        scopes = ("global", "acme", "acme/web", "acme/web/s1", "acme/web2", "acme/we")
        made = {scope: entry(scope=scope) for scope in scopes}
        other = entry(scope="acme/web")
        held = {scope: session(scope) for scope in scopes}
        votes = {scope: vote("ada", "yes", scope=scope) for scope in scopes}
        inside = [relation(made["acme/web/s1"], other), relation(other, made["acme/web"])]
        async with harness.open() as store:
            await store.apply(*adds(*made.values(), other))
            for scope in scopes:
                await store.apply(PutSession(held[scope]), CastVote(votes[scope]))
                await store.apply(AddRelation(relation(other, made[scope])))
            await store.apply(*(AddRelation(each) for each in inside))
            ids = {made["acme/web"].id, made["acme/web/s1"].id, other.id}
            assert {r.entry.id for r in await swept(store.sweep_versions, UNDER)} == ids
            ends = {(r.source, r.target) for r in await swept(store.sweep_relations, UNDER)}
            assert all(set(pair) <= ids for pair in ends)
            assert len(ends) == 3
            seen = [held["acme/web"], held["acme/web/s1"]]
            assert await swept(store.sweep_sessions, UNDER) == sorted(seen, key=lambda each: each.id)
            assert await swept(store.sweep_votes, UNDER) == [votes["acme/web"], votes["acme/web/s1"]]
            assert len(await swept(store.sweep_versions)) == 7

    async def test_storage_312_versions_hold_while_others_write(self, harness: StorageHarness) -> None:
        """An entry that a page has done with does not come again, one that changes in the midst comes to its end."""
        first, second = entry(), entry()
        two = changed(first, at=after(10), title="two")
        three = changed(two, at=after(20), title="three")
        async with harness.open() as store:
            await store.apply(*adds(first, second), ReplaceEntry(two, 1))
            begun = await store.sweep_versions(msgspec.structs.replace(ALL, limit=1))
            assert numbers([*begun.items]) == [(first.id, 1)]
            await store.apply(ReplaceEntry(three, 2))
            rest = msgspec.structs.replace(ALL, cursor=begun.cursor, limit=2)
            done = await store.sweep_versions(rest)
            assert list(done.items) == [
                Revision(entry=two, until=after(20)), Revision(entry=three, until=None),
            ]  # fmt: skip
            await store.apply(ReplaceEntry(changed(three, at=after(30), title="four"), 3))
            end = await store.sweep_versions(msgspec.structs.replace(ALL, cursor=done.cursor))
            assert list(end.items) == [Revision(entry=second, until=None)]

    async def test_storage_313_versions_of_the_ids_named(self, harness: StorageHarness) -> None:
        """These only, tombstones too, in the same order; without `former` the current ones alone."""
        async with harness.open() as store:
            firsts = await with_history(store, 12)
            named = [firsts[n].id for n in (9, 3, 4)]

            async def versions(sweep: Sweep) -> Page[Revision]:
                return await store.sweep_versions(sweep, ids=[*named, entry().id, named[0]])

            async def current(sweep: Sweep) -> Page[Revision]:
                return await store.sweep_versions(sweep, ids=named, former=False)

            every = await swept(store.sweep_versions)
            expected = [revision for revision in every if revision.entry.id in named]
            for limit in (2, 500):
                assert await swept(versions, limit=limit) == expected
                assert await swept(current, limit=limit) == [r for r in expected if r.until is None]
            assert (await store.sweep_versions(ALL, ids=[])).items == ()
            alone = await store.sweep_versions(ALL, former=False)
            assert list(alone.items) == [r for r in every if r.until is None]

    async def test_storage_314_relations_are_swept_in_order(self, harness: StorageHarness) -> None:
        """By source, target and type; those of a deleted entry are not seen."""
        one, two, three, gone = entry(), entry(), entry(), entry()
        made = [
            relation(source, target, type_)
            for source in (three, one, two)
            for target in (two, three, one)
            for type_ in ("part_of", "relates_to", "depends_on")
            if source is not target
        ]
        lost = (relation(one, gone), relation(gone, two))
        async with harness.open() as store:
            await store.apply(*adds(one, two, three, gone))
            await store.apply(*(AddRelation(each) for each in (*made, *lost)))
            await store.apply(RemoveEntries((gone.id,), at=after(1)))
            expected = sorted(made, key=lambda r: (r.source, r.target, RELATION_TYPES.index(r.type)))
            for limit in (1, 4, 500):
                assert await swept(store.sweep_relations, limit=limit) == expected

    async def test_storage_315_sessions_are_swept_by_id(self, harness: StorageHarness) -> None:
        """Ended and open ones; of the ids named, these only."""
        held = [session(f"acme/web/s{n}", began=-n, ended=None if n % 2 else 5) for n in range(7)]
        async with harness.open() as store:
            await store.apply(*(PutSession(each) for each in held[::-1]))
            for limit in (1, 3, 500):
                assert await swept(store.sweep_sessions, limit=limit) == held

            async def named(sweep: Sweep) -> Page[Session]:
                return await store.sweep_sessions(sweep, ids=[held[5].id, held[2].id, "none"])

            assert await swept(named, limit=1) == [held[2], held[5]]

    async def test_storage_316_votes_are_swept_in_the_order_cast(self, harness: StorageHarness) -> None:
        """Replaced ones included, whatever their instants say."""
        cast = [
            vote("ada", f"{n}", question=f"q{n % 2}", scope=("acme", "global")[n % 3 == 0], seconds=-n)
            for n in range(9)
        ]
        async with harness.open() as store:
            for each in cast:
                await store.apply(CastVote(each))
            for limit in (1, 4, 500):
                assert await swept(store.sweep_votes, limit=limit) == cast

    async def test_storage_317_a_cursor_of_another_sweep_is_refused(self, harness: StorageHarness) -> None:
        """Cut, altered, or of another kind: `Rejected`, not a page that begins anywhere."""
        made = [entry(), entry(), entry()]
        async with harness.open() as store:
            await store.apply(
                *adds(*made),
                *(AddRelation(relation(made[n], made[n - 1])) for n in range(3)),
                *(PutSession(session(f"acme/web/s{n}")) for n in range(3)),
                *(CastVote(vote("ada", f"{n}")) for n in range(3)),
            )
            calls: list[Callable[[Sweep], Awaitable[Page[Any]]]] = [
                store.sweep_versions, store.sweep_relations, store.sweep_sessions, store.sweep_votes,
            ]  # fmt: skip
            cursors = [(await call(msgspec.structs.replace(ALL, limit=1))).cursor for call in calls]
            for own, call in enumerate(calls):
                for number, cursor in enumerate(cursors):
                    assert cursor is not None
                    tried = ["", cursor[:-1], cursor[1:], cursor.replace('"', "'"), "\ud800"]
                    for wrong in tried if number == own else [*tried, cursor]:
                        with pytest.raises(Rejected):
                            await call(msgspec.structs.replace(ALL, cursor=wrong))

    async def test_storage_318_a_page_has_its_bounds(self, harness: StorageHarness) -> None:
        """A limit of nothing or of very much is `Rejected`."""
        async with harness.open() as store:
            for limit in (0, -1, 10_001):
                sweep = msgspec.structs.replace(ALL, limit=limit)
                for call in (
                    store.sweep_versions, store.sweep_relations, store.sweep_sessions, store.sweep_votes,
                ):  # fmt: skip
                    with pytest.raises(Rejected):
                        await call(sweep)
