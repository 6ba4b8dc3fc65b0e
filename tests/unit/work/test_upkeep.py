"""What keeps the memory in order, each with what it must leave alone."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.core.drafting import expire_jobs
from agent_memory.core.upkeep import (
    UpkeepRules,
    end_idle_sessions,
    expire_kind,
    purge_tombstones,
    trim_outbox,
    upkeep_schedules,
)
from agent_memory.entrypoints.backups import Backups
from agent_memory.ports.changes import AddEntry, PutSession, RemoveEntries, ReplaceEntry
from agent_memory.ports.errors import Unavailable
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import T0, adds, after, changed, entry, session

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from .bench import Bench

EVERYWHERE = ScopeFilter(descendants=True)
DAY = 86_400.0


async def test_an_entry_that_expires_is_archived_once(bench: Bench) -> None:
    new = entry(expires_at=after(10))
    await bench.store.apply(AddEntry(new, expire_jobs(new.id, new.expires_at)))
    runner = bench.runner(expire_kind(bench.store, bench.clock))
    await runner.drain()
    assert await bench.store.get([new.id]) == [new]
    await bench.clock.advance(11)
    await runner.drain()
    [gone] = await bench.store.get([new.id])
    assert (gone.state, gone.version) == ("archived", 2)
    assert await bench.store.pending_jobs() == []


async def test_an_entry_that_was_given_more_time_or_forgotten_is_left_alone(bench: Bench) -> None:
    longer, forgotten = entry(expires_at=after(10)), entry(expires_at=after(10))
    for one in (longer, forgotten):
        await bench.store.apply(AddEntry(one, expire_jobs(one.id, one.expires_at)))
    await bench.store.apply(RemoveEntries((forgotten.id,), T0))
    await bench.store.apply(ReplaceEntry(changed(longer, expires_at=after(100)), 1))
    await bench.clock.advance(11)
    await bench.runner(expire_kind(bench.store, bench.clock)).drain()
    assert [one.state for one in await bench.store.get([longer.id, forgotten.id])] == ["active"]
    assert bench.results == ["done", "done"]


async def test_sessions_that_nothing_is_heard_of_end(bench: Bench) -> None:
    idle, active, over = session("a/b/s1"), session("a/b/s2"), session("a/b/s3", ended=5)
    active = msgspec.structs.replace(active, last_active_at=after(50))
    await bench.store.apply(*(PutSession(one) for one in (idle, active, over)))
    await end_idle_sessions(bench.store, 100, after(100))
    ended = {one.scope: one.ended_at for one in await bench.store.sessions(EVERYWHERE)}
    assert ended == {"a/b/s1": after(100), "a/b/s2": None, "a/b/s3": after(5)}
    seen = await bench.store.outbox_head()
    await end_idle_sessions(bench.store, 100, after(101))
    assert await bench.store.outbox_head() == seen


async def test_of_what_was_forgotten_long_ago_nothing_is_left(bench: Bench) -> None:
    kept, old, recent = (entry() for _ in range(3))
    await bench.store.apply(*adds(kept, old, recent))
    await bench.store.apply(RemoveEntries((old.id,), after(10)), RemoveEntries((recent.id,), after(DAY)))
    progress = await purge_tombstones(bench.store, DAY, after(DAY + 11))
    await bench.store.apply(*progress.changes)
    assert [len(await bench.store.history(one.id)) for one in (kept, old, recent)] == [1, 0, 2]
    assert not progress.more


async def test_much_that_was_forgotten_is_purged_in_batches(bench: Bench) -> None:
    new = [entry() for _ in range(150)]
    await bench.store.apply(*adds(*new))
    await bench.store.apply(RemoveEntries(tuple(one.id for one in new), after(1)))
    counts: list[int] = []
    more = True
    while more:
        progress = await purge_tombstones(bench.store, 10, after(100))
        await bench.store.apply(*progress.changes)
        more = progress.more
        counts.append(sum(len(c.ids) for c in progress.changes if isinstance(c, RemoveEntries)))
    assert counts == [100, 50]


async def test_the_outbox_keeps_what_instances_may_wait_for(bench: Bench) -> None:
    await bench.store.apply(*adds(entry(), entry()))
    assert await trim_outbox(bench.store) == 0
    assert len(await bench.store.outbox(0)) == 2


async def test_nothing_is_purged_unless_it_is_asked_for(bench: Bench) -> None:
    every = {one.name: one.every for one in upkeep_schedules(bench.store, UpkeepRules())}
    assert every.pop("tombstones") == 0
    assert all(seconds > 0 for seconds in every.values())


class TestBackups:
    def backups(self, bench: Bench, folder: Path, keep: int = 2) -> Backups:
        return Backups(bench.store, folder, stem="memory", keep=keep)

    async def test_the_newest_are_kept(self, bench: Bench, tmp_path: Path) -> None:
        folder = tmp_path / "kept" / "here"
        for hour in range(4):
            await self.backups(bench, folder).make(T0 + timedelta(hours=hour))
        names = sorted(file.name for file in folder.iterdir())
        assert names == ["memory-20250101T020000Z.db", "memory-20250101T030000Z.db"]
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}

    async def test_what_is_not_ours_stays(self, bench: Bench, tmp_path: Path) -> None:
        others = {"memory-old.db", "other-20240101T000000Z.db", "memory-20240101T000000Z.db.gz"}
        for name in others:
            (tmp_path / "b").mkdir(exist_ok=True)
            (tmp_path / "b" / name).touch()
        for hour in range(3):
            await self.backups(bench, tmp_path / "b", keep=1).make(T0 + timedelta(hours=hour))
        assert others < {file.name for file in (tmp_path / "b").iterdir()}
        assert len(list((tmp_path / "b").iterdir())) == len(others) + 1

    async def test_what_a_killed_process_had_begun_goes(self, bench: Bench, tmp_path: Path) -> None:
        abandoned = tmp_path / ".memory-20240101T000000Z.db.4711.7f00aa"
        left = tmp_path / ".memory-20240101T000000Z-2.db.4711.7f00aa-journal"
        for file in (abandoned, left):
            file.touch()
        os.utime(abandoned, (time.time(), time.time() - 601))
        await self.backups(bench, tmp_path).make(T0)
        assert not abandoned.exists()
        assert not left.exists()

    async def test_what_another_process_is_at_stays(self, bench: Bench, tmp_path: Path) -> None:
        drafts = [tmp_path / f".memory-20240101T000000Z.db.4711.7f00aa{end}" for end in ("", "-journal")]
        for draft in drafts:
            draft.touch()
        os.utime(drafts[1], (time.time(), time.time() - 601))
        await self.backups(bench, tmp_path).make(T0)
        assert all(draft.exists() for draft in drafts)

    async def test_each_within_one_second_has_what_was_written_before_it(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        backups, names = self.backups(bench, tmp_path / "b", keep=20), list[str]()
        for number in range(12):
            await bench.store.apply(*adds(entry()))
            names.append(await backups.make_one(T0))
            with closing(sqlite3.connect(tmp_path / "b" / names[-1])) as copy:
                assert copy.execute("SELECT count(*) FROM entries").fetchone() == (number + 1,)
        assert len(set(names)) == 12
        assert await backups.names() == names
        assert (
            await self.backups(bench, tmp_path / "b", keep=2).make_one(T0) == "memory-20250101T000000Z-13.db"
        )
        assert await backups.names() == [names[-1], "memory-20250101T000000Z-13.db"]

    @pytest.mark.parametrize("at", [T0, T0 - timedelta(hours=1)])
    async def test_the_last_one_stays_whatever_its_clock_says(
        self, bench: Bench, tmp_path: Path, at: datetime
    ) -> None:
        backups = self.backups(bench, tmp_path / "b", keep=1)
        for when in (T0, T0, at):
            name = await backups.make_one(when)
            assert await backups.names() == [name]

    async def test_several_at_once_are_all_made(self, bench: Bench, tmp_path: Path) -> None:
        backups = [self.backups(bench, tmp_path / "b", keep=20) for _ in range(4)]
        names = await asyncio.gather(*(each.make_one(T0) for each in backups))
        assert len(set(names)) == 4
        assert sorted(await backups[0].names()) == sorted(names)

    async def test_two_at_once_do_not_drop_each_other(
        self, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, other = (self.backups(bench, tmp_path / "b", keep=1) for _ in range(2))
        old, backup = await one.make_one(T0 - timedelta(hours=1)), bench.store.backup

        async def backup_beside(target: str) -> None:
            monkeypatch.undo()
            await other.make_one(T0)  # begun later and over before
            await backup(target)

        monkeypatch.setattr(bench.store, "backup", backup_beside)
        name = await one.make_one(T0 + timedelta(seconds=1))
        assert set(await one.names()) == {"memory-20250101T000000Z.db", name}
        assert old not in await one.names()

    async def test_a_link_in_the_place_of_the_folder_is_refused(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "b").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(Unavailable, match="AGENT_MEMORY_BACKUP_DIR"):
            await self.backups(bench, tmp_path / "b").make(T0)
        assert list((tmp_path / "elsewhere").iterdir()) == []

    async def test_a_folder_that_cannot_be_made_is_said(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(Unavailable, match="backup folder"):
            await self.backups(bench, tmp_path / "file" / "b").make(T0)
