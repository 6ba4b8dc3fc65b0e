"""An instance of the program whose endpoint is open, what its clients do, and what a scraper reads."""

from __future__ import annotations

import asyncio
import http.client
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.mcp_command import make_server
from agent_memory.entrypoints.observability.observed import Observed, observed
from agent_memory.entrypoints.settings import read_settings
from agent_memory.entrypoints.wiring import App, open_app
from agent_memory_contract.servers.free_port import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

Series = tuple[str, frozenset[tuple[str, str]]]
_PATIENCE = 20.0


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str


def fetch(port: int, path: str = "/metrics", method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
    finally:
        connection.close()


class Watched:
    """`call` speaks MCP to it, as a client does; `value` reads its page, as Prometheus does."""

    def __init__(self, app: App, seen: Observed) -> None:
        assert seen.port is not None
        self.app = app
        self.seen = seen
        self.port = seen.port
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last = 0
        self._session = make_server(app).connect(self._heard)

    def begin(self, tool: str, arguments: dict[str, Any], **meta: str) -> int:
        return self.ask("tools/call", {"name": tool, "arguments": arguments}, **meta)

    def ask(self, method: str, params: dict[str, Any], **meta: str) -> int:
        self._last += 1
        self._answers[self._last] = asyncio.get_running_loop().create_future()
        self._say(method, params, meta, id=self._last)
        return self._last

    async def answer(self, number: int) -> dict[str, Any]:
        async with asyncio.timeout(_PATIENCE):
            return await self._answers[number]

    async def call(self, tool: str, arguments: dict[str, Any], **meta: str) -> dict[str, Any]:
        return (await self.answer(self.begin(tool, arguments, **meta)))["result"]

    async def remember(self, content: str) -> str:
        return (await self.call("memory_remember", {"content": content}))["structuredContent"]["results"][0][
            "id"
        ]

    def cancel(self, number: int) -> None:
        self._say("notifications/cancelled", {"requestId": number}, {})

    async def fetch(self, path: str = "/metrics", method: str = "GET", **headers: str) -> Answer:
        return await asyncio.to_thread(fetch, self.port, path, method, **headers)

    async def samples(self) -> dict[Series, float]:
        page = await self.fetch()
        assert page.status == 200
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(page.body)
            for sample in family.samples
        }

    async def value(self, name: str, **labels: str) -> float:
        """The sum of all series of this name with these labels, 0 where there are none."""
        wanted = set(labels.items())
        samples = (await self.samples()).items()
        return sum(value for (found, has), value in samples if found == name and wanted <= has)

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(_PATIENCE):
            while not await holds():  # noqa: ASYNC110 - it holds somewhere else, and tells nobody
                await asyncio.sleep(0.05)

    def _heard(self, data: bytes) -> None:
        for line in data.splitlines():
            message = json.loads(line)
            self._answers[message["id"]].set_result(message)

    def _say(self, method: str, params: dict[str, Any], meta: dict[str, str], **more: int) -> None:
        said = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "watched", "version": "1"},
            **meta,
        }
        message = {"jsonrpc": "2.0", "method": method, "params": {**params, "_meta": said}, **more}
        self._session.receive(json.dumps(message).encode() + b"\n")


@asynccontextmanager
async def watched(environment: dict[str, str], log: Log | None = None) -> AsyncGenerator[Watched]:
    mine = {"AGENT_MEMORY_METRICS_PORT": str(free_port()), "AGENT_MEMORY_METRICS_REFRESH_MS": "100"}
    reading = read_settings(environment | mine)
    assert reading.warnings == ()
    settings = reading.settings
    log = log or Log("error")
    async with open_app(settings, log) as app, observed(app, settings, log) as seen:
        yield Watched(app, seen)
