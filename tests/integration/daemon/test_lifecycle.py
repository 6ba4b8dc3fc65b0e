"""How a daemon's process begins and ends, and what its service manager hears."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator

PROGRAM = Path(__file__).parent / "life_program.py"
PIPE = asyncio.subprocess.PIPE


@asynccontextmanager
async def living(way: str, grace: float = 30.0, **environment: str) -> AsyncGenerator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), str(grace), way,
        stdout=PIPE, stderr=PIPE, env={**os.environ, **environment},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: Process) -> bytes:
    assert process.stdout is not None
    return await asyncio.wait_for(process.stdout.readline(), 30)


async def ended(process: Process) -> int:
    return await asyncio.wait_for(process.wait(), 30)


class Manager:
    """A service manager's end: what is told, in order."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(self.address)

    async def hears(self, within: float = 30) -> str:
        loop = asyncio.get_running_loop()
        return (await asyncio.wait_for(loop.sock_recv(self._socket, 4096), within)).decode()

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_manager_hears_ready_then_stopping_and_the_code_is_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    manager = Manager(tmp_path)
    async with living("serve", NOTIFY_SOCKET=manager.address) as process:
        assert await manager.hears() == "READY=1\nSTATUS=serving"
        assert await line(process) == b"ready\n"
        process.send_signal(number)
        assert await manager.hears() == "STOPPING=1\nSTATUS=draining"
        assert await line(process) == b"stopping\n"
        assert await ended(process) == 0
    manager.close()


async def test_signs_of_life_come_at_half_the_time_that_the_watchdog_gives(tmp_path: Path) -> None:
    manager = Manager(tmp_path)
    async with living("serve", NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="1000000") as process:
        assert (await manager.hears()).startswith("READY=1")
        began = asyncio.get_running_loop().time()
        assert [await manager.hears() for _ in range(5)] == ["WATCHDOG=1"] * 5
        assert asyncio.get_running_loop().time() - began >= 1.9
        process.terminate()
        while (heard := await manager.hears()) == "WATCHDOG=1":
            pass
        assert heard.startswith("STOPPING=1")
    manager.close()


@pytest.mark.parametrize("way", ["freeze", "unhealthy"])
async def test_a_loop_that_does_not_turn_or_a_check_that_fails_gives_no_sign_of_life(
    tmp_path: Path, way: str
) -> None:
    manager = Manager(tmp_path)
    async with living(way, NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="200000"):
        assert (await manager.hears()).startswith("READY=1")
        if way == "freeze":
            assert await manager.hears() == "WATCHDOG=1"  # with READY, before it froze
        with pytest.raises(TimeoutError):
            await manager.hears(within=1.0)
    manager.close()


async def test_what_runs_on_after_the_grace_is_cancelled() -> None:
    async with living("drain", grace=-4.9) as process:  # 0.1 s together with the time for closing
        await line(process)
        process.terminate()
        assert await line(process) == b"stopping\n"
        assert await line(process) == b"cancelled\n"
        assert await ended(process) == 0


async def test_a_second_signal_does_not_wait_for_the_grace() -> None:
    async with living("drain", grace=3600) as process:
        await line(process)
        process.terminate()
        assert await line(process) == b"stopping\n"
        process.terminate()
        assert await line(process) == b"cancelled\n"
        assert await ended(process) == 0


async def test_a_task_that_cannot_be_cancelled_does_not_keep_the_process() -> None:
    async with living("stubborn", grace=3600) as process:
        await line(process)
        process.terminate()
        assert await line(process) == b"stopping\n"
        process.terminate()
        assert await line(process) == b"cancelled\n"
        assert await ended(process) == 70
        assert process.stderr is not None
        assert b"does not react to being cancelled" in await process.stderr.read()


@pytest.mark.parametrize(("way", "code"), [("misconfigured", 78), ("unavailable", 75), ("crash", 70)])
async def test_the_code_says_why_it_ended(way: str, code: int) -> None:
    async with living(way) as process:
        _, errors = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == code
        if way == "crash":
            assert errors.count(b'"it": "crashed"') == 2
            assert b"task crasher crashed 3 times" in errors
