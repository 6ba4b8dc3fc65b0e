"""Connections, and the write lock that processes share."""

from __future__ import annotations

import random
import sqlite3
import time
from typing import TYPE_CHECKING, Literal

from .errors import primary_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Synchronous = Literal["FULL", "NORMAL"]

_STATEMENTS_KEPT = 256
_CACHE_KIB = 8000
_MAPPED_BYTES = 1 << 30
"""Judging the matches of a search at 100,000 entries costs a third of what reading through the page cache costs, and
processes share what is mapped.
"""


def connect(path: Path, timeout: float) -> sqlite3.Connection:
    """To a file that exists, for use by one thread at a time. `timeout` is for SQLite's own busy handler."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
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


def begin(
    connection: sqlite3.Connection, timeout: float, abandoned: Callable[[], bool] = lambda: False
) -> None:
    """Take the write lock; after `timeout` seconds, or once nobody wants it any more, raise SQLite's own error.

    SQLite's busy handler backs off to 100 ms, so that a process that came late starves: with 16 writing, the worst
    waits were 0.7 to 0.9 s. Short random waits keep every process about as likely to be next.
    """
    deadline = 0.0
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            now = time.monotonic()
            deadline = deadline or now + timeout
            if now >= deadline or abandoned():
                raise
            time.sleep(random.uniform(0.0002, 0.003))  # noqa: S311 - jitter, not a secret
        else:
            return


def is_busy(error: sqlite3.Error) -> bool:
    return primary_code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
