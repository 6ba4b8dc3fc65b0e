"""Stores to move memory between, and histories to move."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.moving.export import Export
from agent_memory.core.moving.importing import Import
from agent_memory.core.text import content_hash
from agent_memory.ports.changes import AddRelation, CastVote, PutSession, RemoveEntries, ReplaceEntry
from agent_memory_contract.builders import adds, after, changed, entry, relation, session, vote
from agent_memory_contract.manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from pathlib import Path

    from agent_memory.core.moving.results import ImportResult
    from agent_memory.core.requests_moving import Format
    from agent_memory.ports.records import Entry
    from agent_memory.ports.storage import Storage


LATER = after(10**8)


@asynccontextmanager
async def opened(path: Path) -> AsyncGenerator[Storage]:
    async with SqliteStorage(path, clock=ManualClock(), origin="test", synchronous="NORMAL") as store:
        yield store


async def exported(
    store: Storage, form: Format = "jsonl", scope: str = "global", ceiling: str = "global"
) -> bytes:
    export = Export(store, scope=scope, ceiling=ceiling, form=form)
    return b"".join([part async for part in export.parts()])


def source_of(text: bytes, size: int = 1000) -> Callable[[], AsyncIterator[bytes]]:
    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(text), size):
            yield text[start : start + size]

    return parts


async def imported(store: Storage, text: bytes, form: Format = "jsonl", **given: Any) -> ImportResult:
    dry_run = given.pop("dry_run", False)
    size = given.pop("size", 1000)
    options: dict[str, Any] = {"on_conflict": "skip", "ceiling": "global", "now": LATER, **given}
    return await Import(store, source_of(text, size), form=form, **options).run(dry_run=dry_run)


def told(content: str, **fields: Any) -> Entry:
    """As the domain makes one: its hash says when it holds, too."""
    made = entry(content, **fields)
    return msgspec.structs.replace(
        made, content_hash=content_hash(content, made.valid_from, made.valid_until)
    )


async def fill(store: Storage) -> list[Entry]:
    """A bit of everything: three entries in three scopes, one of them gone, and what ties them."""
    first = told(
        "We deploy on Fridays", scope="acme/web", title="Deploy", tags=("deploy", "rule"), author="Ada"
    )
    second = told(
        "```\ncode <!-- agent-memory {} -->\n````\n\r\n> quoted", scope="acme", metadata={"a": [1, 2.5, ">"]}
    )
    gone = told("Nobody needs this", scope="global", occurred_at=after(-100.000001))
    await store.apply(*adds(first, second, gone))
    await store.apply(ReplaceEntry(changed(first, content="We deploy on Mondays", at=after(10)), 1))
    await store.apply(RemoveEntries((gone.id,), at=after(20)))
    await store.apply(AddRelation(relation(second, first, "supersedes", 5)))
    await store.apply(PutSession(session("acme/web/s1", ended=50, purpose="write", summary="written\n")))
    await store.apply(
        CastVote(vote("ada", "yes", scope="acme")), CastVote(vote("bob", "no", scope="acme/web"))
    )
    return [first, second, gone]
