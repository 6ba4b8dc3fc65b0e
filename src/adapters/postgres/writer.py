"""The one writer of new entries: all that wait when it looks are written and committed together.

A commit costs one flush of the server's log however much is in it, and each statement one round trip.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from ...ports.changes import Added, Applied
from ...ports.errors import PortError, Unavailable
from . import entries

if TYPE_CHECKING:
    from .entries import Addition
    from .transaction import Transaction
    from .transactions import Transactions

_BATCH = 256
_CLOSING_SECONDS = 10.0


class _Unit(NamedTuple):
    additions: list[Addition]
    future: asyncio.Future[Applied]


class Writer:
    def __init__(self, transactions: Transactions, name: str) -> None:
        self._transactions = transactions
        self._name = name
        self._waiting: deque[_Unit] = deque()
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def start(self) -> None:
        self._closing = False
        self._task = asyncio.create_task(self._serve(), name=f"writer {self._name}")

    async def submit(self, additions: list[Addition]) -> Applied:
        """A unit of its own. Dropped if cancelled before it began; after that it may take effect."""
        if self._task is None or self._closing:
            raise Unavailable(f"{self._name}: closed")
        future: asyncio.Future[Applied] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Unit(additions, future))
        self._work.set()
        return await future

    async def close(self) -> None:
        """Units handed in are finished."""
        task = self._task
        if task is None:
            return
        self._closing = True
        self._work.set()
        done, _ = await asyncio.wait([task], timeout=_CLOSING_SECONDS)
        if not done:
            task.cancel()
            await asyncio.wait([task])
        self._task = None
        while self._waiting:
            _refuse(self._waiting.popleft(), Unavailable(f"{self._name}: closed"))

    async def _serve(self) -> None:
        while not (self._closing and not self._waiting):
            await self._work.wait()
            self._work.clear()
            while units := self._next():
                try:
                    await self._together(units)
                except Exception as error:  # noqa: BLE001 - it is every caller's answer
                    for unit in units:
                        _refuse(unit, error)
                except asyncio.CancelledError:
                    for unit in units:
                        _refuse(unit, Unavailable(f"{self._name}: closed while this was being written"))
                    raise

    def _next(self) -> list[_Unit]:
        units: list[_Unit] = []
        while self._waiting and len(units) < _BATCH:
            unit = self._waiting.popleft()
            if not unit.future.cancelled():
                units.append(unit)
        return units

    async def _together(self, units: list[_Unit]) -> None:
        try:
            answers = await self._write(units)
        except PortError as error:
            if len(units) == 1 or (error.retryable and isinstance(error, Unavailable)):
                raise
            # One of them was refused: each for itself, so that it harms no other.
            for unit in units:
                try:
                    [answer] = await self._write([unit])
                except Exception as refusal:  # noqa: BLE001 - it is this caller's answer
                    _refuse(unit, refusal)
                else:
                    _answer(unit, answer)
        else:
            for unit, answer in zip(units, answers, strict=True):
                _answer(unit, answer)

    async def _write(self, units: list[_Unit]) -> list[Applied]:
        async def work(transaction: Transaction) -> list[tuple[Added, int, int]]:
            return await entries.add_each(
                transaction, [addition for unit in units for addition in unit.additions]
            )

        written, transaction = await self._transactions.run(work)
        answers: list[Applied] = []
        place = 0
        for unit in units:
            own = written[place : place + len(unit.additions)]
            place += len(unit.additions)
            seq = transaction.seq_of(own[-1][2], since=own[0][1])
            answers.append(Applied(tuple(outcome for outcome, _, _ in own), seq=seq))
        return answers


def _answer(unit: _Unit, answer: Applied) -> None:
    if not unit.future.done():
        unit.future.set_result(answer)


def _refuse(unit: _Unit, error: Exception) -> None:
    """An error object each: one that is raised in several tasks would gather all their tracebacks."""
    if unit.future.done():
        return
    own = error
    if isinstance(error, Unavailable):
        own = Unavailable(str(error))
        own.__cause__ = error.__cause__
    unit.future.set_exception(own)
