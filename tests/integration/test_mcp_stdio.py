"""The stdio transport, as a process: how it ends, and what it lets through."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator

SERVER = Path(__file__).parent / "mcp_fake_server.py"
PIPE = asyncio.subprocess.PIPE
ENVELOPE: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.fixture(autouse=True, params=["asyncio", "uvloop"])
def _loop_of_the_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_SERVER_LOOP", request.param)


def call(identifier: int, name: str, **arguments: Any) -> bytes:
    params: dict[str, Any] = {"name": name, "arguments": arguments, "_meta": ENVELOPE}
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": identifier, "method": "tools/call", "params": params}
    return json.dumps(message).encode() + b"\n"


@asynccontextmanager
async def serving(grace: float = 5.0, *, stdin: Any = PIPE, stdout: Any = PIPE) -> AsyncGenerator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SERVER), str(grace), stdin=stdin, stdout=stdout, stderr=PIPE, limit=2**20
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        # Also reads what is left in the pipes, so that their transports end before the loop does.
        await process.communicate()


async def said(process: Process, line: bytes) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line)
    return json.loads(await process.stdout.readline())


async def blocked(process: Process, tool: str = "block") -> None:
    """A call that never ends by itself is under way."""
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(call(99, tool))
    assert await process.stderr.readline() == b"blocked\n"


async def test_end_of_input_ends_the_process() -> None:
    async with serving() as process:
        assert (await said(process, call(1, "echo")))["id"] == 1
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 5) == 0


async def test_everything_asked_before_the_end_of_input_is_answered_even_without_a_last_newline() -> None:
    async with serving() as process:
        lines = b"".join(call(n, "echo", text="x" * 1000) for n in range(200)).removesuffix(b"\n")
        output, errors = await asyncio.wait_for(process.communicate(lines), 20)
    assert sorted(json.loads(line)["id"] for line in output.splitlines()) == list(range(200))
    assert errors == b""


async def test_a_call_still_running_at_the_end_of_input_is_cancelled_after_the_grace() -> None:
    async with serving(grace=0.1) as process:
        await blocked(process)
        output, _ = await asyncio.wait_for(process.communicate(b""), 5)
    assert "cancelled" in json.loads(output)["error"]["message"]
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_an_idle_process_cleanly(number: signal.Signals) -> None:
    async with serving() as process:
        await said(process, call(1, "echo"))
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), 5) == 0
        assert process.stderr is not None
        assert await process.stderr.read() == b""


async def test_after_a_signal_running_calls_get_the_grace_and_are_then_cancelled() -> None:
    async with serving(grace=0.1) as process:
        await blocked(process)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        answer = json.loads(await asyncio.wait_for(process.stdout.readline(), 5))
        assert answer["id"] == 99
        assert "cancelled" in answer["error"]["message"]
        assert await asyncio.wait_for(process.wait(), 5) == 0


async def test_a_second_signal_does_not_wait_for_the_grace() -> None:
    async with serving(grace=3600) as process:
        await blocked(process, "stubborn")
        process.send_signal(signal.SIGTERM)
        # Stops intake: from here on the process is winding down, and waits.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(process.wait(), 0.2)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert await asyncio.wait_for(process.stderr.readline(), 5) == b"cancelled\n"
        assert await asyncio.wait_for(process.wait(), 5) == 0


async def test_a_client_that_stops_reading_for_good_ends_the_process() -> None:
    reading, writing = os.pipe()
    try:
        async with serving(stdout=writing) as process:
            os.close(writing)
            writing = -1
            os.close(reading)
            reading = -1
            assert await asyncio.wait_for(process.wait(), 5) == 0
    finally:
        for number in (reading, writing):
            if number >= 0:
                os.close(number)


async def test_prints_go_to_stderr() -> None:
    async with serving() as process:
        answer = await said(process, call(1, "noise"))
        assert answer["id"] == 1
        assert process.stderr is not None
        assert await process.stderr.readline() == b"not JSON\n"
        assert await process.stderr.readline() == b"nor this\n"
        assert (await said(process, call(2, "echo")))["id"] == 2


async def test_input_may_be_a_file_of_any_length_and_output_too(tmp_path: Path) -> None:
    questions, answers = tmp_path / "in", tmp_path / "out"
    questions.write_bytes(b"".join(call(n, "echo") for n in range(2000)).removesuffix(b"\n"))
    with questions.open("rb") as source, answers.open("wb") as sink:
        async with serving(stdin=source, stdout=sink) as process:
            assert await asyncio.wait_for(process.wait(), 20) == 0
    told = [json.loads(line) for line in answers.read_bytes().splitlines()]
    assert sorted(answer["id"] for answer in told) == list(range(2000))
    assert all("result" in answer for answer in told)


async def test_input_may_be_empty() -> None:
    async with serving(stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL) as process:
        assert await asyncio.wait_for(process.wait(), 5) == 0


async def test_sockets_do_as_well_as_pipes() -> None:
    ours_in, theirs_in = socket.socketpair()
    ours_out, theirs_out = socket.socketpair()
    async with serving(stdin=theirs_in, stdout=theirs_out) as process:
        theirs_in.close()
        theirs_out.close()
        reader, writer = await asyncio.open_connection(sock=ours_out)
        ours_in.sendall(call(1, "echo"))
        assert json.loads(await reader.readline())["id"] == 1
        ours_in.close()
        assert await asyncio.wait_for(process.wait(), 5) == 0
        writer.close()
        await writer.wait_closed()


async def test_one_socket_for_both_ends_is_refused_with_the_reason() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        async with serving(stdin=theirs, stdout=theirs) as process:
            assert process.stderr is not None
            assert b"one socket" in await process.stderr.read()
            assert await process.wait() == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
async def test_a_closed_end_is_refused_with_the_reason(closed: str) -> None:
    command = f'exec "$0" "$1" {closed}'
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", command, sys.executable, str(SERVER), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    _, errors = await asyncio.wait_for(process.communicate(b""), 10)
    assert b"is closed" in errors
    assert process.returncode == 1


async def test_pipes_that_the_parent_shares_block_again_afterwards() -> None:
    """O_NONBLOCK belongs to the open file: left set, it would break whoever uses the pipe next."""
    in_reading, in_writing = os.pipe()
    out_reading, out_writing = os.pipe()
    try:
        async with serving(stdin=in_reading, stdout=out_writing) as process:
            os.write(in_writing, call(1, "echo"))
            answer = await asyncio.to_thread(os.read, out_reading, 65536)
            assert json.loads(answer)["id"] == 1
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 5) == 0
        for number in (in_reading, out_writing):
            assert not fcntl.fcntl(number, fcntl.F_GETFL) & os.O_NONBLOCK
    finally:
        for number in (in_reading, in_writing, out_reading, out_writing):
            os.close(number)


async def test_a_slow_reader_gets_everything_and_the_server_does_not_hoard_it() -> None:
    count, size = 1000, 100_000
    async with serving() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        writer = process.stdin

        async def ask() -> None:
            for number in range(count):
                writer.write(call(number, "echo", text="x" * size))
                await writer.drain()

        asking = asyncio.create_task(ask())
        # Nobody reads beyond the few megabytes that this end buffers: the server has to stop taking requests.
        done, _ = await asyncio.wait([asking], timeout=1)
        assert not done
        seen = [json.loads(await process.stdout.readline())["id"] for _ in range(count)]
        await asking
        peak = peak_kilobytes(process.pid)
    assert sorted(seen) == list(range(count))
    assert peak < count * size / 1024


def peak_kilobytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
