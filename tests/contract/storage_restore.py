"""STORAGE-300 to STORAGE-309: entries and votes put back as they stood elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.ports.changes import (
    Added,
    CastVote,
    NewJob,
    RemoveEntries,
    ReplaceEntry,
    Restored,
    RestoreEntry,
    RestoreVote,
)
from agent_memory.ports.errors import Conflict, Rejected
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.records import Revision

from .builders import MICROSECOND, adds, after, changed, digest, entry, vote
from .storage_reads import (
    ACTIVE,
    ALL_SCOPES,
    WHATEVER,
    AbandonedError,
    abandoned,
    events,
    matches,
    search,
    state_of,
)
from .suite import Suite

if TYPE_CHECKING:
    from typing import Any

    from agent_memory.ports.records import Entry

    from .storage_harness import StorageHarness


def restored(*versions: Entry, jobs: tuple[NewJob, ...] = ()) -> RestoreEntry:
    """The last with those before it, each until the next."""
    ends = [later.updated_at for later in versions[1:]]
    former = tuple(Revision(entry=e, until=end) for e, end in zip(versions, ends, strict=False))
    return RestoreEntry(versions[-1], former, jobs)


def three_versions(**fields: Any) -> tuple[Entry, Entry, Entry]:
    first = entry("about giraffes", tags=("old",), metadata={"n": 1}, **fields)
    second = changed(first, at=after(10), content="about okapis", title="Two", state="archived")
    return first, second, changed(second, at=after(20), content="about zebras", tags=("new",), state="active")


class StorageRestore(Suite):
    async def test_storage_300_a_restored_entry_stands_as_it_stood(self, harness: StorageHarness) -> None:
        """At its version, with every field and every former version, until when each of them stood."""
        first, second, third = three_versions(importance=0.25, valid_from=after(-5), expires_at=after(1e6))
        early = Revision(entry=first, until=after(10) - MICROSECOND)
        change = RestoreEntry(third, (early, Revision(entry=second, until=after(20))))
        async with harness.open() as store:
            applied = await store.apply(change)
            assert applied.outcomes == (Added(third.id, 3, duplicate=False),)
            assert await store.get([third.id]) == [third]
            assert await store.history(third.id) == [
                Revision(entry=third, until=None), *reversed(change.former),
            ]  # fmt: skip
            assert await matches(store, WHATEVER) == [third]
            assert await store.verify() == []

    async def test_storage_301_a_restored_entry_is_found(self, harness: StorageHarness) -> None:
        """By its words and tags, and in the past by those of then."""
        versions = three_versions()
        async with harness.open() as store:
            await store.apply(restored(*versions))
            assert await search(store, "zebras") == [versions[0].id]
            assert await search(store, "giraffes") == []
            then = EntryFilter(where=ALL_SCOPES, as_of=after(5))
            assert await search(store, "giraffes", asked=then) == [versions[0].id]
            assert await matches(store, EntryFilter(where=ALL_SCOPES, tags=("new",))) == [versions[2]]
            assert await matches(store, then) == [versions[0]]
            assert await store.tags(ALL_SCOPES) == [("new", 1)]

    async def test_storage_302_a_restored_entry_goes_on(self, harness: StorageHarness) -> None:
        """It is changed and deleted as any other."""
        versions = three_versions()
        fourth = changed(versions[2], at=after(30), content="about kudus")
        async with harness.open() as store:
            await store.apply(restored(*versions))
            await store.apply(ReplaceEntry(fourth, 3))
            assert [r.entry.version for r in await store.history(fourth.id)] == [4, 3, 2, 1]
            assert await search(store, "zebras") == []
            await store.apply(RemoveEntries((fourth.id,), at=after(40)))
            assert await store.get([fourth.id]) == []
            assert await store.verify() == []

    async def test_storage_303_a_tombstone_is_restored(self, harness: StorageHarness) -> None:
        """Found by nobody, with the past that it had."""
        first = entry("about giraffes", tags=("old",))
        gone = changed(first, at=after(10), state="deleted")
        async with harness.open() as store:
            await store.apply(restored(first, gone))
            assert await store.get([first.id]) == []
            assert await search(store, "giraffes") == []
            assert await store.tags(ALL_SCOPES) == []
            assert await matches(store, WHATEVER) == [gone]
            assert await store.history(first.id) == [
                Revision(entry=gone, until=None), Revision(entry=first, until=after(10)),
            ]  # fmt: skip
            assert await matches(store, msgspec.structs.replace(ACTIVE, as_of=after(5))) == [first]
            assert [(e.kind, e.version) for e in await events(store)] == [("entry.removed", 2)]
            assert await store.verify() == []

    async def test_storage_304_no_id_is_restored_twice(self, harness: StorageHarness) -> None:
        """`Conflict`, with what stands, a tombstone too; nothing of the unit is done."""
        standing, gone = entry(), entry()
        tombstone = changed(gone, at=after(10), state="deleted")
        async with harness.open() as store:
            await store.apply(*adds(standing, gone), RemoveEntries((gone.id,), at=after(10)))
            before = await state_of(store)
            for former, current in ((standing, standing), (gone, tombstone)):
                other = changed(former, at=after(10), title="other", scope="elsewhere")
                first = msgspec.structs.replace(former, scope="elsewhere")
                with pytest.raises(Conflict) as conflict:
                    await store.apply(*adds(entry()), restored(first, other))
                assert conflict.value.current == current
                assert await state_of(store) == before

    async def test_storage_305_a_fact_that_stands_is_not_restored(self, harness: StorageHarness) -> None:
        """Of the same scope and content: the outcome names what stands, expired or not. One that is not active is
        restored beside it.
        """
        standing = entry("one", expires_at=after(5))
        twin = entry("one", at=after(10))
        async with harness.open() as store:
            await store.apply(*adds(standing))
            before = await state_of(store)
            applied = await store.apply(restored(twin))
            assert applied.outcomes == (Added(standing.id, 1, duplicate=True),)
            assert await state_of(store) == before
            former = msgspec.structs.replace(twin, state="superseded")
            assert (await store.apply(restored(former))).outcomes == (Added(twin.id, 1, duplicate=False),)
            assert await matches(store, WHATEVER) == [standing, former]

    async def test_storage_306_a_history_has_no_gap(self, harness: StorageHarness) -> None:
        """One that lacks a version, holds another entry's, goes on after a deletion or overlaps is `Rejected`."""
        first, second, third = three_versions()
        whole = restored(first, second, third)
        one, two = whole.former
        late = msgspec.structs.replace(one, until=after(10) + MICROSECOND)
        dead = msgspec.structs.replace(two, entry=msgspec.structs.replace(second, state="deleted"))
        moved = msgspec.structs.replace(one, entry=msgspec.structs.replace(first, scope="elsewhere"))
        other = Revision(entry=entry(), until=after(10))
        endless = msgspec.structs.replace(two, until=None)
        async with harness.open() as store:
            before = await state_of(store)
            for former in (
                (), (one,), (two,), (two, one), (one, two, two), (late, two), (one, dead), (moved, two), (other, two),
                (one, endless),
            ):  # fmt: skip
                with pytest.raises(Rejected):
                    await store.apply(RestoreEntry(third, former))
            assert await state_of(store) == before

    async def test_storage_307_restoring_is_a_write_like_any_other(self, harness: StorageHarness) -> None:
        """Its event, its generation and its jobs come with it; a unit that is given up leaves nothing of it."""
        versions = three_versions()
        job = NewJob(kind="follow", payload=b"x")
        async with harness.open() as store:
            before = await state_of(store)
            with pytest.raises(AbandonedError):
                await abandoned(store, restored(*versions, jobs=(job,)))
            assert await state_of(store) == before
            generation = await store.generation(ALL_SCOPES)
            applied = await store.apply(restored(*versions, jobs=(job,)))
            told = await events(store)
            assert [(e.kind, e.scope, e.subject, e.version, e.seq) for e in told] == [
                ("entry.added", "acme", versions[0].id, 3, applied.seq)
            ]
            assert await store.generation(ALL_SCOPES) != generation
            assert [pending.job.kind for pending in await store.pending_jobs()] == ["follow"]
            assert await store.verify() == []

    async def test_storage_308_many_are_restored_together(self, harness: StorageHarness) -> None:
        """In one unit, among other changes, each with its own outcome in its place."""
        many = [three_versions() for _ in range(20)]
        distinct = [
            [changed_content(version, f"{version.content} {number}") for version in versions]
            for number, versions in enumerate(many)
        ]
        new, twin = entry("new"), entry("new")
        async with harness.open() as store:
            changes = [restored(*versions) for versions in distinct]
            applied = await store.apply(*changes[:10], *adds(new), *changes[10:], restored(twin))
            expected = [Added(versions[-1].id, 3, duplicate=False) for versions in distinct]
            alike = Added(new.id, 1, duplicate=True)
            assert list(applied.outcomes) == [
                *expected[:10], Added(new.id, 1, duplicate=False), *expected[10:], alike,
            ]  # fmt: skip
            for versions in distinct:
                assert [r.entry for r in await store.history(versions[0].id)] == versions[::-1]
            assert await store.verify() == []

    async def test_storage_309_a_vote_is_restored_once(self, harness: StorageHarness) -> None:
        """The very same one is not counted twice; one that differs in anything is another. Others keep their order."""
        ada = vote("ada", "yes", seconds=1)
        others = (
            vote("ada", "no", seconds=1), vote("bob", "yes", seconds=1), vote("ada", "yes", seconds=1.000001),
            vote("ada", "yes", seconds=1, question="spaces?"), vote("ada", "yes", seconds=1, scope="acme/web"),
        )  # fmt: skip
        async with harness.open() as store:
            await store.apply(CastVote(ada))
            before = await state_of(store)
            assert (await store.apply(RestoreVote(ada))).outcomes == (Restored(created=False),)
            assert await state_of(store) == before
            applied = await store.apply(*(RestoreVote(other) for other in others))
            assert applied.outcomes == (Restored(created=True),) * len(others)
            assert await store.votes("acme", "tabs?") == [ada, *others[:3]]
            assert [event.kind for event in await events(store)] == ["vote.cast"] * 6


def changed_content(version: Entry, content: str) -> Entry:
    return msgspec.structs.replace(
        version,
        content=content,
        content_hash=digest(content),
    )
