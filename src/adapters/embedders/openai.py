"""Any server with OpenAI's embeddings interface (OpenAI, Ollama, vLLM, llama.cpp, ...). Needs `agent-memory[openai]`.

The key goes into one header and nowhere else: not into errors, logs or `repr`.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Self

import msgspec

from ...ports.embedder import EmbedderCapabilities, Kind, Span
from ...ports.errors import Misconfigured, PortError, Unavailable
from .openai_answer import is_passing, refusal, vectors
from .openai_text import MAX_TOKENS, bounded, count
from .spans import OVERLAP_TOKENS, SPLIT_TOKENS, spans

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    import aiohttp

    from ...ports.circuit_breaker import CircuitBreaker
    from ...ports.clock import Clock

_LARGEST_ANSWER = 64 * 2**20
_SPLIT_HERE = 2_000
"""Characters. So many are counted faster than a thread is woken."""
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 20.0
_QUERY_SECONDS = 2.0


class OpenAIServer(msgspec.Struct, frozen=True, kw_only=True):
    """`url` up to and with the version ("https://host/v1"). `timeout` in seconds, for one request; `tries` of it."""

    url: str
    model: str
    dimension: int
    key: str = ""
    timeout: float = 30.0
    tries: int = 3
    batch: int = 32
    query_prefix: str = ""
    document_prefix: str = ""

    def __repr__(self) -> str:
        return f"OpenAIServer({self.url}, {self.model})"


class OpenAIEmbedder:
    """`breaker`, where given, is asked before each request and told how it went."""

    def __init__(self, server: OpenAIServer, *, clock: Clock, breaker: CircuitBreaker | None = None) -> None:
        self._server = server
        self._clock = clock
        self._breaker = breaker
        self._session: aiohttp.ClientSession | None = None
        name = "".join(c if c.isprintable() and not c.isspace() else "-" for c in server.model)
        self._model = f"openai:{name[:150]}:{server.dimension}"
        self._nothing = b"\x00\x00\x80\x3f" + bytes(4 * (server.dimension - 1))
        self._prefixes: dict[Kind, str] = {"query": server.query_prefix, "document": server.document_prefix}

    @property
    def capabilities(self) -> EmbedderCapabilities:
        return EmbedderCapabilities(
            name="openai",
            place="network",
            max_tokens=MAX_TOKENS,
            split_tokens=SPLIT_TOKENS,
            batch=self._server.batch,
        )

    @property
    def model(self) -> str:
        return self._model

    @property
    def dimension(self) -> int:
        return self._server.dimension

    @property
    def ready(self) -> bool:
        return True

    async def __aenter__(self) -> Self:
        try:
            import aiohttp  # noqa: PLC0415 (an extra)
        except ModuleNotFoundError as error:
            raise Misconfigured(
                "an embedding server needs aiohttp: pip install 'agent-memory[openai]'"
            ) from error
        headers = {"Content-Type": "application/json", "User-Agent": "agent-memory"}
        if self._server.key:
            headers["Authorization"] = f"Bearer {self._server.key}"
        self._session = aiohttp.ClientSession(
            headers=headers,
            # Cookies and redirects have no place here, and a redirect would carry texts elsewhere.
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def prepare(self) -> None:
        """Nothing to load, and a request would cost money."""

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        """Blank texts are not sent: servers refuse them."""
        answers = [self._nothing] * len(texts)
        sent = [place for place, text in enumerate(texts) if text.strip()]
        for at in range(0, len(sent), self._server.batch):
            places = sent[at : at + self._server.batch]
            prefix = self._prefixes[kind]
            found = await self._ask([prefix + bounded(texts[place]) for place in places], kind)
            for place, vector in zip(places, found, strict=True):
                answers[place] = vector
        return answers

    async def split(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        if sum(map(len, texts)) <= _SPLIT_HERE:
            return _split(texts)
        return await asyncio.to_thread(_split, texts)

    async def _ask(self, texts: list[str], kind: Kind) -> list[bytes]:
        """Tries again after what may pass, with pauses that double; a server that says how long is heard. A question
        is asked once and not for long: somebody waits for its answer, and there is one without this vector.
        """
        tries, seconds = (
            (1, min(self._server.timeout, _QUERY_SECONDS))
            if kind == "query"
            else (self._server.tries, self._server.timeout)
        )
        body = msgspec.json.encode({"model": self._server.model, "input": texts, "encoding_format": "base64"})
        for attempt in range(1, tries + 1):
            try:
                async with self._guard():
                    answer = await self._post(body, seconds)
                return vectors(answer, len(texts), self._server.dimension)
            except _Passing as passing:
                if attempt == tries:
                    raise passing.error from passing.__cause__
                await self._clock.sleep(passing.wait or _pause(attempt))
        raise AssertionError("there is always a last try")

    def _guard(self) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._breaker is None else self._breaker.guard()

    async def _post(self, body: bytes, seconds: float) -> bytes:
        import aiohttp  # noqa: PLC0415 - loaded when entered

        if self._session is None:
            raise Unavailable("the embedder is closed")
        url = f"{self._server.url.rstrip('/')}/embeddings"
        try:
            async with self._session.post(
                url, data=body, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=seconds)
            ) as response:
                answer = await _bounded_body(response)
                status, wait = response.status, _retry_after(response.headers.get("Retry-After", ""))
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            told = str(error) or f"no answer within {seconds:g} s"
            raise _Passing(Unavailable(f"the embedding server cannot be reached: {told}")) from error
        if status == 200:
            return answer
        if is_passing(status):
            raise _Passing(refusal(status, answer), wait)
        raise refusal(status, answer)


class _Passing(Unavailable):
    """`error` may not be there next time; `wait` seconds till then, if the server says so."""

    def __init__(self, error: PortError, wait: float = 0.0) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait


def _split(texts: Sequence[str]) -> list[tuple[Span, ...]]:
    return [spans(text, count, SPLIT_TOKENS, OVERLAP_TOKENS) for text in texts]


async def _bounded_body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > _LARGEST_ANSWER:
            raise Unavailable(f"the embedding server's answer is longer than {_LARGEST_ANSWER} bytes")
    return bytes(body)


def _pause(attempt: int) -> float:
    """Spread out, so that many clients do not come back as one."""
    longest: float = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (attempt - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def _retry_after(value: str) -> float:
    """Seconds, bounded; the other form, a date, is taken as not given (RFC 9110, 10.2.3)."""
    return min(float(value), _LONGEST_PAUSE) if value.isascii() and value.isdecimal() else 0.0
