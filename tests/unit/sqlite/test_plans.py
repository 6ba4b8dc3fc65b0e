"""Reads that must not grow with the number of entries: their plans walk an index and sort nothing."""

# pyright: reportPrivateUsage=false
# The thread itself is what is tested here, and it stands behind no port.

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.sqlite import entries, lexical, outlook, pages
from agent_memory_contract.builders import adds, entry

if TYPE_CHECKING:
    from agent_memory.adapters.sqlite import SqliteStorage
    from agent_memory.ports.queries import Order


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
    assert "at" in steps[0]
    assert not any("TEMP B-TREE" in step for step in steps)


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
