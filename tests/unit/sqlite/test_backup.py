"""Backups of the SQLite file, cancelled in the worst moment."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.sqlite import backup
from agent_memory_contract.builders import adds, entry

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.adapters.sqlite import SqliteStorage
    from agent_memory.adapters.sqlite.answers import Answer


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_one_that_is_cancelled_as_it_is_done_leaves_nothing(
    storage: SqliteStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.apply(*adds(entry()))
    loop = asyncio.get_running_loop()
    linked, go_on, link = asyncio.Event(), threading.Event(), os.link

    def link_and_wait(source: Path, target: Path) -> None:
        link(source, target)
        loop.call_soon_threadsafe(linked.set)
        assert go_on.wait(30)

    monkeypatch.setattr(os, "link", link_and_wait)
    backups = tmp_path / "backups"
    backups.mkdir()
    place = str(backups / "copy.db")
    copying = asyncio.create_task(storage.backup(place))
    await linked.wait()
    copying.cancel()
    loop.call_soon(go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await copying
    assert names_in(backups) == []
    monkeypatch.undo()
    await storage.backup(place)
    assert names_in(backups) == ["copy.db"]


@pytest.mark.parametrize("times", [1, 2])
async def test_one_that_is_cancelled_between_its_end_and_its_threads_leaves_nothing(
    times: int, storage: SqliteStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.apply(*adds(entry()))
    loop = asyncio.get_running_loop()
    told, go_on, deliver = asyncio.Event(), threading.Event(), backup.deliver

    def deliver_and_wait(to: asyncio.AbstractEventLoop, answers: list[Answer]) -> None:
        deliver(to, answers)
        loop.call_soon_threadsafe(told.set)
        assert go_on.wait(30)

    monkeypatch.setattr(backup, "deliver", deliver_and_wait)
    backups = tmp_path / "backups"
    backups.mkdir()
    copying = asyncio.create_task(storage.backup(str(backups / "copy.db")))
    await told.wait()
    for _ in range(times):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        copying.cancel()
    loop.call_soon(go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await copying
    assert names_in(backups) == []
