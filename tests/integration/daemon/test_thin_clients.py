"""Eight clients on one daemon: what each costs, and that none of them holds a store or a model."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from .household import INITIALIZE, MCP, PIPE, client_of, daemon_of, end

if TYPE_CHECKING:
    from .household import Home

CLIENTS = 8
MOST_START = 0.060
MOST_MEGABYTES = 25
HEAVY = ("asyncio", "msgspec", "numpy", "sqlite3", "pathlib", "logging", "structlog", "uvloop")


async def test_eight_clients_share_one_daemon_and_each_stays_small(home: Home) -> None:
    async with daemon_of(home), AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(client_of(home, DAEMON="required")) for _ in range(CLIENTS)
        ]
        for number, client in enumerate(clients):
            await client.open()
            assert (await client.done("memory_remember", content=f"by {number}"))["result"]
        assert len({await client.instance() for client in clients}) == 1
        for client in clients:
            found = await client.done("memory_recall", query="by")
            assert len(found["result"]["structuredContent"]["results"]) == CLIENTS
            assert resident_megabytes(client.process.pid) <= MOST_MEGABYTES
            assert not [path for path in open_files(client.process.pid) if "memory.db" in path]


async def test_a_client_starts_within_60_ms_of_python_itself(home: Home) -> None:
    """To its first answer, with compiled modules as an installed program has them; the quickest of several, by turns.
    Where other programs keep the processors busy, by the time that it was given: waiting for them is not its own.
    """
    environment = home.environment(DAEMON="required")
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(home.folder / "cache")
    async with daemon_of(home):
        await client_start(environment)
        python: list[tuple[float, float]] = []
        client: list[tuple[float, float]] = []
        for _ in range(12):
            python.append(await python_start(environment))
            client.append(await client_start(environment))
    over = [
        min(one) - min(other)
        for one, other in zip(zip(*client, strict=True), zip(*python, strict=True), strict=True)
    ]
    assert min(over) <= MOST_START, over


async def client_start(environment: dict[str, str]) -> tuple[float, float]:
    """Seconds by the clock, and on a processor."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*MCP, stdin=PIPE, stdout=PIPE, env=environment)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(initialize_line())
        assert b'"result"' in await process.stdout.readline()
        return time.perf_counter() - began, on_processor(process.pid)
    finally:
        await end(process)


async def python_start(environment: dict[str, str]) -> tuple[float, float]:
    began = time.perf_counter()
    program = "import os; os.write(1, os.read(0, 99999)); os.read(0, 1)"  # is there until it was looked at
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdin=PIPE, stdout=PIPE, env=environment
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"\n")
        assert await process.stdout.readline() == b"\n"
        return time.perf_counter() - began, on_processor(process.pid)
    finally:
        await end(process)


async def test_a_client_loads_nothing_that_is_slow_or_large(home: Home) -> None:
    program = (
        "import sys, os; before = set(sys.modules); from agent_memory.entrypoints.cli import main;"
        "code = main(['mcp']); sys.stderr.write('loaded ' + ' '.join(set(sys.modules) - before)); sys.exit(code)"
    )
    async with daemon_of(home):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=home.environment(DAEMON="required"),
        )
        output, errors = await process.communicate(initialize_line())
    assert b'"result"' in output
    loaded = errors.decode().split("loaded ")[1].split()
    assert "agent_memory.entrypoints.daemon.pump" in loaded
    assert not [name for name in loaded if name.partition(".")[0] in HEAVY]


def initialize_line() -> bytes:
    return (
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}).encode() + b"\n"
    )


def on_processor(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def open_files(pid: int) -> list[str]:
    return [str(file.resolve()) for file in Path(f"/proc/{pid}/fd").iterdir()]


def resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024
