"""PostgreSQL above SEARCH_INDEX_MAX: its search by words and pgvector's by meaning answer together."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.embedders.static import DIMENSION
from agent_memory.core.caller import Caller
from agent_memory.core.requests import NewEntry, Recall, Remember
from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.settings import read_settings
from agent_memory.entrypoints.wiring import open_app
from agent_memory_contract.embedding_server import EmbeddingServer
from agent_memory_contract.servers.postgres import SOURCES, fresh_database

from .postgres_shape import environment_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory.adapters.postgres.config import PostgresSettings
    from agent_memory.core.results import RecallResult
    from agent_memory.entrypoints.wiring import App

ME = Caller(client="test")
TEXTS = (
    "The rollout of the billing service waits for Ines.",
    "Backups of the production database run each night at two.",
    "Our cat sleeps on the sofa.",
    "The office has a new coffee machine on the second floor.",
    "Payments are processed by an external provider.",
)
BY_MEANING = "kitten napping on a couch"
"""No word of it is in the texts."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def database() -> AsyncGenerator[PostgresSettings]:
    async with fresh_database(SOURCES[0]) as server:
        yield server


@asynccontextmanager
async def app_of(database: PostgresSettings, **settings: str) -> AsyncGenerator[App]:
    environment = environment_of(database, QUERY_CACHE_SIZE="0", **settings)
    async with open_app(read_settings(environment).settings, Log("error")) as app:
        yield app


def embedder_at(embedding: EmbeddingServer) -> dict[str, str]:
    return {
        "EMBEDDER": "openai",
        "EMBEDDER_URL": embedding.url,
        "EMBEDDER_MODEL": "test",
        "EMBEDDER_DIMENSION": str(DIMENSION),
    }


async def ask(app: App, query: str, **fields: str) -> RecallResult:
    return await app.memory.recall(Recall(query=query, explain=True, **fields), ME)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] (all are strings)


async def until_whole(app: App) -> None:
    async with asyncio.timeout(60):
        while (await ask(app, "anything whole")).degraded:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)


async def test_words_and_meaning_answer_together(database: PostgresSettings) -> None:
    async with (
        EmbeddingServer().running() as embedding,
        app_of(database, SEARCH_INDEX_MAX="0", **embedder_at(embedding)) as app,
    ):
        await app.memory.remember(Remember(entries=[NewEntry(content=text) for text in TEXTS]), ME)
        first = await ask(app, "billing")
        assert first.results[0].content == TEXTS[0]
        assert first.degraded, "the vectors are not made yet"
        await until_whole(app)
        meant = await ask(app, BY_MEANING)
        assert (meant.results[0].content, meant.results[0].match) == (TEXTS[2], "dense")
        assert (await ask(app, BY_MEANING, mode="dense")).results[0].content == TEXTS[2]
        both = await ask(app, "who holds up the billing rollout?")
        assert (both.results[0].content, both.results[0].match) == (TEXTS[0], "both")
        assert not meant.degraded
        assert not both.degraded
        assert all(found.score > 0 for answer in (meant, both) for found in answer.results)


async def test_the_same_comes_first_as_with_the_index(database: PostgresSettings) -> None:
    questions = (BY_MEANING, "billing rollout", "when are backups made?", "where is the coffee?", "who pays?")
    best: list[list[str]] = []
    async with EmbeddingServer().running() as embedding:
        for most in ("0", "1000"):
            async with app_of(database, SEARCH_INDEX_MAX=most, **embedder_at(embedding)) as app:
                await app.memory.remember(Remember(entries=[NewEntry(content=text) for text in TEXTS]), ME)
                await until_whole(app)
                best.append([(await ask(app, question)).results[0].content for question in questions])
    assert best[0] == best[1]


async def test_what_another_process_wrote_is_embedded_here_too(database: PostgresSettings) -> None:
    async with (
        EmbeddingServer().running() as embedding,
        app_of(database, SEARCH_INDEX_MAX="0", EMBEDDER="off") as other,
        app_of(database, SEARCH_INDEX_MAX="0", **embedder_at(embedding)) as app,
    ):
        await other.memory.remember(Remember(content=TEXTS[0]), ME)
        await until_whole(app)
        await other.memory.remember(Remember(content=TEXTS[2]), ME)
        assert (await ask(app, BY_MEANING)).degraded
        await until_whole(app)
        assert (await ask(app, BY_MEANING)).results[0].content == TEXTS[2]


async def test_while_the_embedding_server_is_away_words_answer_and_it_is_said(
    database: PostgresSettings,
) -> None:
    async with (
        EmbeddingServer().running() as embedding,
        app_of(database, SEARCH_INDEX_MAX="0", **embedder_at(embedding)) as app,
    ):
        await app.memory.remember(Remember(entries=[NewEntry(content=text) for text in TEXTS]), ME)
        await until_whole(app)
        embedding.down = True
        answer = await ask(app, "billing rollout")
        assert (answer.results[0].content, answer.degraded) == (TEXTS[0], True)


async def test_the_static_model_keeps_no_vectors_there_and_that_is_said(database: PostgresSettings) -> None:
    async with app_of(database, SEARCH_INDEX_MAX="0") as app:
        await app.memory.remember(Remember(entries=[NewEntry(content=text) for text in TEXTS]), ME)
        answer = await ask(app, "billing rollout")
        assert (answer.results[0].content, answer.degraded) == (TEXTS[0], True)
        assert not (await ask(app, "billing rollout", mode="lexical")).degraded
