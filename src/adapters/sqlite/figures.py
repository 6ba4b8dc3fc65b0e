"""Counts of what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.queries import ScopeStats, Stats
from ...ports.records import KINDS, STATES
from ...ports.scopes import GLOBAL, tree_bounds
from .filters import IN_SCOPE, scope_parameters
from .rows import ACTIVE
from .snapshot import snapshot

if TYPE_CHECKING:
    import sqlite3

    from ...ports.scopes import ScopeFilter

_COUNTS = (
    "SELECT e.scope, e.state, e.kind, count(*) FROM entries e INDEXED BY entries_by_scope "  # noqa: S608 - a constant of this package
    f"WHERE {IN_SCOPE} GROUP BY e.scope, e.state, e.kind"
)
_VECTORS = (
    "SELECT count(*) FROM vectors v INDEXED BY vectors_by_entry CROSS JOIN entries e ON e.row = v.entry "  # noqa: S608 - same
    f"WHERE {IN_SCOPE}"
)
_SCOPES = (
    "SELECT scope, count(*) FROM entries INDEXED BY entries_by_scope WHERE state = 0 AND scope >= :prefix "
    "AND substr(scope, 1, length(:prefix)) = :prefix "
    "AND (:root = 'global' OR scope = :root OR (scope >= :low AND scope < :high)) "
    "GROUP BY scope ORDER BY scope LIMIT :limit"
)
_TAGS = (
    "SELECT t.tag, count(*) AS uses FROM entry_tags t CROSS JOIN entries e ON e.row = t.entry "  # noqa: S608 - same
    f"WHERE t.tag >= :prefix AND substr(t.tag, 1, length(:prefix)) = :prefix AND e.state = 0 AND {IN_SCOPE} "
    "GROUP BY t.tag ORDER BY uses DESC, t.tag LIMIT :limit"
)


def stats(connection: sqlite3.Connection, where: ScopeFilter) -> Stats:
    parameters = scope_parameters(where)
    with snapshot(connection):
        rows = connection.execute(_COUNTS, parameters).fetchall()
        vectors = connection.execute(_VECTORS, parameters).fetchone()[0]
    by_kind: dict[str, int] = {}
    by_state: dict[str, int] = {}
    scopes: set[str] = set()
    scope: str
    state: int
    kind: int
    for scope, state, kind, count in rows:
        by_state[STATES[state]] = by_state.get(STATES[state], 0) + count
        if state == ACTIVE:
            scopes.add(scope)
            by_kind[KINDS[kind]] = by_kind.get(KINDS[kind], 0) + count
    return Stats(
        entries=by_state.get("active", 0),
        by_kind=by_kind,
        by_state=by_state,
        scopes=len(scopes),
        vectors=vectors,
    )


def scopes(connection: sqlite3.Connection, prefix: str, limit: int, ceiling: str) -> list[ScopeStats]:
    low, high = ("", "") if ceiling == GLOBAL else tree_bounds(ceiling)
    parameters = {"prefix": prefix, "root": ceiling, "low": low, "high": high, "limit": limit}
    return [
        ScopeStats(scope=scope, entries=count) for scope, count in connection.execute(_SCOPES, parameters)
    ]


def tags(
    connection: sqlite3.Connection, where: ScopeFilter, prefix: str, limit: int
) -> list[tuple[str, int]]:
    parameters = scope_parameters(where) | {"prefix": prefix, "limit": limit}
    return [(tag, count) for tag, count in connection.execute(_TAGS, parameters)]
