"""Four servers on one PostgreSQL and one Redis, sixteen agents on them, and whoever pulls Redis away."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from agent_memory.entrypoints.stdio_client import StdioClient
from agent_memory_contract.servers.postgres import fresh_database
from agent_memory_contract.servers.redis import private_server

from ..postgres_shape import PROGRAM, environment_of
from .history import Call, Hold, Look, Outage, Read, Write

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory.entrypoints.stdio_client import ToolAnswer
    from agent_memory_contract.servers.redis_process import RedisProcess

SERVERS = 4
AGENTS = 16
PATHS = ("src/main.py", "README.md", "docs/guide.md")
SCOPE = "acme/shop"


class Refused(Exception):
    """A tool answered with an error; `code` is the first word of it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = text.partition(":")[0]


class Fleet:
    def __init__(self, clients: list[StdioClient], redis: RedisProcess) -> None:
        self.clients = clients
        self.redis = redis
        self.calls: list[Call] = []
        self.texts: dict[str, str] = {}
        """One example of each error code."""

    async def call(self, server: int, agent: str, tool: str, /, **arguments: Any) -> Any:
        """The structured answer; `Refused` for an error. Both are kept."""
        sent = monotonic()
        answer: ToolAnswer = await self.clients[server].call_tool(tool, {**arguments, **_signed(tool, agent)})
        refused = Refused(answer.text) if answer.is_error else None
        error = refused.code if refused else ""
        self.calls.append(
            Call(server=server, agent=agent, tool=tool, sent=sent, received=monotonic(), error=error)
        )
        if refused:
            self.texts.setdefault(error, answer.text)
            raise refused
        return answer.structured

    async def all_at_once(self) -> None:
        """More calls on each server than its agents ever have in flight: so many connections it may keep."""
        async with asyncio.TaskGroup() as group:
            for server in range(SERVERS):
                for number in range(2 * AGENTS // SERVERS):
                    group.create_task(
                        self.call(
                            server, f"agent-{number}", "memory_file_lock", action="status", file_path="warm"
                        )
                    )

    async def connections(self) -> int:
        """Of the fleet, as Redis counts them."""
        host, port = self.redis.address.host, self.redis.address.port
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(b"CLIENT LIST\r\n")
            size = int((await reader.readline())[1:])
            return (await reader.readexactly(size)).count(b"id=") - 1
        finally:
            writer.close()
            await writer.wait_closed()


def _signed(tool: str, agent: str) -> dict[str, str]:
    """Tools that only read take no name."""
    return {"agent_id": agent} if tool in {"memory_remember", "memory_update", "memory_file_lock"} else {}


@asynccontextmanager
async def fleet_of(**settings: str) -> AsyncGenerator[Fleet]:
    redis = private_server(durable=True)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(fresh_database("18"))
        environment = environment_of(
            database,
            REDIS_ENABLED="true",
            REDIS_HOST=redis.address.host,
            REDIS_PORT=str(redis.address.port),
            LOG_LEVEL="error",
            **settings,
        )
        clients = [
            await stack.enter_async_context(StdioClient([*PROGRAM, "mcp"], environment, timeout=60.0))
            for _ in range(SERVERS)
        ]
        for client in clients:
            await client.call_tool("memory_health", {})
        yield Fleet(clients, redis)


class Work:
    """What the agents do, and what they saw. `going` is cleared for them to pause between two calls."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self.fleet = fleet
        self.holds: list[Hold] = []
        self.writes: list[Write] = []
        self.reads: list[Read] = []
        self.looks: list[Look] = []
        self.outages: list[Outage] = []
        self.notebooks: dict[int, str] = {}
        self.going = asyncio.Event()
        self.going.set()
        self._over = False
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._seed = seed

    def stop(self) -> None:
        self._over = True
        self.going.set()

    async def quiet(self) -> None:
        """No agent has a call in flight."""
        self.going.clear()
        await self._idle.wait()

    async def agent(self, number: int) -> None:
        dice = random.Random(f"{self._seed} {number}")
        name, server = f"agent-{number}", number % len(self.fleet.clients)
        version = 0
        while not self._over:
            await self.going.wait()
            self._busy += 1
            self._idle.clear()
            try:
                act = dice.random()
                if number not in self.notebooks:
                    version = await self._begin(number, name, server)
                elif act < 0.25:
                    await self._edit(name, server, dice)
                elif act < 0.45:
                    version = await self._write(number, name, server, version)
                elif act < 0.7:
                    await self._get(name, server, dice)
                else:
                    await self._recall(name, server, dice)
            except Refused as refused:
                # What was refused is in the fleet's record; an agent that is told to wait waits a little.
                if refused.code != "conflict":
                    await asyncio.sleep(0.02)
            finally:
                self._busy -= 1
                if self._busy == 0:
                    self._idle.set()

    async def watcher(self, server: int) -> None:
        """Asks for the health, over and over."""
        while not self._over:
            sent = monotonic()
            answer = await self.fleet.clients[server].call_tool("memory_health", {})
            said = answer.structured
            self.looks.append(
                Look(
                    server=server,
                    sent=sent,
                    received=monotonic(),
                    status=said["status"],
                    connected=said["redis"]["connected"],
                )
            )
            await asyncio.sleep(0.25)

    async def _begin(self, number: int, name: str, server: int) -> int:
        stored = await self.fleet.call(
            server, name, "memory_remember", content=f"notebook of {name}", scope=SCOPE,
            idempotency_key=f"{self._seed} {name}",
        )  # fmt: skip
        self.notebooks[number] = stored["results"][0]["id"]
        return 1

    async def _edit(self, name: str, server: int, dice: random.Random) -> None:
        """Check a file out, have it for a while, check it in, however often that takes."""
        path = dice.choice(PATHS)
        granted = await self.fleet.call(
            server,
            name,
            "memory_file_lock",
            action="checkout",
            file_path=path,
            ttl_seconds=20,
            wait_seconds=1,
        )
        began = monotonic()
        await asyncio.sleep(dice.uniform(0.0, 0.05))
        self.holds.append(Hold(path=path, agent=name, token=granted["token"], began=began, ended=monotonic()))
        while not self._over:
            try:
                await self.fleet.call(
                    server, name, "memory_file_lock", action="checkin", file_path=path, token=granted["token"]
                )
            except Refused as refused:
                if refused.code == "not_held":
                    # An earlier try was carried out, and its answer lost with Redis.
                    self._forgive_last()
                    return
                await asyncio.sleep(0.05)
            else:
                return

    def _forgive_last(self) -> None:
        for position in range(len(self.fleet.calls) - 1, -1, -1):
            if self.fleet.calls[position].error == "not_held":
                del self.fleet.calls[position]
                return

    async def _write(self, number: int, name: str, server: int, version: int) -> int:
        entry = self.notebooks[number]
        try:
            written = await self.fleet.call(
                server, name, "memory_update", id=entry, content=f"notebook of {name}, line {version}",
                expected_version=version,
            )  # fmt: skip
        except Refused as refused:
            if refused.code != "conflict":
                raise
            # An earlier try was carried out, and its answer lost.
            found = await self.fleet.call(server, name, "memory_get", ids=[entry])
            return int(found["entries"][0]["version"])
        self.writes.append(Write(entry=entry, version=written["version"], server=server, at=monotonic()))
        return int(written["version"])

    async def _get(self, name: str, server: int, dice: random.Random) -> None:
        entry = dice.choice(list(self.notebooks.values()))
        sent = monotonic()
        found = await self.fleet.call(server, name, "memory_get", ids=[entry])
        version = found["entries"][0]["version"] if found["entries"] else 0
        self.reads.append(Read(entry=entry, version=version, server=server, sent=sent))

    async def _recall(self, name: str, server: int, dice: random.Random) -> None:
        """A few different questions, so that answers are shared."""
        sent = monotonic()
        found = await self.fleet.call(
            server, name, "memory_recall", query=dice.choice(("notebook", "agent line")), scope=SCOPE, limit=50,
            max_tokens=20_000,
        )  # fmt: skip
        for result in found["results"]:
            self.reads.append(Read(entry=result["id"], version=result["version"], server=server, sent=sent))
