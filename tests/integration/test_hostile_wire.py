"""Bytes that no well-behaved client sends, and clients that neither read nor wait."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from subprocess import PIPE
from typing import Any

import msgspec
import pytest

from .clients.live_server import COMMAND, server_environment
from .clients.raw_server import HELLO, call_line, raw_server, request_line

BUSY = -32010


def stored(folder: Path) -> int:
    """How many entries the file holds, read from outside, once it is known to be sound."""
    with closing(sqlite3.connect(folder / "memory.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        count: int = database.execute("SELECT count(*) FROM entries").fetchone()[0]
        return count


async def test_garbage_is_answered_and_the_next_request_works(tmp_path: Path) -> None:
    garbage = (
        os.urandom(4096).replace(b"\n", b"\0") + b"\n",
        b"\xff\xfe{}\n",
        b"GET / HTTP/1.1\r\n",
        b"Content-Length: 20\r\n",
        b"{\n",
        b"[]\n",
        b"null\n",
        b'"text"\n',
        b"{}\n",
        b'{"jsonrpc":"1.0","id":1,"method":"tools/list"}\n',
        b'{"jsonrpc":"2.0","id":1}\n',
        b'{"jsonrpc":"2.0","id":1,"method":7}\n',
        b'[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]\n',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[1]}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":null}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"memory_get","arguments":[]}}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"memory_get","arguments":"{}"}}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\\ud800"}}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"initialise"}\n',
        request_line(1, "x" * 1_000_000, {}),
        request_line(1, "tools/call", {"name": "x" * 1_000_000}),
        request_line(1, "resources/read", {"uri": "x" * 1_000_000}),
        request_line(1, "resources/read", {"uri": "memory://entry/" + "x" * 1_000_000}),
        request_line(1, "resources/read", {"uri": "memory://scope/" + "x" * 1_000_000}),
        request_line(1, "resources/read", {"uri": "memory://scope/../.."}),
        request_line(1, "resources/read", {"uri": "memory://entry/%00"}),
        request_line(1, "resources/read", {"uri": "memory://entry/%ff%ED%A0%80"}),
        request_line(1, "resources/list", {"cursor": "x" * 1_000_000}),
        request_line(1, "resources/list", {"cursor": "\u0000"}),
        request_line(1, "resources/list", {"cursor": 7}),
        b"[" * 100_000 + b"\n",
        b'{"a":' * 100_000 + b"\n",
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + b"[" * 1000 + b"]" * 1000 + b"}\n",
        call_line(1, "memory_remember", b'{"content":"x","metadata":{"a":%s}}' % (b"[" * 500 + b"]" * 500)),
    )
    async with raw_server(tmp_path) as server:
        for line in garbage:
            answer = await server.ask(line)
            assert answer["error"]["message"], line[:100]
            assert answer["error"]["code"] != -32603, (line[:100], answer)
            assert len(answer["error"]["message"]) <= 600, line[:100]
        assert await server.active() == 0


async def test_a_giant_line_is_refused_and_costs_no_memory(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        await server.active()
        before = resident(server.process.pid)
        for _ in range(100):
            server.stdin.write(b"x" * 1_000_000)
            await server.stdin.drain()
        server.stdin.write(b"\n")  # its id, by which it is refused, may stand at its end
        assert (await server.read())["error"]["code"] == -32600
        assert resident(server.process.pid) - before < 24 * 1024 * 1024
        assert await server.active() == 0


async def test_half_a_request_at_the_end_of_input_is_not_run(tmp_path: Path) -> None:
    line = call_line(1, "memory_remember", {"content": "x"})
    async with raw_server(tmp_path) as server:
        server.stdin.write(line[: len(line) // 2])
        assert await server.end() == 0
    assert stored(tmp_path) == 0


async def test_a_last_request_without_its_newline_is_run_and_answered(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        server.stdin.write(call_line(1, "memory_remember", {"content": "x"}).rstrip(b"\n"))
        server.stdin.close()
        assert "result" in await server.read()
    assert stored(tmp_path) == 1


@pytest.mark.parametrize("number", ["1.5", "1.0", "null", "true", "[1]", "{}", "1e400", "-0.0"])
async def test_an_id_that_is_none_is_refused_and_nothing_is_run(number: str, tmp_path: Path) -> None:
    line = b'{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"memory_remember","arguments":%s}}\n'
    async with raw_server(tmp_path) as server:
        answer = await server.ask(line % (number.encode(), b'{"content":"x"}'))
        assert answer["id"] is None
        assert answer["error"]["code"] in {-32600, -32700}
        assert await server.active() == 0


@pytest.mark.parametrize("number", [0, -1, 2**53, 2**63 - 1, "", "ü", "x" * 10_000, "1"])
async def test_an_id_comes_back_as_it_was_given(number: object, tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        answer = await server.ask(call_line(number, "memory_remember", {"content": "x"}))
        assert answer["id"] == number
        assert type(answer["id"]) is type(number)


async def test_an_id_in_flight_cannot_be_used_again(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        server.stdin.write(
            call_line(1, "memory_remember", {"content": "one"})
            + call_line(1, "memory_remember", {"content": "two"})
        )
        answers = [await server.read(), await server.read()]
        (result,) = [answer for answer in answers if "result" in answer]
        (error,) = [answer for answer in answers if "error" in answer]
        assert "in flight" in error["error"]["message"]
        entry_id = result["result"]["structuredContent"]["results"][0]["id"]
        (entry,) = (await server.done("memory_get", {"ids": [entry_id]}))["entries"]
        assert entry["content"] == "one"
        assert await server.active() == 1


async def test_ten_thousand_calls_at_once_are_each_answered_and_each_acknowledged_one_is_kept(
    tmp_path: Path,
) -> None:
    calls = 10_000
    lines = b"".join(call_line(n, "memory_remember", {"content": f"fact {n}"}) for n in range(calls))
    async with raw_server(tmp_path) as server:
        server.stdin.write(lines)
        answers = [await server.read() for _ in range(calls)]
        assert sorted(answer["id"] for answer in answers) == list(range(calls))
        refused = [answer["error"]["code"] for answer in answers if "error" in answer]
        assert set(refused) <= {BUSY}
        assert not any(answer["result"]["isError"] for answer in answers if "result" in answer)
        assert len(refused) < calls
        assert await server.active() == calls - len(refused)
    assert stored(tmp_path) == calls - len(refused)


async def test_a_client_that_never_reads_is_not_paid_for_in_memory(tmp_path: Path) -> None:
    """What it asked is answered once it does read."""
    async with raw_server(tmp_path) as server:
        entries = [{"content": f"{number} " + "word " * 10_000} for number in range(50)]
        await server.done("memory_remember", {"entries": entries})
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=PIPE, stdout=writing, env=server_environment(tmp_path)
    )
    os.close(writing)
    assert process.stdin is not None
    process.stdin.write(HELLO)
    sent = 0
    while await accepted(process.stdin):
        calls = (
            call_line(sent + n, "memory_recall", {"query": "word", "max_tokens": 100_000}) for n in range(100)
        )
        process.stdin.write(b"".join(calls))
        sent += 100
    peak = most_resident(process.pid)
    process.stdin.close()
    answers = [msgspec.json.decode(line) for line in (await asyncio.to_thread(_all, reading)).splitlines()]
    assert await process.wait() == 0
    assert sorted(answer["id"] for answer in answers[1:]) == list(range(sent))
    assert peak < 300 * 1024 * 1024, f"{peak / 1e6:.0f} MB for {sent} calls"


async def accepted(stdin: asyncio.StreamWriter) -> bool:
    """Whether the server still takes in what it is sent."""
    try:
        async with asyncio.timeout(2):
            await stdin.drain()
    except TimeoutError:
        return False
    return True


def _all(descriptor: int) -> bytes:
    with open(descriptor, "rb") as pipe:
        return pipe.read()


async def test_a_reader_that_goes_away_ends_the_server(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=PIPE, stdout=writing, stderr=PIPE, env=server_environment(tmp_path)
    )
    os.close(writing)
    assert process.stdin is not None
    process.stdin.write(HELLO)
    assert (await asyncio.to_thread(os.read, reading, 65536)).startswith(b'{"jsonrpc"')
    os.close(reading)
    process.stdin.write(
        b"".join(call_line(n, "memory_remember", {"content": f"fact {n}"}) for n in range(100))
    )
    async with asyncio.timeout(20):
        _, said = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in said
    assert 0 <= stored(tmp_path) <= 100


async def test_a_killed_server_has_kept_everything_that_it_acknowledged(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    lines = b"".join(call_line(n, "memory_remember", {"content": f"fact {n}"}) for n in range(200))
    async with raw_server(tmp_path) as server:
        server.stdin.write(lines)
        while len(acknowledged) < 50:
            answer = await server.read()
            acknowledged.add(answer["result"]["structuredContent"]["results"][0]["id"])
        server.process.send_signal(signal.SIGKILL)
        rest = (await server.stdout.read()).splitlines(keepends=True)
        for line in rest:
            if line.endswith(b"\n"):
                later: dict[str, Any] = msgspec.json.decode(line)
                acknowledged.add(later["result"]["structuredContent"]["results"][0]["id"])
        await server.process.wait()
    async with raw_server(tmp_path) as server:
        found = await server.done("memory_get", {"ids": sorted(acknowledged)})
        assert found["missing"] == []
        assert len(found["entries"]) == len(acknowledged)
    assert stored(tmp_path) >= len(acknowledged)


def most_resident(process_id: int) -> int:
    (line,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process_id}/status").read_text())
    return int(line) * 1024


def resident(process_id: int) -> int:
    """Bytes of memory in use (Linux's own account)."""
    pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
