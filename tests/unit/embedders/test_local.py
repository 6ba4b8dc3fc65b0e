"""The static model's files and the ONNX folders: what is wrong with them is told, and nothing is loaded early."""

from __future__ import annotations

import asyncio
import math
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent_memory.adapters.embedders.local import LocalEmbedder
from agent_memory.adapters.embedders.static import DIMENSION, FOLDER, StaticEmbedder
from agent_memory.adapters.embedders.static_model import StaticModel
from agent_memory.ports.embedder import EmbedderCapabilities
from agent_memory.ports.errors import Misconfigured, Unavailable
from agent_memory_contract.embedder_vectors import TEXTS, floats

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent_memory.ports.embedder import Kind

PROMPT = 20.0


def test_importing_the_adapter_imports_no_numpy() -> None:
    """A server that only starts does not pay for the model."""
    program = (
        "import sys\n"
        "from agent_memory.adapters.embedders.static import StaticEmbedder\n"
        "StaticEmbedder()\n"
        "print(sorted(sys.modules.keys() & {'numpy', 'tokenizers', 'onnxruntime', 'aiohttp'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("file", "content"),
    [("rows.npy", None), ("scales.npy", b"no array"), ("vocabulary.txt", b"one\ntwo\n"), ("rows.npy", b"")],
)
async def test_a_damaged_model_is_named(tmp_path: Path, file: str, content: bytes | None) -> None:
    folder = tmp_path / "model"
    shutil.copytree(FOLDER, folder)
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    async with StaticEmbedder(folder) as embedder:
        with pytest.raises(Misconfigured, match="install the package again"):
            await embedder.embed(["text"], kind="query")
        assert not embedder.ready
        shutil.copyfile(FOLDER / file, folder / file)
        assert len(await embedder.embed(["text"], kind="query")) == 1


def test_a_vector_is_the_weighted_sum_of_its_tokens() -> None:
    rows = np.array([[127, 0], [0, 100], [-127, 0]], np.int8)
    model = StaticModel(rows, np.array([1.0, 2.0, 1.0], np.float32), ["a", "b", "c"], 4)
    [first, cut, opposed, unknown] = model.embed(["a b", "a a a a b", "a c", "z"], "query")
    length = math.hypot(127, 200)
    assert floats(first) == pytest.approx((127 / length, 200 / length))
    assert floats(cut) == pytest.approx((1.0, 0.0))
    assert floats(opposed) == floats(unknown) == (1.0, 0.0)


def test_the_model_that_ships_is_small() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 8_000_000


class SlowModel:
    """Its first batch lasts until it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.done: list[str] = []

    def count(self, text: str) -> int:
        return len(text.split())

    def embed(self, texts: Sequence[str], kind: Kind) -> list[bytes]:
        self.begun.set()
        assert self.let_go.wait(PROMPT)
        self.done.append(f"{kind} {texts[0]}")
        return [bytes(4)] * len(texts)


@pytest.fixture
def slow() -> SlowModel:
    return SlowModel()


def embedder_of(model: SlowModel) -> LocalEmbedder[SlowModel]:
    return LocalEmbedder(
        lambda: model,
        model="slow",
        dimension=1,
        capabilities=EmbedderCapabilities(
            name="slow", place="process", max_tokens=9, split_tokens=9, batch=2
        ),
        mapped=lambda error: error,
    )


async def test_a_query_waits_for_one_batch_of_documents_at_most(slow: SlowModel) -> None:
    async with embedder_of(slow) as embedder:
        documents = asyncio.create_task(embedder.embed(list("abcdef"), kind="document"))
        await asyncio.to_thread(slow.begun.wait, PROMPT)
        query = asyncio.create_task(embedder.embed(["q"], kind="query"))
        await asyncio.sleep(0)
        slow.let_go.set()
        await asyncio.wait_for(asyncio.gather(documents, query), PROMPT)
    assert slow.done == ["document a", "query q", "document c", "document e"]


async def test_what_was_cancelled_before_it_began_is_not_done(slow: SlowModel) -> None:
    async with embedder_of(slow) as embedder:
        first = asyncio.create_task(embedder.embed(["a"], kind="document"))
        await asyncio.to_thread(slow.begun.wait, PROMPT)
        second = asyncio.create_task(embedder.embed(["b"], kind="document"))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second], timeout=PROMPT)
        slow.let_go.set()
        await asyncio.wait_for(first, PROMPT)
    assert slow.done == ["document a"]


async def test_leaving_refuses_what_waits_and_ends_the_thread(slow: SlowModel) -> None:
    embedder = embedder_of(slow)
    async with embedder:
        running = asyncio.create_task(embedder.embed(["a"], kind="document"))
        await asyncio.to_thread(slow.begun.wait, PROMPT)
        waiting = asyncio.create_task(embedder.embed(["b"], kind="document"))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.01, slow.let_go.set)
    assert await asyncio.wait_for(running, PROMPT) == [bytes(4)]
    with pytest.raises(Unavailable, match="closed"):
        await asyncio.wait_for(waiting, PROMPT)
    assert not [thread for thread in threading.enumerate() if thread.name == "embedder slow"]


async def test_the_vectors_are_those_that_it_was_released_with() -> None:
    """Other weights need another name, or vectors of two models would be compared: see MODEL."""
    async with StaticEmbedder() as embedder:
        [vector] = await embedder.embed(TEXTS[:1], kind="document")
    assert len(vector) == 4 * DIMENSION
    assert floats(vector)[:4] == pytest.approx(RELEASED, abs=1e-3)


RELEASED = [0.067, -0.021, -0.061, 0.012]
