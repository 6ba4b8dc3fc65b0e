"""Counts of what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.queries import ScopeStats, Stats
from ...ports.records import KINDS, STATES
from .filters import SCOPE, ceiling_parameters, scope_parameters
from .rows import ACTIVE
from .statement import Statement

if TYPE_CHECKING:
    from ...ports.scopes import ScopeFilter
    from .connections import Connection

# One statement, so that all of it is of one instant; the vectors' row has no scope.
_COUNTS = Statement(
    f"SELECT e.scope, e.state, e.kind, count(*) FROM entries e WHERE {SCOPE} GROUP BY e.scope, e.state, e.kind "  # noqa: S608 - a constant of this package
    f"UNION ALL SELECT NULL, NULL, NULL, count(*) FROM vectors v JOIN entries e ON e.row = v.entry WHERE {SCOPE}"
)
_SCOPES = Statement(
    f"SELECT e.scope, count(*) FROM entries e WHERE e.state = 0 AND e.scope >= :prefix::text "  # noqa: S608 - same
    f"AND starts_with(e.scope, :prefix::text) AND {SCOPE} GROUP BY e.scope ORDER BY e.scope LIMIT :limit"
)
_TAGS = Statement(
    "SELECT t.tag, count(DISTINCT e.row) AS uses FROM entries e CROSS JOIN unnest(e.tags) AS t (tag) "  # noqa: S608 - same
    f"WHERE e.state = 0 AND {SCOPE} AND starts_with(t.tag, :prefix::text) "
    'GROUP BY t.tag ORDER BY uses DESC, t.tag COLLATE "C" LIMIT :limit'
)


async def database_size(connection: Connection) -> int:
    """Bytes on the server's disk, indexes and the dead rows that wait for vacuum included."""
    size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
    return size


async def stats(connection: Connection, where: ScopeFilter) -> Stats:
    by_kind: dict[str, int] = {}
    by_state: dict[str, int] = {}
    scopes: set[str] = set()
    vectors = 0
    state: int
    kind: int
    for scope, state, kind, count in await connection.fetch(
        _COUNTS.sql, *_COUNTS.arguments(scope_parameters(where))
    ):
        if scope is None:
            vectors = count
            continue
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


async def scopes(connection: Connection, prefix: str, limit: int, ceiling: str) -> list[ScopeStats]:
    parameters = ceiling_parameters(ceiling) | {"prefix": prefix, "limit": limit}
    rows = await connection.fetch(_SCOPES.sql, *_SCOPES.arguments(parameters))
    return [ScopeStats(scope=scope, entries=count) for scope, count in rows]


async def tags(connection: Connection, where: ScopeFilter, prefix: str, limit: int) -> list[tuple[str, int]]:
    parameters = scope_parameters(where) | {"prefix": prefix, "limit": limit}
    return [(tag, count) for tag, count in await connection.fetch(_TAGS.sql, *_TAGS.arguments(parameters))]
