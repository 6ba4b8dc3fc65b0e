"""The circuit breaker before PostgreSQL, on a real server behind a gate."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.core.caller import Caller
from agent_memory.core.requests import Get, Recall, Remember
from agent_memory.entrypoints.health import check_health
from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.settings import read_settings
from agent_memory.entrypoints.wiring import open_app
from agent_memory.ports.errors import CircuitOpen, Unavailable
from agent_memory_contract.servers.postgres import SOURCES, fresh_database
from agent_memory_contract.servers.redis import private_server
from agent_memory_contract.tcp_gate import TcpGate

from .postgres_shape import environment_of
from .redis_shape import until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory.adapters.postgres.config import PostgresSettings
    from agent_memory.entrypoints.wiring import App
    from agent_memory.ports.circuit_breaker import Transition

CALLER = Caller(client="test")
SETTINGS = {
    "CB_FAILURE_THRESHOLD": "3",
    "CB_RESET_TIMEOUT_MS": "300",
    "CB_SUCCESS_THRESHOLD": "2",
    "PG_CONNECTION_TIMEOUT_MS": "2000",
    "QUERY_CACHE_SIZE": "0",
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def server() -> AsyncGenerator[PostgresSettings]:
    async with fresh_database(SOURCES[0]) as settings:
        yield settings


@asynccontextmanager
async def behind(
    gate: TcpGate, server: PostgresSettings, **settings: str
) -> AsyncGenerator[tuple[App, list[Transition]]]:
    there = msgspec.structs.replace(server, host="127.0.0.1", port=gate.port)
    environment = environment_of(there, **(SETTINGS | settings))
    async with open_app(read_settings(environment).settings, Log("error")) as app:
        seen: list[Transition] = []
        assert app.breaker is not None
        app.breaker.on_transition(seen.append)
        yield app, seen


async def fail(app: App) -> Exception:
    try:
        await app.memory.get(Get(ids=["x"]), CALLER)
    except (Unavailable, CircuitOpen) as error:
        return error
    raise AssertionError("it answered")


async def answers(app: App) -> bool:
    try:
        await app.memory.get(Get(ids=["x"]), CALLER)
    except (Unavailable, CircuitOpen):
        return False
    return True


async def test_calls_fail_fast_while_it_is_away_and_go_on_when_it_is_back(server: PostgresSettings) -> None:
    async with TcpGate(server.host, server.port) as gate, behind(gate, server) as (app, seen):
        await app.memory.remember(Remember(content="tea at four"), CALLER)
        await gate.shut()
        assert [type(await fail(app)) for _ in range(3)] == [Unavailable] * 3
        begun = time.monotonic()
        refused = [await fail(app) for _ in range(50)]
        assert all(isinstance(error, CircuitOpen) for error in refused)
        assert time.monotonic() - begun < 0.25
        health = await check_health(app, "global")
        assert health.status == "unhealthy"
        assert health.breaker["state"] == "open"
        assert any("circuit breaker postgresql is open" in problem for problem in health.problems)
        await gate.open()
        await until(lambda: answers(app))
        found = await app.memory.recall(Recall(query="tea"), CALLER)
        assert [one.content for one in found.results] == ["tea at four"]
        assert (await check_health(app, "global")).status == "healthy"
        path = [(one.before, one.after) for one in seen]
        assert path[0] == ("closed", "open")
        assert path[-2:] == [("open", "half-open"), ("half-open", "closed")]


async def test_health_tells_that_the_database_is_back_before_the_breaker_has_tried(
    server: PostgresSettings,
) -> None:
    async with (
        TcpGate(server.host, server.port) as gate,
        behind(gate, server) as (app, _seen),
    ):
        await gate.shut()
        for _ in range(3):
            await fail(app)
        await gate.open()

        async def connected() -> bool:
            return bool((await check_health(app, "global")).database["connected"])

        await until(connected)
        health = await check_health(app, "global")
        assert health.status == "degraded"
        assert "circuit breaker postgresql is" in health.problems[0]


async def test_what_the_database_refuses_opens_nothing(server: PostgresSettings) -> None:
    async with TcpGate(server.host, server.port) as gate, behind(gate, server) as (app, seen):
        for _ in range(10):
            await app.memory.get(Get(ids=["00000000-0000-7000-8000-000000000000"]), CALLER)
        assert seen == []


async def test_a_fleet_shares_its_state_and_learns_of_it_soon(server: PostgresSettings) -> None:
    redis = private_server()
    try:
        shared = {"REDIS_ENABLED": "true", "REDIS_PORT": str(redis.port), "CB_RESET_TIMEOUT_MS": "5000"}
        async with (
            TcpGate(server.host, server.port) as gate,
            TcpGate(server.host, server.port) as other_gate,
            behind(gate, server, **shared) as (one, _),
            behind(other_gate, server, **shared) as (two, seen),
        ):
            assert await answers(one)
            assert await answers(two)
            await gate.shut()
            for _ in range(3):
                await fail(one)

            async def refused() -> bool:
                return not await answers(two)

            assert await until(refused) < 2.0  # though it reaches the database itself
            assert isinstance(await fail(two), CircuitOpen)
            assert [one.after for one in seen] == ["open"]
    finally:
        redis.kill()
