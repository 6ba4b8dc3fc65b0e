"""The change mark: SQLite's own, asked on the event loop.

`PRAGMA data_version` compares the header of the log's index, which is memory that the processes share. After a change
it reads one page, which the writer has just written.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .loop_connection import LoopConnection

_VERSION = "PRAGMA data_version"
_VERSIONS = 1 << 32
"""A version is an unsigned number of 32 bits, and says nothing beside one of another connection."""


class ChangeMark:
    def __init__(self, connection: LoopConnection) -> None:
        self._connection = connection

    def read(self) -> int | None:
        connection = self._connection.current
        if connection is None:
            self._connection.open_soon()
            return None
        try:
            # All rows, so that the statement is over and holds no snapshot.
            ((version,),) = connection.execute(_VERSION).fetchall()
        except sqlite3.Error as error:
            self._connection.failed(error)
            return None
        mark: int = self._connection.opened * _VERSIONS + version
        return mark
