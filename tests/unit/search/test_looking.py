"""What is similar to a new entry, beside a real store: found where the index is there, and never waited for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

import agent_memory
from agent_memory.adapters.embedders.static import StaticEmbedder
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.search.alike import candidates
from agent_memory.core.search.allowance import Allowance
from agent_memory.core.search.searching import Search
from agent_memory.core.search.similar import LONGEST
from agent_memory.ports.changes import RemoveEntries, ReplaceEntry
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import T0, adds, after, changed, entry

from .asking import index_of
from .test_similar import DIFFERENT, SAME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent_memory.adapters.inprocess.worker import ThreadWorker
    from agent_memory.core.results import Remembered
    from agent_memory.entrypoints.library import OpenMemory
    from agent_memory.ports.records import Entry
    from agent_memory_contract.manual_clock import ManualClock

EVERYWHERE = EntryFilter(where=ScopeFilter(descendants=True), live_at=T0)
FACT = "The deploy of orders succeeded."
SAID_AGAIN = "the deploy of orders succeeded"


@pytest.fixture
async def search(storage: SqliteStorage, worker: ThreadWorker, clock: ManualClock) -> AsyncIterator[Search]:
    async with StaticEmbedder() as quick:
        opened = Search(storage, worker, clock, quick=quick, patience=30, moment=30)
        yield opened
        await opened.close()


async def load(search: Search) -> None:
    assert await search.find("anything", EVERYWHERE, mode="lexical", limit=1, now=T0) is not None


async def similar(search: Search, new: Entry, ceiling: str = "global") -> list[str] | None:
    found = await search.similar([new], ceiling=ceiling, now=T0)
    return None if found is None else [each.entry.id for each in found[0] or ()]


async def test_every_pair_of_the_table_is_found_and_no_other(storage: SqliteStorage, search: Search) -> None:
    pairs = [*SAME, *DIFFERENT]
    standing = [entry(one, scope=f"acme/p{number}") for number, (one, _) in enumerate(pairs)]
    await storage.apply(*adds(*standing))
    await load(search)
    for number, (_, other) in enumerate(pairs):
        found = await similar(search, entry(other, scope=f"acme/p{number}"))
        assert found == ([standing[number].id] if number < len(SAME) else []), pairs[number]


async def test_nothing_is_said_before_the_index_is_there(storage: SqliteStorage, search: Search) -> None:
    await storage.apply(*adds(entry(FACT)))
    assert not search.ready
    assert await similar(search, entry(SAID_AGAIN)) is None
    assert not search.ready  # and nothing was loaded for it
    await load(search)
    assert search.ready


async def test_what_this_or_another_process_wrote_just_before_is_seen(
    storage: SqliteStorage, search: Search, path: Path, clock: ManualClock
) -> None:
    await load(search)
    own, others = entry(FACT), entry(FACT.upper(), scope="acme")
    await storage.apply(*adds(own))
    async with SqliteStorage(path, clock=clock, origin="b") as other:
        await other.apply(*adds(others))
    assert set(await similar(search, entry(SAID_AGAIN, scope="acme")) or ()) == {own.id, others.id}


async def test_scopes_above_are_seen_and_no_others_and_the_ceiling_holds(
    storage: SqliteStorage, search: Search
) -> None:
    scopes = ["global", "acme", "acme/shop", "acme/shop/s1", "acme/other", "beta"]
    standing = {scope: entry(FACT, scope=scope) for scope in scopes}
    await storage.apply(*adds(*standing.values()))
    await load(search)
    new = entry(SAID_AGAIN, scope="acme/shop")
    seen = {standing[scope].id for scope in ("global", "acme", "acme/shop")}
    assert set(await similar(search, new) or ()) == seen
    assert set(await similar(search, new, "acme/shop") or ()) == {standing["acme/shop"].id}


async def test_what_is_gone_replaced_or_over_is_not_similar(storage: SqliteStorage, search: Search) -> None:
    gone, replaced, over = entry(FACT), entry(FACT, scope="a"), entry(FACT, scope="b")
    over = msgspec.structs.replace(over, expires_at=T0)
    await storage.apply(*adds(gone, replaced, over))
    await load(search)
    await storage.apply(
        RemoveEntries((gone.id,), at=after(1)), ReplaceEntry(changed(replaced, content="another fact"), 1)
    )
    for scope in ("global", "a", "b"):
        assert await similar(search, entry(SAID_AGAIN, scope=scope)) == []


async def test_a_document_is_not_compared_and_says_so(storage: SqliteStorage, search: Search) -> None:
    just, more = "word " * (LONGEST // 5), "word " * LONGEST
    await storage.apply(*adds(entry(just), entry(more)))
    await load(search)
    found = await search.similar([entry(more + "."), entry(just.strip())], ceiling="global", now=T0)
    assert found is not None
    assert found[0] is None
    assert len(found[1] or ()) == 1


async def test_far_behind_nobody_waits_and_it_is_made_up_for(storage: SqliteStorage, search: Search) -> None:
    await load(search)
    many = [entry(f"number {n}") for n in range(100)]
    await storage.apply(*adds(*many, entry(FACT)))
    assert await similar(search, entry(SAID_AGAIN)) is None
    await search.idle()
    assert len(await similar(search, entry(SAID_AGAIN)) or ()) == 1


async def test_a_moment_is_all_that_it_takes(
    storage: SqliteStorage, worker: ThreadWorker, clock: ManualClock
) -> None:
    search = Search(storage, worker, clock, patience=30, moment=0.01)
    await load(search)
    held = asyncio.Event()
    loop = asyncio.get_running_loop()
    busy = asyncio.ensure_future(
        worker.run(lambda: asyncio.run_coroutine_threadsafe(held.wait(), loop).result())
    )
    await asyncio.sleep(0)
    assert await similar(search, entry(FACT)) is None
    held.set()
    await busy
    await search.close()


async def test_more_at_once_than_are_worth_waiting_for_do_without(search: Search) -> None:
    await load(search)
    four = [asyncio.ensure_future(similar(search, entry(f"{FACT} {n}"))) for n in range(4)]
    await asyncio.sleep(0)
    assert not search.ready
    assert await asyncio.gather(*four) == [[], [], [], []]
    assert search.ready


async def test_a_tenth_of_the_time_may_be_spent_and_a_quarter_of_a_second_at_once(clock: ManualClock) -> None:
    allowance = Allowance(clock)
    await clock.advance(1_000)
    allowance.spend(0.2)
    assert allowance.left
    allowance.spend(0.1)
    assert not allowance.left
    await clock.advance(0.4)
    assert not allowance.left
    await clock.advance(0.2)
    assert allowance.left


def test_candidates_are_few_and_the_newest_of_equals() -> None:
    same = [entry(FACT, scope="acme") for _ in range(2_000)]
    index = index_of(*same, entry(FACT, scope="beta"))
    found = candidates(index, entry(SAID_AGAIN, scope="acme"), "global")
    assert found == [each.id for each in reversed(same[-8:])]


async def test_remember_tells_what_is_similar_and_stores_both(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        first = (await memory.remember(FACT, title="Deploy")).results[0]
        assert first.similar is None
        await memory.recall("deploy")
        second = await _until_looked(memory, "The deploy of the orders succeeded!")
        assert second.similar
        alike = second.similar[0]
        assert (alike.id, alike.title, second.duplicate) == (first.id, "Deploy", False)
        assert 0.4 <= alike.score <= 1
        assert (await _until_looked(memory, "The deploy of orders failed.")).similar == ()
        assert len(await memory.recall("deploy")) == 3


async def test_of_many_entries_none_is_looked_at_and_of_a_few_each(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        await memory.remember(FACT)
        await memory.recall("deploy")
        many = await memory.remember(entries=[{"content": f"fact {n}"} for n in range(17)])
        assert {each.similar for each in many.results} == {None}
        await memory.recall("deploy")
        some = many.results
        for n in range(50):
            said = [{"content": f"Okapi number {n}"}, {"content": SAID_AGAIN, "scope": f"acme/p{n}"}]
            some = (await memory.remember(entries=said)).results
            if some[0].similar is not None:
                break
        assert some[0].similar == ()
        assert [each.title for each in some[1].similar or ()] == [FACT]


async def test_an_idempotent_repeat_and_an_exact_one(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        await memory.remember(FACT, idempotency_key="one")
        await memory.recall("deploy")
        again = await memory.remember(FACT, idempotency_key="one")
        assert again.replayed
        assert again.results[0].similar is None
        exact = await _until_looked(memory, FACT)
        assert (exact.duplicate, exact.similar) == (True, ())


async def _until_looked(memory: OpenMemory, content: str) -> Remembered:
    """On a busy machine a moment may be too short."""
    for _ in range(50):
        one = (await memory.remember(content)).results[0]
        if one.similar is not None:
            return one
        await memory.forget(one.id)
        await memory.recall("deploy")
    raise AssertionError("never looked")
