"""Search with vectors of a server with OpenAI's interface: when it is down, questions do not wait for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from agent_memory.adapters.embedders.static import DIMENSION
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


async def test_once_it_answers_again_questions_are_whole(tmp_path: Path) -> None:
    async with EmbeddingServer().running() as embedding:
        shape: dict[str, Any] = settings(embedding, CB_RESET_TIMEOUT_MS="100")
        async with server(tmp_path / "memory.db", **shape) as client:
            embedding.down = True
            kept = await remembered(client, "The rollout of the billing service waits for Ines.")
            assert await ask(client, "who holds up billing?") == ([kept], True)
            embedding.down = False
            assert await until_whole(client, "who holds up billing?") == [kept]
