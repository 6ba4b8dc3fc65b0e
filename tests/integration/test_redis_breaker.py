"""The Redis circuit breaker where probers die, data is lost, and Redis comes and goes."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.adapters.inprocess.circuit_breaker import InProcessCircuitBreaker
from agent_memory.adapters.redis.circuit_breaker import RedisCircuitBreaker
from agent_memory.adapters.redis.connection import RedisServer
from agent_memory.ports.circuit_breaker import Thresholds
from agent_memory_contract.breaker_calls import Call, admitted, ended, fail, refused, state_of, succeed, trip
from agent_memory_contract.manual_clock import ManualClock
from agent_memory_contract.servers.redis import private_server
from agent_memory_contract.suite import running

from .faults import FaultProxy
from .redis_clients import SAFETY, settings_of, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from agent_memory.ports.circuit_breaker import Transition
    from agent_memory_contract.servers.redis_process import RedisProcess

THRESHOLDS = Thresholds(failures=3, reset_timeout=30.0, successes=2)
CLOCK = "local function now_micros() return tonumber(redis.call('GET', 'test-clock')) end"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def process() -> Iterator[RedisProcess]:
    process = private_server()
    yield process
    process.kill()


class Fleet:
    """Instances of one process each, on one server whose clock moves with theirs."""

    def __init__(self, process: RedisProcess, server: RedisServer, proxy: FaultProxy) -> None:
        self.clock = ManualClock()
        self.server = server
        self.proxy = proxy
        self._process = process

    @asynccontextmanager
    async def instance(self, *, proxied: bool = False) -> AsyncGenerator[RedisCircuitBreaker]:
        settings = settings_of(self._process.address)
        if proxied:
            settings = settings_of(self._process.address, port=self.proxy.port, command_timeout=0.5)
        machine = BreakerMachine("db", THRESHOLDS)
        async with (
            RedisServer(settings, clock=CLOCK) as server,
            InProcessCircuitBreaker(clock=self.clock, machine=machine) as fallback,
            RedisCircuitBreaker(
                server, "db", clock=self.clock, fallback=fallback, thresholds=THRESHOLDS
            ) as breaker,
        ):
            yield breaker

    async def advance(self, seconds: float) -> None:
        await self.server.execute("SET", "test-clock", round((1e9 + self.clock.monotonic() + seconds) * 1e6))
        await self.clock.advance(seconds)

    async def scripts_run(self) -> int:
        lines = (await self.server.execute("INFO", "commandstats")).decode().splitlines()
        return sum(
            int(line.split("calls=")[1].split(",")[0])
            for line in lines
            if line.startswith("cmdstat_evalsha:")
        )


@pytest.fixture
async def fleet(process: RedisProcess) -> AsyncGenerator[Fleet]:
    async with (
        FaultProxy("127.0.0.1", process.port) as proxy,
        RedisServer(settings_of(process.address)) as server,
    ):
        await server.execute("FLUSHALL")
        fleet = Fleet(process, server, proxy)
        await fleet.advance(0.0)
        yield fleet


async def test_its_key_has_the_documented_name(fleet: Fleet) -> None:
    async with fleet.instance() as one:
        await fail(one)
    assert sorted(await fleet.server.execute("KEYS", "*")) == [b"agentmem:breaker:db", b"test-clock"]
    assert await fleet.server.execute("PTTL", "agentmem:breaker:db") > 0


async def test_a_call_that_changes_no_count_asks_once_in_a_while(fleet: Fleet) -> None:
    async with fleet.instance() as one:
        await succeed(one)
        before = await fleet.scripts_run()
        for _ in range(10):
            await succeed(one)
        assert await fleet.scripts_run() == before
        await fleet.advance(0.1)
        for _ in range(10):
            await succeed(one)
        assert await fleet.scripts_run() == before + 1


async def test_an_opening_by_another_instance_is_soon_noticed(fleet: Fleet) -> None:
    """What was let through until then, and failed, puts the probe off no further."""
    async with fleet.instance() as one, fleet.instance() as two:
        await succeed(two)
        await trip(one)
        await fail(two)
        await fleet.advance(0.1)
        await refused(two)
        assert (await two.status()).failures == 3


async def test_the_slot_of_a_prober_that_died_is_free_after_its_lease(fleet: Fleet) -> None:
    async with fleet.instance() as two:
        async with fleet.instance(proxied=True) as one:
            await trip(two)
            await fleet.advance(31.0)
            async with admitted(one):
                await fleet.proxy.refuse()
                await refused(two)
                await fleet.advance(14.0)
                await refused(two)
                await fleet.advance(1.5)
                await succeed(two)
        await succeed(two)
        assert await state_of(two) == "closed"


async def test_a_prober_that_lives_keeps_its_slot_however_long_it_takes(fleet: Fleet) -> None:
    async with fleet.instance() as one, fleet.instance() as two:
        await trip(two)
        await fleet.advance(31.0)
        async with admitted(one) as (call, task):
            for _ in range(24):
                await fleet.advance(2.5)
                await refused(two)
            call.end()
            await ended(task)
        assert (await two.status()).successes == 1


async def test_transitions_of_others_are_told_when_an_instance_next_asks(fleet: Fleet) -> None:
    told: list[Transition] = []
    async with fleet.instance() as one, fleet.instance() as two:
        two.on_transition(told.append)
        await succeed(two)
        for _ in range(3):
            await trip(one)
            await fleet.advance(31.0)
            await succeed(one)
            await succeed(one)
        await two.status()
    assert [(each.before, each.after) for each in told] == [
        ("closed", "open"),
        ("open", "half-open"),
        ("half-open", "closed"),
    ] * 3


async def test_a_newcomer_is_not_told_what_was_before_it(fleet: Fleet) -> None:
    told: list[Transition] = []
    async with fleet.instance() as one:
        await trip(one)
        async with fleet.instance() as two:
            two.on_transition(told.append)
            await refused(two)
            await fleet.advance(31.0)
            await succeed(two)
    assert [(each.before, each.after) for each in told] == [("closed", "open"), ("open", "half-open")]


async def test_a_server_that_lost_its_data_begins_closed_and_that_is_told(fleet: Fleet) -> None:
    told: list[Transition] = []
    async with fleet.instance() as one:
        one.on_transition(told.append)
        await trip(one)
        await fleet.server.execute("DEL", "agentmem:breaker:db")
        await fleet.advance(0.1)
        await succeed(one)
        assert await state_of(one) == "closed"
    assert [(each.before, each.after) for each in told] == [("closed", "open"), ("open", "closed")]


async def test_an_outcome_of_a_call_from_before_the_loss_counts_for_nothing(fleet: Fleet) -> None:
    async with fleet.instance() as one:
        async with admitted(one) as (late, task):
            await fleet.server.execute("DEL", "agentmem:breaker:db")
            await fleet.advance(0.1)
            await fail(one)
            await fail(one)
            late.end(OSError("late"))
            await ended(task)
        assert await state_of(one) == "closed"


async def test_a_silent_redis_delays_one_call_and_no_other(fleet: Fleet) -> None:
    async with fleet.instance(proxied=True) as one:
        await succeed(one)
        fleet.proxy.stall()
        begun = time.monotonic()
        await asyncio.gather(*(succeed(one) for _ in range(10)))
        assert time.monotonic() - begun < 4.0
        begun = time.monotonic()
        for _ in range(100):
            await succeed(one)
        assert time.monotonic() - begun < 10.0  # each would wait for half a second


async def test_it_goes_on_alone_and_comes_back_and_tells_what_that_changes(fleet: Fleet) -> None:
    told: list[Transition] = []
    async with fleet.instance(proxied=True) as one, fleet.instance() as two:
        one.on_transition(told.append)
        await trip(one)
        await fleet.proxy.refuse()
        await succeed(one)
        assert one.is_local
        await trip(one)
        assert await state_of(two) == "open"
        await fleet.proxy.mend()
        await fleet.advance(30.0)
        await until(lambda: is_shared(fleet, one))
        await succeed(two)
        await succeed(two)
        assert await state_of(one) == "closed"
    assert [(each.before, each.after) for each in told] == [
        ("closed", "open"),
        ("open", "closed"),
        ("closed", "open"),
        ("open", "half-open"),
        ("half-open", "closed"),
    ]


async def is_shared(fleet: Fleet, breaker: RedisCircuitBreaker) -> bool:
    await fleet.advance(0.5)
    return not breaker.is_local


async def test_a_call_admitted_before_redis_went_ends_as_its_block_does(fleet: Fleet) -> None:
    async with fleet.instance(proxied=True) as one, running((call := Call(one)).run()) as task:
        await asyncio.wait_for(call.entered.wait(), SAFETY)
        await fleet.proxy.refuse()
        call.end(ValueError("of the block"))
        await ended(task)
        assert isinstance(task.exception(), ValueError)
