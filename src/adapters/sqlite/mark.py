"""The change mark: SQLite's own, asked on the event loop.

`PRAGMA data_version` compares the header of the log's index, which is memory that the processes share, and never waits:
with no busy handler a lock in the way is an error. After a change it reads one page, which the writer has just written.
Opening the file is what may take long, so a reader's thread does that.
"""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import TYPE_CHECKING

from .connection import connect, is_busy

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from .lane import Lane

_VERSION = "PRAGMA data_version"
_VERSIONS = 1 << 32
"""A version is an unsigned number of 32 bits, and says nothing beside one of another connection."""


class ChangeMark:
    """`lane` opens it, when it is first asked for, and again after an error."""

    def __init__(self, path: Path, lane: Lane) -> None:
        self._path = path
        self._lane = lane
        self._cursor: sqlite3.Cursor | None = None
        self._opening: asyncio.Future[sqlite3.Cursor] | None = None
        self._opened = 0
        self._closed = True

    def open(self) -> None:
        self._closed = False

    def close(self) -> None:
        """Before the other connections: the last one to close would tidy up the file."""
        self._closed = True
        self._drop()

    def read(self) -> int | None:
        if self._cursor is None:
            self._open_soon()
            return None
        try:
            # All rows, so that the statement is over and holds no snapshot.
            ((version,),) = self._cursor.execute(_VERSION).fetchall()
        except sqlite3.Error as error:
            if not is_busy(error):
                self._drop()
            return None
        mark: int = self._opened * _VERSIONS + version
        return mark

    def _open_soon(self) -> None:
        if self._closed or self._opening is not None:
            return
        self._opening = self._lane.submit(partial(_open, self._path))
        self._opening.add_done_callback(self._take)

    def _take(self, opening: asyncio.Future[sqlite3.Cursor]) -> None:
        self._opening = None
        if opening.cancelled() or opening.exception() is not None:
            return
        self._cursor = opening.result()
        self._opened += 1
        if self._closed:
            self._drop()

    def _drop(self) -> None:
        cursor, self._cursor = self._cursor, None
        if cursor is not None:
            cursor.connection.close()


def _open(path: Path, _: sqlite3.Connection) -> sqlite3.Cursor:
    connection = connect(path, 0.0)
    try:
        connection.execute("PRAGMA query_only=1")
        cursor = connection.cursor()
        cursor.execute(_VERSION).fetchall()
    except BaseException:
        connection.close()
        raise
    return cursor
