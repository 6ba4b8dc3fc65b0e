"""A unit of work to read and write in by turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from ...ports.errors import Unavailable
from .apply import apply, prepare
from .reading import SqliteReader

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from types import TracebackType

    from ...ports.changes import Applied, Change
    from .turn import Turn

T = TypeVar("T")


class SqliteUnit(SqliteReader):
    """The UnitOfWork port; holds the writer from its first statement to its end."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._failure: BaseException | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None or self._failure is not None:
            self._turn.abandon()
            if error is None and self._failure is not None:
                raise self._failure
            return
        await self._turn.commit()

    async def apply(self, *changes: Change) -> Applied:
        if self._failure is not None:
            raise self._failure
        try:
            prepared = prepare(changes)
            return await self._turn.run(lambda transaction: apply(transaction, prepared))
        except Exception as error:
            self._failure = error
            raise
        except BaseException:
            self._failure = Unavailable("a write of this unit was cancelled: it was rolled back")
            raise

    async def _sweep(self, read: Callable[[sqlite3.Connection], T]) -> T:
        return await self._read(read)

    async def _read(
        self,
        read: Callable[[sqlite3.Connection], T],
        *,
        long: bool = False,  # noqa: ARG002 - one thread here
        brief: bool = False,  # noqa: ARG002 - same
    ) -> T:
        if self._failure is not None:
            raise self._failure
        return await self._turn.run(lambda transaction: read(transaction.connection))
