"""The baseline of retrieval: the same turns in one FTS5 table, plain bm25, the question's words joined by OR."""

from __future__ import annotations

import sqlite3
from time import perf_counter
from typing import TYPE_CHECKING

from agent_memory.core.lexical import query_terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from locomo import Conversation

_TABLE = (
    "CREATE VIRTUAL TABLE turns USING fts5(content, conversation UNINDEXED, dia_id UNINDEXED,"
    " tokenize = 'porter unicode61')"
)
_SEARCH = "SELECT dia_id FROM turns WHERE turns MATCH ? AND conversation = ? ORDER BY bm25(turns) LIMIT ?"


class PlainFts:
    def __init__(self, conversations: Iterable[Conversation]) -> None:
        self._database = sqlite3.connect(":memory:")
        self._database.execute(_TABLE)
        self._database.executemany(
            "INSERT INTO turns VALUES (?, ?, ?)",
            ((turn.content, each.name, turn.dia_id) for each in conversations for turn in each.turns),
        )

    def search(self, conversation: str, question: str, limit: int) -> tuple[list[str], float]:
        """The turns, best first, and the seconds it took."""
        started = perf_counter()
        match = " OR ".join(f'"{term}"' for term in query_terms(question))
        rows = self._database.execute(_SEARCH, (match, conversation, limit)).fetchall() if match else []
        return [row[0] for row in rows], perf_counter() - started

    def close(self) -> None:
        self._database.close()
