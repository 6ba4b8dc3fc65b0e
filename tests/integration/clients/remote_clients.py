"""Client programs that need packages of their own: each runs in an environment made for it, and takes its orders
as JSON lines: `{"tool": null}` lists the tools, `{"tool": NAME, "arguments": {...}}` calls one.
"""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import sys
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from .live_server import COMMAND
from .walkthrough import Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping

SCRIPTS = Path(__file__).parent
_INSTALL_SECONDS = 300
_UNREACHABLE = (
    "dns error",
    "failed to fetch",
    "connection refused",
    "network is unreachable",
    "error sending request",
    "eai_again",
    "enotfound",
    "econnrefused",
    "etimedout",
)


class ClientProgram(msgspec.Struct, frozen=True):
    script: str
    requirement: str


async def install(*command: str, folder: Path) -> None:
    """Run an installer. Skips the test where packages cannot be had; any other failure is one of the test."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed here")
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdin=DEVNULL, stdout=PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(_INSTALL_SECONDS):
        output, _ = await process.communicate()
    told = output.decode(errors="replace")
    if process.returncode and any(sign in told.lower() for sign in _UNREACHABLE):
        pytest.skip(f"the package registry cannot be reached: {told.strip().splitlines()[-1]}")
    assert process.returncode == 0, told


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """Between test processes: whoever comes second finds the work done."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


async def interpreter(program: ClientProgram, cache: Path) -> Path:
    """Python with the program's packages, made once and kept in `cache`."""
    home = cache / program.script
    home.mkdir(exist_ok=True)
    made = home / "made"
    python = home / "venv" / "bin" / "python"
    with alone(home):
        if not made.exists() or made.read_text() != program.requirement:
            await install(
                "uv",
                "venv",
                "--clear",
                "--quiet",
                "--no-project",
                "--python",
                sys.executable,
                "venv",
                folder=home,
            )
            await install(
                "uv", "pip", "install", "--quiet", "--python", str(python), program.requirement, folder=home
            )
            made.write_text(program.requirement)
    return python


class RemoteClient:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def list_tools(self) -> list[str]:
        names: list[str] = (await self._order(None, {}))["tools"]
        return names

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Outcome:
        return msgspec.convert(await self._order(name, arguments), Outcome)

    async def _order(self, tool: str | None, arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode({"tool": tool, "arguments": arguments}) + b"\n")
        answer = await self._process.stdout.readline()
        assert answer, "the client program ended"
        decoded: dict[str, Any] = msgspec.json.decode(answer)
        return decoded


@asynccontextmanager
async def running(python: Path, script: str, environment: Mapping[str, str]) -> AsyncGenerator[RemoteClient]:
    process = await asyncio.create_subprocess_exec(
        str(python),
        str(SCRIPTS / f"{script}_client.py"),
        *COMMAND,
        env=dict(environment),
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdin is not None
    try:
        yield RemoteClient(process)
        process.stdin.close()
        async with asyncio.timeout(20):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
