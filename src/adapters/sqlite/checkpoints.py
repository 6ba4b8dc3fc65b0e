"""The log, carried over into the file beside the writes, so that none of them waits for all of it.

Left to itself, SQLite does it within the commit that fills the log: thousands of pages and two syncs. A passive
checkpoint on another connection waits for no one, and no one waits for it. What is written meanwhile it leaves to that
commit, a few pages, after which the log begins anew.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

LOG_PAGES: Final = 4000
"""At which a commit carries over what is left: 16 MB."""
_BEGIN: Final = LOG_PAGES * 3 // 4
_STEP: Final = LOG_PAGES // 8
_FIRST_GUESS: Final = 16.0


class _Seen(NamedTuple):
    """Pages in the log when so many commits had been made, and how many more there are with each."""

    pages: int = 0
    commits: int = 0
    each: float = _FIRST_GUESS


class Checkpoints:
    """Of one writer. `open_` makes the connection, on the thread, which starts when there is something to do.

    How long the log is only a checkpoint tells. Between two it is guessed from what a commit added until then, those of
    other processes included.
    """

    def __init__(self, open_: Callable[[], sqlite3.Connection], name: str) -> None:
        self._open = open_
        self._name = name
        self._commits = 0
        self._seen = _Seen()
        self._next = _BEGIN
        self._turns: SimpleQueue[int | None] = SimpleQueue()
        self._asked = False
        self._thread: threading.Thread | None = None
        self.alone = threading.Lock()
        """Held while one goes on: SQLite refuses a second at once, and whoever must not be refused takes it."""
        self.done = 0

    def committed(self) -> None:
        """To be said after each commit, by the thread that made it."""
        self._commits += 1
        if self._asked or self._pages() < self._next:
            return
        self._asked = True
        if self._thread is None:
            self._thread = threading.Thread(target=self._main, name=f"checkpoints {self._name}")
            self._thread.start()
        self._turns.put(self._commits)

    def close(self) -> None:
        """One under way is finished."""
        if self._thread is not None:
            self._turns.put(None)
            self._thread.join()

    def _pages(self) -> float:
        seen = self._seen
        return seen.pages + (self._commits - seen.commits) * seen.each

    def _main(self) -> None:
        connection: sqlite3.Connection | None = None
        try:
            while self._turns.get() is not None:
                # A log that is not carried over now is carried over later, here or by a commit.
                with suppress(sqlite3.Error):
                    connection = connection or self._open()
                    self._carry_over(connection)
                self._next = max(_BEGIN, self._seen.pages + _STEP)
                self._asked = False
        finally:
            if connection is not None:
                connection.close()

    def _carry_over(self, connection: sqlite3.Connection) -> None:
        """Twice where the first took so long that there is much again."""
        for _ in range(2):
            before = self._commits
            with self.alone:
                _busy, pages, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self.done += 1
            self._note(int(pages), before)
            if self._commits == before and moved == pages:
                # The next commit begins the log anew.
                self._seen = self._seen._replace(pages=0)
                return
            if self._pages() - pages < _STEP // 2:
                return

    def _note(self, pages: int, commits: int) -> None:
        seen = self._seen
        each = seen.each
        if pages > seen.pages and commits > seen.commits:
            each = max(1.0, (pages - seen.pages) / (commits - seen.commits))
        self._seen = _Seen(max(pages, 0), commits, each)
