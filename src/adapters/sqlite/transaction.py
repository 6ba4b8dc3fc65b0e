"""One open write transaction, and what can wait for its end: index rows, events, generations.

Several units share one transaction. Writing these together costs a third of writing them unit by unit.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ...ports.instants import to_micros
from ...ports.scopes import lineage

if TYPE_CHECKING:
    from ...ports.clock import Clock
    from .rows import Row

_HEAD = "SELECT max(outbox_floor, coalesce((SELECT max(seq) FROM outbox), 0)) FROM store"
_ADD_TEXT = "INSERT INTO entries_fts (rowid, title, content, tags, author) VALUES (?, ?, ?, ?, ?)"
_ADD_TAG = "INSERT OR IGNORE INTO entry_tags (tag, entry) VALUES (?, ?)"
_OPTIMIZE_TEXT = "INSERT INTO entries_fts (entries_fts) VALUES ('optimize')"
_OPTIMIZE_FORMER = "INSERT INTO revisions_fts (revisions_fts) VALUES ('optimize')"
_ADD_EVENT = (
    "INSERT INTO outbox (seq, kind, scope, subject, at, version, origin, payload) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_BUMP = (
    "INSERT INTO generations (scope, own, tree) VALUES (?, ?, 1) "
    "ON CONFLICT (scope) DO UPDATE SET own = own + excluded.own, tree = tree + 1"
)


class Mark(NamedTuple):
    """How far a transaction had come."""

    changes: int
    texts: int
    tags: int
    events: int
    scopes: int
    seq: int


class Transaction:
    def __init__(self, connection: sqlite3.Connection, *, clock: Clock, origin: str) -> None:
        """`connection` is inside BEGIN IMMEDIATE."""
        self.connection = connection
        self.execute = connection.cursor().execute
        self._clock = clock
        self._origin = origin
        self._texts: list[Row] = []
        self._tags: list[Row] = []
        self._events: list[Row] = []
        self._scopes: list[str] = []
        self._of_others = 0
        self._checkpoint_due = self._optimize_due = False
        self.seq: int = self.execute(_HEAD).fetchone()[0]

    def now(self) -> int:
        return to_micros(self._clock.now())

    def event(
        self, kind: str, scope: str, subject: str, at: int, version: int = 0, *, payload: bytes = b""
    ) -> None:
        """Append to the outbox, and bump the generation of the scope."""
        self.seq += 1
        self._events.append((self.seq, kind, scope, subject, at, version, self._origin, payload))
        self._scopes.append(scope)

    def touch(self, scope: str) -> None:
        """Bump the generation of a scope that sees the change too."""
        self._scopes.append(scope)

    def add_text(self, row: int, title: str, content: str, tags: str, author: str) -> None:
        self._texts.append((row, title, content, tags, author))

    def add_tag(self, tag: str, row: int) -> None:
        self._tags.append((tag, row))

    def purge(self) -> None:
        """At the end, rewrite the indexes without what was deleted from them: FTS5 keeps it until segments merge."""
        self._checkpoint_due = self._optimize_due = True

    def checkpoint(self) -> None:
        """At the end, move the log into the file, as far as no reader needs it."""
        self._checkpoint_due = True

    def commit(self) -> None:
        """After `flush`. What was purged is taken out of the log as well, unless a reader still needs it there."""
        self.connection.execute("COMMIT")
        if self._checkpoint_due:
            # The commit stands whatever becomes of this; the next checkpoint does the same.
            with suppress(sqlite3.Error):
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def mark(self) -> Mark:
        return Mark(
            self.connection.total_changes - self._of_others,
            len(self._texts),
            len(self._tags),
            len(self._events),
            len(self._scopes),
            self.seq,
        )

    def wrote_since(self, mark: Mark) -> bool:
        """Whether the database itself was written; what waits is undone by `forget_since`."""
        return self.connection.total_changes - self._of_others != mark.changes

    def forget_since(self, mark: Mark) -> None:
        del self._texts[mark.texts :]
        del self._tags[mark.tags :]
        del self._events[mark.events :]
        del self._scopes[mark.scopes :]
        self.seq = mark.seq

    def flush_index(self) -> None:
        """Write the index rows that wait: before a statement that relies on them."""
        if not self._texts:
            return
        before = self.connection.total_changes
        self.connection.executemany(_ADD_TEXT, self._texts)
        if self._tags:
            self.connection.executemany(_ADD_TAG, self._tags)
        self._texts.clear()
        self._tags.clear()
        self._of_others += self.connection.total_changes - before

    def flush(self) -> None:
        """Write all that waits."""
        self.flush_index()
        if self._optimize_due:
            self.connection.execute(_OPTIMIZE_TEXT)
            self.connection.execute(_OPTIMIZE_FORMER)
            self._optimize_due = False
        if not self._events:
            return
        self.connection.executemany(_ADD_EVENT, self._events)
        own = set(self._scopes)
        tree = {ancestor for scope in own for ancestor in lineage(scope)}
        self.connection.executemany(_BUMP, [(scope, scope in own) for scope in tree])
        self._events.clear()
        self._scopes.clear()
