"""What becomes of entries that stand already: never a version less than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.ports.changes import PutSession, RemoveEntries, ReplaceEntry
from agent_memory.ports.errors import Conflict
from agent_memory_contract.builders import adds, after, changed, session

from .bench import LATER, exported, fill, imported, opened, source_of, told

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.ports.records import Entry
    from agent_memory.ports.storage import Storage


async def contents(store: Storage, entry: Entry) -> list[str]:
    """Of every version, the oldest first."""
    return [revision.entry.content for revision in reversed(await store.history(entry.id))]


async def test_what_stands_already_is_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        await fill(one)
        text = await exported(one)
        await imported(two, text)
        head = await two.outbox_head()
        for policy in ("skip", "update", "fail"):
            result = await imported(two, text, on_conflict=policy)
            moved = (result.entries, result.relations, result.sessions, result.votes)
            assert [(each.created, each.updated, each.conflicts) for each in moved] == [(0, 0, 0)] * 4
        assert await two.outbox_head() == head


async def test_a_later_version_is_skipped_taken_or_refused(tmp_path: Path) -> None:
    """Taken, it comes with all that happened meanwhile, as if it had happened here."""
    first = told("one")
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        for store in (one, two):
            await store.apply(*adds(first))
        two_ = changed(first, content="two", at=after(5))
        await one.apply(ReplaceEntry(two_, 1), ReplaceEntry(changed(two_, content="three", at=after(6)), 2))
        text = await exported(one)
        skipped = await imported(two, text)
        assert (skipped.entries.conflicts, skipped.entries.updated) == (1, 0)
        assert "differs" in skipped.conflicts[0].reason
        with pytest.raises(Conflict, match="differs"):
            await imported(two, text, on_conflict="fail")
        assert await contents(two, first) == ["one"]
        assert (await imported(two, text, on_conflict="update")).entries.updated == 1
        assert await exported(two) == text


async def test_a_deletion_elsewhere_is_taken(tmp_path: Path) -> None:
    first = told("one")
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        for store in (one, two):
            await store.apply(*adds(first))
        await one.apply(RemoveEntries((first.id,), at=after(5)))
        await imported(two, await exported(one), on_conflict="update")
        assert await two.get([first.id]) == []
        assert await exported(two) == await exported(one)


async def test_an_older_version_is_no_news(tmp_path: Path) -> None:
    first = told("one")
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        for store in (one, two):
            await store.apply(*adds(first))
        await two.apply(ReplaceEntry(changed(first, content="two"), 1))
        for policy in ("skip", "update", "fail"):
            result = await imported(two, await exported(one), on_conflict=policy)
            assert (result.entries.skipped, result.conflicts) == (1, ())
        assert await contents(two, first) == ["one", "two"]


async def test_histories_that_went_apart_are_both_kept(tmp_path: Path) -> None:
    """The imported words become the next version; the same import once more changes nothing."""
    first = told("one")
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        for store, content in ((one, "theirs"), (two, "ours")):
            await store.apply(*adds(first))
            await store.apply(ReplaceEntry(changed(first, content=content, at=after(5)), 1))
        text = await exported(one)
        assert (await imported(two, text)).entries.conflicts == 1
        assert await contents(two, first) == ["one", "ours"]
        assert (await imported(two, text, on_conflict="update")).entries.updated == 1
        assert await contents(two, first) == ["one", "ours", "theirs"]
        assert (await imported(two, text, on_conflict="update")).entries.skipped == 1
        assert await contents(two, first) == ["one", "ours", "theirs"]


async def test_what_was_forgotten_here_stays_forgotten(tmp_path: Path) -> None:
    first = told("one")
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        for store in (one, two):
            await store.apply(*adds(first))
        await two.apply(RemoveEntries((first.id,), at=after(5)))
        await one.apply(ReplaceEntry(changed(first, content="two"), 1))
        result = await imported(two, await exported(one), on_conflict="update")
        assert "stays so" in result.conflicts[0].reason
        assert await two.get([first.id]) == []


@pytest.mark.parametrize("policy", ["skip", "update"])
async def test_the_same_words_under_another_id_are_not_doubled(tmp_path: Path, policy: str) -> None:
    """What comes with them in one batch is taken all the same."""
    standing, twin, other = told("one"), told("one"), told("other")
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        await two.apply(*adds(standing))
        await one.apply(*adds(twin, other))
        result = await imported(two, await exported(one), on_conflict=policy)
        assert (result.entries.created, result.entries.conflicts) == (1, 1)
        assert result.conflicts[0].id == twin.id
        assert standing.id in result.conflicts[0].reason


async def test_one_that_cannot_be_updated_keeps_no_other_from_it(tmp_path: Path) -> None:
    """Its new content stands under another id: the rest of its batch goes on without it."""
    first, second = told("one"), told("two")
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        for store in (one, two):
            await store.apply(*adds(first, second))
        await two.apply(*adds(told("taken")))
        await one.apply(ReplaceEntry(changed(first, content="taken"), 1))
        await one.apply(ReplaceEntry(changed(second, content="free"), 1))
        result = await imported(two, await exported(one), on_conflict="update")
        assert (result.entries.updated, result.entries.conflicts) == (1, 1)
        assert await contents(two, second) == ["two", "free"]
        assert await two.verify() == []


async def test_a_session_that_is_open_elsewhere_is_no_second_one(tmp_path: Path) -> None:
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        ours, theirs = session(), session()
        await one.apply(PutSession(theirs))
        await two.apply(PutSession(ours))
        result = await imported(two, await exported(one), on_conflict="update")
        assert (result.sessions.conflicts, result.sessions.created) == (1, 0)
        ended = msgspec.structs.replace(theirs, ended_at=after(9), summary="done")
        await one.apply(PutSession(ended))
        assert (await imported(two, await exported(one))).sessions.created == 1
        changed_ = msgspec.structs.replace(ended, summary="done well")
        await one.apply(PutSession(changed_))
        assert (await imported(two, await exported(one))).sessions.conflicts == 1
        assert (await imported(two, await exported(one), on_conflict="update")).sessions.updated == 1


async def test_a_dry_run_says_and_does_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        await fill(one)
        text = await exported(one)
        would = await imported(two, text, dry_run=True)
        assert await two.outbox_head() == 0
        did = await imported(two, text)
        assert would.dry_run
        assert msgspec.structs.replace(would, dry_run=False) == did
        again = await imported(two, text, dry_run=True)
        assert (again.votes.skipped, again.votes.created) == (2, 0)


async def test_conflicts_are_listed_up_to_a_bound(tmp_path: Path) -> None:
    entries = [told(f"one {n}") for n in range(70)]
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        await two.apply(*adds(*entries))
        await one.apply(*adds(*(changed_first(entry) for entry in entries)))
        result = await imported(two, await exported(one))
        assert (len(result.conflicts), result.more_conflicts, result.entries.conflicts) == (50, 20, 70)


def changed_first(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, title="other")


async def test_an_import_tells_how_far_it_is(tmp_path: Path) -> None:
    from agent_memory.core.moving.importing import Import  # noqa: PLC0415

    told_: list[tuple[int, int | None]] = []
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        await one.apply(*adds(*(told(f"fact {n}") for n in range(600))))
        work = Import(
            two, source_of(await exported(one)), form="jsonl", on_conflict="skip", ceiling="global", now=LATER,
            report=lambda done, total, _: told_.append((done, total)),
        )  # fmt: skip
        await work.run()
    counts = [done for done, _ in told_]
    assert counts == sorted(set(counts))
    assert told_[-1] == (1200, 1200)
