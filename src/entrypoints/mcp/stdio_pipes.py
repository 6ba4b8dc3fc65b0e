"""A session's bytes in and out, over whatever standard input and output are.

Pipes, sockets and terminals go through the loop's own transports. Regular files and devices such as /dev/null
cannot be polled: they are read in a thread, and written in place, since neither waits for anyone.
"""

from __future__ import annotations

import asyncio
import os
import stat
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from .server import Session

_CHUNK: Final = 64 * 1024


class Inlet(Protocol):
    def close(self) -> None:
        """Nothing more is read."""
        ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Outlet(Protocol):
    @property
    def broken(self) -> bool:
        """Nobody reads any more."""
        ...

    def write(self, data: bytes) -> None: ...

    def throttles(self, inlet: Inlet, session: Session) -> None:
        """Have `inlet` paused and `session` hold back while the reader of this one is slow."""
        ...

    async def close(self, patience: float) -> None:
        """Return once everything is written, or after `patience` seconds."""
        ...


async def open_inlet(descriptor: int, session: Session, ended: Callable[[], None]) -> Inlet:
    """Calls `ended` at the end of the stream, however it comes."""
    if not _can_be_polled(descriptor):
        return _FileInlet(descriptor, session, ended)
    pipe = _PipeInlet(session, ended)
    file = open(os.dup(descriptor), "rb", buffering=0)  # noqa: SIM115, ASYNC230, PTH123 - the transport closes it
    await asyncio.get_running_loop().connect_read_pipe(lambda: pipe, file)
    return pipe


async def open_outlet(descriptor: int, broke: Callable[[], None]) -> Outlet:
    """Calls `broke` when the reader is gone."""
    if not _can_be_polled(descriptor):
        return _FileOutlet(descriptor, broke)
    pipe = _PipeOutlet(broke)
    file = open(os.dup(descriptor), "wb", buffering=0)  # noqa: SIM115, ASYNC230, PTH123 - the transport closes it
    await asyncio.get_running_loop().connect_write_pipe(lambda: pipe, file)
    return pipe


def _can_be_polled(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)


class _PipeInlet(asyncio.Protocol):
    _transport: asyncio.ReadTransport

    def __init__(self, session: Session, ended: Callable[[], None]) -> None:
        self._session = session
        self._ended = ended
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.ReadTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._session.receive(data)

    def eof_received(self) -> None:
        self._session.receive_end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own signature
        self._closed = True
        self._ended()

    def close(self) -> None:
        self._closed = True
        self._transport.close()

    def pause(self) -> None:
        if not self._closed:
            self._transport.pause_reading()

    def resume(self) -> None:
        if not self._closed:
            self._transport.resume_reading()


class _PipeOutlet(asyncio.BaseProtocol):
    _transport: asyncio.WriteTransport

    def __init__(self, broke: Callable[[], None]) -> None:
        self._broke = broke
        self._inlet: Inlet | None = None
        self._session: Session | None = None
        self._lost = asyncio.Event()

    @property
    def broken(self) -> bool:
        return self._lost.is_set()

    def write(self, data: bytes) -> None:
        if not self._lost.is_set():
            self._transport.write(data)

    def throttles(self, inlet: Inlet, session: Session) -> None:
        self._inlet, self._session = inlet, session

    async def close(self, patience: float) -> None:
        self._transport.close()
        try:
            async with asyncio.timeout(patience):
                await self._lost.wait()
        except TimeoutError:
            self._transport.abort()
            await self._lost.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own signature
        self._lost.set()
        self._broke()

    def pause_writing(self) -> None:
        if self._inlet is not None and self._session is not None:
            self._session.hold()
            self._inlet.pause()

    def resume_writing(self) -> None:
        if self._inlet is not None and self._session is not None:
            self._session.release()
            self._inlet.resume()


class _FileInlet:
    """Reads on only when every call so far is answered: a file has no reader who could be told `server busy`."""

    def __init__(self, descriptor: int, session: Session, ended: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._session = session
        self._ended = ended
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._task = asyncio.create_task(self._read())

    def close(self) -> None:
        self._task.cancel()

    def pause(self) -> None:
        self._may_read.clear()

    def resume(self) -> None:
        self._may_read.set()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while data := await loop.run_in_executor(None, os.read, self._descriptor, _CHUNK):
                for line in data.splitlines(keepends=True):
                    await self._session.has_room()
                    await self._may_read.wait()
                    self._session.receive(line)
            self._session.receive_end()
        finally:
            self._ended()


class _FileOutlet:
    def __init__(self, descriptor: int, broke: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._broke = broke
        self.broken = False

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest and not self.broken:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            # A full disk, say: there is no one to tell, and the client must not take silence for success.
            self.broken = True
            self._broke()

    def throttles(self, inlet: Inlet, session: Session) -> None:
        """Never: what is written is written."""

    async def close(self, patience: float) -> None:
        """Nothing waits."""
