from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.embedders.openai import OpenAIEmbedder, OpenAIServer
from agent_memory.adapters.embedders.static import DIMENSION

from .embedder_contract import EmbedderContract
from .embedding_server import EmbeddingServer
from .harness import HarnessCapabilities
from .manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager


class NoWaiting(ManualClock):
    """A clock on which pauses are over at once."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class ServerHarness:
    """The server lives as long as the test."""

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


class TestOpenAIEmbedder(EmbedderContract):
    @pytest.fixture(params=[True, False], ids=["base64", "numbers"])
    async def harness(self, request: pytest.FixtureRequest) -> AsyncGenerator[ServerHarness]:  # pyright: ignore[reportIncompatibleMethodOverride]
        async with EmbeddingServer(base64=request.param).running() as server:
            yield ServerHarness(server)
