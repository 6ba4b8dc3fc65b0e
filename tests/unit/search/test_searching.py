"""The index beside a real store: it has what was committed, shows nothing else, and may fail without harm."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.search.index import Index
from agent_memory.core.search.searching import Search
from agent_memory.ports.changes import RemoveEntries, ReplaceEntry
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import T0, adds, after, changed, entry
from agent_memory_contract.storage_model import Model, Monkey
from agent_memory_contract.storage_reads import matches

from .words_embedder import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent_memory.adapters.inprocess.worker import ThreadWorker
    from agent_memory.core.search.found import Answer
    from agent_memory.ports.records import Entry
    from agent_memory_contract.manual_clock import ManualClock

EVERYWHERE = EntryFilter(where=ScopeFilter(descendants=True), live_at=T0)


@pytest.fixture
async def search(storage: SqliteStorage, worker: ThreadWorker, clock: ManualClock) -> AsyncIterator[Search]:
    opened = Search(storage, worker, clock, patience=30)
    yield opened
    await opened.close()


async def ask(search: Search, text: str, *, where: EntryFilter = EVERYWHERE, mode: Any = "hybrid") -> Answer:
    answer = await search.find(text, where, mode=mode, limit=10, now=T0)
    assert answer is not None
    return answer


async def found(search: Search, text: str, where: EntryFilter = EVERYWHERE) -> list[str]:
    return [hit.entry.id for hit in (await ask(search, text, where=where)).hits]


async def test_what_was_there_and_what_comes_is_found_at_once(storage: SqliteStorage, search: Search) -> None:
    first, second = entry("an okapi"), entry("another okapi")
    await storage.apply(*adds(first))
    assert await found(search, "okapi") == [first.id]
    await storage.apply(*adds(second))
    assert await found(search, "okapi") == [second.id, first.id]


async def test_what_another_process_wrote_is_found(search: Search, path: Path, clock: ManualClock) -> None:
    assert await found(search, "okapi") == []
    written = entry("an okapi")
    async with SqliteStorage(path, clock=clock, origin="b") as other:
        await other.apply(*adds(written))
    assert await found(search, "okapi") == [written.id]


async def test_updates_removals_and_purges_are_followed(storage: SqliteStorage, search: Search) -> None:
    e, gone, purged = entry("an okapi"), entry("okapi two"), entry("okapi three")
    await storage.apply(*adds(e, gone, purged))
    assert len(await found(search, "okapi")) == 3
    await storage.apply(
        ReplaceEntry(changed(e, content="a zebra"), 1),
        RemoveEntries((gone.id,), at=after(1)),
        RemoveEntries((purged.id,), at=after(1), purge=True),
    )
    assert await found(search, "okapi") == []
    assert await found(search, "zebra") == [e.id]


@pytest.mark.parametrize("seed", [1, 2])
async def test_after_many_random_changes_it_finds_what_the_store_has(
    storage: SqliteStorage, search: Search, seed: int
) -> None:
    model, monkey = Model(), Monkey(seed)
    for step in range(120):
        changes = monkey.changes(model)
        trial = Model(model)
        try:
            for change in changes:
                trial.apply(change)
            await storage.apply(*changes)
        except Exception:  # noqa: BLE001 - both refuse the same (STORAGE-260); here only what was taken matters
            continue
        model = trial
        if step % 10 == 0:
            for word in ("giraffe", "okapi"):
                standing = await matches(storage, EVERYWHERE)
                expected = {
                    e.id for e in standing if word in f"{e.title} {e.content} {e.author}".lower().split()
                }
                shown = await search.find(word, EVERYWHERE, mode="lexical", limit=1_000, now=T0)
                assert shown is not None
                assert {hit.entry.id for hit in shown.hits if hit.lexical} >= expected
                assert [hit.entry for hit in shown.hits if hit.entry not in standing] == []
    assert len(model.past) > 10


async def test_what_goes_while_it_is_ranked_is_not_shown(
    storage: SqliteStorage, search: Search, worker: ThreadWorker
) -> None:
    """Deleted, and moved out of the filter, after the ranking and before the answer."""
    kept, gone, moved = entry("okapi one"), entry("okapi two"), entry("okapi three")
    await storage.apply(*adds(kept, gone, moved))
    assert len(await found(search, "okapi")) == 3
    run = worker.run

    async def late(work: Any) -> Any:
        answer = await run(work)
        await storage.apply(
            RemoveEntries((gone.id,), at=after(1)), ReplaceEntry(changed(moved, state="archived"), 1)
        )
        return answer

    worker.run = late  # type: ignore[method-assign] # between the two, whatever threads do
    assert await found(search, "okapi") == [kept.id]


async def test_an_outbox_that_was_trimmed_is_no_loss(storage: SqliteStorage, search: Search) -> None:
    first, second = entry("an okapi"), entry("another okapi")
    await storage.apply(*adds(first))
    assert await found(search, "okapi") == [first.id]
    await storage.apply(*adds(second))
    await storage.apply(RemoveEntries((first.id,), at=after(1)))
    await storage.trim_outbox(await storage.outbox_head())
    assert await found(search, "okapi") == [second.id]


async def test_who_cannot_wait_is_told_so_and_the_filling_goes_on(
    storage: SqliteStorage, worker: ThreadWorker, clock: ManualClock
) -> None:
    first = entry("an okapi")
    await storage.apply(*adds(first))
    held = asyncio.Event()
    run = worker.run

    async def slow(work: Any) -> Any:
        await held.wait()
        return await run(work)

    worker.run = slow  # type: ignore[method-assign] # as long as the test says
    hasty = Search(storage, worker, clock, patience=0.01)
    try:
        assert await hasty.find("okapi", EVERYWHERE, mode="lexical", limit=10, now=T0) is None
        held.set()
        while (answer := await hasty.find("okapi", EVERYWHERE, mode="lexical", limit=10, now=T0)) is None:
            pass
        assert [hit.entry.id for hit in answer.hits] == [first.id]
    finally:
        held.set()
        await hasty.close()


async def test_above_its_bound_there_is_no_index(
    storage: SqliteStorage, worker: ThreadWorker, clock: ManualClock
) -> None:
    """Looked at again after a minute."""
    await storage.apply(*adds(first := entry("an okapi"), second := entry("okapi two")))
    small = Search(storage, worker, clock, patience=30, most=1)
    assert await small.find("okapi", EVERYWHERE, mode="lexical", limit=10, now=T0) is None
    await storage.apply(RemoveEntries((second.id,), at=after(1)))
    assert await small.find("okapi", EVERYWHERE, mode="lexical", limit=10, now=T0) is None
    await clock.advance(60)
    assert await found(small, "okapi") == [first.id]
    await small.close()


async def test_a_caller_who_gives_up_stops_nobody(storage: SqliteStorage, search: Search) -> None:
    entries = [entry(f"okapi {n}") for n in range(600)]
    await storage.apply(*adds(*entries))
    asking = [asyncio.create_task(found(search, "okapi")) for _ in range(8)]
    await asyncio.sleep(0)
    for task in asking[::2]:
        task.cancel()
    answers = await asyncio.gather(*asking[1::2])
    assert all(len(answer) == 10 for answer in answers)
    await storage.apply(*adds(last := entry("okapi last")))
    assert await found(search, "okapi last") == [last.id, *(await found(search, "okapi last"))[1:]]


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
async def meaning(
    storage: SqliteStorage, worker: ThreadWorker, clock: ManualClock, embedder: WordEmbedder
) -> AsyncIterator[Search]:
    opened = Search(storage, worker, clock, quick=embedder, patience=30)
    yield opened
    await opened.close()


async def two(storage: SqliteStorage) -> tuple[Entry, Entry]:
    animal, deploy = entry("a zebra runs"), entry("the deploy is done")
    await storage.apply(*adds(animal, deploy))
    return animal, deploy


async def test_what_was_written_is_found_by_its_meaning_at_once(
    storage: SqliteStorage, meaning: Search
) -> None:
    animal, _ = await two(storage)
    answer = await ask(meaning, "okapi")
    assert [(hit.entry.id, hit.match) for hit in answer.hits] == [(animal.id, "dense")]
    await storage.apply(*adds(more := entry("one giraffe")))
    assert {hit.entry.id for hit in (await ask(meaning, "okapi")).hits} == {animal.id, more.id}


async def test_what_is_too_much_to_embed_at_once_is_found_by_words_first(
    storage: SqliteStorage, meaning: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_memory.core.search.follower._EMBEDDED_AT_ONCE", 1)
    animal, _ = await two(storage)
    first = await ask(meaning, "zebra")
    assert ([hit.match for hit in first.hits], first.degraded) == (["lexical"], True)
    await meaning.idle()
    second = await ask(meaning, "okapi")
    assert ([hit.entry.id for hit in second.hits], second.degraded) == ([animal.id], False)


async def test_a_number_or_an_identifier_is_looked_up_by_its_letters(
    storage: SqliteStorage, meaning: Search
) -> None:
    await two(storage)
    assert (await ask(meaning, "okapi-7")).hits == ()
    assert (await ask(meaning, "okapi 7")).hits != ()


async def test_lexical_means_words_alone(storage: SqliteStorage, meaning: Search) -> None:
    await two(storage)
    assert (await ask(meaning, "okapi", mode="lexical")).hits == ()


async def test_dense_means_meaning_alone(storage: SqliteStorage, meaning: Search) -> None:
    """No word, title, tag, author, date or session of the question makes what is far by meaning a result."""
    near = entry("a striped zebra")
    fields: dict[str, Any] = {"title": "march", "tags": ("march",), "author": "Ada", "occurred_at": T0}
    far = [entry(f"in march the deploy number {n} by ada", scope="acme/web/s1", **fields) for n in range(3)]
    await storage.apply(*adds(near, *far))
    question = "which okapi did Ada deploy in march 2026?"
    hits = (await ask(meaning, question, mode="dense")).hits
    assert [(hit.entry.id, hit.match, hit.lexical) for hit in hits] == [(near.id, "dense", 0.0)]
    assert hits[0].parts.keys() == {"own"}
    assert len((await ask(meaning, question)).hits) == 4


async def test_a_neighbour_by_meaning_alone_is_no_match_of_words(
    storage: SqliteStorage, meaning: Search
) -> None:
    """An answer beside what was asked after, in one session."""
    turns = [
        entry(text, scope="acme/web/s1", occurred_at=after(n))
        for n, text in enumerate(("zebra?", "yes, that"))
    ]
    await storage.apply(*adds(*turns))
    hits = (await ask(meaning, "okapi, that", mode="dense")).hits
    assert {hit.entry.id for hit in hits} == {turn.id for turn in turns}
    assert {hit.match for hit in hits} == {"dense"}


async def test_without_vectors_dense_falls_back_to_words_and_says_so(
    storage: SqliteStorage, meaning: Search, embedder: WordEmbedder
) -> None:
    embedder.broken = True
    animal, _ = await two(storage)
    answer = await ask(meaning, "zebra", mode="dense")
    assert ([(hit.entry.id, hit.match) for hit in answer.hits], answer.degraded) == (
        [(animal.id, "lexical")],
        True,
    )


async def test_a_failing_embedder_degrades_to_words_and_says_so(
    storage: SqliteStorage, meaning: Search, embedder: WordEmbedder, clock: ManualClock
) -> None:
    embedder.broken = True
    animal, _ = await two(storage)
    answer = await ask(meaning, "zebra")
    assert ([hit.entry.id for hit in answer.hits], answer.degraded) == ([animal.id], True)
    embedder.broken = False
    assert (await ask(meaning, "okapi")).degraded
    await clock.advance(10)
    assert (await ask(meaning, "okapi")).degraded
    await meaning.idle()
    healed = await ask(meaning, "okapi")
    assert ([hit.entry.id for hit in healed.hits], healed.degraded) == ([animal.id], False)


async def test_a_name_that_many_entries_hold_is_not_embedded(
    storage: SqliteStorage, meaning: Search, embedder: WordEmbedder
) -> None:
    await storage.apply(*adds(*(entry(f"Caroline says {n}") for n in range(5)), entry("a zebra")))
    await ask(meaning, "Which animal did Caroline see?")
    assert embedder.texts[-1] == "Which animal did see?"


async def test_too_many_dead_versions_are_cleared_away(
    storage: SqliteStorage, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_memory.core.search.follower._DEAD", 5)
    made: list[Index] = []
    monkeypatch.setattr("agent_memory.core.search.index.Index", lambda: made.append(Index()) or made[-1])
    e = entry("an okapi")
    await storage.apply(*adds(e))
    for _ in range(20):
        await storage.apply(ReplaceEntry(after_ := changed(e, importance=0.1), e.version))
        e = after_
        assert await found(search, "okapi") == [e.id]
    assert len(made) > 1
    assert made[-1].dead <= 7


def test_a_filter_is_a_value() -> None:
    """The sights of the index are kept by filter."""
    assert hash(ScopeFilter(scope="a")) == hash(msgspec.structs.replace(ScopeFilter(), scope="a"))
