"""The harnesses of the embedders; what each needs is loaded when it is tried."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agent_memory.adapters.embedders.openai import OpenAIEmbedder, OpenAIServer
from agent_memory.adapters.embedders.static import DIMENSION, StaticEmbedder

from .harness import HarnessCapabilities
from .inprocess_harness import InProcessHarness
from .manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager

    from agent_memory.adapters.embedders.onnx import OnnxEmbedder

    from .embedding_server import EmbeddingServer
    from .harness import Bench


class NoWaiting(ManualClock):
    """A clock on which pauses are over at once."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class ServerHarness:
    """The server lives as long as the clause."""

    capabilities = HarnessCapabilities(second_client=True, sever=True)

    def __init__(self, server: EmbeddingServer) -> None:
        self._server = server
        self._clock = NoWaiting()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[OpenAIEmbedder]:
        settings = OpenAIServer(url=self._server.url, model="test", dimension=DIMENSION, batch=8)
        async with OpenAIEmbedder(settings, clock=self._clock) as embedder:
            yield embedder

    def second_client(self) -> AbstractAsyncContextManager[OpenAIEmbedder]:
        return self.open()

    async def advance(self, seconds: float) -> None:
        await self._clock.advance(seconds)

    async def sever(self) -> None:
        self._server.down = True

    async def heal(self) -> None:
        self._server.down = False


@asynccontextmanager
async def static(_: Bench) -> AsyncGenerator[InProcessHarness[StaticEmbedder]]:
    yield InProcessHarness(lambda _: StaticEmbedder())


@asynccontextmanager
async def onnx(bench: Bench) -> AsyncGenerator[InProcessHarness[OnnxEmbedder]]:
    from agent_memory.adapters.embedders.onnx import OnnxEmbedder  # noqa: PLC0415 - needs onnxruntime

    from .minilm import make_minilm  # noqa: PLC0415 - needs tokenizers

    folder = make_minilm(bench.folder / "all-MiniLM-L6-v2")
    yield InProcessHarness(lambda _: OnnxEmbedder(folder))


@asynccontextmanager
async def openai(bench: Bench) -> AsyncGenerator[ServerHarness]:
    """`Bench.url` is how the server writes vectors: `base64`, unless it is `numbers`."""
    from .embedding_server import EmbeddingServer  # noqa: PLC0415 - needs aiohttp

    async with EmbeddingServer(base64=bench.url != "numbers").running() as server:
        yield ServerHarness(server)
