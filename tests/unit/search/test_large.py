"""A store too large for the index: its own searches by words and by meaning, joined; what is missing is said, made."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent_memory.core.caller import Caller
from agent_memory.core.recall import recall
from agent_memory.core.requests import Recall
from agent_memory.core.search.searching import Search
from agent_memory.ports.changes import ReplaceEntry
from agent_memory.ports.errors import Unavailable
from agent_memory_contract.builders import T0, adds, after, changed, entry

from ..saboteurs.storage_wrapper import Wrapper
from .test_searching import EVERYWHERE
from .words_embedder import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent_memory.adapters.inprocess.worker import ThreadWorker
    from agent_memory.adapters.sqlite import SqliteStorage
    from agent_memory.core.search.found import Answer
    from agent_memory.ports.queries import Hit, VectorQuery
    from agent_memory.ports.storage import StorageCapabilities
    from agent_memory_contract.manual_clock import ManualClock


class Indexed(Wrapper):
    """As if it had an index of vectors. It may be out of order."""

    broken = False

    @property
    def capabilities(self) -> StorageCapabilities:
        return msgspec.structs.replace(self.inner.capabilities, vectors="approximate")

    async def nearest(self, query: VectorQuery) -> list[Hit]:
        if self.broken:
            raise Unavailable("no answer")
        return await self.inner.nearest(query)


class Bench:
    def __init__(self, storage: Indexed, search: Search, embedder: WordEmbedder, clock: ManualClock) -> None:
        self.storage = storage
        self.search = search
        self.embedder = embedder
        self.clock = clock

    async def ask(self, text: str, mode: Any = "hybrid", limit: int = 10) -> Answer:
        answer = await self.search.find(text, EVERYWHERE, mode=mode, limit=limit, now=T0)
        assert answer is not None
        return answer

    async def whole(self) -> None:
        """Until nothing is missing any more."""
        async with asyncio.timeout(20):
            while (await self.ask("anything")).degraded:
                await self.search.idle()
                await self.clock.advance(6)


@pytest.fixture
async def bench(storage: SqliteStorage, worker: ThreadWorker, clock: ManualClock) -> AsyncIterator[Bench]:
    embedder, indexed = WordEmbedder(), Indexed(storage)
    search = Search(indexed, worker, clock, stored=embedder, owner="w", patience=30, most=0)
    yield Bench(indexed, search, embedder, clock)
    await search.close()


async def test_what_only_meaning_finds_is_found_and_words_and_meaning_come_first(bench: Bench) -> None:
    both, meant, said = entry("an okapi sleeps"), entry("a zebra"), entry("who sleeps in the office")
    await bench.storage.apply(*adds(both, meant, said, entry("the deploy")))
    await bench.whole()
    answer = await bench.ask("giraffe sleeps")
    assert not answer.degraded
    assert [(hit.entry.id, hit.match) for hit in answer.hits] == [
        (both.id, "both"), (meant.id, "dense"), (said.id, "lexical"),
    ] or [(hit.entry.id, hit.match) for hit in answer.hits] == [
        (both.id, "both"), (said.id, "lexical"), (meant.id, "dense"),
    ]  # fmt: skip
    assert [hit.score for hit in answer.hits] == sorted((hit.score for hit in answer.hits), reverse=True)
    assert all(sum(hit.parts.values()) == pytest.approx(hit.score) for hit in answer.hits)


async def test_by_meaning_alone_words_do_not_count(bench: Bench) -> None:
    meant, said = entry("a zebra"), entry("who sleeps in the office")
    await bench.storage.apply(*adds(meant, said))
    await bench.whole()
    assert [hit.entry.id for hit in (await bench.ask("giraffe sleeps", mode="dense")).hits] == [meant.id]


async def test_by_words_alone_the_store_answers(bench: Bench) -> None:
    await bench.storage.apply(*adds(entry("a zebra")))
    assert await bench.search.find("giraffe", EVERYWHERE, mode="lexical", limit=5, now=T0) is None
    answer = await recall(
        bench.storage, Recall(query="giraffe", mode="lexical"), Caller(), now=after(1), search=bench.search
    )
    assert not answer.degraded


async def test_what_a_filter_refuses_is_not_found(bench: Bench) -> None:
    here, there = entry("a zebra", scope="acme/here"), entry("a zebra", scope="acme/there")
    await bench.storage.apply(*adds(here, there))
    await bench.whole()
    asked = Recall(query="giraffe", scope="acme/here", inherit=False)
    answer = await recall(bench.storage, asked, Caller(ceiling="acme"), now=after(90), search=bench.search)
    assert [found.id for found in answer.results] == [here.id]
    assert not answer.degraded


async def test_new_and_changed_entries_get_their_vectors_and_until_then_it_is_said(bench: Bench) -> None:
    first = entry("the deploy")
    await bench.storage.apply(*adds(first))
    await bench.whole()
    second = entry("a zebra")
    await bench.storage.apply(*adds(second), ReplaceEntry(changed(first, content="an okapi"), 1))
    assert (await bench.ask("giraffe")).degraded
    await bench.whole()
    assert {hit.entry.id for hit in (await bench.ask("giraffe")).hits} == {first.id, second.id}


async def test_an_embedder_that_fails_leaves_the_words_and_is_said(bench: Bench) -> None:
    e = entry("an okapi")
    await bench.storage.apply(*adds(e))
    await bench.whole()
    bench.embedder.broken = True
    answer = await bench.ask("okapi")
    assert ([hit.entry.id for hit in answer.hits], answer.degraded) == ([e.id], True)
    bench.embedder.broken = False
    bench.storage.broken = True
    answer = await bench.ask("okapi")
    assert ([hit.entry.id for hit in answer.hits], answer.degraded) == ([e.id], True)
    bench.storage.broken = False
    assert not (await bench.ask("okapi")).degraded


async def test_what_asks_for_a_name_needs_no_meaning(bench: Bench) -> None:
    e = entry("the ticket OPS-4711")
    await bench.storage.apply(*adds(e))
    bench.embedder.broken = True
    answer = await bench.ask("OPS-4711")
    assert ([hit.entry.id for hit in answer.hits], answer.degraded) == ([e.id], False)


async def test_a_store_that_compares_one_by_one_is_not_asked_for_the_nearest(
    storage: SqliteStorage, worker: ThreadWorker, clock: ManualClock
) -> None:
    await storage.apply(*adds(entry("a zebra")))
    search = Search(storage, worker, clock, stored=WordEmbedder(), patience=30, most=0)
    assert await search.find("giraffe", EVERYWHERE, mode="hybrid", limit=5, now=T0) is None
    await search.close()


async def test_an_index_that_has_grown_too_large_is_given_up(
    storage: SqliteStorage, worker: ThreadWorker, clock: ManualClock
) -> None:
    search = Search(storage, worker, clock, patience=30, most=2)
    await storage.apply(*adds(entry("an okapi"), entry("a zebra")))
    assert await search.find("okapi", EVERYWHERE, mode="hybrid", limit=5, now=T0) is not None
    await storage.apply(*adds(entry("a giraffe")))
    assert await search.find("okapi", EVERYWHERE, mode="hybrid", limit=5, now=T0) is None
    await search.close()
