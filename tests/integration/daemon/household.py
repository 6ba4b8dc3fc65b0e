"""A daemon and its clients as real processes, each test in a folder of its own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator

PROGRAM = Path(__file__).parent / "daemon_program.py"
PIPE = asyncio.subprocess.PIPE
MCP = [sys.executable, "-m", "agent_memory.entrypoints.cli", "mcp"]
PATIENCE = 60.0
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "t", "version": "1"},
}
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'


class Home:
    """A short path, for sockets have short ones only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "run" / "d.sock"

    def environment(self, **settings: str) -> dict[str, str]:
        mine = {name: value for name, value in os.environ.items() if not name.startswith("AGENT_MEMORY_")}
        mine |= {"AGENT_MEMORY_DATA_DIR": str(self.folder), "AGENT_MEMORY_SOCKET": str(self.socket)}
        return mine | {f"AGENT_MEMORY_{name}": value for name, value in settings.items()}


@asynccontextmanager
async def a_home() -> AsyncGenerator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="am-"))
    try:
        yield Home(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def start_daemon(home: Home, **settings: str) -> Process:
    """Returns once it serves."""
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), stdout=PIPE, stderr=PIPE, env=home.environment(**settings)
    )
    assert daemon.stdout is not None
    line = await asyncio.wait_for(daemon.stdout.readline(), PATIENCE)
    if not line.startswith(b"ready"):
        _, errors = await daemon.communicate()
        raise AssertionError(errors.decode())
    return daemon


async def end(process: Process) -> None:
    if process.returncode is None:
        # Not by the process object, which would also reap it and so race with the loop's own watcher.
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    await process.communicate()


@asynccontextmanager
async def daemon_of(home: Home, **settings: str) -> AsyncGenerator[Process]:
    daemon = await start_daemon(home, **settings)
    try:
        yield daemon
    finally:
        await end(daemon)


class Client:
    """`agent-memory mcp` of a home, spoken to line by line."""

    def __init__(self, process: Process) -> None:
        self.process = process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._in, self._out, self._err = process.stdin, process.stdout, process.stderr
        self._last = 0

    def say(self, data: bytes) -> None:
        self._in.write(data)

    def ask(self, method: str, params: dict[str, Any]) -> int:
        self._last += 1
        self.say(
            json.dumps({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params}).encode()
            + b"\n"
        )
        return self._last

    def call(self, tool: str, **arguments: Any) -> int:
        return self.ask("tools/call", {"name": tool, "arguments": arguments})

    async def hear(self) -> dict[str, Any]:
        line = await asyncio.wait_for(self._out.readline(), PATIENCE)
        if not line:
            raise AssertionError(f"nothing more on stdout; on stderr: {(await self._err.read()).decode()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def told(self, part: str) -> str:
        """The first line on stderr with `part` in it."""
        while line := (await asyncio.wait_for(self._err.readline(), PATIENCE)).decode():
            if part in line:
                return line
        raise AssertionError(f"never said: {part}")

    async def open(self) -> dict[str, Any]:
        self.ask("initialize", INITIALIZE)
        answer = await self.hear()
        self.say(INITIALIZED)
        return answer

    async def done(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The answer to a call, which is the only one in flight."""
        asked = self.call(tool, **arguments)
        answer = await self.hear()
        assert answer["id"] == asked
        return answer

    async def finished(self) -> tuple[int, str]:
        """Exit code and stderr, after the end of stdin."""
        self._in.close()
        code = await asyncio.wait_for(self.process.wait(), PATIENCE)
        return code, (await self._err.read()).decode()

    async def instance(self) -> str:
        """Which process answers."""
        health = (await self.done("memory_health"))["result"]["structuredContent"]
        name: str = health["instance"]
        return name


@asynccontextmanager
async def client_of(home: Home, **settings: str) -> AsyncGenerator[Client]:
    process = await asyncio.create_subprocess_exec(
        *MCP, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=home.environment(**settings), limit=2**24
    )
    try:
        yield Client(process)
    finally:
        await end(process)
