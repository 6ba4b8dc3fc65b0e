"""Redis absent, lost, silent, full, empty again and with another password: what goes on, what is refused, what is said.

In all of them memory works, and what is said of Redis is true. Locks are never granted in doubt.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.errors import CircuitOpen, Misconfigured, PortError, RateLimited, Unavailable
from agent_memory.ports.records import Event
from agent_memory_contract.servers.free_port import free_port
from agent_memory_contract.servers.redis import private_server

from .faults import FaultProxy
from .redis_shape import Instance, behind, environment_of, instance, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from agent_memory_contract.servers.redis_process import RedisProcess

QUICK = 1.5
"""Seconds for a call at most, whatever Redis does: one wait for its answer, and what a busy machine adds."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    process = private_server()
    yield process
    if process.runs:
        process.kill()


@pytest.fixture
async def proxy(redis: RedisProcess) -> AsyncGenerator[FaultProxy]:
    async with FaultProxy("127.0.0.1", redis.port) as proxy:
        yield proxy


async def assert_memory_works(one: Instance) -> None:
    begun = time.monotonic()
    await one.call()
    content = f"written at {begun}"
    await one.remember(content)
    assert content in await one.recall(content)
    assert time.monotonic() - begun < 3 * QUICK


async def assert_degraded(one: Instance, *said: str) -> None:
    health = await one.health()
    assert health.status == "degraded", health
    assert health.database["connected"] is True
    assert health.redis["connected"] is False
    for words in said:
        assert any(words in problem for problem in health.problems), health.problems


async def assert_locks_are_refused(one: Instance) -> None:
    with pytest.raises((Unavailable, CircuitOpen, Misconfigured)):
        await one.lock("checkout", f"{time.monotonic()}.py")


async def test_without_redis_from_the_start(tmp_path: Path) -> None:
    port = free_port()
    environment = environment_of(tmp_path, port, RATE_LIMIT_BURST_MAX="3")
    begun = time.monotonic()
    async with instance(environment) as one:
        assert time.monotonic() - begun < QUICK
        await assert_memory_works(one)
        await assert_locks_are_refused(one)
        await assert_degraded(
            one, f"redis 127.0.0.1:{port}/0", "rate limits cannot be counted together: local"
        )
        with pytest.raises(RateLimited):  # counted here
            await asyncio.gather(*(one.call() for _ in range(4)))


async def test_health_is_true_of_a_process_that_has_done_nothing_yet(tmp_path: Path) -> None:
    async with instance(environment_of(tmp_path, free_port())) as one:
        health = await one.health()
        assert health.limiter["mode"] == "local"
        await assert_degraded(one, "file locks are refused", "rate limits cannot be counted together: local")


async def test_health_is_well_again_though_nobody_calls(redis: RedisProcess, tmp_path: Path) -> None:
    async with instance(environment_of(tmp_path, redis.port)) as one:
        await one.until_healthy()
        redis.kill()
        for _ in range(8):
            await one.call()
        await assert_degraded(one, "rate limits cannot be counted together")
        circuit = (await one.health()).redis["breaker"]
        assert circuit["state"] == "open"
        assert 0 < circuit["retryAfter"] <= 2.0
        await asyncio.to_thread(redis.start)

        async def well() -> bool:
            return (await one.health()).status == "healthy"

        await until(well)
        health = await one.health()
        assert health.limiter["mode"] == "network"
        assert health.redis["breaker"]["state"] == "closed"


async def test_it_is_found_when_it_comes(redis: RedisProcess, tmp_path: Path) -> None:
    redis.kill()
    async with instance(environment_of(tmp_path, redis.port)) as one:
        await assert_memory_works(one)
        await assert_locks_are_refused(one)
        await asyncio.to_thread(redis.start)
        await one.until_healthy()
        await _until_locks_are_granted(one)


async def test_lost_and_back_empty(redis: RedisProcess, tmp_path: Path) -> None:
    """A killed server comes back without its data, tokens and counts included."""
    environment = environment_of(tmp_path, redis.port)
    async with instance(environment) as one, instance(environment, "bob") as two:
        before = await one.lock("checkout")
        await one.until_healthy()
        redis.kill()
        await assert_memory_works(one)
        await assert_locks_are_refused(one)
        await assert_degraded(one, "cannot be reached")
        await asyncio.to_thread(redis.start)
        await one.until_healthy()
        after = await _until_locks_are_granted(two)
        assert before.token is not None
        assert after > before.token


async def test_events_go_on_without_it(redis: RedisProcess, tmp_path: Path) -> None:
    environment = environment_of(tmp_path, redis.port)
    async with instance(environment) as one, instance(environment) as two, two.watch() as following:
        written: list[str] = []
        for number in range(12):
            if number == 4:
                redis.kill()
            if number == 8:
                await asyncio.to_thread(redis.start)
            written.append(await one.remember(f"fact {number}"))
        heard = [await following() for _ in written]
        assert [event.subject for event in heard if isinstance(event, Event)] == written


async def test_no_kept_answer_outlives_a_change_that_redis_could_not_tell_of(
    redis: RedisProcess, tmp_path: Path
) -> None:
    environment = environment_of(tmp_path, redis.port)
    async with instance(environment) as one, instance(environment) as two:
        await one.remember("tea at three")
        assert await two.recall("tea") == ["tea at three"]
        redis.kill()
        await one.remember("tea at four")
        await asyncio.to_thread(redis.start)

        async def both() -> bool:
            return sorted(await two.recall("tea")) == ["tea at four", "tea at three"]

        assert await until(both) < 1.0


async def test_one_that_answers_after_two_seconds_holds_up_no_call_for_long(
    proxy: FaultProxy, tmp_path: Path
) -> None:
    async with instance(environment_of(tmp_path, proxy.port)) as one:
        await one.until_healthy()
        proxy.delay(2.0)
        for _ in range(8):
            await assert_memory_works(one)
        await assert_degraded(one, "no answer in time", "local")
        await proxy.mend()
        await one.until_healthy()
        await _until_locks_are_granted(one)


async def test_one_that_falls_silent(proxy: FaultProxy, tmp_path: Path) -> None:
    async with instance(environment_of(tmp_path, proxy.port)) as one:
        await one.until_healthy()
        proxy.stall()
        await assert_memory_works(one)
        await assert_locks_are_refused(one)
        await assert_degraded(one)
        await proxy.mend()
        await one.until_healthy()


async def test_a_frozen_one_is_waited_for_once(redis: RedisProcess, tmp_path: Path) -> None:
    """Limits, cache and locks, and the same again later."""
    async with instance(environment_of(tmp_path, redis.port)) as one:
        await one.until_healthy()
        await one.lock("checkout")
        redis.freeze()
        try:
            waits: list[float] = []
            for _ in range(8):
                begun = time.monotonic()
                await one.call()
                await one.recall("tea")
                await assert_locks_are_refused(one)
                waits.append(time.monotonic() - begun)
                await asyncio.sleep(0.3)
            assert waits[0] < QUICK
            assert max(waits[1:]) < 0.5, waits
        finally:
            redis.thaw()
        await one.until_healthy()
        await _until_locks_are_granted(one)


async def test_one_whose_memory_is_full(redis: RedisProcess, tmp_path: Path) -> None:
    async with instance(environment_of(tmp_path, redis.port)) as one, behind(redis.port) as server:
        mine = await one.lock("checkout", "mine.py")
        await server.execute("CONFIG", "SET", "maxmemory", 1)
        await assert_memory_works(one)
        for number in range(8):  # more failures than open a circuit
            with pytest.raises((Unavailable, CircuitOpen)):
                await one.lock("checkout", f"{number}.py")
        await one.lock("renew", "mine.py", token=mine.token)
        await one.lock("checkin", "mine.py", token=mine.token)
        health = await one.health()
        assert health.status == "degraded"
        assert health.redis["connected"] is True  # it answers: no
        assert any("rate limits" in problem for problem in health.problems)
        assert any("memory is full" in said and "file locks are refused" in said for said in health.problems)
        await server.execute("CONFIG", "SET", "maxmemory", 0)
        await one.until_healthy()
        await _until_locks_are_granted(one)


async def test_a_wrong_password(tmp_path: Path) -> None:
    redis = private_server("--requirepass", "sesame")
    try:
        async with instance(environment_of(tmp_path, redis.port, REDIS_PASSWORD="guess")) as one:
            await assert_memory_works(one)
            with pytest.raises(Misconfigured, match="AGENT_MEMORY_REDIS_PASSWORD") as refused:
                await one.lock("checkout")
            assert "guess" not in str(refused.value)
            await assert_degraded(one, "check AGENT_MEMORY_REDIS_PASSWORD")
            async with behind(redis.port, "sesame") as server:
                await server.execute("CONFIG", "SET", "requirepass", "guess")
            await one.until_healthy()
    finally:
        redis.kill()


@pytest.mark.parametrize(("mode", "admitted"), [("closed", False), ("open", True)])
async def test_the_other_ways_to_fail(mode: str, admitted: bool, tmp_path: Path) -> None:
    limits = {"RATE_LIMIT_FAIL_MODE": mode, "RATE_LIMIT_BURST_MAX": "1"}
    async with instance(environment_of(tmp_path, free_port(), **limits)) as one:
        for _ in range(3):
            if admitted:
                await one.call()
            else:
                with pytest.raises(Unavailable, match="FAIL_MODE=closed"):
                    await one.call()
        await assert_degraded(one, f"rate limits cannot be counted together: {mode}")


async def _until_locks_are_granted(one: Instance) -> int:
    token = 0

    async def granted() -> bool:
        nonlocal token
        try:
            token = (await one.lock("checkout", f"{time.monotonic()}.py")).token or 0
        except PortError:
            return False
        return True

    await until(granted)
    return token
