"""Cache aside, as it is used: the truth is changed, then its key deleted. Nobody may read what was older than that."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.redis.cache import RedisCache
from agent_memory.adapters.redis.connection import RedisServer
from agent_memory_contract.servers.redis import private_server

from .faults import FaultProxy
from .redis_clients import settings_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KEYS = tuple("abcdefgh")
LAG = 0.3
SECONDS = 4.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Truth:
    """What the database says, and which version each key had reached, in the cache's eyes, at which moment."""

    def __init__(self) -> None:
        self.version = dict.fromkeys(KEYS, 0)
        self._told: dict[str, list[tuple[float, int]]] = {key: [(0.0, 0)] for key in KEYS}

    async def change(self, cache: RedisCache, key: str) -> None:
        self.version[key] += 1
        reached = self.version[key]
        await cache.delete(key)
        self._told[key].append((time.monotonic(), reached))

    def at_least(self, key: str, moment: float) -> int:
        """Every read that begins then must give this version, or a later one."""
        return max(version for told, version in self._told[key] if told <= moment)

    def loader(self, key: str) -> Callable[[], Awaitable[bytes]]:
        async def load() -> bytes:
            found = self.version[key]
            await asyncio.sleep(random.uniform(0.0, 0.01))
            return b"%d" % found

        return load


@pytest.mark.parametrize("fault", ["none", "cut", "stall", "delay"])
async def test_no_read_is_older_than_a_change_that_was_told(fault: str) -> None:
    """Two instances change and read; a third reads through a line that fails again and again."""
    process = private_server()
    truth, reads = Truth(), {"near": 0, "stale": 0}
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(FaultProxy("127.0.0.1", process.port))
        caches: list[RedisCache] = []
        for port in (0, 0, proxy.port):
            settings = settings_of(process.address, port=port, command_timeout=0.5, connect_timeout=0.5)
            server = await stack.enter_async_context(RedisServer(settings))
            cache = RedisCache(server, clock=SystemClock(), lag=LAG, patience=0.1 if port else 5.0)
            caches.append(await stack.enter_async_context(cache))
        until = time.monotonic() + SECONDS

        async def write(cache: RedisCache, keys: tuple[str, ...]) -> None:
            while time.monotonic() < until:
                await truth.change(cache, random.choice(keys))
                await asyncio.sleep(random.uniform(0.0, 0.02))

        async def read(cache: RedisCache) -> None:
            while time.monotonic() < until:
                key = random.choice(KEYS)
                least = truth.at_least(key, time.monotonic() - LAG)
                hits = cache.stats().hits
                found = int(await cache.load(key, truth.loader(key), ttl=60.0))
                reads["near"] += cache.stats().hits > hits
                reads["stale"] += found < least
                await asyncio.sleep(0)

        async def harm() -> None:
            while time.monotonic() < until and fault != "none":
                await asyncio.sleep(random.uniform(0.05, 0.3))
                match fault:
                    case "cut":
                        await proxy.cut()
                    case "stall":
                        proxy.stall()
                        await asyncio.sleep(random.uniform(0.1, 2 * LAG))
                        await proxy.mend()
                    case _:
                        proxy.delay(random.uniform(0.0, 0.3))

        async with asyncio.TaskGroup() as group:
            for cache, keys in zip(caches[:2], (KEYS[:4], KEYS[4:]), strict=True):
                group.create_task(write(cache, keys))
            for cache in caches:
                for _ in range(3):
                    group.create_task(read(cache))
            group.create_task(harm())
        await proxy.mend()
    assert reads["stale"] == 0
    assert reads["near"] > 100
    assert min(truth.version.values()) > 5
