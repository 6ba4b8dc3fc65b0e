"""A slow embedder: by a job, its vectors kept by the store, the quick one standing in."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from agent_memory.adapters.inprocess.worker import ThreadWorker
from agent_memory.core.search import follower
from agent_memory.core.search.found import VectorCount
from agent_memory.core.search.searching import Search
from agent_memory.ports.changes import ReplaceEntry
from agent_memory_contract.builders import adds, changed, entry

from .test_searching import EVERYWHERE
from .words_embedder import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import pytest

    from agent_memory.adapters.sqlite import SqliteStorage
    from agent_memory.core.search.found import Answer
    from agent_memory_contract.manual_clock import ManualClock


@asynccontextmanager
async def searching(storage: SqliteStorage, clock: ManualClock, **options: Any) -> AsyncGenerator[Search]:
    async with ThreadWorker() as worker:
        search = Search(storage, worker, clock, patience=30, **options)
        yield search
        await search.close()


async def ask(search: Search, clock: ManualClock, text: str = "okapi") -> Answer:
    answer = await search.find(text, EVERYWHERE, mode="hybrid", limit=10, now=clock.now())
    assert answer is not None
    return answer


def seen(answer: Answer) -> tuple[list[str], bool]:
    """Newest first."""
    return sorted((hit.entry.id for hit in answer.hits), reverse=True), answer.degraded


async def test_its_vectors_are_made_in_the_background_and_kept_by_the_store(
    storage: SqliteStorage, clock: ManualClock
) -> None:
    slow = WordEmbedder("slow")
    animals = [entry(f"a zebra {n}") for n in range(9)]
    await storage.apply(*adds(*animals, entry("the deploy")))
    async with searching(storage, clock, stored=slow) as search:
        assert seen(await ask(search, clock)) == ([], True)
        await search.idle()
        assert seen(await ask(search, clock)) == ([e.id for e in reversed(animals)], False)
    assert len(await storage.vectors([e.id for e in animals], model="slow")) == 9
    assert (await storage.job_stats()).waiting == 0
    made = len(slow.texts)
    async with searching(storage, clock, stored=slow) as search:
        assert seen(await ask(search, clock)) == ([e.id for e in reversed(animals)], False)
    assert len(slow.texts) == made + 1


async def test_the_quick_one_stands_in_until_then(storage: SqliteStorage, clock: ManualClock) -> None:
    """So is a change of model: both are searched, and what the new one has not seen yet is found by the old."""
    slow, quick = WordEmbedder("slow"), WordEmbedder("quick")
    animal = entry("a zebra")
    await storage.apply(*adds(animal, entry("the deploy")))
    async with searching(storage, clock, stored=slow, quick=quick) as search:
        assert seen(await ask(search, clock)) == ([animal.id], True)
        await search.idle()
        late = entry("a giraffe")
        await storage.apply(*adds(late))
        assert seen(await ask(search, clock)) == ([late.id, animal.id], True)
        await search.idle()
        assert seen(await ask(search, clock)) == ([late.id, animal.id], False)


async def test_one_process_of_two_makes_them(storage: SqliteStorage, clock: ManualClock) -> None:
    one, two = WordEmbedder("slow"), WordEmbedder("slow")
    animals = [entry(f"a zebra {n}") for n in range(30)]
    await storage.apply(*adds(*animals))
    async with (
        searching(storage, clock, stored=one, owner="1") as first,
        searching(storage, clock, stored=two, owner="2") as second,
    ):
        await asyncio.gather(ask(first, clock), ask(second, clock))
        await asyncio.gather(first.idle(), second.idle())
        assert seen(await ask(first, clock))[1] is seen(await ask(second, clock))[1] is False
    documents = [text for text in one.texts + two.texts if "zebra" in text]
    assert sorted(documents) == sorted(e.content for e in animals)


async def test_a_process_that_dies_over_it_is_followed_by_another(
    storage: SqliteStorage, clock: ManualClock
) -> None:
    held, slow = asyncio.Event(), WordEmbedder("slow")
    animals = [entry(f"a zebra {n}") for n in range(6)]
    await storage.apply(*adds(*animals))
    dying = WordEmbedder("slow")
    embed = dying.embed

    async def halfway(texts: Any, *, kind: Any) -> list[bytes]:
        if len(dying.texts) > 4:
            held.set()
            await asyncio.Event().wait()
        return await embed(texts, kind=kind)

    dying.embed = halfway  # type: ignore[method-assign] # dies with four of six done
    async with searching(storage, clock, stored=dying, owner="1") as search:
        await ask(search, clock)
        await held.wait()
    async with searching(storage, clock, stored=slow, owner="2") as search:
        assert (await ask(search, clock)).degraded
        await search.idle()
        assert (await ask(search, clock)).degraded
        await clock.advance(120)
        await ask(search, clock)
        await search.idle()
        assert seen(await ask(search, clock)) == ([e.id for e in reversed(animals)], False)


async def test_while_it_fails_answers_are_degraded_and_the_quick_one_goes_on(
    storage: SqliteStorage, clock: ManualClock
) -> None:
    slow, quick = WordEmbedder("slow"), WordEmbedder("quick")
    slow.broken = True
    animal = entry("a zebra")
    await storage.apply(*adds(animal, entry("the deploy")))
    async with searching(storage, clock, stored=slow, quick=quick) as search:
        assert seen(await ask(search, clock)) == ([animal.id], True)
        await search.idle()
        assert seen(await ask(search, clock)) == ([animal.id], True)
        slow.broken = False
        await clock.advance(10)
        await ask(search, clock)
        await search.idle()
        assert seen(await ask(search, clock)) == ([animal.id], False)


async def test_a_change_of_the_text_is_embedded_again_and_one_of_the_tags_is_not(
    storage: SqliteStorage, clock: ManualClock
) -> None:
    slow = WordEmbedder("slow")
    animal = entry("a zebra")
    await storage.apply(*adds(animal, entry("the deploy")))
    async with searching(storage, clock, stored=slow) as search:
        await ask(search, clock)
        await search.idle()
        await ask(search, clock)
        tagged = changed(animal, tags=("zoo",))
        await storage.apply(ReplaceEntry(tagged, 1))
        assert seen(await ask(search, clock)) == ([animal.id], False)
        await storage.apply(ReplaceEntry(changed(tagged, content="a kudu"), 2))
        assert seen(await ask(search, clock)) == ([], True)
        await search.idle()
        assert seen(await ask(search, clock)) == ([], False)


def slow_at_first() -> tuple[WordEmbedder, asyncio.Event, asyncio.Event]:
    """It says that it has begun with its first documents, and goes on with them when it is told to."""
    quick, begun, go_on = WordEmbedder("quick"), asyncio.Event(), asyncio.Event()
    embed = quick.embed

    async def held(texts: Any, *, kind: Any) -> list[bytes]:
        if kind == "document" and not begun.is_set():
            begun.set()
            await go_on.wait()
        return await embed(texts, kind=kind)

    quick.embed = held  # type: ignore[method-assign] # as a busy machine does
    return quick, begun, go_on


async def test_vectors_of_a_version_that_was_replaced_meanwhile_come_to_nothing(
    storage: SqliteStorage, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "_EMBEDDED_AT_ONCE", 0)
    quick, begun, go_on = slow_at_first()
    animal, other = entry("a zebra"), entry("the deploy")
    await storage.apply(*adds(animal, other))
    async with searching(storage, clock, quick=quick) as search:
        await ask(search, clock)
        await begun.wait()
        monkeypatch.setattr(follower, "_EMBEDDED_AT_ONCE", 4_000)
        await storage.apply(
            ReplaceEntry(changed(animal, content="the release"), 1),
            ReplaceEntry(changed(other, content="a giraffe"), 1),
        )
        await ask(search, clock)
        go_on.set()
        await search.idle()
        assert seen(await ask(search, clock)) == ([other.id], False)


async def test_vectors_made_for_an_index_of_before_leave_none_out_of_the_new_one(
    storage: SqliteStorage, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "_EMBEDDED_AT_ONCE", 0)
    quick, begun, go_on = slow_at_first()
    await storage.apply(*adds(*[entry(f"a zebra {n}") for n in range(300)]))
    async with searching(storage, clock, quick=quick) as search:
        await ask(search, clock)
        await begun.wait()
        await search.rebuild()
        assert (await ask(search, clock)).degraded
        go_on.set()
        await search.idle()
        await ask(search, clock)
        await search.idle()
        assert not (await ask(search, clock)).degraded
        assert await search.vectors() == VectorCount(entries=300, pending=0)
