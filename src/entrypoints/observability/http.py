"""A small HTTP server for three pages: requests without a body, one a connection, bounded in size, time and number.

No framework: what a scraper and a health check send fits in twenty lines, and everything else is refused.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from ...ports.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

_MOST_HEAD: Final = 8192
_PATIENCE: Final = 5.0
"""Seconds to send a request, and to take its answer."""
_MOST_CONNECTIONS: Final = 16


class Page(msgspec.Struct, frozen=True):
    """`kind` is the Content-Type."""

    body: bytes
    kind: str
    status: HTTPStatus = HTTPStatus.OK


Pages = dict[str, Callable[["Mapping[str, str]"], Awaitable[Page]]]
"""By path; each is given the request's headers, their names in lower case."""


def json_page(content: object, status: HTTPStatus = HTTPStatus.OK) -> Page:
    return Page(msgspec.json.encode(content), "application/json", status)


@asynccontextmanager
async def serving(pages: Pages, host: str, port: int) -> AsyncGenerator[int]:
    """The port, which is chosen by the system where 0 is given. `Misconfigured` where it cannot be had."""
    endpoint = _Endpoint(pages)
    try:
        server = await asyncio.start_server(endpoint.admit, host, port, limit=_MOST_HEAD, backlog=32)
    except OSError as error:
        raise Misconfigured(_refusal(error, host, port)) from error
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await endpoint.close()


def _refusal(error: OSError, host: str, port: int) -> str:
    where = f"http://{host}:{port}/metrics cannot be served"
    if error.errno == errno.EADDRINUSE:
        return f"{where}: another process has this port. Set AGENT_MEMORY_METRICS_PORT to a free one, or to 0 for none"
    return f"{where}: {error.strerror or error} (AGENT_MEMORY_METRICS_HOST, AGENT_MEMORY_METRICS_PORT)"


class _Endpoint:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._serving: set[asyncio.Task[None]] = set()

    def admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Not a coroutine: asyncio's own task for one would report its cancellation as an error (until 3.12)."""
        if len(self._serving) >= _MOST_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer), name="http")
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await self._answer(reader)
                writer.write(answer)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError):
            writer.transport.abort()  # it went away, or is too slow for us
        finally:
            writer.close()

    async def close(self) -> None:
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""
        except asyncio.LimitOverrunError:
            return _rendered(_plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE), body=True)
        method, target, headers = _parsed(head)
        if not method:
            return _rendered(_plain(HTTPStatus.BAD_REQUEST), body=True)
        if method not in {"GET", "HEAD"}:
            return _rendered(_plain(HTTPStatus.METHOD_NOT_ALLOWED), body=True, extra="Allow: GET, HEAD\r\n")
        page = self._pages.get(target.partition("?")[0])
        if page is None:
            names = ", ".join(self._pages)
            answer = Page(f"no such page: there are {names}\n".encode(), _TEXT, HTTPStatus.NOT_FOUND)
        else:
            answer = await page(headers)
        return _rendered(answer, body=method == "GET")


_TEXT: Final = "text/plain; charset=utf-8"


def _parsed(head: bytes) -> tuple[str, str, dict[str, str]]:
    """Method, target and headers; the method is empty where this is no request of HTTP/1."""
    with suppress(ValueError):
        first, *rest = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        method, target, version = first.split(" ")
        if version in {"HTTP/1.0", "HTTP/1.1"} and target.startswith("/"):
            named = (line.partition(":") for line in rest)
            return method, target, {name.lower(): value.strip() for name, _, value in named}
    return "", "", {}


def _plain(status: HTTPStatus) -> Page:
    return Page(f"{status.phrase}\n".encode(), _TEXT, status)


def _rendered(page: Page, *, body: bool, extra: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {page.status.value} {page.status.phrase}\r\nContent-Type: {page.kind}\r\n"
        f"Content-Length: {len(page.body)}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        f"{extra}Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (page.body if body else b"")
