"""The one writer of new entries: all that wait when it looks are written and committed together.

A commit costs one flush of the server's log however much is in it, and each statement one round trip.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ...ports.changes import Added, Applied
from ...ports.errors import PortError, Unavailable
from . import entries
from .at_once import add_at_once
from .rows import ID

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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
                single = [unit for unit in units if len(unit.additions) == 1]
                several = [unit for unit in units if len(unit.additions) > 1]
                await self._answered(self._at_once, single)
                await self._answered(self._together, several)

    def _next(self) -> list[_Unit]:
        units: list[_Unit] = []
        while self._waiting and len(units) < _BATCH:
            unit = self._waiting.popleft()
            if not unit.future.cancelled():
                units.append(unit)
        return units

    async def _answered(self, write: Callable[[list[_Unit]], Awaitable[None]], units: list[_Unit]) -> None:
        """Whatever becomes of it, each of the units has its answer."""
        if not units:
            return
        try:
            await write(units)
        except Exception as error:  # noqa: BLE001 - it is every caller's answer
            for unit in units:
                _refuse(unit, error)
        except asyncio.CancelledError:
            for unit in units:
                _refuse(unit, Unavailable(f"{self._name}: closed while this was being written"))
            raise

    async def _at_once(self, units: list[_Unit]) -> None:
        """By one statement. Those that collide with an entry which stands are judged by their own."""
        additions = [addition for unit in units for addition in unit.additions]
        try:
            numbers, first = await self._transactions.run_statement(
                partial(add_at_once, additions=additions, origin=self._transactions.origin)
            )
        except PortError as error:
            if isinstance(error, Unavailable) or len(units) == 1:
                raise
            numbers, first = {}, True
        rest: list[_Unit] = []
        for unit in units:
            id_ = unit.additions[0].row[ID]
            number = numbers.pop(id_, None)
            if number is None:
                rest.append(unit)
            else:
                _answer(unit, Applied((Added(id_, 1, duplicate=False),), seq=number))
        if rest:
            await self._together(rest, first=first)

    async def _together(self, units: list[_Unit], *, first: bool = True) -> None:
        """In one transaction. `first`: none of this was tried before."""
        try:
            answers = await self._write(units, first=first)
        except PortError as error:
            if isinstance(error, Unavailable) or len(units) == 1:
                raise
            # One of them was refused: each for itself, so that it harms no other.
            for unit in units:
                await self._answered(partial(self._together, first=first), [unit])
        else:
            for unit, answer in zip(units, answers, strict=True):
                _answer(unit, answer)

    async def _write(self, units: list[_Unit], *, first: bool) -> list[Applied]:
        async def work(transaction: Transaction) -> list[tuple[Added, int, int]]:
            return await entries.add_each(
                transaction, [addition for unit in units for addition in unit.additions], first=first
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
