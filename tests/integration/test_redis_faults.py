"""Every Redis adapter under every fault: a call ends soon, raises nothing but what says so, and all is well after."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from secrets import token_hex
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.adapters.inprocess.circuit_breaker import InProcessCircuitBreaker
from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.redis.cache import RedisCache
from agent_memory.adapters.redis.circuit_breaker import RedisCircuitBreaker
from agent_memory.adapters.redis.connection import RedisServer
from agent_memory.adapters.redis.event_bus import RedisEventBus
from agent_memory.adapters.redis.lock import RedisLock
from agent_memory.adapters.redis.rate_limiter import RedisRateLimiter
from agent_memory.ports.circuit_breaker import Thresholds
from agent_memory.ports.errors import Unavailable
from agent_memory.ports.rate_limiter import Window
from agent_memory.ports.records import Event
from agent_memory_contract.servers.redis import private_server

from .faults import FaultProxy
from .redis_clients import settings_of, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

    from agent_memory_contract.servers.redis_process import RedisProcess

    Fault = Callable[[FaultProxy, RedisProcess], Awaitable[None]]
    Use = Callable[[], Awaitable[None]]

CALLS, ROUNDS = 3, 2
BOUND = 5.0
"""Real seconds within which a call ends, whatever happens. The settings below add up to less than one."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def process() -> Iterator[RedisProcess]:
    process = private_server()
    yield process
    if process.runs:
        process.kill()


@asynccontextmanager
async def using_a_lock(server: RedisServer) -> AsyncGenerator[Use]:
    async with RedisLock(server, clock=SystemClock()) as lock:

        async def use() -> None:
            await lock.release(await lock.acquire(token_hex(8), owner="ada", ttl=30.0))

        yield use


@asynccontextmanager
async def using_a_rate_limiter(server: RedisServer) -> AsyncGenerator[Use]:
    async with RedisRateLimiter(server) as limiter:

        async def use() -> None:
            assert (await limiter.hit([Window("ada", 100_000, 10.0)])).allowed

        yield use


@asynccontextmanager
async def using_a_circuit_breaker(server: RedisServer) -> AsyncGenerator[Use]:
    clock = SystemClock()
    async with (
        InProcessCircuitBreaker(clock=clock, machine=BreakerMachine("db", Thresholds())) as fallback,
        RedisCircuitBreaker(server, "db", clock=clock, fallback=fallback) as breaker,
    ):

        async def use() -> None:
            async with breaker.guard():
                pass

        yield use


@asynccontextmanager
async def using_a_cache(server: RedisServer) -> AsyncGenerator[Use]:
    async with RedisCache(server, clock=SystemClock()) as cache:

        async def use() -> None:
            await cache.put("key", b"value", ttl=30.0)
            if await cache.get("key") != b"value":
                raise Unavailable("a miss")

        yield use


@asynccontextmanager
async def using_an_event_bus(server: RedisServer) -> AsyncGenerator[Use]:
    numbers = itertools.count()
    async with RedisEventBus(server) as bus, bus.subscribe() as subscription:

        async def use() -> None:
            sent = Event(
                kind="entry.added",
                scope="acme",
                subject="a",
                at=datetime.now(UTC),
                seq=next(numbers),
            )
            await bus.publish([sent])
            try:
                async with asyncio.timeout(0.5):
                    while await anext(subscription) != sent:
                        pass
            except TimeoutError as error:
                raise Unavailable("the event did not come") from error

        yield use


PORTS = {
    "lock": using_a_lock,
    "rate limiter": using_a_rate_limiter,
    "circuit breaker": using_a_circuit_breaker,
    "cache": using_a_cache,
    "event bus": using_an_event_bus,
}


async def cut(proxy: FaultProxy, _: RedisProcess) -> None:
    await proxy.cut()


async def refuse(proxy: FaultProxy, _: RedisProcess) -> None:
    await proxy.refuse()


async def stall(proxy: FaultProxy, _: RedisProcess) -> None:
    proxy.stall()


async def lose_answers(proxy: FaultProxy, _: RedisProcess) -> None:
    proxy.stall("to_client")


async def delay(proxy: FaultProxy, _: RedisProcess) -> None:
    proxy.delay(2.0)


async def throttle(proxy: FaultProxy, _: RedisProcess) -> None:
    proxy.throttle(500)


async def half_close(proxy: FaultProxy, _: RedisProcess) -> None:
    proxy.half_close()


async def kill(_: FaultProxy, process: RedisProcess) -> None:
    await asyncio.to_thread(process.kill)


async def freeze(_: FaultProxy, process: RedisProcess) -> None:
    process.freeze()


FAULTS: tuple[Fault, ...] = (cut, refuse, stall, lose_answers, delay, throttle, half_close, kill, freeze)


async def mend(proxy: FaultProxy, process: RedisProcess) -> None:
    await proxy.mend()
    if not process.runs:
        await asyncio.to_thread(process.start)
    process.thaw()


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.__name__ for fault in FAULTS])
@pytest.mark.parametrize("port", PORTS)
async def test_it_bears_a_fault_and_recovers(port: str, fault: Fault, process: RedisProcess) -> None:
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(FaultProxy("127.0.0.1", process.port))
        settings = settings_of(
            process.address, port=proxy.port, command_timeout=0.2, connect_timeout=0.3, max_retries=1
        )
        server = await stack.enter_async_context(RedisServer(settings))
        use = await stack.enter_async_context(PORTS[port](server))

        async def works() -> bool:
            try:
                await use()
            except Unavailable:
                return False
            return True

        await until(works)
        before = proxy.connections
        for _ in range(ROUNDS):
            await fault(proxy, process)
            try:
                for _ in range(CALLS):
                    async with asyncio.timeout(BOUND):
                        with suppress(Unavailable):
                            await use()
            finally:
                await mend(proxy, process)
            await until(works)

        async def as_before() -> bool:
            """What was cut short is cleared up all at once, on connections that are kept then."""
            return proxy.connections <= before + CALLS

        await until(as_before)
