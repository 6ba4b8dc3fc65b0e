"""The proxy that other tests trust to do harm."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from .faults import FaultProxy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

SAFETY = 30.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    writer.close()


@pytest.fixture
async def proxy() -> AsyncGenerator[FaultProxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, FaultProxy("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        yield proxy


@asynccontextmanager
async def connected(proxy: FaultProxy) -> AsyncGenerator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def said(connection: Connection, what: bytes) -> bytes:
    reader, writer = connection
    writer.write(what)
    async with asyncio.timeout(SAFETY):
        return await reader.readexactly(len(what))


async def arrived(proxy: FaultProxy, octets: int) -> None:
    """So many have reached the server."""
    async with asyncio.timeout(SAFETY):
        while proxy.passed["to_server"] < octets:  # noqa: ASYNC110 - the proxy only counts
            await asyncio.sleep(0.001)


async def test_it_passes_everything_in_order(proxy: FaultProxy) -> None:
    data = bytes(range(256)) * 4_000
    async with connected(proxy) as connection:
        assert await said(connection, data) == data
        assert proxy.connections == 1
    assert proxy.passed["to_server"] == len(data)


async def test_a_cut_ends_what_stands_and_welcomes_what_comes(proxy: FaultProxy) -> None:
    async with connected(proxy) as old:
        await said(old, b"one")
        await proxy.cut()
        assert proxy.connections == 0
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await said(old, b"two")
        async with connected(proxy) as new:
            assert await said(new, b"three") == b"three"


async def test_it_refuses_until_mended_on_the_same_port(proxy: FaultProxy) -> None:
    port = proxy.port
    await proxy.refuse()
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)
    await proxy.mend()
    assert proxy.port == port
    async with connected(proxy) as connection:
        assert await said(connection, b"one") == b"one"


async def test_stalled_it_keeps_and_accepts_connections_and_passes_nothing(proxy: FaultProxy) -> None:
    async with connected(proxy) as standing:
        await said(standing, b"one")
        proxy.stall()
        async with connected(proxy) as fresh:
            for connection in (standing, fresh):
                connection[1].write(b"two")
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(connection[0].read(1), 0.05)
            await proxy.mend()
            assert await standing[0].readexactly(3) == b"two"


async def test_stalled_one_way_requests_arrive_and_answers_do_not(proxy: FaultProxy) -> None:
    async with connected(proxy) as (reader, writer):
        proxy.stall("to_client")
        writer.write(b"one")
        await arrived(proxy, 3)
        assert proxy.passed["to_client"] == 0
        await proxy.mend()
        assert await reader.readexactly(3) == b"one"


async def test_a_delay_holds_up_each_piece_and_keeps_their_order(proxy: FaultProxy) -> None:
    proxy.delay(0.2)
    async with connected(proxy) as connection:
        started = asyncio.get_running_loop().time()
        assert await said(connection, b"one") == b"one"
        assert asyncio.get_running_loop().time() - started >= 0.2
        await proxy.mend()
        assert await said(connection, b"two" * 100_000) == b"two" * 100_000


async def test_throttled_it_takes_as_long_as_the_rate_says(proxy: FaultProxy) -> None:
    proxy.throttle(100_000)
    async with connected(proxy) as connection:
        started = asyncio.get_running_loop().time()
        assert await said(connection, bytes(20_000)) == bytes(20_000)
        assert asyncio.get_running_loop().time() - started >= 0.2


async def test_half_closed_a_client_reads_the_end_and_can_still_send(proxy: FaultProxy) -> None:
    async with connected(proxy) as connection:
        await said(connection, b"one")
        proxy.half_close()
        reader, writer = connection
        async with asyncio.timeout(SAFETY):
            assert await reader.read() == b""
        before = proxy.passed["to_server"]
        writer.write(b"two")
        await arrived(proxy, before + 3)
