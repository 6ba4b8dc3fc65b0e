"""The floor of storage: one SQLite file, the least schema that can find a text again, nothing checked.

Same durability as the product (WAL, synchronous=FULL), so that a ratio to it compares work, not promises.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (key INTEGER PRIMARY KEY, id TEXT UNIQUE, content TEXT, vector BLOB);
CREATE VIRTUAL TABLE IF NOT EXISTS entry_text USING fts5(
    content, content='entry', content_rowid='key', tokenize='porter unicode61'
);
"""
_ADD = "INSERT INTO entry (id, content, vector) VALUES (?, ?, ?)"
_ADD_TEXT = "INSERT INTO entry_text (rowid, content) VALUES (?, ?)"
_DROP_TEXT = "INSERT INTO entry_text (entry_text, rowid, content) VALUES ('delete', ?, ?)"
_GET = "SELECT id, content FROM entry WHERE id = ?"
_FIND = "SELECT key, content FROM entry WHERE id = ?"
_CHANGE = "UPDATE entry SET content = ? WHERE key = ?"
_SEARCH = (
    "SELECT e.id, e.content FROM entry_text JOIN entry AS e ON e.key = entry_text.rowid"
    " WHERE entry_text MATCH ? ORDER BY bm25(entry_text) LIMIT ?"
)

Row = tuple[str, str, bytes | None]


class RawStore:
    def __init__(self, path: Path, busy_timeout: float = 30.0) -> None:
        self._database = sqlite3.connect(path, timeout=busy_timeout, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(_SCHEMA)

    def add(self, rows: Iterable[Row]) -> None:
        """All of them in one commit."""
        execute = self._database.execute
        execute("BEGIN IMMEDIATE")
        for row in rows:
            key = execute(_ADD, row).lastrowid
            execute(_ADD_TEXT, (key, row[1]))
        execute("COMMIT")

    def change(self, entry_id: str, content: str) -> None:
        execute = self._database.execute
        execute("BEGIN IMMEDIATE")
        key, former = execute(_FIND, (entry_id,)).fetchone()
        execute(_DROP_TEXT, (key, former))
        execute(_CHANGE, (content, key))
        execute(_ADD_TEXT, (key, content))
        execute("COMMIT")

    def get(self, entry_id: str) -> tuple[str, str]:
        found: tuple[str, str] = self._database.execute(_GET, (entry_id,)).fetchone()
        return found

    def search(self, words: str, limit: int) -> list[tuple[str, str]]:
        return self._database.execute(_SEARCH, (" OR ".join(words.split()), limit)).fetchall()

    def count(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM entry").fetchone()[0])

    def close(self) -> None:
        self._database.close()
