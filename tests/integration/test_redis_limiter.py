"""The Redis rate limiter by the server's real clock, and where the clock or the data go wrong."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.redis.connection import RedisServer
from agent_memory.adapters.redis.rate_limiter import RedisRateLimiter
from agent_memory.ports.errors import Unavailable
from agent_memory.ports.rate_limiter import Window
from agent_memory_contract.servers.redis import private_server

from .redis_clients import settings_of, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from agent_memory_contract.servers.redis_process import RedisProcess

AGENT = Window("agent:ada", 5, 60.0)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def process() -> Iterator[RedisProcess]:
    process = private_server()
    yield process
    if process.runs:
        process.kill()


@pytest.fixture
async def server(process: RedisProcess) -> AsyncGenerator[RedisServer]:
    async with RedisServer(settings_of(process.address)) as server:
        await server.execute("FLUSHALL")
        yield server


@asynccontextmanager
async def limiter_at(process: RedisProcess, seconds: float) -> AsyncGenerator[RedisRateLimiter]:
    clock = f"local function now_micros() return {seconds * 1e6:.0f} end"
    async with (
        RedisServer(settings_of(process.address), clock=clock) as server,
        RedisRateLimiter(server) as limiter,
    ):
        yield limiter


async def allowed(limiter: RedisRateLimiter, count: int, window: Window = AGENT) -> int:
    return sum([(await limiter.hit([window])).allowed for _ in range(count)])


async def test_its_keys_have_the_documented_names_and_go(server: RedisServer) -> None:
    limiter = RedisRateLimiter(server)
    await limiter.hit([AGENT, Window("global", 10, 0.001)])
    keys = {b"agentmem:ratelimit:agent:ada:60000000", b"agentmem:ratelimit:global:1000"}
    assert set(await server.execute("KEYS", "*")) == keys
    for key in keys:
        assert 0 < await server.execute("PTTL", key) <= 70_000


async def test_after_exactly_the_wait_the_call_is_allowed(server: RedisServer) -> None:
    """By real clocks, at the same server."""
    limiter = RedisRateLimiter(server)
    window = Window("burst", 3, 0.5)
    for _ in range(5):
        while (decision := await limiter.hit([window])).allowed:
            pass
        await asyncio.sleep(decision.retry_after)
        assert (await limiter.hit([window])).allowed


async def test_no_log_grows_beyond_its_limit(server: RedisServer) -> None:
    limiter = RedisRateLimiter(server)
    window = Window("burst", 20, 0.02)
    for _ in range(20):
        await asyncio.gather(*(limiter.hit([window]) for _ in range(50)))
        assert await server.execute("LLEN", "agentmem:ratelimit:burst:20000") <= 20


async def test_a_large_cost_is_counted_in_full(server: RedisServer) -> None:
    limiter = RedisRateLimiter(server)
    window = Window("bytes", 100_000, 60.0)
    assert (await limiter.hit([window], cost=60_000)).remaining == 40_000
    assert not (await limiter.hit([window], cost=50_000)).allowed
    assert (await limiter.hit([window], cost=40_000)).remaining == 0


@pytest.mark.usefixtures("server")
async def test_a_clock_set_back_admits_nothing_more(process: RedisProcess) -> None:
    async with limiter_at(process, 1_000_000.0) as before, limiter_at(process, 999_000.0) as after:
        assert await allowed(before, 3) == 3
        assert await allowed(after, 5) == 2


async def test_a_very_long_period_is_one(server: RedisServer) -> None:
    limiter = RedisRateLimiter(server)
    window = Window("for ever", 2, float("inf"))
    assert await allowed(limiter, 3, window) == 2
    assert (await limiter.hit([window])).retry_after > 1e9


async def test_a_restarted_server_counts_anew(process: RedisProcess, server: RedisServer) -> None:
    limiter = RedisRateLimiter(server)
    assert await allowed(limiter, 6) == 5
    await asyncio.to_thread(process.kill)
    with pytest.raises(Unavailable):
        await limiter.hit([AGENT])
    await asyncio.to_thread(process.start)
    await until(lambda: answers(server))
    assert await allowed(limiter, 6) == 5


async def answers(server: RedisServer) -> bool:
    return bool(await server.execute("PING") == b"PONG")


async def test_a_server_that_is_away_costs_no_time(process: RedisProcess, server: RedisServer) -> None:
    """The caller has a failure mode and wants to come to it."""
    limiter = RedisRateLimiter(server)
    await asyncio.to_thread(process.kill)
    begun = time.monotonic()
    for _ in range(20):
        with pytest.raises(Unavailable):
            await limiter.hit([AGENT])
    assert time.monotonic() - begun < 5.0
    await asyncio.to_thread(process.start)
