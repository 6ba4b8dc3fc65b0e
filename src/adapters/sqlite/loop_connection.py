"""The one connection that the event loop uses itself, for what is over within microseconds.

It reads only and waits for no lock: there is no busy handler, so that a lock in the way is an error at once. It holds
no snapshot between two calls. Opening a file is what may take long, so a reader's thread does that. Unlike the readers
it does not map the file: of a mapped one that is not in memory the system reads megabytes at the first touch, which
took 30 to 40 ms where reading the pages alone took 2 to 5.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from .connection import connect_as, is_busy

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from pathlib import Path

    from .lane import Lane

_WARM = (
    "PRAGMA data_version",
    "SELECT id FROM entries WHERE id = ''",
    "SELECT seq FROM outbox WHERE seq = 0",
)
"""What makes SQLite read the schema, which takes about a millisecond."""


class Late(Exception):
    """A read has taken longer than the loop has for it."""


def _never() -> bool:
    return False


class TimedConnection(sqlite3.Connection):
    """Its rows come until it is `late`; the first of a statement in any case."""

    late: Callable[[], bool] = staticmethod(_never)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return self.cursor(_TimedRows).execute(sql, parameters)


class _TimedRows(sqlite3.Cursor):
    _given = 0

    def __next__(self) -> Any:
        row = super().__next__()
        self._given += 1
        connection = self.connection
        assert isinstance(connection, TimedConnection)
        if self._given > 1 and connection.late():
            self.close()
            raise Late
        return row

    def fetchall(self) -> list[Any]:
        return list(self)


class LoopConnection:
    """`lane` opens it, when it is first asked for, and again after an error. `opened`: how often that was."""

    def __init__(self, path: Path, lane: Lane) -> None:
        self._path = path
        self._lane = lane
        self._connection: TimedConnection | None = None
        self._opening: asyncio.Future[TimedConnection] | None = None
        self._closed = True
        self.opened = 0

    @property
    def current(self) -> TimedConnection | None:
        """None until it is open; `open_soon` sees to that."""
        return self._connection

    def start(self) -> None:
        self._closed = False

    def close(self) -> None:
        """Before the other connections: the last one to close would tidy up the file."""
        self._closed = True
        self.drop()

    def open_soon(self) -> None:
        if self._closed or self._connection is not None or self._opening is not None:
            return
        self._opening = self._lane.submit(self._open)
        self._opening.add_done_callback(self._take)

    def failed(self, error: sqlite3.Error) -> None:
        """A lock in the way passes by; after anything else a new connection is made."""
        if not is_busy(error):
            self.drop()

    def drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _take(self, opening: asyncio.Future[TimedConnection]) -> None:
        self._opening = None
        if opening.cancelled() or opening.exception() is not None:
            return
        self._connection = opening.result()
        self.opened += 1
        if self._closed:
            self.drop()

    def _open(self, _: sqlite3.Connection) -> TimedConnection:
        connection = connect_as(TimedConnection, self._path, 0.0)
        try:
            connection.execute("PRAGMA query_only=1")
            for statement in _WARM:
                connection.execute(statement).fetchall()
        except BaseException:
            connection.close()
            raise
        return connection
