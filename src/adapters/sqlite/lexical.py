"""Lexical search: FTS5 matches joined to the filter in one statement, so that every filter acts before the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.queries import Hit, LexicalQuery
from .filters import (
    CURRENT_AS_OF,
    FIELDS,
    FORMER_AS_OF,
    IN_SCOPE,
    TAGS,
    TagMode,
    filter_parameters,
    tag_mode,
)
from .rows import E_COLUMNS, ID, WIDTH, Row, checked, row_entry
from .snapshot import snapshot

if TYPE_CHECKING:
    import sqlite3

# Only the winners' long text is read: the inner statement sorts numbers.
_SEARCH = (
    "SELECT {columns}, hit.score FROM (SELECT f.rowid AS number, bm25({table}_fts, 1.5, 1.0, 1.0, 1.0) AS score, "
    "e.id AS id FROM {table}_fts f CROSS JOIN {table} e ON e.row = f.rowid WHERE {table}_fts MATCH :match "
    "AND {fields} AND {scope} AND {tags} AND {instant} ORDER BY score, id DESC LIMIT :limit) hit "
    "CROSS JOIN {table} e ON e.row = hit.number"
)
_INSTANTS = {
    "now": ("entries", "1"),
    "current": ("entries", CURRENT_AS_OF),
    "former": ("revisions", FORMER_AS_OF),
}
_SEARCHES: dict[tuple[str, TagMode], str] = {
    (instant, tags): _SEARCH.format(
        columns=E_COLUMNS, table=table, fields=FIELDS, scope=IN_SCOPE, tags=tag_sql, instant=instant_sql
    )
    for instant, (table, instant_sql) in _INSTANTS.items()
    for tags, tag_sql in TAGS.items()
}


def search(connection: sqlite3.Connection, query: LexicalQuery) -> list[Hit]:
    match = " OR ".join(map(_phrase, query.terms))
    if not match:
        return []
    parameters = filter_parameters(query.filter)
    parameters["match"] = match
    parameters["limit"] = query.limit
    instants = ("now",) if query.filter.as_of is None else ("current", "former")
    rows: list[Row] = []
    with snapshot(connection):
        mode = tag_mode(connection, query.filter, parameters)
        for instant in instants:
            rows += connection.execute(_SEARCHES[instant, mode], parameters).fetchall()
    rows.sort(key=_id, reverse=True)
    rows.sort(key=_score)
    return [Hit(row_entry(row), -row[WIDTH]) for row in rows[: query.limit]]


def _phrase(term: str) -> str:
    """As an FTS5 string: whatever stands in it is text. It ends at a NUL, which is in no stored text."""
    return '"' + checked(term.replace("\0", " "), "terms").replace('"', '""') + '"'


def _id(row: Row) -> str:
    text: str = row[ID]
    return text


def _score(row: Row) -> float:
    score: float = row[WIDTH]
    return score
