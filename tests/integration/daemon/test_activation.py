"""A socket that someone else holds: systemd keeps it while daemons come and go."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from .household import PATIENCE, PIPE, PROGRAM, client_of, daemon_of, end

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator

    from .household import Home

# What systemd does: the socket as descriptor 3, its number and the process's id in the environment, then exec.
ACTIVATE = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ |= {'LISTEN_FDS': '1', 'LISTEN_PID': str(os.getpid())};"
    "os.execv(sys.executable, [sys.executable, sys.argv[2]])"
)


@asynccontextmanager
async def activated(home: Home, held: socket.socket) -> AsyncGenerator[Process]:
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ACTIVATE, str(held.fileno()), str(PROGRAM),
        stdout=PIPE, stderr=PIPE, env=home.environment(), pass_fds=[held.fileno()],
    )  # fmt: skip
    try:
        yield daemon
    finally:
        await end(daemon)


def held_socket(home: Home) -> socket.socket:
    home.socket.parent.mkdir(mode=0o700)
    held = socket.socket(socket.AF_UNIX)
    held.bind(str(home.socket))
    held.listen()
    return held


async def test_a_client_that_comes_first_is_served_once_the_daemon_is_up(home: Home) -> None:
    with held_socket(home) as held:
        async with client_of(home, DAEMON="required") as client:
            loop = asyncio.get_running_loop()
            came: asyncio.Future[None] = loop.create_future()
            loop.add_reader(held, lambda: came.done() or came.set_result(None))
            await asyncio.wait_for(came, PATIENCE)  # this is when systemd starts the service
            loop.remove_reader(held)
            async with activated(home, held) as daemon:
                await client.open()
                assert (await client.done("memory_health"))["result"]["structuredContent"][
                    "status"
                ] == "healthy"
                daemon.terminate()
                assert await asyncio.wait_for(daemon.wait(), PATIENCE) == 0
            assert home.socket.exists()
            async with activated(home, held):
                assert (await client.done("memory_health"))["result"]["structuredContent"][
                    "status"
                ] == "healthy"
                code, told = await client.finished()
            assert code == 0
            assert "the daemon is back" in told


async def test_two_daemons_on_one_path_the_second_says_so_and_ends(home: Home) -> None:
    async with daemon_of(home), client_of(home) as client:
        second = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), stdout=PIPE, stderr=PIPE, env=home.environment()
        )
        _, errors = await asyncio.wait_for(second.communicate(), PATIENCE)
        assert second.returncode == 75
        assert "another daemon (process" in errors.decode()
        assert str(home.socket) in errors.decode()
        await client.open()


async def test_a_path_that_is_too_long_ends_the_daemon_with_78(home: Home) -> None:
    environment = home.environment(RUNTIME_DIR=str(home.folder / ("x" * 100)))
    del environment["AGENT_MEMORY_SOCKET"]
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), stdout=PIPE, stderr=PIPE, env=environment
    )
    _, errors = await asyncio.wait_for(daemon.communicate(), PATIENCE)
    assert daemon.returncode == 78
    assert b"AGENT_MEMORY_RUNTIME_DIR" in errors


async def test_two_daemons_of_two_memories_live_in_one_folder_and_each_client_finds_its_own(
    home: Home,
) -> None:
    def place(name: str) -> dict[str, str]:
        return {"RUNTIME_DIR": str(home.folder / "run"), "DB_PATH": str(home.folder / name), "SOCKET": ""}

    async with (
        daemon_of(home, **place("a.db")),
        daemon_of(home, **place("b.db")),
        client_of(home, **place("a.db"), DAEMON="required") as one,
        client_of(home, **place("b.db"), DAEMON="required") as other,
        client_of(home, **place("c.db")) as third,
    ):
        for client in (one, other, third):
            await client.open()
        assert len({await client.instance() for client in (one, other, third)}) == 3
        assert await third.finished() == (0, "")


async def test_a_client_without_a_runtime_directory_in_its_environment_finds_the_daemon_of_the_data_folder(
    home: Home,
) -> None:
    """Clients start their servers with HOME and PATH and little else."""
    async with daemon_of(home, SOCKET=""), client_of(home, SOCKET="", DAEMON="required") as client:
        await client.open()
    assert os.environ.get("AGENT_MEMORY_SOCKET") is None
