"""Search with a sentence model, in the real server: all-MiniLM-L6-v2, from packages."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agent_memory.adapters.embedders.onnx import OnnxEmbedder
from agent_memory.core.search.embedding import EMBED_JOB
from agent_memory_contract.manual_clock import ManualClock
from agent_memory_contract.minilm import make_minilm

from .durability.store_processes import call, opened, remembered, server

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.entrypoints.stdio_client import StdioClient

pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")

PAIRS = (
    ("My sister adopted a kitten from the shelter.", "Does anyone in the family have a pet?"),
    ("The flight to Lisbon was cancelled because of fog.", "Which trip by plane did not take place?"),
    ("He quit smoking three months ago.", "Who gave up cigarettes?"),
    ("The invoice has to be paid by Friday.", "When is the bill due?"),
    ("Rain ruined the picnic in the park.", "Why was the outdoor lunch spoiled?"),
    ("She plays the violin in an orchestra.", "Who is a musician?"),
    ("The database ran out of disk space at night.", "What made the storage fail?"),
    ("They painted the kitchen bright yellow.", "What colour are the walls where meals are cooked?"),
)
"""A text, and a question that says it in other words."""
FILLER = tuple(f"Build number {n} of the nightly pipeline went through without warnings." for n in range(240))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_minilm(tmp_path / "all-MiniLM-L6-v2")


async def remember_all(client: StdioClient, texts: tuple[str, ...]) -> list[str]:
    answer = await call(client, "remember", entries=[{"content": text} for text in texts])
    return [result["id"] for result in answer["results"]]


async def best(client: StdioClient, question: str, **options: Any) -> tuple[str, bool]:
    answer = await call(client, "recall", query=question, limit=5, **options)
    return answer["results"][0]["id"], answer.get("degraded", False)


async def until_whole(client: StdioClient) -> None:
    async with asyncio.timeout(120):
        while (await best(client, "nightly pipeline, or a kitten"))[1]:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)


async def embedded_of(path: Path, ids: list[str], model: str) -> int:
    async with opened(path) as storage:
        return len(await storage.vectors(ids, model=model))


async def test_what_is_said_in_other_words_is_found_once_the_model_has_been_over_it(
    tmp_path: Path, folder: Path
) -> None:
    path = tmp_path / "memory.db"
    async with server(path, EMBEDDER="onnx", EMBEDDER_PATH=str(folder)) as client:
        ids = await remember_all(client, tuple(text for text, _ in PAIRS))
        await remember_all(client, FILLER[:24])
        assert (await best(client, "Who gave up cigarettes?"))[1]
        await until_whole(client)
        found = [await best(client, question, mode="dense") for _, question in PAIRS]
        assert found == [(each, False) for each in ids]
        late = await remembered(client, "The dentist moved the appointment to Tuesday.")
        assert (await best(client, "When are my teeth looked at?"))[1]
        await until_whole(client)
        assert await best(client, "When are my teeth looked at?") == (late, False)
    assert await embedded_of(path, [*ids, late], OnnxEmbedder(folder).model) == len(PAIRS) + 1


async def test_a_change_of_model_killed_half_way_leaves_a_search_that_is_right(
    tmp_path: Path, folder: Path
) -> None:
    path, model = tmp_path / "memory.db", OnnxEmbedder(folder).model
    async with server(path) as client:
        ids = await remember_all(client, (*(text for text, _ in PAIRS), *FILLER))
        assert await best(client, "the violin in an orchestra") == (ids[5], False)
    async with server(path, EMBEDDER="onnx", EMBEDDER_PATH=str(folder)) as client:
        assert await best(client, "the violin in an orchestra") == (ids[5], True)
        async with asyncio.timeout(60):
            while not await embedded_of(path, ids[:256], model):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.001)
        await client.kill()
    done = await embedded_of(path, ids[:256], model)
    assert 0 < done < len(ids)
    async with server(path, EMBEDDER="onnx", EMBEDDER_PATH=str(folder)) as client:
        words = [await best(client, text) for text, _ in PAIRS]
        assert words == [(each, True) for each in ids[: len(PAIRS)]]
        # The last entries have no vector of the new model yet: the former one's find them.
        assert (await best(client, f"build {len(FILLER) - 1} nightly", mode="dense"))[1]
        await end_lease_of_the_dead(path, f"{EMBED_JOB}:{model}")
        await until_whole(client)
        found = [await best(client, question, mode="dense") for _, question in PAIRS]
        assert found == [(each, False) for each in ids[: len(PAIRS)]]
    assert await embedded_of(path, ids, model) == len(ids)


async def end_lease_of_the_dead(path: Path, kind: str) -> None:
    """As time would: by another process, when the lease has run out."""
    later = ManualClock(datetime.now(UTC) + timedelta(minutes=5))
    async with opened(path, later) as storage:
        for lease in await storage.lease_jobs([kind], owner="test", ttl=60):
            await storage.complete_job(lease)
