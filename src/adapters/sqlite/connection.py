"""Connections, and the write lock that processes share."""

from __future__ import annotations

import random
import sqlite3
import time
from typing import TYPE_CHECKING, Literal, TypeVar

from .errors import primary_code

if TYPE_CHECKING:
    from pathlib import Path

Synchronous = Literal["FULL", "NORMAL"]
C = TypeVar("C", bound=sqlite3.Connection)

_STATEMENTS_KEPT = 256
_CACHE_KIB = 8000
_SWEPT_KIB = 2000
_MAPPED_BYTES = 1 << 30
"""Judging the matches of a search at 100,000 entries costs a third of what reading through the page cache costs, and
processes share what is mapped.
"""


def connect(path: Path, timeout: float) -> sqlite3.Connection:
    """To a file that exists, for use by one thread at a time. `timeout` is for SQLite's own busy handler."""
    return connect_as(sqlite3.Connection, path, timeout)


def connect_as(kind: type[C], path: Path, timeout: float) -> C:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
        factory=kind,
        cached_statements=_STATEMENTS_KEPT,
    )


def tune(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    connection.execute("PRAGMA temp_store=MEMORY")


def connect_reader(path: Path, *, busy_timeout: float) -> sqlite3.Connection:
    connection = connect(path, busy_timeout)
    tune(connection)
    connection.execute(f"PRAGMA mmap_size={_MAPPED_BYTES}")
    connection.execute("PRAGMA query_only=1")
    return connection


def connect_sweeper(path: Path, *, busy_timeout: float) -> sqlite3.Connection:
    """For whoever goes through everything once: it maps and keeps nothing, so that memory stays as it was."""
    connection = connect(path, busy_timeout)
    connection.execute(f"PRAGMA cache_size=-{_SWEPT_KIB}")
    connection.execute("PRAGMA query_only=1")
    return connection


def begin(connection: sqlite3.Connection, timeout: float) -> None:
    """Take the write lock; after `timeout` seconds raise SQLite's own error.

    SQLite's busy handler backs off to 100 ms, so that a process that came late starves. Short random waits do better.
    """
    deadline = time.monotonic() + timeout
    while not begun(connection):
        if time.monotonic() >= deadline:
            connection.execute("BEGIN IMMEDIATE")
            return
        time.sleep(random.uniform(0.0002, 0.003))  # noqa: S311 - jitter, not a secret


def begun(connection: sqlite3.Connection) -> bool:
    """Whether the write lock was free, and is ours now."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        return False
    return True


def is_busy(error: sqlite3.Error) -> bool:
    return primary_code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
