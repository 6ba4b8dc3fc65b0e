"""Search with vectors of a server with OpenAI's interface: when it is down, questions do not wait for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from agent_memory.adapters.embedders.static import DIMENSION, MODEL
from agent_memory_contract.embedding_server import EmbeddingServer

from .durability.store_processes import call, remembered, server

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.entrypoints.stdio_client import StdioClient


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def settings(embedding: EmbeddingServer, **others: str) -> dict[str, str]:
    return {
        "EMBEDDER": "openai",
        "EMBEDDER_URL": embedding.url,
        "EMBEDDER_MODEL": "test",
        "EMBEDDER_DIMENSION": str(DIMENSION),
        "CB_FAILURE_THRESHOLD": "2",
        "CB_SUCCESS_THRESHOLD": "1",
        **others,
    }


async def ask(client: StdioClient, question: str) -> tuple[list[str], bool]:
    answer = await call(client, "recall", query=question)
    return [found["id"] for found in answer["results"]], answer.get("degraded", False)


async def until_whole(client: StdioClient, question: str) -> list[str]:
    async with asyncio.timeout(60):
        while True:
            ids, degraded = await ask(client, question)
            if not degraded:
                return ids
            await asyncio.sleep(0.05)


async def test_a_server_that_is_down_is_not_asked_by_every_question(tmp_path: Path) -> None:
    async with EmbeddingServer().running() as embedding:
        shape: dict[str, Any] = settings(embedding, CB_RESET_TIMEOUT_MS="600000")
        async with server(tmp_path / "memory.db", **shape) as client:
            kept = await remembered(client, "The rollout of the billing service waits for Ines.")
            assert await until_whole(client, "who holds up billing?") == [kept]
            embedding.down = True
            before = len(embedding.asked)
            answers = [await ask(client, f"who holds up billing, take {n}?") for n in range(6)]
            assert answers == [([kept], True)] * 6
            assert len(embedding.asked) - before == 2


async def test_two_failures_are_enough_whatever_the_threshold(tmp_path: Path) -> None:
    """Each of them is a question that waited."""
    async with EmbeddingServer().running() as embedding:
        shape: dict[str, Any] = settings(embedding, CB_RESET_TIMEOUT_MS="600000", CB_FAILURE_THRESHOLD="5")
        async with server(tmp_path / "memory.db", **shape) as client:
            kept = await remembered(client, "The rollout of the billing service waits for Ines.")
            assert await until_whole(client, "who holds up billing?") == [kept]
            embedding.down = True
            before = len(embedding.asked)
            for n in range(4):
                await ask(client, f"who holds up billing, take {n}?")
            assert len(embedding.asked) - before == 2


async def test_health_shows_the_vectors_and_names_a_server_that_does_not_answer(tmp_path: Path) -> None:
    async with EmbeddingServer().running() as embedding:
        shape: dict[str, Any] = settings(embedding, CB_RESET_TIMEOUT_MS="600000")
        async with server(tmp_path / "memory.db", **shape) as client:
            before = await call(client, "health")
            assert before["vectorDb"]["loaded"] is False
            kept = await remembered(client, "The rollout of the billing service waits for Ines.")
            assert await until_whole(client, "who holds up billing?") == [kept]
            well = await call(client, "health")
            assert well["status"] == "healthy"
            assert well["vectorDb"] == {
                "model": f"openai:test:{DIMENSION}", "dimension": DIMENSION, "loaded": True, "entries": 1, "pending": 0,
                "server": embedding.url, "breaker": {"state": "closed", "failures": 0, "retryAfter": 0.0},
            }  # fmt: skip
            embedding.down = True
            await remembered(client, "Somebody else is waiting for the invoices of May.")
            for n in range(3):
                await ask(client, f"who holds up billing, take {n}?")
            ill = await call(client, "health")
            assert ill["status"] == "degraded"
            assert ill["vectorDb"]["breaker"]["state"] == "open"
            assert (ill["vectorDb"]["entries"], ill["vectorDb"]["pending"]) == (1, 1)
            [problem] = ill["problems"]
            assert f"embedding server {embedding.url} did not answer" in problem


async def test_the_static_model_has_its_figures_too(tmp_path: Path) -> None:
    async with server(tmp_path / "memory.db") as client:
        kept = await remembered(client, "The rollout of the billing service waits for Ines.")
        assert await until_whole(client, "who holds up billing?") == [kept]
        found = (await call(client, "health"))["vectorDb"]
    assert found == {"model": MODEL, "dimension": DIMENSION, "loaded": True, "entries": 1, "pending": 0}


async def test_without_an_embedder_there_are_none(tmp_path: Path) -> None:
    async with server(tmp_path / "memory.db", EMBEDDER="off") as client:
        assert (await call(client, "health"))["vectorDb"] == {}


async def test_once_it_answers_again_questions_are_whole(tmp_path: Path) -> None:
    async with EmbeddingServer().running() as embedding:
        shape: dict[str, Any] = settings(embedding, CB_RESET_TIMEOUT_MS="100")
        async with server(tmp_path / "memory.db", **shape) as client:
            embedding.down = True
            kept = await remembered(client, "The rollout of the billing service waits for Ines.")
            assert await ask(client, "who holds up billing?") == ([kept], True)
            embedding.down = False
            assert await until_whole(client, "who holds up billing?") == [kept]
