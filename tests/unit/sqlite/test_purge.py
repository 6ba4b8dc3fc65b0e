"""What is purged is not in the files either: not in a free page, an index segment or the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.ports.changes import RemoveEntries, ReplaceEntry
from agent_memory_contract.builders import adds, after, changed, entry
from agent_memory_contract.manual_clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

SECRETS = (b"Quackenbush", b"quackenbush", b"xyloporphyria", b"Zebulonius", b"zebulonius")


def found(folder: Path) -> list[bytes]:
    held = b"".join(file.read_bytes() for file in sorted(folder.iterdir()))
    return [secret for secret in SECRETS if secret in held]


async def test_no_file_holds_a_word_of_what_was_purged(tmp_path: Path) -> None:
    async with SqliteStorage(tmp_path / "memory.db", clock=ManualClock(), origin="a") as storage:
        doomed = entry(content="The patient Zebulonius Quackenbush", title="xyloporphyria")
        await storage.apply(*adds(doomed))
        later = changed(doomed, content="Quackenbush has xyloporphyria")
        await storage.apply(ReplaceEntry(later, 1))
        for number in range(20):
            await storage.apply(*adds(entry(content=f"another patient, number {number}")))
        assert found(tmp_path)
        await storage.apply(RemoveEntries((doomed.id,), after(1), purge=True))
        assert found(tmp_path) == []
        assert await storage.verify() == []


async def test_nor_when_purged_in_an_open_unit_or_beside_others(tmp_path: Path) -> None:
    async with SqliteStorage(tmp_path / "memory.db", clock=ManualClock(), origin="a") as storage:
        one, two = entry(content="Zebulonius"), entry(content="Quackenbush xyloporphyria")
        await storage.apply(*adds(one, two))
        async with storage.unit() as unit:
            await unit.apply(RemoveEntries((one.id,), after(1), purge=True))
            await unit.apply(*adds(entry(content="something else")))
        await storage.apply(RemoveEntries((two.id,), after(1), purge=True), *adds(entry(content="and more")))
        assert found(tmp_path) == []
