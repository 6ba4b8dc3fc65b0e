"""Questions that many Storage clauses ask."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.errors import PortError
from agent_memory.ports.queries import EntryFilter, EntryQuery, LexicalQuery
from agent_memory.ports.records import STATES
from agent_memory.ports.scopes import ScopeFilter

from .suite import SAFETY

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Iterable
    from typing import Any

    from agent_memory.ports.changes import Change
    from agent_memory.ports.records import Entry, Event
    from agent_memory.ports.storage import Reader, Storage

ALL_SCOPES = ScopeFilter(descendants=True)
ACTIVE = EntryFilter(where=ALL_SCOPES)
WHATEVER = EntryFilter(where=ALL_SCOPES, states=STATES)


class AbandonedError(Exception):
    """What a test's own code raises inside a unit."""


def ids(entries: Iterable[Entry]) -> list[str]:
    return [entry.id for entry in entries]


async def pages(store: Reader, query: EntryQuery) -> list[list[Entry]]:
    """Page after page to the last."""
    found: list[list[Entry]] = []
    while True:
        page = await store.query(query)
        found.append(list(page.items))
        if page.cursor is None:
            return found
        assert page.items, "an empty page promises another"
        query = msgspec.structs.replace(query, cursor=page.cursor)


async def matches(store: Reader, asked: EntryFilter = ACTIVE) -> list[Entry]:
    """Everything the filter admits, oldest first."""
    found = await pages(store, EntryQuery(filter=asked, order="oldest", limit=200))
    return [entry for page in found for entry in page]


async def search(store: Reader, *terms: str, asked: EntryFilter = ACTIVE, limit: int = 50) -> list[str]:
    """The ids found, best first."""
    hits = await store.search(LexicalQuery(terms=terms, filter=asked, limit=limit))
    return [hit.entry.id for hit in hits]


async def events(store: Storage, after: int = 0) -> list[Event]:
    """Every event after a seq."""
    found: list[Event] = []
    while batch := await store.outbox(after, limit=500):
        assert batch[0].seq > after, "an event was told again"
        found.extend(batch)
        after = batch[-1].seq
    return found


async def state_of(store: Storage) -> object:
    """Whatever a write could have touched, for comparison with the same before or after."""
    return (
        [(entry.id, entry.version, entry.state) for entry in await matches(store, WHATEVER)],
        await store.outbox_head(),
        len(await events(store)),
        await store.job_stats(),
        await store.stats(ALL_SCOPES),
        await store.generation(ALL_SCOPES),
    )


@asynccontextmanager
async def safely() -> AsyncGenerator[None]:
    """A block that fails rather than hangs."""
    try:
        async with asyncio.timeout(SAFETY):
            yield
    except TimeoutError as error:
        raise AssertionError("this hangs") from error


async def settled(*work: Awaitable[Any]) -> list[Any]:
    """What each came to, errors as values; only errors that may cross a port."""
    async with safely():
        results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, PortError):
            raise result
    return results


async def abandoned(store: Storage, *changes: Change) -> None:
    """A unit that applies the changes and then fails."""
    async with store.unit() as unit:
        await unit.apply(*changes)
        raise AbandonedError
