"""The endpoint's HTTP: three kinds of requests it serves, everything else it bounds or refuses."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.observability import http
from agent_memory.entrypoints.observability.http import Page, Pages, json_page, serving
from agent_memory.ports.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def hello(headers: Mapping[str, str]) -> Page:
    return Page(f"hello {headers.get('accept', '')}\n".encode(), "text/plain")


async def bad(_headers: Mapping[str, str]) -> Page:
    return json_page({"status": "bad"}, HTTPStatus.SERVICE_UNAVAILABLE)


PAGES: Pages = {"/hello": hello, "/bad": bad}


async def said(port: int, request: bytes) -> str:
    """All that comes back, until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(20):
            return (await reader.read()).decode()
    except ConnectionResetError:
        return ""
    finally:
        writer.close()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await holds():  # noqa: ASYNC110 - it holds at the other end
            await asyncio.sleep(0.01)


@asynccontextmanager
async def open_port() -> AsyncGenerator[int]:
    async with serving(PAGES, "127.0.0.1", 0) as port:
        yield port


async def test_a_page_is_given_with_its_length_and_the_connection_closed() -> None:
    async with open_port() as port:
        answer = await said(port, b"GET /hello?x=1 HTTP/1.1\r\nHost: x\r\nAccept: all \r\n\r\n")
    head, body = answer.split("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "Content-Length: 10" in head
    assert "Connection: close" in head
    assert body == "hello all\n"


async def test_head_is_the_same_without_the_page() -> None:
    async with open_port() as port:
        answer = await said(port, b"HEAD /hello HTTP/1.0\r\n\r\n")
    assert "Content-Length: 7" in answer
    assert answer.endswith("\r\n\r\n")


async def test_the_status_is_the_page_s() -> None:
    async with open_port() as port:
        answer = await said(port, b"GET /bad HTTP/1.1\r\n\r\n")
    assert answer.startswith("HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n")
    assert answer.endswith('{"status":"bad"}')


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /hello HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", "405"),
        (b"DELETE /hello HTTP/1.1\r\n\r\n", "405"),
        (b"GET /secret HTTP/1.1\r\n\r\n", "404"),
        (b"GET http://evil/hello HTTP/1.1\r\n\r\n", "400"),
        (b"GET /hello HTTP/2.0\r\n\r\n", "400"),
        (b"GET /hello\r\n\r\n", "400"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", "400"),
        (b"GET /hello HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n", "431"),
    ],
)
async def test_what_is_none_of_its_requests_is_refused(request_: bytes, status: str) -> None:
    async with open_port() as port:
        assert (await said(port, request_)).startswith(f"HTTP/1.1 {status} ")
        assert (await said(port, b"GET /hello HTTP/1.1\r\n\r\n")).startswith("HTTP/1.1 200 ")


async def test_who_sends_half_a_request_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_PATIENCE", 0.2)
    async with open_port() as port:
        assert await said(port, b"GET /hello HTTP/1.1\r\n") == ""


async def test_more_connections_than_there_is_room_for_are_closed_and_room_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "_MOST_CONNECTIONS", 2)
    async with open_port() as port:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]

        async def refused() -> bool:
            return await said(port, b"GET /hello HTTP/1.1\r\n\r\n") == ""

        async def answered() -> bool:
            return not await refused()

        await until(refused)
        for _, writer in idle:
            writer.close()
        await until(answered)


async def test_who_is_connected_at_the_end_holds_nothing_up() -> None:
    async with asyncio.timeout(4), open_port() as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET ")
    writer.close()


async def test_a_port_that_is_taken_is_said_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            Misconfigured, match=r"another process has this port\. Set AGENT_MEMORY_METRICS_PORT"
        ):
            async with serving(PAGES, "127.0.0.1", port):
                raise AssertionError("it was opened")


async def test_an_address_that_is_none_of_this_host_is_said() -> None:
    with pytest.raises(Misconfigured, match="AGENT_MEMORY_METRICS_HOST"):
        async with serving(PAGES, "192.0.2.1", 0):
            raise AssertionError("it was opened")
