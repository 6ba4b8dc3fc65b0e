"""A server process and the bytes that go in and out: for what no well-behaved client would send."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from subprocess import PIPE
from typing import TYPE_CHECKING, Any

import msgspec

from .live_server import COMMAND, server_environment
from .walkthrough import Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path

Json = dict[str, Any]

_LINE_LIMIT = 16 * 1024 * 1024
_PATIENCE = 30.0


def call_line(number: object, tool: str, arguments: Mapping[str, Any] | bytes) -> bytes:
    """`arguments` as bytes go out as they are."""
    params = {
        "name": tool,
        "arguments": msgspec.Raw(arguments) if isinstance(arguments, bytes) else arguments,
    }
    return request_line(number, "tools/call", params)


def request_line(number: object, method: str, params: object) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + b"\n"


HELLO = request_line(
    "hello",
    "initialize",
    {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "0"}},
)


class RawServer:
    """Whatever comes out must be JSON-RPC, a message a line: anything else fails the test that reads it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.stdin = process.stdin
        self.stdout = process.stdout
        self._last = 0

    async def open(self) -> None:
        hello = await self.ask(HELLO)
        assert "result" in hello, hello
        self.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')

    async def read(self) -> Json:
        async with asyncio.timeout(_PATIENCE):
            line = await self.stdout.readline()
        assert line.endswith(b"\n"), f"the server ended with {line[:200]!r}"
        message: Json = msgspec.json.decode(line)
        assert message["jsonrpc"] == "2.0", message
        return message

    async def ask(self, line: bytes) -> Json:
        """The next message out, with nothing else in flight."""
        self.stdin.write(line)
        await self.stdin.drain()
        return await self.read()

    async def call(self, tool: str, arguments: Mapping[str, Any] | bytes) -> Outcome:
        self._last += 1
        answer = await self.ask(call_line(self._last, tool, arguments))
        assert answer["id"] == self._last, answer
        assert "result" in answer, answer
        result = answer["result"]
        (content,) = result["content"]
        return Outcome(content["text"], result["isError"], result.get("structuredContent"))

    async def done(self, tool: str, arguments: Mapping[str, Any] | bytes) -> Json:
        outcome = await self.call(tool, arguments)
        assert not outcome.is_error, outcome.text
        assert outcome.structured is not None
        return outcome.structured

    async def refused(self, tool: str, arguments: Mapping[str, Any] | bytes, *words: str) -> None:
        """An error whose text has all of these words, in few enough of its own."""
        outcome = await self.call(tool, arguments)
        shown = str(arguments)[:200]
        assert outcome.is_error, f"{tool} {shown} was accepted: {outcome.text[:200]}"
        assert outcome.structured is not None
        assert outcome.text.startswith(f"{outcome.structured['error']}: ")
        assert len(outcome.text) <= 600, f"{tool} {shown} was answered with {len(outcome.text)} characters"
        for word in words:
            assert word in outcome.text, f"{tool} {shown}: {word!r} is not in {outcome.text!r}"

    async def active(self) -> int:
        """How many entries there are."""
        count: int = (await self.done("memory_health", {}))["entries"]["active"]
        return count

    async def end(self) -> int:
        """Close stdin and wait for the exit code."""
        self.stdin.close()
        async with asyncio.timeout(_PATIENCE):
            return await self.process.wait()


@asynccontextmanager
async def raw_server(folder: Path, *, greet: bool = True, **settings: str) -> AsyncGenerator[RawServer]:
    """At the end the server must be alive, end by itself with code 0, and have said nothing alarming on stderr."""
    with (folder / "stderr").open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, stdin=PIPE, stdout=PIPE, stderr=stderr, limit=_LINE_LIMIT,
            env=server_environment(folder, **settings),
        )  # fmt: skip
    server = RawServer(process)
    try:
        if greet:
            await server.open()
        yield server
        if process.returncode is None:
            assert await server.end() == 0
        said = (folder / "stderr").read_text()
        assert "Traceback" not in said, said
        assert "incident" not in said, said
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
