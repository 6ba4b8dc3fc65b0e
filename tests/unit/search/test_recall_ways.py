"""Which search answers a recall, and what the answer says of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent_memory.core.caller import Caller
from agent_memory.core.recall import recall
from agent_memory.core.requests import Recall
from agent_memory.core.search.searching import Search
from agent_memory_contract.builders import adds, after, entry

from .words_embedder import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent_memory.adapters.inprocess.worker import ThreadWorker
    from agent_memory.adapters.sqlite import SqliteStorage
    from agent_memory_contract.manual_clock import ManualClock


@pytest.fixture
async def search(storage: SqliteStorage, worker: ThreadWorker, clock: ManualClock) -> AsyncIterator[Search]:
    opened = Search(storage, worker, clock, quick=WordEmbedder(), patience=30)
    yield opened
    await opened.close()


@pytest.mark.parametrize(("mode", "degraded"), [("dense", True), ("hybrid", True), ("lexical", False)])
async def test_the_past_is_answered_by_words_and_says_so(
    storage: SqliteStorage, search: Search, mode: Any, degraded: bool
) -> None:
    e = entry("a zebra")
    await storage.apply(*adds(e))
    asked = Recall(query="zebra", scope="acme", mode=mode, as_of=after(60).isoformat())
    answer = await recall(storage, asked, Caller(), now=after(90), search=search)
    assert [found.id for found in answer.results] == [e.id]
    assert answer.degraded == degraded


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
async def test_stop_words_alone_are_looked_up_in_the_store(
    storage: SqliteStorage, search: Search, mode: Any
) -> None:
    e = entry("to be or not to be")
    await storage.apply(*adds(e, entry("a zebra")))
    asked = Recall(query="to be or not to be", scope="acme", mode=mode)
    answer = await recall(storage, asked, Caller(), now=after(90), search=search)
    assert [found.id for found in answer.results] == [e.id]
    assert not answer.degraded
