"""Maintenance of all of the memory: who may, and what becomes of indexes and vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.core.caller import Caller
from agent_memory.core.maintaining import Maintaining
from agent_memory.core.requests_moving import MAINTAIN_ACTIONS, MaintainAction, MaintainCall
from agent_memory.core.work.schedule import Progress, Schedule
from agent_memory.ports.changes import PutSession, PutVectors, RemoveEntries
from agent_memory.ports.errors import Rejected
from agent_memory_contract.builders import adds, after, session, vector
from agent_memory_contract.manual_clock import ManualClock
from agent_memory_contract.storage_reads import ALL_SCOPES, search

from .bench import opened, told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from agent_memory.ports.storage import Storage

OWNER = Caller(client="test")


class Searching:
    """What stands for the index: the model whose vectors the store keeps, and how often it was made anew."""

    def __init__(self, model: str = "") -> None:
        self.model = model
        self.rebuilt = 0

    async def rebuild(self) -> str:
        self.rebuilt += 1
        return self.model


def maintaining(
    store: Storage,
    searching: Searching | None = None,
    schedules: Sequence[Schedule] = (),
) -> Maintaining:
    return Maintaining(store, ManualClock(), search=searching, backing=None, schedules=lambda: schedules)


async def test_a_new_index_means_new_vectors(tmp_path: Path) -> None:
    entries = [told(f"giraffe {n}") for n in range(450)]
    searching = Searching("m")
    async with opened(tmp_path / "one.db") as store:
        await store.apply(*adds(*entries))
        await store.apply(
            *(PutVectors(e.id, 1, model, after(1), (vector(1, 0),)) for e in entries for model in ("m", "n"))
        )
        await store.apply(RemoveEntries((entries[0].id,), at=after(2)))
        upkeep = maintaining(store, searching)
        would = await upkeep.maintain(MaintainCall(action="reindex", dry_run=True), OWNER)
        assert (would.entries, would.vectors, searching.rebuilt) == (449, 898, 0)
        await upkeep.maintain(MaintainCall(action="reindex"), OWNER)
        assert searching.rebuilt == 1
        ids = [entry.id for entry in entries]
        assert await store.vectors(ids, model="m") == {}
        assert len(await store.vectors(ids, model="n")) == 449
        assert len(await search(store, "giraffe", limit=500)) == 449
        assert await store.verify() == []


async def test_a_damaged_index_is_mended(tmp_path: Path) -> None:
    import sqlite3  # noqa: PLC0415

    async with opened(tmp_path / "one.db") as store:
        await store.apply(*adds(told("about giraffes")))
    with sqlite3.connect(tmp_path / "one.db") as connection:
        connection.execute("INSERT INTO entries_fts (entries_fts) VALUES ('delete-all')")
    connection.close()
    async with opened(tmp_path / "one.db") as store:
        assert await search(store, "giraffes") == []
        found = await maintaining(store).maintain(MaintainCall(action="verify"), OWNER)
        assert found.problems
        await maintaining(store).maintain(MaintainCall(action="reindex"), OWNER)
        assert len(await search(store, "giraffes")) == 1
        assert (await maintaining(store).maintain(MaintainCall(action="verify"), OWNER)).problems == ()


async def test_upkeep_does_all_that_is_scheduled_to_its_end(tmp_path: Path) -> None:
    left = [2, 1, 0]

    async def run(_: datetime) -> Progress:
        number = left.pop(0)
        return Progress(changes=(PutSession(session(f"acme/web/s{number}")),), more=number > 0)

    every = (
        Schedule(name="sessions", every=60.0, run=run),
        Schedule(name="never", every=0.0, run=run),
        Schedule(name="backup", every=60.0, run=run),
    )
    async with opened(tmp_path / "one.db") as store:
        upkeep = maintaining(store, schedules=every)
        would = await upkeep.maintain(MaintainCall(action="upkeep", dry_run=True), OWNER)
        assert (would.done, left) == (("sessions",), [2, 1, 0])
        assert (await upkeep.maintain(MaintainCall(action="upkeep"), OWNER)).done == ("sessions",)
        assert len(await store.sessions(ALL_SCOPES)) == 3


@pytest.mark.parametrize(
    "action", [action for action in MAINTAIN_ACTIONS if action not in {"consolidate", "backup"}]
)
async def test_below_a_ceiling_nothing_is_done_to_all_of_it(tmp_path: Path, action: MaintainAction) -> None:
    below = msgspec.structs.replace(OWNER, ceiling="acme")
    async with opened(tmp_path / "one.db") as store:
        with pytest.raises(Rejected, match="limited to 'acme'"):
            await maintaining(store).maintain(MaintainCall(action=action), below)


async def test_without_backups_it_says_who_makes_them(tmp_path: Path) -> None:
    async with opened(tmp_path / "one.db") as store:
        with pytest.raises(Rejected, match="pg_dump"):
            await maintaining(store).maintain(MaintainCall(action="backup"), OWNER)
