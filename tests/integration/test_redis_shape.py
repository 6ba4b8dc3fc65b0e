"""Instances that share one memory and one Redis: what is really in Redis, and what it is good for."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.redis.ear import Ear
from agent_memory.entrypoints.stdio_client import StdioClient
from agent_memory.ports.errors import LockTimeout, RateLimited
from agent_memory.ports.records import Event
from agent_memory_contract.servers import postgres
from agent_memory_contract.servers.redis import private_server

from .clients.live_server import COMMAND
from .postgres_shape import environment_of as postgres_environment
from .redis_shape import PATIENCE, Instance, behind, environment_of, instance, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from agent_memory.adapters.redis.connection import RedisServer
    from agent_memory_contract.servers.redis_process import RedisProcess


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    process = private_server()
    yield process
    process.kill()


@pytest.fixture(params=["sqlite", *postgres.SOURCES])
async def environment(
    request: pytest.FixtureRequest, redis: RedisProcess, tmp_path: Path
) -> AsyncGenerator[dict[str, str]]:
    """Of every instance, with either store."""
    shared = environment_of(tmp_path, redis.port, RATE_LIMIT="1")
    if request.param == "sqlite":
        yield shared
        return
    async with postgres.fresh_database(request.param) as server:
        yield postgres_environment(server) | shared


async def test_the_keys_of_the_documented_names_appear(redis: RedisProcess, tmp_path: Path) -> None:
    """On PostgreSQL, where Redis does all that it can do; each by the call that it is for."""
    async with postgres.fresh_database(postgres.SOURCES[0]) as server, behind(redis.port) as client:
        shared = postgres_environment(server) | environment_of(tmp_path, redis.port, RATE_LIMIT="1")
        async with instance(shared) as one:
            assert await _kinds(client) == set()
            await one.call()
            assert await _kinds(client) == {"ratelimit"}
            await one.lock("checkout", "/src/app.ts")
            assert await client.execute("EXISTS", "agentmem:lock:file:/src/app.ts")
            await one.remember("tea at four")
            assert "breaker" in await _kinds(client)
            await one.recall("tea")
            assert await _kinds(client) == {"breaker", "cache", "lock", "locks", "ratelimit"}
            assert b"agentmem:events" in await client.execute("PUBSUB", "CHANNELS")


async def test_prefix_and_channel_are_those_that_are_set(redis: RedisProcess, tmp_path: Path) -> None:
    settings = {"REDIS_KEY_PREFIX": "team7/", "REDIS_EVENT_CHANNEL": "team7-events"}
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    async with behind(redis.port) as client:
        ear = Ear(client, "team7-events", on_message=heard.put_nowait, on_hearing=lambda: None)
        ear.start()
        assert await ear.until_hearing(PATIENCE)
        async with instance(environment_of(tmp_path, redis.port, **settings)) as one:
            await one.call()
            await one.lock("checkout")
            await one.recall("tea")
            await one.remember("tea at four")
            async with asyncio.timeout(PATIENCE):
                assert b"entry.added" in await heard.get()
        await ear.close()
        keys: list[bytes] = await client.execute("KEYS", "*")
    assert keys
    assert all(key.startswith(b"team7/") for key in keys)


async def _kinds(client: RedisServer) -> set[str]:
    found: list[bytes] = await client.execute("KEYS", "*")
    keys = [key.decode() for key in found]
    assert all(key.startswith("agentmem:") for key in keys)
    return {key.split(":")[1] for key in keys}


async def test_a_file_locked_by_one_instance_is_locked_for_all(environment: dict[str, str]) -> None:
    async with instance(environment, "ada") as one, instance(environment, "bob") as two:
        got = await one.lock("checkout")
        with pytest.raises(LockTimeout, match="checked out by 'ada'"):
            await two.lock("checkout")
        waiting = asyncio.create_task(two.lock("checkout", wait_seconds=30))
        await asyncio.sleep(0)
        await one.lock("checkin", token=got.token)
        later = await waiting
        assert later.token is not None
        assert got.token is not None
        assert later.token > got.token


async def test_the_global_limit_is_one_over_all_instances_exact_to_the_call(
    environment: dict[str, str],
) -> None:
    limits = {
        "AGENT_MEMORY_RATE_LIMIT_GLOBAL_MAX": "100",
        "AGENT_MEMORY_RATE_LIMIT_BURST_MAX": "1000",
        "AGENT_MEMORY_REDIS_CONNECT_TIMEOUT_MS": "10000",
    }
    async with AsyncExitStack() as stack:
        fleet = [
            await stack.enter_async_context(instance(environment | limits, f"agent{number}"))
            for number in range(4)
        ]
        for one in fleet:
            await one.health()  # connected: a limiter that does not answer in time is another test's
        made = await asyncio.gather(*(_calls(fleet[number % 4], 13) for number in range(16)))
        for one in fleet:
            assert (await one.health()).status == "healthy"
    assert sum(made) == 100


async def _calls(one: Instance, tries: int) -> int:
    """How many of them were admitted."""
    admitted = 0
    for _ in range(tries):
        try:
            await one.call()
        except RateLimited as error:
            assert str(error).startswith("global limit: ")  # noqa: PT017 - others are admitted
        else:
            admitted += 1
    return admitted


async def test_what_one_commits_others_hear_in_commit_order_each_once(environment: dict[str, str]) -> None:
    async with instance(environment) as one, instance(environment) as two, two.watch() as following:
        written: list[str] = []
        for number in range(20):
            writer = two if number % 3 == 0 else one
            written.append(await writer.remember(f"fact {number}"))
        heard = [await following() for _ in written]
        assert [event.subject for event in heard if isinstance(event, Event)] == written


async def test_what_one_acknowledged_is_recalled_by_another_that_had_kept_an_answer(
    environment: dict[str, str],
) -> None:
    async with instance(environment) as one, instance(environment) as two:
        for number in range(10):
            assert f"tea {number}" not in await two.recall("tea")
            await one.remember(f"tea {number}")

            async def seen(content: str = f"tea {number}") -> bool:
                return content in await two.recall("tea")

            assert await until(seen) < 1.0


async def test_the_server_that_clients_start_says_how_redis_is(redis: RedisProcess, tmp_path: Path) -> None:
    async with StdioClient(list(COMMAND), environment_of(tmp_path, redis.port)) as client:
        health = (await client.call_tool("memory_health", {})).structured
        assert health["status"] == "healthy"
        assert health["redis"]["connected"] is True
        assert (health["redis"]["host"], health["redis"]["port"]) == ("127.0.0.1", redis.port)
        assert health["limiter"] == {"enabled": True, "mode": "network", "refused": 0}
        assert health["locks"] == {"type": "redis", "shared": "network", "held": 0}


async def test_a_command_tells_servers_that_run_of_what_it_wrote(redis: RedisProcess, tmp_path: Path) -> None:
    environment = environment_of(tmp_path, redis.port)
    async with instance(environment) as one, one.watch() as following:
        command = (*COMMAND[:-1], "remember", "from the shell")
        done = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
        await done.communicate()
        assert done.returncode == 0
        event = await following()
        assert isinstance(event, Event)
        assert event.kind == "entry.added"
