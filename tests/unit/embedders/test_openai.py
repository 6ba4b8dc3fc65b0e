"""What a server may do to the OpenAI adapter, on a real connection."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

pytest.importorskip("aiohttp")

from aiohttp import web

from agent_memory.adapters.embedders.openai import OpenAIEmbedder, OpenAIServer
from agent_memory.adapters.embedders.openai_answer import vectors
from agent_memory.adapters.embedders.static import DIMENSION
from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.adapters.inprocess.circuit_breaker import InProcessCircuitBreaker
from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.ports.circuit_breaker import Thresholds
from agent_memory.ports.errors import CircuitOpen, Misconfigured, Rejected, Unavailable
from agent_memory_contract.embedding_server import EmbeddingServer, hang_up, refused, told
from agent_memory_contract.manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory_contract.embedding_server import Answer

KEY = "sk-very-secret"
PROMPT = 20.0


class NotedPauses(ManualClock):
    """Pauses are over at once, and written down."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
async def server() -> AsyncGenerator[EmbeddingServer]:
    async with EmbeddingServer().running() as running:
        yield running


@pytest.fixture
def clock() -> NotedPauses:
    return NotedPauses()


@asynccontextmanager
async def client(
    server: EmbeddingServer, clock: NotedPauses, **changed: Any
) -> AsyncGenerator[OpenAIEmbedder]:
    given: dict[str, Any] = {"url": server.url, "model": "m", "dimension": DIMENSION, "key": KEY} | changed
    async with OpenAIEmbedder(OpenAIServer(**given), clock=clock) as embedder:
        yield embedder


def always(answer: web.Response) -> Answer:
    body, status, headers = answer.body, answer.status, answer.headers

    async def give(_request: web.Request, _body: bytes) -> web.Response:
        return web.Response(body=body, status=status, headers=headers)

    return give


def item(index: int, size: int = DIMENSION, value: float = 1.0) -> dict[str, object]:
    return {"index": index, "embedding": [value] * size}


async def abort(request: web.Request, _body: bytes) -> web.Response:
    return hang_up(request)


async def test_texts_go_in_batches_with_the_key_and_the_model(
    server: EmbeddingServer, clock: NotedPauses
) -> None:
    async with client(server, clock, batch=4, document_prefix="passage: ") as embedder:
        texts = [f"text {number}" for number in range(9)]
        assert len(await embedder.embed(texts, kind="document")) == 9
    assert [len(asked["input"]) for asked in server.asked] == [4, 4, 1]
    assert {asked["model"] for asked in server.asked} == {"m"}
    assert server.asked[0]["input"][0] == "passage: text 0"
    assert set(server.keys) == {f"Bearer {KEY}"}


async def test_without_a_key_nothing_is_said_of_one(server: EmbeddingServer, clock: NotedPauses) -> None:
    async with client(server, clock, key="") as embedder:
        await embedder.embed(["text"], kind="document")
    assert server.keys == [""]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
async def test_what_may_pass_is_tried_again(server: EmbeddingServer, clock: NotedPauses, status: int) -> None:
    server.script = [always(refused(status, "later"))] * 2
    async with client(server, clock) as embedder:
        assert len(await embedder.embed(["text"], kind="document")) == 1
    assert len(server.asked) == 3


async def test_pauses_grow_and_differ(server: EmbeddingServer, clock: NotedPauses) -> None:
    server.down = True
    async with client(server, clock, tries=5) as embedder:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await embedder.embed(["text"], kind="document")
    assert len(server.asked) == 5
    for pause, longest in zip(clock.pauses, (0.5, 1.0, 2.0, 4.0), strict=True):
        assert longest / 2 <= pause <= longest


async def test_a_server_that_says_how_long_is_heard_within_bounds(
    server: EmbeddingServer, clock: NotedPauses
) -> None:
    waits = ("7", "86400", "Wed, 21 Oct 2026 07:28:00 GMT")
    server.script = [always(refused(429, "slow down", {"Retry-After": wait})) for wait in waits]
    async with client(server, clock, tries=4) as embedder:
        await embedder.embed(["text"], kind="document")
    assert clock.pauses[:2] == [7.0, 20.0]
    assert clock.pauses[2] < 7.0


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Rejected),
        (413, Rejected),
        (422, Rejected),
        (401, Misconfigured),
        (403, Misconfigured),
        (404, Misconfigured),
    ],
)
async def test_a_refusal_is_told_at_once_in_the_servers_words(
    server: EmbeddingServer, clock: NotedPauses, status: int, error: type[Exception]
) -> None:
    server.script = [always(refused(status, "no such\x1b[31m thing"))]
    async with client(server, clock) as embedder:
        with pytest.raises(error, match=rf"{status}: no such \[31m thing"):
            await embedder.embed(["text"], kind="document")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        told({"data": [item(0)]}),
        told({"data": [item(0), item(0)]}),
        told({"data": [item(1), item(2)]}),
        told({"data": [item(0), item(1), item(2)]}),
        told({"data": [item(0), item(1, value=0.0)]}),
        told({"data": [item(0), {"index": 1, "embedding": "not base64!"}]}),
        told({"data": [item(0), {"index": 1, "embedding": [1e999] * DIMENSION}]}),
        told({"error": "it does not work"}),
        web.Response(body=b"<html>Log in to the hotel's network</html>", content_type="text/html"),
        web.Response(body=b"\xff\xfe"),
        web.Response(body=b""),
    ],
    ids=["few", "twice", "numbers", "many", "zero", "base64", "infinite", "error", "page", "noise", "empty"],
)
async def test_an_answer_that_makes_no_sense_gives_no_vectors(
    server: EmbeddingServer, clock: NotedPauses, answer: web.Response
) -> None:
    server.script = [always(answer)]
    async with client(server, clock) as embedder:
        with pytest.raises(Unavailable):
            await embedder.embed(["one", "two"], kind="document")
        assert len(await embedder.embed(["one", "two"], kind="document")) == 2


async def test_vectors_of_another_dimension_are_a_mistake_of_the_settings(
    server: EmbeddingServer, clock: NotedPauses
) -> None:
    server.script = [always(told({"data": [item(0, size=7)]}))]
    async with client(server, clock) as embedder:
        with pytest.raises(Misconfigured, match="7 dimensions, not 256: set AGENT_MEMORY_EMBEDDER_DIMENSION"):
            await embedder.embed(["one"], kind="document")


async def test_an_answer_that_is_cut_is_asked_for_again(server: EmbeddingServer, clock: NotedPauses) -> None:
    async def cut(request: web.Request, _body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "5000"})
        await response.prepare(request)
        await response.write(b'{"data": [')
        assert request.transport is not None
        request.transport.abort()
        return response

    server.script = [cut, abort]
    async with client(server, clock) as embedder:
        assert len(await embedder.embed(["text"], kind="document")) == 1
    assert len(server.asked) == 3


async def test_a_slow_server_is_given_up_on(server: EmbeddingServer, clock: NotedPauses) -> None:
    gone = asyncio.Event()

    async def slow(_request: web.Request, _body: bytes) -> web.Response:
        await gone.wait()
        return web.Response()

    server.script = [slow, slow]
    async with client(server, clock, timeout=0.05, tries=2) as embedder:
        with pytest.raises(Unavailable, match=r"no answer within 0\.05 s|[Tt]imeout"):
            await asyncio.wait_for(embedder.embed(["text"], kind="document"), PROMPT)
    gone.set()


async def test_a_question_is_asked_once_and_not_for_long(
    server: EmbeddingServer, clock: NotedPauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_memory.adapters.embedders.openai._QUERY_SECONDS", 0.05)
    gone = asyncio.Event()

    async def slow(_request: web.Request, _body: bytes) -> web.Response:
        await gone.wait()
        return web.Response()

    server.script = [slow, slow]
    async with client(server, clock, timeout=60.0, tries=3) as embedder:
        with pytest.raises(Unavailable, match=r"no answer within 0\.05 s|[Tt]imeout"):
            await asyncio.wait_for(embedder.embed(["text"], kind="query"), PROMPT)
    gone.set()
    assert len(server.script) == 1


async def test_a_cancelled_call_lets_go_of_the_server(server: EmbeddingServer, clock: NotedPauses) -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request, _body: bytes) -> web.Response:
        asked.set()
        await left.wait()
        return web.Response()

    server.script = [slow]
    async with client(server, clock) as embedder:
        call = asyncio.create_task(embedder.embed(["text"], kind="document"))
        await asyncio.wait_for(asked.wait(), PROMPT)
        call.cancel()
        await asyncio.wait([call], timeout=PROMPT)
        assert call.cancelled()
        assert len(await embedder.embed(["text"], kind="document")) == 1
    left.set()


async def test_a_redirect_takes_no_text_elsewhere(server: EmbeddingServer, clock: NotedPauses) -> None:
    async def elsewhere(request: web.Request, _body: bytes) -> web.Response:
        return web.Response(status=307, headers={"Location": f"{request.url.origin()}/v1/embeddings"})

    server.script = [elsewhere]
    async with client(server, clock) as embedder:
        with pytest.raises(Rejected, match="307"):
            await embedder.embed(["text"], kind="document")
    assert len(server.asked) == 1


async def test_long_texts_are_cut_before_they_are_sent(server: EmbeddingServer, clock: NotedPauses) -> None:
    async with client(server, clock) as embedder:
        await embedder.embed(["word " * 5_000, "長" * 5_000, "z" * 60_000], kind="document")
        assert [0 < len(text) <= 2_560 for text in server.asked[0]["input"]] == [True] * 3
        for span in (await embedder.split(["word " * 5_000]))[0]:
            assert span.end - span.start < 1_000


async def test_the_key_is_in_no_error_and_no_log(
    server: EmbeddingServer, clock: NotedPauses, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script = [always(refused(401, "wrong key"))]
    async with client(server, clock) as embedder:
        with pytest.raises(Misconfigured) as caught:
            await embedder.embed(["text"], kind="document")
        server.down = True
        with pytest.raises(Unavailable) as also:
            await embedder.embed(["text"], kind="document")
    assert KEY not in repr(caught.value) + repr(also.value) + caplog.text
    assert KEY not in repr(OpenAIServer(url="u", model="m", dimension=1, key=KEY))


async def test_a_breaker_stops_asking_a_server_that_is_down(
    server: EmbeddingServer, clock: NotedPauses
) -> None:
    server.down = True
    machine = BreakerMachine("embedder", Thresholds(failures=2, reset_timeout=60.0))
    settings = OpenAIServer(url=server.url, model="m", dimension=DIMENSION, tries=3)
    async with (
        InProcessCircuitBreaker(clock=SystemClock(), machine=machine) as breaker,
        OpenAIEmbedder(settings, clock=clock, breaker=breaker) as embedder,
    ):
        for _ in range(2):
            with pytest.raises((CircuitOpen, Unavailable)):
                await embedder.embed(["text"], kind="document")
        assert (await breaker.status()).state == "open"
    assert len(server.asked) == 2


def test_vectors_may_be_numbers_of_any_length() -> None:
    [vector] = vectors(msgspec.json.encode({"data": [{"index": 0, "embedding": [3, 4]}]}), 1, 2)
    assert vector == bytes.fromhex("9a99193fcdcc4c3f")
