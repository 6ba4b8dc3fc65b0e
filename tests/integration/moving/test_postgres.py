"""From SQLite to PostgreSQL and back: the same bytes. (100,000 entries, and memory: benchmarks/moving.py.)"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.postgres.storage import PostgresStorage
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.moving.export import Export
from agent_memory.core.moving.importing import Import
from agent_memory.core.requests_moving import FORMATS
from agent_memory.ports.changes import CastVote, PutSession
from agent_memory.ports.errors import PortError
from agent_memory_contract.builders import adds, entry, session, vote
from agent_memory_contract.servers.postgres import SOURCES, fresh_database
from agent_memory_contract.servers.postgres_template import migrated_template
from agent_memory_contract.storage_model import Model, Monkey

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from agent_memory.core.moving.results import ImportResult
    from agent_memory.core.requests_moving import Format
    from agent_memory.ports.storage import Storage

STEPS = 400


@pytest.fixture(params=SOURCES)
async def postgres(request: pytest.FixtureRequest) -> AsyncGenerator[PostgresStorage]:
    template = await migrated_template(request.param)
    async with (
        fresh_database(request.param, template=template) as settings,
        PostgresStorage(settings, clock=SystemClock(), origin="there") as store,
    ):
        yield store


def sqlite(path: Path) -> SqliteStorage:
    return SqliteStorage(path, clock=SystemClock(), origin="here", synchronous="NORMAL")


async def exported(store: Storage, form: Format = "jsonl") -> bytes:
    export = Export(store, scope=None, ceiling="global", form=form)
    return b"".join([part async for part in export.parts()])


async def imported(store: Storage, text: bytes, form: Format = "jsonl") -> ImportResult:
    async def parts() -> AsyncIterator[bytes]:
        yield text

    later = datetime.max.replace(tzinfo=UTC)
    return await Import(store, parts, form=form, on_conflict="skip", ceiling="global", now=later).run()


async def live(store: Storage, seed: int) -> None:
    model, monkey = Model(), Monkey(seed)
    for _ in range(STEPS):
        changes = monkey.changes(model)
        trial = Model(model)
        try:
            for change in changes:
                trial.apply(change)
            await store.apply(*changes)
        except PortError:
            continue
        model = trial
    odd = {"é": [1.5, -0.0, 1e300, 2**60, None, True], "a\\u": "\\u00e9\\", "nested": {"b": 1, "a": 2}}
    await store.apply(
        *adds(entry('Ω\u2028\U0001f600 \x7f\t\r\n\\ "quoted"', metadata=odd, tags=("größe", "日本")))
    )
    for number in range(150):
        await store.apply(PutSession(session(f"acme/web/s{number}", ended=number)))
        await store.apply(CastVote(vote(f"agent{number % 7}", "yes", seconds=-number)))


@pytest.mark.parametrize("form", FORMATS)
async def test_there_and_back_gives_the_same_bytes(
    tmp_path: Path, postgres: PostgresStorage, form: Format
) -> None:
    async with sqlite(tmp_path / "one.db") as one, sqlite(tmp_path / "two.db") as two:
        await live(one, seed=FORMATS.index(form))
        first = await exported(one, form)
        there = await imported(postgres, first, form)
        assert (there.conflicts, there.sessions.created, there.votes.created) == ((), 150, 150)
        second = await exported(postgres, form)
        back = await imported(two, second, form)
        assert back.conflicts == ()
        assert first == second == await exported(two, form)
        assert await postgres.verify() == await two.verify() == []
        again = await imported(postgres, first, form)
        assert again.entries.skipped == there.entries.created
        assert await exported(postgres, form) == first
