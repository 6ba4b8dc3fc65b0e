"""A primary behind a sentinel dies: its replica takes over, and everything goes on there."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.redis.connection import RedisServer
from agent_memory.adapters.redis.lock import RedisLock
from agent_memory.adapters.redis.settings import RedisSettings
from agent_memory.ports.errors import LockTimeout, PortError, Unavailable
from agent_memory_contract.servers.free_port import free_port
from agent_memory_contract.servers.redis import private_server

from .redis_clients import settings_of, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from agent_memory_contract.servers.redis_process import RedisProcess

SERVICE = "memory"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def primary() -> Iterator[RedisProcess]:
    process = private_server()
    yield process
    if process.runs:
        process.kill()


@pytest.fixture
def replica(primary: RedisProcess) -> Iterator[RedisProcess]:
    process = private_server("--replicaof", "127.0.0.1", str(primary.port), "--repl-diskless-sync-delay", "0")
    yield process
    process.kill()


@asynccontextmanager
async def sentinel(primary: RedisProcess, folder: Path) -> AsyncGenerator[int]:
    port = free_port()
    configuration = folder / "sentinel.conf"
    configuration.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\nlogfile {folder}/sentinel.log\n"
        f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} 1\n"
        f"sentinel down-after-milliseconds {SERVICE} 300\nsentinel failover-timeout {SERVICE} 5000\n"
    )
    program = await asyncio.create_subprocess_exec(primary.program(), configuration, "--sentinel")
    try:
        yield port
    finally:
        program.terminate()
        await program.wait()


async def knows(port: int, *, replicas: int) -> bool:
    try:
        async with RedisServer(RedisSettings(host="127.0.0.1", port=port)) as server:
            told = await server.execute("SENTINEL", "REPLICAS", SERVICE)
    except PortError:
        return False
    return len(told) == replicas


async def has_caught_up(replica: RedisProcess) -> bool:
    async with RedisServer(settings_of(replica.address)) as server:
        return b"master_link_status:up" in await server.execute("INFO", "replication")


async def test_after_a_failover_calls_go_to_the_new_primary(
    primary: RedisProcess, replica: RedisProcess, tmp_path: Path
) -> None:
    """Each failure on the way is retryable, tokens grow, and listening begins again."""
    async with sentinel(primary, tmp_path) as port:
        await until(lambda: knows(port, replicas=1))
        await until(lambda: has_caught_up(replica))
        url = f"redis+sentinel://127.0.0.1:{port}/{SERVICE}"
        async with (
            RedisServer(RedisSettings(url=url, command_timeout=2.0)) as server,
            RedisLock(server, clock=SystemClock()) as lock,
        ):
            before = await lock.acquire("leader", owner="ada", ttl=1.0)
            await asyncio.to_thread(primary.kill)

            async def is_granted() -> bool:
                try:
                    lease = await lock.acquire("leader", owner="bob", ttl=60.0)
                except (Unavailable, LockTimeout):
                    return False  # a quick failover finds the former lease alive
                assert lease.token > before.token
                return True

            await until(is_granted)
            waiting = asyncio.create_task(lock.acquire("leader", owner="eve", ttl=60.0, wait=60.0))
            await until(lambda: is_heard(server))
            await lock.force_release("leader", by="admin", reason="test")
            assert (await waiting).owner == "eve"


async def is_heard(server: RedisServer) -> bool:
    [_, count] = await server.execute("PUBSUB", "NUMSUB", "agentmem:locks:freed")
    return bool(count)


async def test_without_any_sentinel_it_is_unavailable() -> None:
    url = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{free_port()}/{SERVICE}"
    async with RedisServer(RedisSettings(url=url, retry_delay=0.01)) as server:
        begun = time.monotonic()
        with pytest.raises(Unavailable, match=f"no sentinel names a primary of '{SERVICE}'") as caught:
            await server.execute("PING")
        assert "redis.asyncio" not in str(caught.value)
        assert time.monotonic() - begun < 2.0
