"""The shapes in which a team may share a memory, each on servers of its own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agent_memory_contract.servers.postgres import fresh_database
from agent_memory_contract.servers.redis import private_server

from ..clients.live_server import server_environment
from ..postgres_shape import environment_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

SHAPES = ("sqlite", "postgresql", "postgresql and redis")


@asynccontextmanager
async def shape(name: str, folder: Path) -> AsyncGenerator[dict[str, str]]:
    """The environment of its programs."""
    if name == "sqlite":
        yield server_environment(folder)
        return
    async with fresh_database("18") as database:
        if name == "postgresql":
            yield environment_of(database)
        else:
            redis = private_server(durable=True).address
            yield environment_of(
                database, REDIS_ENABLED="true", REDIS_HOST=redis.host, REDIS_PORT=str(redis.port)
            )
