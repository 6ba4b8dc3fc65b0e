"""The shared connection, on a server that is absent, lost, slow, full, empty again, strict and replaced."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.redis import pool
from agent_memory.adapters.redis.connection import RedisServer
from agent_memory.adapters.redis.ear import Ear
from agent_memory.adapters.redis.errors import InDoubt
from agent_memory.adapters.redis.settings import RedisSettings
from agent_memory.ports.errors import Misconfigured, Rejected, Unavailable
from agent_memory_contract.servers.free_port import free_port
from agent_memory_contract.servers.redis import private_server

from .faults import FaultProxy
from .redis_clients import SAFETY, clients_of, settings_of, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from agent_memory_contract.servers.redis_process import RedisProcess


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def process() -> Iterator[RedisProcess]:
    process = private_server()
    yield process
    if process.runs:
        process.kill()


@pytest.fixture
async def proxy(process: RedisProcess) -> AsyncGenerator[FaultProxy]:
    async with FaultProxy("127.0.0.1", process.port) as proxy:
        yield proxy


@asynccontextmanager
async def behind(process: RedisProcess) -> AsyncGenerator[RedisServer]:
    async with RedisServer(settings_of(process.address, max_connections=1)) as server:
        yield server


async def test_it_starts_without_a_server_and_finds_it_later(process: RedisProcess) -> None:
    process.kill()
    async with RedisServer(settings_of(process.address)) as server:
        with pytest.raises(Unavailable):
            await server.execute("PING")
        assert not server.connected
        await asyncio.to_thread(process.start)
        assert await server.execute("PING") == b"PONG"
        assert server.connected


async def test_entering_asks_nothing_of_the_network() -> None:
    """An address that swallows packets does not delay a start."""
    begun = time.monotonic()
    async with RedisServer(RedisSettings(host="10.255.255.1")) as server:
        assert not server.connected
    assert time.monotonic() - begun < 1.0


async def test_a_call_waits_for_a_silent_server_no_longer_than_it_may(
    process: RedisProcess, proxy: FaultProxy
) -> None:
    """On a standing connection. After that it is not waited for any more, until it is back."""
    async with RedisServer(settings_of(process.address, port=proxy.port, command_timeout=0.2)) as server:
        await server.execute("PING")
        proxy.stall()
        for least, most in ((0.15, 3.0), (0.0, 0.15)):
            begun = time.monotonic()
            with pytest.raises(Unavailable, match="no answer in time"):
                await server.execute("PING")
            assert least < time.monotonic() - begun < most
        await proxy.mend()
        await proxy.cut()
        await until(lambda: answers(server))


@pytest.mark.parametrize("retries", [0, 3])
async def test_all_who_ask_a_silent_server_wait_for_it_once(process: RedisProcess, retries: int) -> None:
    """Those who come while another waits, and those who come after it, however they connect."""
    async with RedisServer(settings_of(process.address, command_timeout=1.0)) as server:
        await server.execute("PING")
        process.freeze()
        try:
            begun = time.monotonic()
            first = asyncio.create_task(server.execute("PING", retries=retries))
            await asyncio.sleep(0.5)
            for _ in range(5):
                with pytest.raises(Unavailable, match="no answer in time"):
                    await server.execute("PING", retries=retries)
            assert time.monotonic() - begun < 1.4
            with pytest.raises(Unavailable):
                await first
        finally:
            process.thaw()
        await until(lambda: answers(server))


async def answers(server: RedisServer) -> bool:
    try:
        return bool(await server.execute("PING") == b"PONG")
    except Unavailable:
        return False


async def test_a_server_whose_packets_get_lost_is_waited_for_once() -> None:
    """The system drops what comes to a full queue, so connecting takes for ever."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as deaf,
        socket.create_connection(deaf.getsockname()),
    ):
        port = deaf.getsockname()[1]
        settings = RedisSettings(host="127.0.0.1", port=port, connect_timeout=1.5, command_timeout=0.2)
        async with RedisServer(settings) as server:
            for least, most in ((1.4, 4.0), (0.0, 0.15), (0.0, 0.15)):
                begun = time.monotonic()
                with pytest.raises(Unavailable):
                    await server.execute("PING")
                assert least < time.monotonic() - begun < most


async def test_an_answer_that_came_too_late_is_nobody_elses(process: RedisProcess, proxy: FaultProxy) -> None:
    settings = settings_of(
        process.address, port=proxy.port, command_timeout=0.1, max_retries=0, max_connections=1
    )
    async with RedisServer(settings) as server:
        await server.execute("PING")
        proxy.delay(0.3, "to_client")
        with pytest.raises(Unavailable):
            await server.execute("ECHO", "late")
        await proxy.mend()
        await until(lambda: answers(server))
        assert await server.execute("ECHO", "mine") == b"mine"
        await asyncio.sleep(0.3)  # the late answer is on its way
        assert await server.execute("ECHO", "mine too") == b"mine too"


async def test_a_cancelled_call_leaves_its_connection_in_order(process: RedisProcess) -> None:
    async with RedisServer(settings_of(process.address, max_connections=1)) as server:
        for moment in range(12):
            task = asyncio.create_task(server.execute("ECHO", f"cancelled {moment}"))
            for _ in range(moment):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait((task,))
            assert await server.execute("ECHO", str(moment)) == str(moment).encode()
        assert server.connections_made == 1


async def test_connections_are_back_to_their_number_after_each_blip(
    process: RedisProcess, proxy: FaultProxy
) -> None:
    heard: list[bytes] = []
    settings = settings_of(process.address, port=proxy.port, max_connections=4)
    async with behind(process) as watcher, RedisServer(settings) as server:
        ear = Ear(server, "news", on_message=heard.append, on_hearing=lambda: heard.append(b"hearing"))
        ear.start()
        await ear.until_hearing(SAFETY)
        for blip in range(4):
            await asyncio.gather(*(server.execute("PING") for _ in range(40)))
            await until(lambda: standing(watcher, 5))
            assert await clients_of(watcher) == await clients_of(watcher)
            await (proxy.cut() if blip % 2 else proxy.refuse())
            await proxy.mend()
            await asyncio.gather(*(server.execute("PING") for _ in range(40)))
            await until(lambda: is_hearing(ear))
        assert server.connections_made - server.connections_lost == 5
        await ear.close()
    assert heard == [b"hearing"] * 5


async def standing(watcher: RedisServer, count: int) -> bool:
    return len(await clients_of(watcher)) == count


async def is_hearing(ear: Ear) -> bool:
    return ear.is_hearing


async def test_leaving_closes_every_connection(process: RedisProcess) -> None:
    async with behind(process) as watcher:
        async with RedisServer(settings_of(process.address)) as server:
            await asyncio.gather(*(server.execute("PING") for _ in range(40)))
            assert await clients_of(watcher)
        await until(lambda: standing(watcher, 0))
        with pytest.raises(Unavailable):
            await server.execute("PING")


async def test_leaving_waits_for_calls_but_not_for_a_silent_server(
    process: RedisProcess, proxy: FaultProxy
) -> None:
    settings = settings_of(process.address, port=proxy.port, command_timeout=SAFETY)
    async with RedisServer(settings) as server:
        await server.execute("PING")
        proxy.stall()
        waiting = asyncio.create_task(server.execute("PING"))
        await asyncio.sleep(0)
        begun = time.monotonic()
    assert time.monotonic() - begun < SAFETY / 2
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_more_callers_than_connections_wait_their_turn(process: RedisProcess) -> None:
    async with (
        behind(process) as watcher,
        RedisServer(settings_of(process.address, max_connections=2)) as server,
    ):
        answers = await asyncio.gather(*(server.execute("ECHO", str(n)) for n in range(200)))
        assert [int(answer) for answer in answers] == list(range(200))
        assert len(await clients_of(watcher)) == 2


async def test_a_call_that_finds_no_free_connection_says_so(process: RedisProcess, proxy: FaultProxy) -> None:
    settings = settings_of(process.address, port=proxy.port, max_connections=1, command_timeout=0.2)
    async with RedisServer(settings) as server:
        await server.execute("PING")
        proxy.stall()
        answers = await asyncio.gather(*(server.execute("PING") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert any("all 1 connections are in use" in str(answer) for answer in answers)


async def test_what_is_not_repeatable_is_sent_once(process: RedisProcess, proxy: FaultProxy) -> None:
    settings = settings_of(process.address, port=proxy.port, command_timeout=0.1)
    async with behind(process) as watcher, RedisServer(settings) as server:
        await server.execute("PING")
        proxy.stall("to_client")
        with pytest.raises(InDoubt):
            await server.execute("INCR", "n", again=False)
        await proxy.mend()
        await proxy.cut()
        assert await watcher.execute("GET", "n") == b"1"


async def test_what_is_not_repeatable_is_tried_again_where_it_was_not_sent(process: RedisProcess) -> None:
    process.kill()
    async with RedisServer(
        settings_of(process.address, max_retries=50, retry_delay=0.05, command_timeout=SAFETY)
    ) as server:
        task = asyncio.create_task(server.execute("INCR", "n", again=False))
        await asyncio.sleep(0)
        await asyncio.to_thread(process.start)
        assert await task == 1


async def test_what_failed_before_it_was_sent_is_in_no_doubt(process: RedisProcess) -> None:
    process.kill()
    async with RedisServer(settings_of(process.address)) as server:
        with pytest.raises(Unavailable) as caught:
            await server.execute("INCR", "n")
    assert not isinstance(caught.value, InDoubt)


async def test_what_may_have_been_done_stays_in_doubt_however_the_next_attempt_fails(
    process: RedisProcess, proxy: FaultProxy
) -> None:
    """Here for want of a connection, or because another call has found out that nothing answers."""
    settings = settings_of(
        process.address, port=proxy.port, max_connections=1, command_timeout=0.5, retry_delay=0.2
    )
    async with behind(process) as watcher, RedisServer(settings) as server:
        await server.execute("PING")
        proxy.stall("to_client")
        asking = asyncio.create_task(server.execute("SET", "n", "1"))
        await until(lambda: watcher.execute("EXISTS", "n"))
        await proxy.cut()
        others: list[asyncio.Task[bytes]] = []
        for _ in range(2):  # before the next attempt; the second takes its turn while that waits
            others.append(asyncio.create_task(server.execute("PING", retries=0)))
            await asyncio.sleep(0.05)
        with pytest.raises(InDoubt, match=r"in use|no answer"):
            await asking
        await proxy.mend()
        await asyncio.gather(*others, return_exceptions=True)


async def test_scripts_survive_a_server_that_forgot_them(process: RedisProcess) -> None:
    async with RedisServer(settings_of(process.address)) as server:
        assert await server.run("lock_names", ("k",), ("",)) == []
        await server.execute("SCRIPT", "FLUSH")
        assert await server.run("lock_names", ("k",), ("",)) == []


async def test_several_commands_go_in_order_and_the_first_refusal_is_raised(process: RedisProcess) -> None:
    async with RedisServer(settings_of(process.address, max_connections=1)) as server:
        commands = [("RPUSH", "l", str(n)) for n in range(100)]
        assert await server.execute_all(commands) == list(range(1, 101))
        with pytest.raises(Misconfigured, match="KEY_PREFIX"):
            await server.execute_all([("SET", "a", "1"), ("INCR", "l"), ("SET", "b", "2")])
        assert await server.execute("MGET", "a", "b") == [b"1", b"2"]
        assert server.connections_made == 1


async def test_a_wrong_password_is_told_as_what_it_is() -> None:
    process = private_server("--requirepass", "open sesame")
    try:
        for password in ("", "shut sesame"):
            async with RedisServer(settings_of(process.address, password=password)) as server:
                with pytest.raises(Misconfigured, match="AGENT_MEMORY_REDIS_PASSWORD") as caught:
                    await server.execute("PING")
                assert "shut" not in str(caught.value)
                assert not server.connected
        async with RedisServer(settings_of(process.address)) as server:
            assert await server.execute("PING") == b"PONG"
    finally:
        process.kill()


async def test_a_user_without_the_right_is_told_as_what_it_is(process: RedisProcess) -> None:
    async with behind(process) as admin:
        await admin.execute("ACL", "SETUSER", "ada", "on", ">pw", "~*", "+ping", "+hello", "+client")
        settings = settings_of(process.address, username="ada", password="pw")
        async with RedisServer(settings) as server:
            assert await server.execute("PING") == b"PONG"
            with pytest.raises(Misconfigured, match="ACL"):
                await server.execute("GET", "a")


async def test_a_full_server_refuses_writes_and_answers_reads() -> None:
    process = private_server("--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
    try:
        async with RedisServer(settings_of(process.address)) as server:
            with pytest.raises(Unavailable, match="memory is full"):
                await server.execute_all([("SET", f"k{n}", b"x" * 65536) for n in range(200)])
            assert await server.execute("GET", "absent") is None
            assert server.connected
    finally:
        process.kill()


async def test_a_database_that_is_not_there_is_told_as_what_it_is(process: RedisProcess) -> None:
    async with RedisServer(settings_of(process.address, db=99)) as server:
        with pytest.raises(Misconfigured, match="AGENT_MEMORY_REDIS_DB"):
            await server.execute("PING")


async def test_a_server_that_speaks_something_else_is_unavailable() -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as stranger:
        port = stranger.sockets[0].getsockname()[1]
        async with RedisServer(RedisSettings(host="127.0.0.1", port=port, retry_delay=0.01)) as server:
            with pytest.raises(Unavailable):
                await server.execute("PING")


async def test_a_unix_socket_is_as_good(process: RedisProcess) -> None:
    path = process.folder / "redis.sock"
    other = private_server("--unixsocket", str(path))
    try:
        async with RedisServer(RedisSettings(url=f"unix://{path}?db=1")) as server:
            assert await server.execute("PING") == b"PONG"
    finally:
        other.kill()


async def test_text_that_is_none_is_rejected_and_harms_nothing(process: RedisProcess) -> None:
    async with RedisServer(settings_of(process.address, max_connections=1)) as server:
        with pytest.raises(Rejected):
            await server.execute("SET", "\ud800", "x")
        assert await server.execute("PING") == b"PONG"


async def test_nobody_listens_where_nothing_is() -> None:
    async with RedisServer(RedisSettings(host="127.0.0.1", port=free_port(), retry_delay=0.01)) as server:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await server.ping()


async def test_a_connection_that_was_idle_is_tried_before_it_is_used(
    process: RedisProcess, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that a firewall forgot costs a moment, not a call, though the call must not be sent twice."""
    monkeypatch.setattr(pool, "_PING_SECONDS", 0.0)
    settings = settings_of(process.address, port=proxy.port, command_timeout=0.2, max_connections=1)
    async with RedisServer(settings) as server:
        await server.execute("PING")
        proxy.stall()
        asking = asyncio.create_task(server.execute("INCR", "n", again=False))
        await until(lambda: has_lost(server, 1))
        await proxy.mend()
        assert await asking == 1


async def has_lost(server: RedisServer, count: int) -> bool:
    return server.connections_lost == count
