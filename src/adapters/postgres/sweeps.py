"""Everything that scopes hold, page by page, in an order that no write changes. Each read is one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.cursors import cursor_of, place_of
from ...ports.instants import from_micros
from ...ports.queries import Page
from ...ports.records import Relation, Revision, Session, Vote
from .filters import SCOPE, scope_parameters
from .rows import COLUMNS, E_COLUMNS, ID, VERSION, WIDTH, row_entry, row_relation
from .sessions import SESSION_COLUMNS, row_session
from .statement import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

    from ...ports.queries import Sweep
    from .connections import Connection
    from .statement import Parameters

_LAST_VERSION = (1 << 31) - 1
_AFTER = (
    f"(e.id, e.version) > (:id::text, :version::int) AND e.id >= :id::text AND {SCOPE} "
    "AND (:ids::text[] IS NULL OR e.id = ANY (:ids::text[]))"
)
_CURRENT = (
    f"SELECT {E_COLUMNS}, NULL::bigint AS until FROM entries e WHERE {_AFTER} ORDER BY e.id LIMIT :limit"  # noqa: S608 - constants of this package
)
_FORMER = f"SELECT {E_COLUMNS}, e.until FROM revisions e WHERE {_AFTER} ORDER BY e.id, e.version LIMIT :limit"  # noqa: S608 - same
_VERSIONS = {
    False: Statement(_CURRENT),
    True: Statement(
        f"SELECT {COLUMNS}, until FROM (({_CURRENT}) UNION ALL ({_FORMER})) v ORDER BY id, version LIMIT :limit"  # noqa: S608 - same
    ),
}
"""By whether former versions are asked for."""
_RELATIONS = Statement(
    "SELECT s.id, t.id, r.type, r.created_at, r.agent FROM entries s JOIN relations r ON r.source = s.row "  # noqa: S608 - same
    "JOIN entries t ON t.row = r.target "
    "WHERE s.id >= :source::text AND (s.id, t.id, r.type) > (:source::text, :target::text, :type::smallint) "
    f"AND s.state <> 3 AND t.state <> 3 AND {SCOPE.replace('e.', 's.')} AND {SCOPE.replace('e.', 't.')} "
    "ORDER BY s.id, t.id, r.type LIMIT :limit"
)
_SESSIONS = Statement(
    f"SELECT {SESSION_COLUMNS} FROM sessions e WHERE e.id > :id::text AND {SCOPE} "  # noqa: S608 - same
    "AND (:ids::text[] IS NULL OR e.id = ANY (:ids::text[])) ORDER BY e.id LIMIT :limit"
)
_VOTES = Statement(
    "SELECT e.row, e.scope, e.question, e.agent, e.choice, e.cast_at FROM votes e "  # noqa: S608 - same
    f"WHERE e.row > :row::bigint AND {SCOPE} ORDER BY e.row LIMIT :limit"
)


async def versions(
    connection: Connection, sweep: Sweep, ids: Sequence[str] | None, *, former: bool
) -> Page[Revision]:
    place = ["", 0] if sweep.cursor is None else place_of(sweep.cursor, "versions")
    found = await _fetched(
        connection, _VERSIONS[former], sweep, {"id": place[0], "version": place[1], "ids": ids}
    )
    rows, more = _cut(found, sweep.limit)
    cursor = None
    if more:
        last = rows[-1]
        cursor = cursor_of("versions", last[ID], _LAST_VERSION if last[WIDTH] is None else last[VERSION])
    return Page(
        tuple(
            Revision(entry=row_entry(row), until=None if row[WIDTH] is None else from_micros(row[WIDTH]))
            for row in rows
        ),
        cursor,
    )


async def relations(connection: Connection, sweep: Sweep) -> Page[Relation]:
    place = ["", "", -1] if sweep.cursor is None else place_of(sweep.cursor, "relations")
    parameters: Parameters = {"source": place[0], "target": place[1], "type": place[2]}
    rows, more = _cut(await _fetched(connection, _RELATIONS, sweep, parameters), sweep.limit)
    cursor = cursor_of("relations", rows[-1][0], rows[-1][1], rows[-1][2]) if more else None
    return Page(tuple(map(row_relation, rows)), cursor)


async def sessions(connection: Connection, sweep: Sweep, ids: Sequence[str] | None) -> Page[Session]:
    (after,) = [""] if sweep.cursor is None else place_of(sweep.cursor, "sessions")
    found = await _fetched(connection, _SESSIONS, sweep, {"id": after, "ids": ids})
    rows, more = _cut(found, sweep.limit)
    return Page(tuple(map(row_session, rows)), cursor_of("sessions", rows[-1][0]) if more else None)


async def votes(connection: Connection, sweep: Sweep) -> Page[Vote]:
    (after,) = [0] if sweep.cursor is None else place_of(sweep.cursor, "votes")
    rows, more = _cut(await _fetched(connection, _VOTES, sweep, {"row": after}), sweep.limit)
    return Page(
        tuple(
            Vote(scope=scope, question=question, agent=agent, choice=choice, cast_at=from_micros(at))
            for _, scope, question, agent, choice, at in rows
        ),
        cursor_of("votes", rows[-1][0]) if more else None,
    )


async def _fetched(
    connection: Connection, statement: Statement, sweep: Sweep, parameters: Parameters
) -> list[Record]:
    given = scope_parameters(sweep.where) | {"limit": sweep.limit + 1} | parameters
    return await connection.fetch(statement.sql, *statement.arguments(given))


def _cut(rows: list[Record], limit: int) -> tuple[list[Record], bool]:
    return rows[:limit], len(rows) > limit
