"""How the server process ends: on end of input, on signals, and when its client is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

import pytest
from store_processes import COMMAND, environment, opened, remembered, server, wait_for_exit

from agent_memory.entrypoints.stdio_child import ServerGone

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from agent_memory.entrypoints.stdio_client import StdioClient

PATIENCE = 20.0
"""Seconds after which something that should happen has not, on the busiest machine."""
SOON = 2.0
"""Seconds that an end may take that waits for nothing. The target is 50 ms; a busy machine adds its own."""

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes by pidfd (Linux)")


@contextmanager
def held_by_another(path: Path) -> Generator[sqlite3.Connection]:
    """Nobody else can write within the block, or until the connection rolls back."""
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield holder
    finally:
        holder.close()


async def in_flight(client: StdioClient, content: str) -> asyncio.Task[str]:
    """A remember that the server has begun: what was sent after it is answered already."""
    task = asyncio.create_task(remembered(client, content))
    await asyncio.sleep(0)
    await client.request("tools/list")
    return task


async def test_the_end_of_input_ends_the_process(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    path = tmp_path / "memory.db"
    child = await asyncio.create_subprocess_exec(
        *COMMAND, env=environment(path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(
        b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",'
        b'"capabilities":{},"clientInfo":{"name":"t","version":"1"}}}\n'
    )
    await child.stdout.readline()
    child.stdin.close()
    ended = perf_counter()
    assert await asyncio.wait_for(child.wait(), PATIENCE) == 0
    seconds = perf_counter() - ended
    record_property("ends_after_ms", round(seconds * 1000, 1))
    assert seconds < SOON


async def test_a_call_in_flight_at_the_end_of_input_is_done_and_answered(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    requests = (
        b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",'
        b'"capabilities":{},"clientInfo":{"name":"t","version":"1"}}}\n'
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
        b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"memory_remember",'
        b'"arguments":{"content":"said with the last breath"}}}\n'
    )
    child = await asyncio.create_subprocess_exec(
        *COMMAND, env=environment(path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    answers, _ = await asyncio.wait_for(child.communicate(requests), PATIENCE)
    assert child.returncode == 0
    assert b'"duplicate":false' in answers.splitlines()[-1]
    async with opened(path) as storage:
        assert (await storage.job_stats()).dead == 0
        assert await storage.outbox_head() == 1


def test_a_killed_client_leaves_no_server_behind(tmp_path: Path) -> None:
    client_code = (
        "import subprocess, sys\n"
        "server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        'server.stdin.write(b\'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":'
        '"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}\\n\')\n'
        "server.stdin.flush()\n"
        "server.stdout.readline()\n"
        "print(server.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", client_code, *COMMAND],
        env=environment(tmp_path / "memory.db"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as client:
        assert client.stdout is not None
        server_pid = int(client.stdout.readline())
        client.kill()
        assert wait_for_exit(server_pid, PATIENCE)


async def test_sigterm_lets_a_call_in_flight_finish(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    async with server(path, DRAIN_TIMEOUT_MS="60000", DB_BUSY_TIMEOUT_MS="60000") as client:
        await remembered(client, "the file is there")
        with held_by_another(path) as holder:
            late = await in_flight(client, "written after the signal")
            os.kill(client.pid, signal.SIGTERM)
            assert not wait_for_exit(client.pid, 0.2), "it did not wait for the call"
            holder.rollback()
            entry_id = await late
        assert wait_for_exit(client.pid, PATIENCE)
    async with opened(path) as storage:
        assert [entry.content for entry in await storage.get([entry_id])] == ["written after the signal"]


async def test_a_second_sigterm_ends_at_once_and_leaves_no_half_write(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    async with server(path, DRAIN_TIMEOUT_MS="60000", DB_BUSY_TIMEOUT_MS="60000") as client:
        await remembered(client, "the file is there")
        with held_by_another(path):
            late = await in_flight(client, "never written")
            os.kill(client.pid, signal.SIGTERM)
            assert not wait_for_exit(client.pid, 0.2), "it did not wait for the call"
            os.kill(client.pid, signal.SIGTERM)
            again = perf_counter()
            assert wait_for_exit(client.pid, PATIENCE)
            assert perf_counter() - again < SOON + 1.0
        with pytest.raises(Exception, match=r"cancelled|ended with code"):
            await late
    async with opened(path) as storage:
        assert await storage.verify() == []
        assert await storage.outbox_head() == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_to_an_idle_server_is_a_clean_exit(tmp_path: Path, number: signal.Signals) -> None:
    async with server(tmp_path / "memory.db") as client:
        await client.request("tools/list")
        os.kill(client.pid, number)
        assert wait_for_exit(client.pid, SOON)
        with pytest.raises(ServerGone, match="code 0"):
            await client.request("tools/list")
