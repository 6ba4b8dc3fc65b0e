"""The same data and questions on SQLite and on PostgreSQL: the same sets, and as good an order.

AGENT_MEMORY_TEST_LOCOMO names the JSON of LoCoMo (Maharana et al., 2024), whose licence keeps it out of this
repository. Without it, conversations made of common words stand in: they try sets and order, but say little of quality.
"""

from __future__ import annotations

import os
import random
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest
from benchmarks.locomo import Conversation, Question, Turn, read_conversations

from agent_memory.adapters.embedders.static import StaticEmbedder
from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.inprocess.worker import ThreadWorker
from agent_memory.adapters.postgres.storage import PostgresStorage
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.lexical import query_terms
from agent_memory.core.search.searching import Search
from agent_memory.ports.changes import AddEntry, RemoveEntries, ReplaceEntry
from agent_memory.ports.queries import EntryFilter, LexicalQuery
from agent_memory.ports.records import KINDS, STATES
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import after, changed, digest, entry
from agent_memory_contract.servers.postgres import SOURCES, administer, fresh_database
from agent_memory_contract.servers.postgres_template import migrated_template
from agent_memory_contract.storage_reads import matches

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory.ports.records import Entry
    from agent_memory.ports.storage import Storage

DATA_VARIABLE = "AGENT_MEMORY_TEST_LOCOMO"
ORG = "locomo"
TOLERANCE = 0.02
"""Of recall, hit rate and reciprocal rank: what the port allows adapters to differ by."""

CONFUSED_BY_FTS5 = {"us", "use", "used", "uses", "using"}
"""FTS5 leaves words of two letters as they are, and so takes "us" for the stem of "use"."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def made_up() -> list[Conversation]:
    """Each question asks with three rare words of one turn and two common ones of the conversation."""
    chance = random.Random(5)
    common = [f"topic{n}" for n in range(60)]
    conversations: list[Conversation] = []
    for number in range(3):
        turns: list[Turn] = []
        questions: list[Question] = []
        for n in range(300):
            rare = [f"detail{chance.randrange(900)}s" for _ in range(5)]
            filler = chance.choices(common, k=chance.randrange(5, 40))
            turns.append(
                Turn(
                    dia_id=f"D{n // 20}:{n}",
                    session=n // 20,
                    speaker=("Ada", "Bob")[n % 2],
                    content=" ".join(chance.sample(rare + filler, len(rare + filler))),
                    occurred_at=after(3600 * n),
                )
            )
            if n % 5 == 0:
                asked = [word.removesuffix("s") for word in rare[:3]] + chance.choices(common, k=2)
                questions.append(Question(text=" ".join(asked), category=1, evidence=(turns[-1].dia_id,)))
        conversations.append(
            Conversation(name=f"made-{number}", turns=tuple(turns), questions=tuple(questions))
        )
    return conversations


def conversations() -> list[Conversation]:
    path = os.environ.get(DATA_VARIABLE)
    return read_conversations(Path(path).read_bytes()) if path else made_up()


def scope(conversation: Conversation) -> str:
    return f"{ORG}/{conversation.name}"


def told(conversation: Conversation) -> list[Entry]:
    return [
        entry(
            turn.content,
            scope=f"{scope(conversation)}/s{turn.session}",
            content_hash=digest(f"{conversation.name} {turn.dia_id}"),
            author=turn.speaker,
            occurred_at=turn.occurred_at,
            kind=KINDS[n % len(KINDS)],
            tags=(turn.speaker.lower(), f"t{n % 7}"),
        )
        for n, turn in enumerate(conversation.turns)
    ]


class Both(NamedTuple):
    """Two stores that were told the same, and which turn each entry is."""

    stores: tuple[Storage, ...]
    conversations: list[Conversation]
    turns: dict[str, str]


@pytest.fixture(params=SOURCES)
async def both(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Both]:
    template = await migrated_template(request.param)
    async with AsyncExitStack() as stack:
        settings = await stack.enter_async_context(fresh_database(request.param, template=template))
        clock = SystemClock()
        stores = (
            await stack.enter_async_context(SqliteStorage(tmp_path / "memory.db", clock=clock, origin="a")),
            await stack.enter_async_context(PostgresStorage(settings, clock=clock, origin="a")),
        )
        turns: dict[str, str] = {}
        talks = conversations()
        for talk in talks:
            entries = told(talk)
            turns.update((e.id, turn.dia_id) for e, turn in zip(entries, talk.turns, strict=True))
            for store in stores:
                await store.apply(*map(AddEntry, entries))
                # Some are changed, some removed, so that states, versions and the past differ too.
                await store.apply(
                    *(ReplaceEntry(changed(e, at=after(9e6), state="archived"), 1) for e in entries[3::17]),
                    RemoveEntries(tuple(e.id for e in entries[5::31]), at=after(9.5e6)),
                )
        # As autovacuum does by itself within minutes: it tells how many entries there are.
        await administer(settings, "ANALYZE agent_memory.entries")
        yield Both(stores, talks, turns)


async def test_the_same_filters_give_the_same_entries(both: Both) -> None:
    """In the same order; by scope, kind, tag, time, state and as of a time in the past."""
    tried = 0
    for talk in both.conversations:
        middle = talk.turns[len(talk.turns) // 2].occurred_at
        session = f"{scope(talk)}/s{talk.turns[0].session}"
        for where in (
            ScopeFilter(scope=scope(talk), descendants=True),
            ScopeFilter(scope=session),
            ScopeFilter(descendants=True, ceiling=scope(talk)),
        ):
            for asked in (
                EntryFilter(where=where),
                EntryFilter(where=where, states=STATES),
                EntryFilter(where=where, kinds=("tool", "note")),
                EntryFilter(where=where, tags=(talk.turns[0].speaker.lower(), "t3")),
                EntryFilter(where=where, tags_any=("t1", "t2")),
                EntryFilter(where=where, since=middle),
                EntryFilter(where=where, until=middle, states=()),
                EntryFilter(where=where, as_of=after(8e6), tags=("t3",)),
            ):
                one, two = [await matches(store, asked) for store in both.stores]
                assert one == two, asked
                tried += bool(one)
    assert tried > 12, "too few of the filters find anything"


class Quality(msgspec.Struct):
    """Averages over questions: evidence among the first ten, evidence first, one over the place of the first."""

    recall: float = 0.0
    hit: float = 0.0
    reciprocal: float = 0.0


async def quality(both: Both, store: Storage) -> Quality:
    asked = Quality()
    count = 0
    for talk in both.conversations:
        where = ScopeFilter(scope=scope(talk), descendants=True)
        for question in talk.questions:
            query = LexicalQuery(
                terms=query_terms(question.text), filter=EntryFilter(where=where, states=STATES), limit=10
            )
            found = [both.turns[hit.entry.id] for hit in await store.search(query)]
            right = [place for place, turn in enumerate(found, 1) if turn in question.evidence]
            asked.recall += len(right) / len(question.evidence)
            asked.hit += bool(right) and right[0] == 1
            asked.reciprocal += 1 / right[0] if right else 0
            count += 1
    return Quality(asked.recall / count, asked.hit / count, asked.reciprocal / count)


async def test_lexical_quality_is_that_of_sqlite(both: Both) -> None:
    """Recall at ten, hit rate and reciprocal rank, none lower by more than the tolerance."""
    sqlite, postgres = [await quality(both, store) for store in both.stores]
    assert sqlite.recall > 0.5, "the questions cannot be answered: this shows nothing"
    assert postgres.recall >= sqlite.recall - TOLERANCE, (sqlite, postgres)
    assert postgres.hit >= sqlite.hit - TOLERANCE, (sqlite, postgres)
    assert postgres.reciprocal >= sqlite.reciprocal - TOLERANCE, (sqlite, postgres)


async def test_the_same_words_find_the_same_entries(both: Both) -> None:
    """Each word of the questions alone."""
    for talk in both.conversations:
        where = ScopeFilter(scope=scope(talk), descendants=True)
        words = {word for question in talk.questions[:40] for word in query_terms(question.text)}
        for word in sorted(words - CONFUSED_BY_FTS5):
            query = LexicalQuery(terms=(word,), filter=EntryFilter(where=where), limit=10_000)
            one, two = [
                {both.turns[hit.entry.id] for hit in await store.search(query)} for store in both.stores
            ]
            assert one == two, word


async def test_recall_answers_alike(both: Both) -> None:
    """The index is filled by pages, and then follows; scores and order are the same to the last."""
    async with ThreadWorker() as worker, StaticEmbedder() as embedder:
        searches = [
            Search(store, worker, SystemClock(), quick=embedder, patience=60) for store in both.stores
        ]
        asked = 0
        for late in (False, True):
            for talk in both.conversations:
                where = EntryFilter(where=ScopeFilter(scope=scope(talk), descendants=True))
                for question in talk.questions[::10]:
                    one, two = [
                        await search.find(question.text, where, mode="hybrid", limit=10, now=after(1e7))
                        for search in searches
                    ]
                    assert one is not None
                    assert one == two
                    asked += bool(one.hits)
            if not late:
                more = [
                    entry(f"{talk.turns[0].content} once more", scope=f"{scope(talk)}/s1")
                    for talk in both.conversations
                ]
                for store in both.stores:
                    await store.apply(*map(AddEntry, more))
        for search in searches:
            await search.close()
    assert asked > 20
