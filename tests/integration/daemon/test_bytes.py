"""Large messages, slow readers and odd ends, through the pump."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from .household import INITIALIZE, MCP, PATIENCE, PIPE, client_of, daemon_of

if TYPE_CHECKING:
    from .household import Home


def request(identifier: int, method: str, params: dict[str, Any]) -> bytes:
    return (
        json.dumps({"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}).encode() + b"\n"
    )


async def test_a_line_as_long_as_the_server_takes_and_one_that_is_longer(home: Home) -> None:
    async with daemon_of(home), client_of(home) as client:
        await client.open()
        entries = [{"content": f"{n} " + "z" * 60_000} for n in range(60)]
        stored = await client.done("memory_remember", entries=entries)
        assert len(stored["result"]["structuredContent"]["results"]) == 60
        client.say(b'{"jsonrpc":"2.0","id":77,"method":"' + b"x" * 6_000_000 + b'"}\n')
        assert "longer than" in (await client.hear())["error"]["message"]
        assert (await client.done("memory_health"))["result"]


async def test_a_client_that_reads_late_gets_everything_in_whole_lines(home: Home) -> None:
    async with daemon_of(home), client_of(home) as client:
        await client.open()
        ids = [r["id"] for r in (await client.done("memory_remember", entries=[
            {"content": f"{n} " + "z" * 50_000} for n in range(40)
        ]))["result"]["structuredContent"]["results"]]  # fmt: skip
        asked = [
            client.call("memory_get", ids=ids) for _ in range(20)
        ]  # 40 MB of answers, more than all buffers
        async with client_of(home) as other:
            await other.open()
            await other.done("memory_health")  # the daemon serves others meanwhile
        answers = [await client.hear() for _ in asked]
        assert sorted(answer["id"] for answer in answers) == asked
        assert all(len(answer["result"]["structuredContent"]["entries"]) == 40 for answer in answers)


@pytest.mark.parametrize("calls", [3, 1000])
async def test_a_file_as_input_is_answered_whole_into_a_file(home: Home, calls: int) -> None:
    """More calls than may be in flight: a file cannot be told that the server is busy."""
    lines = [
        request(0, "initialize", INITIALIZE),
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n',
    ]
    call = {"name": "memory_recall", "arguments": {"query": "nothing"}}
    lines += [request(n, "tools/call", call) for n in range(1, calls + 1)]
    asked, told = home.folder / "asked", home.folder / "told"
    asked.write_bytes(b"".join(lines))
    async with daemon_of(home):
        with asked.open("rb") as source, told.open("wb") as sink:
            process = await asyncio.create_subprocess_exec(
                *MCP, stdin=source, stdout=sink, stderr=PIPE, env=home.environment(DAEMON="required")
            )
            _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert (process.returncode, errors) == (0, b"")
    answers = [json.loads(line) for line in told.read_bytes().splitlines()]
    assert sorted(answer["id"] for answer in answers) == list(range(calls + 1))
    assert not any("error" in answer for answer in answers)


async def test_an_empty_input_ends_at_once(home: Home) -> None:
    async with daemon_of(home):
        process = await asyncio.create_subprocess_exec(
            *MCP,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=home.environment(DAEMON="required"),
        )
        assert await asyncio.wait_for(process.communicate(), PATIENCE) == (b"", b"")
        assert process.returncode == 0


@pytest.mark.parametrize("number", [0, 1])
async def test_a_closed_descriptor_is_told_as_without_a_daemon(home: Home, number: int) -> None:
    program = f"import os, sys; os.close({number}); os.execv(sys.argv[1], sys.argv[1:])"
    async with daemon_of(home):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, *MCP, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=home.environment()
        )
        _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 78
        assert f"descriptor {number} is closed".encode() in errors


async def test_a_client_that_is_killed_leaves_the_daemon_as_it_was(home: Home) -> None:
    async with daemon_of(home, DAEMON_CLIENTS_MAX="2") as daemon:
        for _ in range(4):
            async with client_of(home, DAEMON="required") as client:
                await client.open()
                client.call("memory_remember", content="perhaps")
        async with client_of(home, DAEMON="required") as client:
            await client.open()
            daemon.terminate()
            assert await asyncio.wait_for(daemon.wait(), PATIENCE) == 0
