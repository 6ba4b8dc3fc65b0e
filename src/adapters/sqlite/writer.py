"""The one thread that writes: every unit waiting when it looks is committed together.

A commit costs one fsync however much is in it, and one answer wakes all callers. Units run in one
transaction without savepoints, because a savepoint makes FTS5 write a segment of its own per unit; when one fails
after it has written, all are rolled back and run again, each in a savepoint.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ...ports.errors import Unavailable
from .answers import Answer, deliver, ended
from .errors import port_error
from .transaction import Transaction
from .turn import Turn
from .turnstile import Turnstile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from ...ports.clock import Clock

T = TypeVar("T")

_BATCH = 256
_CLOSING_SECONDS = 10.0


class _Unit(NamedTuple):
    work: Callable[[Transaction], Any]
    future: asyncio.Future[Any]


class Writer:
    """`open_` makes the connection, on the thread."""

    def __init__(
        self,
        path: Path,
        open_: Callable[[], sqlite3.Connection],
        *,
        clock: Clock,
        origin: str,
        busy_timeout: float,
        idle_timeout: float,
    ) -> None:
        self._path = path
        self._open = open_
        self._name = name = path.name
        self._clock = clock
        self._origin = origin
        self._busy_timeout = busy_timeout
        self._idle_timeout = idle_timeout
        self._queue: SimpleQueue[_Unit | Turn | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop
        self._turnstile: Turnstile
        self._thread: tuple[threading.Thread, asyncio.Future[None]] | None = None
        self._over: Exception | None = Unavailable(f"{name}: not open")
        self._closing = False
        self._serving: Turn | None = None
        self.transactions = 0
        self.repeated = 0

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        last: asyncio.Future[None] = self._loop.create_future()
        opened: asyncio.Future[None] = self._loop.create_future()
        self._over = None
        thread = threading.Thread(target=self._main, args=(opened, last), name=f"writer {self._name}")
        thread.start()
        self._thread = thread, last
        try:
            await opened
        except BaseException:
            await self.close()
            raise

    async def submit(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a unit of its own. Dropped if cancelled before it began; after that it may take effect."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._put(_Unit(work, future))
        return await future

    def turn(self) -> Turn:
        return Turn(self._put, self._idle_timeout, self._name)

    async def close(self) -> None:
        """Units handed in are finished; an open turn is rolled back."""
        if self._over is None:
            self._closing = True
            self._over = Unavailable(f"{self._name}: closed")
            if (turn := self._serving) is not None:
                turn.abandon()
            self._queue.put(None)
        if self._thread is not None:
            await ended(*self._thread, _CLOSING_SECONDS)

    def _put(self, item: _Unit | Turn) -> None:
        if self._over is not None:
            raise self._over
        self._queue.put(item)
        if self._over is not None:
            # The thread may have failed, and looked for the last time, just before.
            self._refuse_rest(self._over)

    def _main(self, opened: asyncio.Future[None], last: asyncio.Future[None]) -> None:
        failure: Exception = Unavailable(f"{self._name}: closed")
        connection: sqlite3.Connection | None = None
        try:
            connection = self._open()
            with closing(Turnstile(self._path, self._busy_timeout)) as self._turnstile:
                deliver(self._loop, [Answer(opened)])
                self._serve(connection)
        except Exception as error:  # noqa: BLE001 - whatever ended the thread, its callers must hear of it
            failure = port_error(error, self._name)
            deliver(self._loop, [Answer(opened, error=failure)])
        finally:
            self._over = failure
            if connection is not None:
                connection.close()
            self._refuse_rest(failure)
            deliver(self._loop, [Answer(last)])

    def _refuse_rest(self, failure: Exception) -> None:
        try:
            while True:
                item = self._queue.get_nowait()
                if isinstance(item, Turn):
                    item.refuse(failure)
                elif item is not None:
                    deliver(self._loop, [Answer(item.future, error=failure)])
        except Empty:
            return

    def _serve(self, connection: sqlite3.Connection) -> None:
        ahead: list[_Unit | Turn | None] = []
        while (item := ahead.pop() if ahead else self._queue.get()) is not None:
            if isinstance(item, Turn):
                self._serve_turn(connection, item)
                continue
            units = [item]
            try:
                while len(units) < _BATCH and not ahead:
                    item = self._queue.get_nowait()
                    if item is None or isinstance(item, Turn):
                        ahead.append(item)
                    else:
                        units.append(item)
            except Empty:
                pass
            live = [unit for unit in units if not unit.future.cancelled()]
            if live:
                deliver(self._loop, self._commit(connection, live))

    def _serve_turn(self, connection: sqlite3.Connection, turn: Turn) -> None:
        self._serving = turn
        if self._closing:
            turn.abandon()
        try:
            turn.serve(connection, self._loop, lambda: self._begin(connection, lambda: turn.abandoned))
        finally:
            self._serving = None

    def _begin(self, connection: sqlite3.Connection, abandoned: Callable[[], bool]) -> Transaction:
        self._turnstile.begin(connection, abandoned)
        self.transactions += 1
        return Transaction(connection, clock=self._clock, origin=self._origin)

    def _commit(self, connection: sqlite3.Connection, units: list[_Unit]) -> list[Answer]:
        try:
            answers = self._together(connection, units)
            return self._apart(connection, units) if answers is None else answers
        except Exception as error:  # noqa: BLE001 - it is every caller's answer
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return self._same(units, error)

    def _same(self, units: list[_Unit], error: Exception) -> list[Answer]:
        """An error object each: one that is raised in several tasks would gather all their tracebacks."""
        return [Answer(unit.future, error=port_error(error, self._name)) for unit in units]

    def _together(self, connection: sqlite3.Connection, units: list[_Unit]) -> list[Answer] | None:
        """None if one failed that had written already; everything is undone then."""
        transaction = self._begin(connection, lambda: _all_cancelled(units))
        answers: list[Answer] = []
        for unit in units:
            mark = transaction.mark()
            try:
                answers.append(Answer(unit.future, unit.work(transaction)))
            except Exception as error:  # noqa: BLE001 - it is this caller's answer
                if transaction.wrote_since(mark) or not connection.in_transaction:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    return self._same(units, error) if len(units) == 1 else None
                transaction.forget_since(mark)
                answers.append(Answer(unit.future, error=port_error(error, self._name)))
        transaction.flush()
        transaction.commit()
        return answers

    def _apart(self, connection: sqlite3.Connection, units: list[_Unit]) -> list[Answer]:
        self.repeated += 1
        transaction = self._begin(connection, lambda: _all_cancelled(units))
        answers: list[Answer] = []
        for unit in units:
            mark = transaction.mark()
            connection.execute("SAVEPOINT unit")
            try:
                result = unit.work(transaction)
                transaction.flush()
            except Exception as error:
                if not connection.in_transaction:
                    raise
                connection.execute("ROLLBACK TO unit")
                transaction.forget_since(mark)
                answers.append(Answer(unit.future, error=port_error(error, self._name)))
            else:
                answers.append(Answer(unit.future, result))
            connection.execute("RELEASE unit")
        transaction.commit()
        return answers


def _all_cancelled(units: list[_Unit]) -> bool:
    """Their callers were cancelled, so that another process's lock need not hold up the end of this one."""
    return all(unit.future.cancelled() for unit in units)
