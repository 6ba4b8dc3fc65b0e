"""A unit of work to read and write in by turns, on a connection of its own."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from ...ports.changes import Applied
from ...ports.errors import Unavailable
from .apply import apply, prepare
from .connections import PLANNED
from .errors import port_errors
from .reading import PostgresReader
from .transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from ...ports.changes import Change
    from .connections import Connection, Connections

T = TypeVar("T")


class PostgresUnit(PostgresReader):
    """The UnitOfWork port. Other units go on beside it; who changes what it has changed waits for its end.

    Its events get their numbers with the commit, so `Applied.seq` is 0 here.
    """

    def __init__(self, connections: Connections, *, origin: str, vectors: bool) -> None:
        self._connections = connections
        self._origin = origin
        self._vectors = vectors
        self._stack = AsyncExitStack()
        self._transaction: Transaction | None = None
        self._failure: BaseException | None = None

    @property
    def _indexed(self) -> bool:
        return self._vectors

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._transaction is not None and error is None and self._failure is None:
                await self._guarded(partial(self._commit, self._transaction))
        finally:
            self._transaction = None
            # What is still open is rolled back as its connection is given back.
            await self._stack.aclose()
        if error is None and self._failure is not None:
            raise self._failure

    async def apply(self, *changes: Change) -> Applied:
        prepared = prepare(changes)

        async def work() -> Applied:
            return Applied(await apply(await self._begun(), prepared))

        return await self._guarded(work)

    async def _read(self, read: Callable[[Connection], Awaitable[T]], *, planned: bool = False) -> T:
        """Several statements see what others commit in between, as any two reads of this unit do."""

        async def work() -> T:
            connection = (await self._begun()).connection
            if planned:
                await connection.execute(PLANNED)
            return await read(connection)

        return await self._guarded(work)

    async def _begun(self) -> Transaction:
        if self._transaction is None:
            connection = await self._stack.enter_async_context(self._connections.lend())
            await connection.execute("BEGIN")
            self._transaction = Transaction(connection, origin=self._origin, vectors=self._vectors)
        return self._transaction

    async def _commit(self, transaction: Transaction) -> None:
        await transaction.flush()
        await transaction.execute("COMMIT")

    async def _guarded(self, work: Callable[[], Awaitable[T]]) -> T:
        """After a failure the transaction is lost, and the unit with it."""
        if self._failure is not None:
            raise self._failure
        try:
            with port_errors(self._connections.name):
                return await work()
        except Exception as error:
            self._failure = error
            raise
        except BaseException:
            self._failure = Unavailable("a call of this unit was cancelled: it was rolled back")
            raise
