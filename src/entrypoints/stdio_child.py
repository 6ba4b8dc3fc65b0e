"""A child process and its pipes, as callbacks: a line came, the child ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_STDERR_KEPT = 4096
_STDIN, _STDERR = 0, 2


class ServerGone(Exception):
    """The child has ended. The message holds its exit code and the end of what it complained."""


class ChildPipes(asyncio.SubprocessProtocol):
    """Made by `start`. `on_line` gets each line of stdout without its end; `on_end` is called once."""

    def __init__(self, on_line: Callable[[bytes], None], on_end: Callable[[ServerGone], None]) -> None:
        self._on_line = on_line
        self._on_end = on_end
        self._partial = bytearray()
        self._complaints = bytearray()
        self._exited = asyncio.Event()
        self._lost = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._gone: ServerGone | None = None
        self._process: asyncio.SubprocessTransport | None = None

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        environment: Mapping[str, str] | None,
        *,
        on_line: Callable[[bytes], None],
        on_end: Callable[[ServerGone], None],
    ) -> ChildPipes:
        loop = asyncio.get_running_loop()
        _, child = await loop.subprocess_exec(lambda: cls(on_line, on_end), *command, env=environment)
        return child

    @property
    def pid(self) -> int:
        return self._transport().get_pid()

    def write(self, data: bytes) -> None:
        if self._gone is not None:
            raise self._gone
        cast("asyncio.WriteTransport", self._transport().get_pipe_transport(_STDIN)).write(data)

    async def drained(self) -> None:
        """Return once the pipe takes more. At once, as long as the child reads."""
        if not self._writable.is_set():
            await self._writable.wait()

    async def kill(self) -> None:
        if not self._exited.is_set():
            self._transport().kill()
            await self._exited.wait()

    async def close(self, *, grace: float, terminate: float) -> None:
        """Close stdin and wait `grace` seconds, then terminate and wait, then kill. Never leaves a child behind."""
        transport = self._transport()
        stdin = transport.get_pipe_transport(_STDIN)
        if stdin is not None:
            stdin.close()
        try:
            if not await self._ends_within(grace):
                transport.terminate()
                await self._ends_within(terminate)
        finally:
            if not self._exited.is_set():
                transport.kill()
                await asyncio.shield(self._exited.wait())
            transport.close()
            await asyncio.shield(self._lost.wait())

    async def _ends_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._exited.wait()
        except TimeoutError:
            return False
        return True

    def _transport(self) -> asyncio.SubprocessTransport:
        assert self._process is not None
        return self._process

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._process = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == _STDERR:
            self._complaints += data
            del self._complaints[:-_STDERR_KEPT]
            return
        *lines, rest = data.split(b"\n")
        for line in lines:
            if self._partial:
                line = bytes(self._partial) + line  # noqa: PLW2901 (the beginning came with an earlier read)
                self._partial.clear()
            if line:
                self._on_line(line)
        self._partial += rest

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def process_exited(self) -> None:
        self._exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Only now has all been read that the child wrote before it ended."""
        del exc
        complaint = self._complaints.decode(errors="replace").strip()
        reason = f"the server ended with code {self._transport().get_returncode()}"
        self._gone = ServerGone(f"{reason}: {complaint}" if complaint else reason)
        self._writable.set()
        self._lost.set()
        self._on_end(self._gone)
