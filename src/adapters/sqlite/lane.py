"""A thread with a connection of its own, for one kind of call: what waits is done in a row and answered at once."""

from __future__ import annotations

import asyncio
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ...ports.errors import Unavailable
from .answers import Answer, deliver, ended
from .errors import port_error

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

T = TypeVar("T")

_CLOSING_SECONDS = 10.0


class _Call(NamedTuple):
    work: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]


class Lane:
    """The thread starts with the first call: a server that only writes never pays for it.

    `open_` makes the connection, on the thread. `together`: how many calls may wait for each other's end.
    """

    def __init__(self, open_: Callable[[], sqlite3.Connection], *, name: str, together: int) -> None:
        self._open = open_
        self._name = name
        self._together = together
        self._queue: SimpleQueue[_Call | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: tuple[threading.Thread, asyncio.Future[None]] | None = None
        self._over: Exception | None = None

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    async def call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Dropped if cancelled before it began."""
        return await self.submit(work)

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Calls are done in the order in which they are submitted."""
        if self._over is not None:
            raise self._over
        loop = self._loop or self._start()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Call(work, future))
        return future

    async def close(self) -> None:
        """Calls handed in are finished."""
        self._over = Unavailable(f"{self._name}: closed")
        if self._thread is not None:
            self._queue.put(None)
            await ended(*self._thread, _CLOSING_SECONDS)

    def _start(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        last: asyncio.Future[None] = self._loop.create_future()
        thread = threading.Thread(target=self._main, args=(self._loop, last), name=self._name)
        thread.start()
        self._thread = thread, last
        return self._loop

    def _main(self, loop: asyncio.AbstractEventLoop, last: asyncio.Future[None]) -> None:
        connection: sqlite3.Connection | None = None
        try:
            while (first := self._queue.get()) is not None:
                calls, closing = self._gather(first)
                answers: list[Answer] = []
                for call in calls:
                    if call.future.cancelled():
                        continue
                    try:
                        if connection is None:
                            connection = self._open()
                        answers.append(Answer(call.future, call.work(connection)))
                    except Exception as error:  # noqa: BLE001 - it is this caller's answer
                        answers.append(Answer(call.future, error=port_error(error, self._name)))
                deliver(loop, answers)
                if closing:
                    break
        finally:
            if connection is not None:
                connection.close()
            deliver(loop, [Answer(last)])

    def _gather(self, first: _Call) -> tuple[list[_Call], bool]:
        """What waits, and whether the end was among it."""
        calls = [first]
        try:
            while len(calls) < self._together:
                call = self._queue.get_nowait()
                if call is None:
                    return calls, True
                calls.append(call)
        except Empty:
            pass
        return calls, False
