"""Reads that must not grow with the number of entries: their plans walk an index and sort nothing."""

# pyright: reportPrivateUsage=false
# The thread itself is what is tested here, and it stands behind no port.

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from agent_memory.adapters.sqlite import entries, lexical, outlook, pages
from agent_memory.ports.queries import EntryFilter, EntryQuery
from agent_memory.ports.scopes import GLOBAL, ScopeFilter
from agent_memory_contract.builders import adds, entry

if TYPE_CHECKING:
    import sqlite3

    from agent_memory.adapters.sqlite import SqliteStorage
    from agent_memory.ports.queries import Order, Page
    from agent_memory.ports.records import Entry


@pytest.fixture(params=["as it was made", "with statistics"])
async def storage(request: pytest.FixtureRequest, storage: SqliteStorage) -> SqliteStorage:
    """What the planner learns about the tables must not lead it astray."""
    if request.param == "with statistics":
        for scope in ("acme", "acme/web", "globex"):
            new = [entry(scope=scope, tags=("common", f"tag{n % 7}")) for n in range(200)]
            await storage.apply(*adds(*new))
        await storage.maintain("statistics")
    return storage


async def plan(storage: SqliteStorage, statement: str) -> list[str]:
    class Anything(dict[str, object]):
        def __missing__(self, key: str) -> object:
            return None

    rows = await storage._points.call(
        lambda c: c.execute(f"EXPLAIN QUERY PLAN {statement}", Anything()).fetchall()
    )
    return [row[3] for row in rows]


@pytest.mark.parametrize("walk", pages._WALKS, ids=str)
async def test_a_page_walks_one_index_in_its_order(storage: SqliteStorage, walk: tuple[str, ...]) -> None:
    steps = await plan(storage, pages._WALKS[walk])  # type: ignore[index] - its own keys
    assert steps[0].startswith("SEARCH e USING INDEX")
    assert "(at,id)" in steps[0], "not from where the page before ended: what lies before is walked again"
    assert not any("TEMP B-TREE" in step for step in steps)


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("scope", ["acme/web", None])
@pytest.mark.parametrize("same_instant", [False, True])
async def test_the_last_page_costs_what_the_first_costs(
    storage: SqliteStorage, order: Order, scope: str | None, *, same_instant: bool
) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    new = [
        entry(scope="acme/web", occurred_at=at if same_instant else at + timedelta(seconds=n))
        for n in range(2_000)
    ]
    await storage.apply(*adds(*new))
    where = ScopeFilter(scope=scope or GLOBAL, inherit=False, descendants=scope is None)
    query = EntryQuery(
        filter=EntryFilter(where=where, since=at, until=at + timedelta(days=1)), order=order, limit=50
    )
    counted: list[int] = []

    def read(connection: sqlite3.Connection) -> Page[Entry]:
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        connection.set_progress_handler(step, 10)
        try:
            return pages.page(connection, query)
        finally:
            connection.set_progress_handler(None, 0)
            counted.append(steps)

    seen: list[str] = []
    while True:
        page = await storage._points.call(read)
        seen += [each.id for each in page.items]
        if page.cursor is None:
            break
        query = structs.replace(query, cursor=page.cursor)
    assert set(seen) >= {each.id for each in new}
    assert len(seen) == len(set(seen))
    assert max(counted) < 1.5 * counted[0] + 10


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_a_rare_tag_leads_to_its_entries(storage: SqliteStorage, order: Order) -> None:
    steps = await plan(storage, pages._PICKS[order])
    assert steps[0] == "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"


@pytest.mark.parametrize("search", lexical._SEARCHES, ids=str)
async def test_a_search_meets_entries_by_row_number(storage: SqliteStorage, search: tuple[str, str]) -> None:
    steps = await plan(storage, lexical._SEARCHES[search])  # type: ignore[index] - its own keys
    assert [step for step in steps if " e " in step] == ["SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"] * 2


async def test_duplicates_are_looked_up_by_index(storage: SqliteStorage) -> None:
    steps = await storage._points.call(
        lambda c: c.execute(f"EXPLAIN QUERY PLAN {entries.BY_HASH}", ("s", b"h")).fetchall()
    )
    assert [step[3] for step in steps] == [
        "SEARCH entries USING INDEX entries_active (scope=? AND content_hash=?)"
    ]


@pytest.mark.parametrize("statement", outlook.NEXT)
async def test_the_next_instant_is_where_an_index_begins(storage: SqliteStorage, statement: str) -> None:
    rows = await storage._points.call(lambda c: c.execute(f"EXPLAIN QUERY PLAN {statement}", (0,)).fetchall())
    (step,) = [row[3] for row in rows]
    assert step.startswith("SEARCH entries USING COVERING INDEX entries_by_")
