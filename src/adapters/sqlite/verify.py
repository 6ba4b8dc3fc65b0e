"""The store, checked against itself."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .transaction import Transaction

_MOST = 20
"""Lines for one kind of problem; one that is everywhere would fill the answer."""

_INDEXES = {
    "entries": "INSERT INTO entries_fts (entries_fts, rank) VALUES ('integrity-check', 1)",
    "revisions": "INSERT INTO revisions_fts (revisions_fts, rank) VALUES ('integrity-check', 1)",
}
_CHECKS = {
    "entry {}: its tags and the tag table differ": (
        "SELECT e.id FROM entries e WHERE e.state <> 3 AND "
        "((SELECT count(DISTINCT value) FROM json_each(e.tags)) <> "
        "(SELECT count(*) FROM json_each(e.tags) w WHERE w.key = (SELECT min(key) FROM json_each(e.tags) f "
        "WHERE f.value = w.value) AND EXISTS (SELECT 1 FROM entry_tags t WHERE t.tag = w.value AND t.entry = e.row)))"
    ),
    "tag {}: stands for an entry that does not have it": (
        "SELECT t.tag FROM entry_tags t LEFT JOIN entries e ON e.row = t.entry WHERE e.row IS NULL OR e.state = 3 "
        "OR t.tag NOT IN (SELECT value FROM json_each(e.tags))"
    ),
    "entry {}: versions are missing from its history": (
        "SELECT e.id FROM entries e WHERE e.version - 1 <> (SELECT count(*) FROM revisions r WHERE r.id = e.id) "
        "OR e.version <= (SELECT coalesce(max(version), 0) FROM revisions r WHERE r.id = e.id)"
    ),
    "revision of {}: its entry is gone": (
        "SELECT r.id FROM revisions r WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.id = r.id)"
    ),
    "revision of {}: it overlaps the next version": (
        "SELECT r.id FROM revisions r WHERE r.until > coalesce("
        "(SELECT n.updated_at FROM revisions n WHERE n.id = r.id AND n.version = r.version + 1), "
        "(SELECT e.updated_at FROM entries e WHERE e.id = r.id))"
    ),
    "vector of row {}: its entry is gone": (
        "SELECT v.entry FROM vectors v LEFT JOIN entries e ON e.row = v.entry WHERE e.row IS NULL OR e.state = 3"
    ),
    "vectors of model {}: of several dimensions": (
        "SELECT m.name FROM models m WHERE (SELECT count(DISTINCT length(v.value)) FROM vectors v "
        "WHERE v.model = m.model) > 1"
    ),
    "relation of row {}: an end of it is gone": (
        "SELECT r.source FROM relations r WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.row = r.source) "
        "OR NOT EXISTS (SELECT 1 FROM entries e WHERE e.row = r.target)"
    ),
}


def verify(transaction: Transaction) -> list[str]:
    """Within a write transaction, because FTS5 asks for its check by an insert. Nothing is written."""
    transaction.flush()
    connection = transaction.connection
    problems = [f"file: {line}" for (line,) in connection.execute("PRAGMA quick_check(20)") if line != "ok"]
    for name, statement in _INDEXES.items():
        try:
            connection.execute(statement)
        except sqlite3.DatabaseError as error:
            problems.append(f"lexical index of {name}: {error}")
    for message, statement in _CHECKS.items():
        rows = connection.execute(statement).fetchmany(_MOST)
        problems.extend(message.format(row[0]) for row in rows)
    return problems
