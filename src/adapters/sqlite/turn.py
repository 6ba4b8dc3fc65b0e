"""The writer's thread, held by one caller for as long as its unit is open."""

from __future__ import annotations

import asyncio
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ...ports.errors import Unavailable
from .answers import Answer, deliver
from .errors import port_error

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from .transaction import Transaction

T = TypeVar("T")


class _Step(NamedTuple):
    """`work` None commits."""

    work: Callable[[Transaction], Any] | None
    future: asyncio.Future[Any]


class Turn:
    """Queued at its first step. Whatever happens to its owner, the thread leaves it at the latest when it has been idle
    for `idle_timeout` seconds of real time.
    """

    def __init__(self, queue: Callable[[Turn], None], idle_timeout: float, name: str) -> None:
        self._queue = queue
        self._idle_timeout = idle_timeout
        self._name = name
        self._steps: SimpleQueue[_Step | None] = SimpleQueue()
        self._queued = False
        self._abandoned = False
        self._over: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def abandoned(self) -> bool:
        return self._abandoned

    async def run(self, work: Callable[[Transaction], T]) -> T:
        if not self._queued:
            self._queue(self)
            self._queued = True
        return await self._step(work)

    async def commit(self) -> None:
        """Cancelled before it began, it rolls back; after that it takes effect, whole."""
        if self._queued:
            await self._step(None)

    def abandon(self) -> None:
        """Roll back. Nothing to wait for: whatever is handed in later comes after. Callable from any thread."""
        self._abandoned = True
        self._steps.put(None)

    def refuse(self, failure: Exception) -> None:
        """Answer what is asked, now and later, with `failure`. On the writer's thread."""
        self._over = failure
        self._refuse_rest()

    def serve(
        self,
        connection: sqlite3.Connection,
        loop: asyncio.AbstractEventLoop,
        begin: Callable[[], Transaction],
    ) -> None:
        """On the writer's thread, until commit, rollback or too long a silence."""
        self._over = Unavailable(f"{self._name}: this unit is over")
        if not self._abandoned:
            self._over = None
            try:
                self._over = self._steps_of(begin(), connection, loop)
            except Exception as error:  # noqa: BLE001 - it is the answer to every step
                self._over = port_error(error, self._name)
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        self._refuse_rest()

    async def _step(self, work: Callable[[Transaction], T] | None) -> T:
        if self._over is not None:
            raise self._over
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = self._loop.create_future()
        self._steps.put(_Step(work, future))
        if self._over is not None:
            # The thread may have looked for the last time just before.
            self._refuse_rest()
        return await future

    def _steps_of(
        self, transaction: Transaction, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop
    ) -> Exception:
        """Why no step follows."""
        over = Unavailable(f"{self._name}: this unit is over")
        while True:
            try:
                step = self._steps.get(timeout=self._idle_timeout)
            except Empty:
                return Unavailable(
                    f"{self._name}: the unit was idle for more than {self._idle_timeout} s and was rolled back"
                )
            if step is None:
                return over
            if step.future.cancelled():
                if step.work is None:
                    return over
                continue
            try:
                if step.work is None:
                    transaction.flush()
                    connection.execute("COMMIT")
                    deliver(loop, [Answer(step.future)])
                    return over
                result = step.work(transaction)
                transaction.flush()
            except Exception as error:  # noqa: BLE001 - it is this step's answer
                deliver(loop, [Answer(step.future, error=port_error(error, self._name))])
                if step.work is None or not connection.in_transaction:
                    return over
            else:
                deliver(loop, [Answer(step.future, result)])

    def _refuse_rest(self) -> None:
        failure = self._over or Unavailable(f"{self._name}: this unit is over")
        try:
            while True:
                step = self._steps.get_nowait()
                if step is not None and self._loop is not None:
                    deliver(self._loop, [Answer(step.future, error=failure)])
        except Empty:
            return
