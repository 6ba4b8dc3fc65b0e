"""A gate between a client and a server.

Shut, it cuts every connection and refuses new ones. Stalled, it accepts everything and passes nothing on, like a
firewall that forgot the connection.
"""

from __future__ import annotations

import asyncio
from typing import Self


class TcpGate:
    """Passes bytes both ways to `host`:`port`; `port` of its own once it is open, the same after every reopening."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._server_port = port
        self.port = 0
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._is_shut = True

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shut()

    async def open(self) -> None:
        self._is_shut = False
        self._listener = await asyncio.start_server(self._admit, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """What is under way is cut off without a farewell."""
        self.resume()
        self._is_shut = True
        listener, self._listener = self._listener, None
        if listener is not None:
            for each in listener.sockets:
                asyncio.get_running_loop().remove_reader(each.fileno())
            # A server that is closed while asyncio admits someone would leave their connection open, of nobody.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            listener.close()
        for writer in self._writers:
            writer.transport.abort()
        if self._passing:
            await asyncio.wait(self._passing)

    def stall(self) -> None:
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    async def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._is_shut:
            writer.transport.abort()
            return
        self._passing.add(task)
        self._writers.add(writer)
        try:
            if not await self._welcome(reader, writer):
                return
            server_reader, server_writer = await asyncio.open_connection(self._host, self._server_port)
            self._writers.add(server_writer)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pass(reader, server_writer))
                    both.create_task(self._pass(server_reader, writer))
            finally:
                self._writers.discard(server_writer)
                server_writer.transport.abort()
        finally:
            self._writers.discard(writer)
            self._passing.discard(task)
            writer.transport.abort()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """What is said to a client before its bytes are passed on. False: it wants no more."""
        return True

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while some := await reader.read(65536):
                await self._flowing.wait()
                writer.write(some)
                await writer.drain()
        except ConnectionError:
            pass  # either end may go when it likes
        writer.transport.abort()
