"""A server with OpenAI's embeddings interface on a free port of this machine, that can be told to misbehave."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from agent_memory.adapters.embedders.static import DIMENSION, FOLDER
from agent_memory.adapters.embedders.static_model import StaticModel

from .embedder_vectors import floats

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    Answer = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]

_ANY_PORT = 0


class EmbeddingServer:
    """`script` holds answers to be given, one a request, before it answers rightly again. `down`: it hangs up on all.

    `asked` keeps the requests' bodies, `keys` what they had as authorization.
    """

    def __init__(self, *, base64: bool = True) -> None:
        self.script: list[Answer] = []
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.down = False
        self.url = ""
        self._base64 = base64
        self._model: StaticModel | None = None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[EmbeddingServer]:
        self._model = await asyncio.to_thread(StaticModel.open, FOLDER, dimension=DIMENSION, max_tokens=512)
        application = web.Application(client_max_size=2**24)
        application.router.add_post("/v1/embeddings", self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", _ANY_PORT)
            await site.start()
            host, port = runner.addresses[0][:2]
            self.url = f"http://{host}:{port}/v1"
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.keys.append(request.headers.get("Authorization", ""))
        self.asked.append(msgspec.json.decode(body))
        if self.down:
            return hang_up(request)
        if self.script:
            return await self.script.pop(0)(request, body)
        return await self.right(request, body)

    async def right(self, request: web.Request, body: bytes) -> web.Response:
        """Last text first: `index` says which is which."""
        texts = msgspec.json.decode(body)["input"]
        if any(not text.strip() for text in texts):
            return refused(400, "input cannot be an empty string")
        assert self._model is not None
        vectors = await asyncio.to_thread(self._model.embed, texts, "document")
        data = [
            {"object": "embedding", "index": index, "embedding": self._written(vector)}
            for index, vector in enumerate(vectors)
        ]
        return told({"object": "list", "data": data[::-1], "model": "test", "usage": {"total_tokens": 1}})

    def _written(self, vector: bytes) -> str | list[float]:
        return b64encode(vector).decode() if self._base64 else [3 * each for each in floats(vector)]


def told(answer: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(answer), status=status, content_type="application/json", headers=headers
    )


def refused(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return told({"error": {"message": message, "type": "test"}}, status, headers)


def hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
