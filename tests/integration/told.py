"""The official SDK as a client that is told of changes, in either era; and the shapes in which it is."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp.client.subscriptions import ResourceUpdated
from mcp_types import ResourceUpdatedNotification

from agent_memory_contract.servers.postgres import fresh_database
from agent_memory_contract.servers.redis import private_server

from .clients.live_server import COMMAND
from .daemon.household import Home, a_home, daemon_of
from .postgres_shape import environment_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

PATIENCE = 60.0
SHAPES = ("embedded", "daemon", "postgresql", "fleet")


@asynccontextmanager
async def shape(name: str) -> AsyncGenerator[dict[str, str]]:
    """The environment of each server of it."""
    async with AsyncExitStack() as stack:
        if name in {"embedded", "daemon"}:
            home: Home = await stack.enter_async_context(a_home())
            if name == "daemon":
                await stack.enter_async_context(daemon_of(home))
            yield home.environment(DAEMON="required" if name == "daemon" else "off")
            return
        database = await stack.enter_async_context(fresh_database("18"))
        more: dict[str, str] = {}
        if name == "fleet":
            redis = private_server()
            stack.callback(redis.kill)
            address = redis.address
            more = {"REDIS_ENABLED": "true", "REDIS_HOST": address.host, "REDIS_PORT": str(address.port)}
        yield environment_of(database, **more)


class Listener:
    """`heard` gives the URIs of what has changed, one after the other."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._heard: asyncio.Queue[str] = asyncio.Queue()

    async def message(self, message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            self._heard.put_nowait(str(message.params.uri))

    async def gather(self, events: Any) -> None:
        async for event in events:
            assert isinstance(event, ResourceUpdated)
            self._heard.put_nowait(event.uri)

    async def heard(self) -> str:
        async with asyncio.timeout(PATIENCE):
            return await self._heard.get()

    async def until(self, uri: str) -> list[str]:
        """What is heard before it."""
        before: list[str] = []
        while (told := await self.heard()) != uri:
            before.append(told)
        return before


@asynccontextmanager
async def connected(
    environment: Mapping[str, str], *, mode: str = "auto", message_handler: Any = None
) -> AsyncGenerator[Client]:
    server = StdioServerParameters(command=COMMAND[0], args=list(COMMAND[1:]), env=dict(environment))
    async with Client(stdio_client(server), mode=mode, message_handler=message_handler) as client:
        yield client


@asynccontextmanager
async def listening(environment: Mapping[str, str], mode: str, *uris: str) -> AsyncGenerator[Listener]:
    """Subscribed to each: `subscriptions/listen` where the revision has it, else `resources/subscribe`."""
    box: list[Listener] = []

    async def message(received: Any) -> None:
        if mode == "legacy":  # the other era's come by their stream, and here too
            await box[0].message(received)

    async with connected(environment, mode=mode, message_handler=message) as client:
        listener = Listener(client)
        box.append(listener)
        if mode == "legacy":
            for uri in uris:
                await client.session.subscribe_resource(uri)  # pyright: ignore[reportDeprecated]
            yield listener
            return
        async with client.listen(resource_subscriptions=list(uris)) as events:
            gathering = asyncio.create_task(listener.gather(events))
            try:
                yield listener
            finally:
                gathering.cancel()
                await asyncio.wait([gathering])


async def subscribe(client: Client, mode: str, uri: str) -> None:
    """For a moment."""
    if mode == "legacy":
        await client.session.subscribe_resource(uri)  # pyright: ignore[reportDeprecated]
    else:
        async with client.listen(resource_subscriptions=[uri]):
            pass


async def remember(client: Client, content: str, scope: str, **more: Any) -> str:
    answer = await client.call_tool("memory_remember", {"content": content, "scope": scope, **more})
    assert not answer.is_error, answer
    assert answer.structured_content is not None
    name: str = answer.structured_content["results"][0]["id"]
    return name
