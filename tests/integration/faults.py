"""A TCP proxy that does to connections what networks, firewalls and dying servers do.

It listens on one port from first to last. Faults hold for connections that stand and for those to come, until `mend`;
`cut` and `half_close` happen once, to those that stand.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, Self
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

Direction = Literal["to_server", "to_client"]

_READ = 65536


class FaultProxy:
    """Passes bytes both ways to `host`:`port`. `passed` counts those that arrived, by direction."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._server_port = port
        self.port = 0
        self.passed: dict[Direction, int] = {"to_server": 0, "to_client": 0}
        self._listener: asyncio.Server | None = None
        self._pairs: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._flowing: dict[Direction, asyncio.Event] = {
            "to_server": asyncio.Event(),
            "to_client": asyncio.Event(),
        }
        self._delay: dict[Direction, float] = {"to_server": 0.0, "to_client": 0.0}
        self._rate = 0.0
        self._half_closed: WeakSet[asyncio.StreamWriter] = WeakSet()
        self._resume_all()

    @property
    def connections(self) -> int:
        return len(self._pairs)

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    async def mend(self) -> None:
        """No fault any more. What stands stays."""
        self._resume_all()
        self._delay = {"to_server": 0.0, "to_client": 0.0}
        self._rate = 0.0
        if self._listener is None:
            self._listener = await asyncio.start_server(self._admit, "127.0.0.1", self.port)
            self.port = self._listener.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Reset every connection; new ones are welcome."""
        standing = list(self._pairs)
        for writers in self._pairs.values():
            for writer in writers:
                writer.transport.abort()
        for task in standing:
            task.cancel()
        if standing:
            await asyncio.wait(standing)

    async def refuse(self) -> None:
        """Reset every connection and listen no more."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await self.cut()

    def stall(self, *directions: Direction) -> None:
        """Accept everything and pass nothing on, like a firewall that forgot the connection."""
        for direction in directions or ("to_server", "to_client"):
            self._flowing[direction].clear()

    def delay(self, seconds: float, *directions: Direction) -> None:
        """All that comes arrives so much later, in order."""
        for direction in directions or ("to_client",):
            self._delay[direction] = seconds

    def throttle(self, octets_per_second: float) -> None:
        """Each connection and direction by itself."""
        self._rate = octets_per_second

    def half_close(self) -> None:
        """Tell clients that no more will come, and go on taking what they send."""
        for client, *_ in self._pairs.values():
            with suppress(OSError):
                client.write_eof()
                self._half_closed.add(client)

    def _resume_all(self) -> None:
        for flowing in self._flowing.values():
            flowing.set()

    async def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        writers = self._pairs[task] = [writer]
        try:
            with suppress(OSError):
                server_reader, server_writer = await asyncio.open_connection(self._host, self._server_port)
                writers.append(server_writer)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pass(reader, server_writer, "to_server"))
                    both.create_task(self._pass(server_reader, writer, "to_client"))
        except asyncio.CancelledError:
            pass  # cut: asyncio would log a handler that ends so
        finally:
            del self._pairs[task]
            for each in writers:
                each.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction
    ) -> None:
        arrivals: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=256)
        now = asyncio.get_running_loop().time
        delivering = asyncio.create_task(self._deliver(arrivals, writer, direction, now))
        try:
            with suppress(OSError):
                while some := await reader.read(_READ):
                    await arrivals.put((now(), some))
            await arrivals.put((now(), b""))
            await delivering
        finally:
            delivering.cancel()

    async def _deliver(
        self,
        arrivals: asyncio.Queue[tuple[float, bytes]],
        writer: asyncio.StreamWriter,
        direction: Direction,
        now: Callable[[], float],
    ) -> None:
        with suppress(OSError):
            while True:
                came, some = await arrivals.get()
                await asyncio.sleep(max(0.0, came + self._delay[direction] - now()))
                await self._flowing[direction].wait()
                if not some:
                    break
                step = max(1, int(self._rate / 50)) if self._rate else len(some)
                for start in range(0, len(some), step):
                    piece = some[start : start + step]
                    if self._rate:
                        await asyncio.sleep(len(piece) / self._rate)
                    if writer in self._half_closed:
                        continue
                    writer.write(piece)
                    await writer.drain()
                    self.passed[direction] += len(piece)
        writer.transport.abort()
