"""What the tests of the Redis adapters share: settings for a server behind a proxy, and a look at it from behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from agent_memory.adapters.redis.settings import RedisSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent_memory.adapters.redis.connection import RedisServer
    from agent_memory_contract.servers.redis_process import Address

SAFETY = 20.0
"""Real seconds after which a wait counts as a hang."""

PATIENCE = 5.0
"""Seconds for an answer where a test is not about silence: more than a busy machine holds up."""


def settings_of(address: Address, *, port: int = 0, **changes: Any) -> RedisSettings:
    """`port`: of a proxy that stands before it."""
    settings = RedisSettings(
        host="127.0.0.1",
        port=port or address.port,
        password=address.password,
        command_timeout=PATIENCE,
        retry_delay=0.01,
        lock_retry_delay=0.01,
    )
    return msgspec.structs.replace(settings, **changes)


async def clients_of(behind: RedisServer) -> list[str]:
    """The ids of our connections to the server, but for those of `behind`, in one server that is ours alone."""
    me = await behind.execute("CLIENT", "ID")
    lines = (await behind.execute("CLIENT", "LIST", "TYPE", "NORMAL")).decode().splitlines()
    lines += (await behind.execute("CLIENT", "LIST", "TYPE", "PUBSUB")).decode().splitlines()
    return sorted({line.split()[0] for line in lines if "name=agent-memory" in line} - {f"id={me}"})


async def until(true: Callable[[], Awaitable[object]]) -> None:
    """Ask again and again, until it is."""
    async with asyncio.timeout(SAFETY):
        while not await true():  # noqa: ASYNC110 - what happens in another program sets no event
            await asyncio.sleep(0.005)
