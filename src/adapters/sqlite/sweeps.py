"""Everything that scopes hold, page by page, in an order that no write changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.cursors import cursor_of, place_of
from ...ports.instants import from_micros
from ...ports.queries import Page
from ...ports.records import Relation, Revision, Session, Vote
from .filters import IN_SCOPE, LAST, scope_parameters
from .rows import E_COLUMNS, ID, VERSION, WIDTH, checked, encode, row_entry, row_relation
from .sessions import SESSION_COLUMNS, row_session
from .snapshot import snapshot

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ...ports.queries import Sweep
    from .filters import Parameters
    from .rows import Row

# A scope's own index would come in another order: the unary plus keeps the planner from it.
_SCOPE = IN_SCOPE.replace("e.scope", "+e.scope")
_AFTER = f"e.id >= :id AND (e.id, e.version) > (:id, :version) AND {_SCOPE}"
_NAMED = "json_each(:ids) k CROSS JOIN {table} e ON e.id = k.value"
_CURRENT = f"SELECT {E_COLUMNS}, NULL FROM {{source}} WHERE {_AFTER} ORDER BY e.id LIMIT :limit"  # noqa: S608 - constants of this package
_FORMER = f"SELECT {E_COLUMNS}, e.until FROM {{source}} WHERE {_AFTER} ORDER BY e.id, e.version LIMIT :limit"  # noqa: S608 - same
_VERSIONS = {
    (False, False): _CURRENT.format(source="entries e"),
    (False, True): _FORMER.format(source="revisions e INDEXED BY revisions_by_id"),
    (True, False): _CURRENT.format(source=_NAMED.format(table="entries")),
    (True, True): _FORMER.format(source=_NAMED.format(table="revisions")),
}
"""By whether ids are named, and whether former versions are asked for."""
_RELATIONS = (
    "SELECT s.id, t.id, r.type, r.created_at, r.agent FROM entries s INDEXED BY sqlite_autoindex_entries_1 "  # noqa: S608 - same
    "CROSS JOIN relations r ON r.source = s.row CROSS JOIN entries t NOT INDEXED ON t.row = r.target "
    "WHERE s.id >= :source AND (s.id, t.id, r.type) > (:source, :target, :type) "
    f"AND s.state <> 3 AND t.state <> 3 AND {_SCOPE.replace('e.', 's.')} AND {_SCOPE.replace('e.', 't.')} "
    "ORDER BY s.id, t.id, r.type LIMIT :limit"
)
_SESSIONS = (
    f"SELECT {SESSION_COLUMNS} FROM sessions e WHERE e.id > :id AND {_SCOPE} "  # noqa: S608 - same
    "AND (:ids IS NULL OR e.id IN (SELECT value FROM json_each(:ids))) ORDER BY e.id LIMIT :limit"
)
_VOTES = (
    "SELECT e.row, e.scope, e.question, e.agent, e.choice, e.cast_at FROM votes e "  # noqa: S608 - same
    f"WHERE e.row > :row AND {_SCOPE} ORDER BY e.row LIMIT :limit"
)


def versions(
    connection: sqlite3.Connection, sweep: Sweep, ids: Sequence[str] | None, *, former: bool
) -> Page[Revision]:
    parameters = _parameters(sweep)
    parameters["ids"] = _listed(ids)
    place = ["", 0] if sweep.cursor is None else place_of(sweep.cursor, "versions")
    parameters["id"], parameters["version"] = place
    with snapshot(connection):
        rows = connection.execute(_VERSIONS[ids is not None, False], parameters).fetchall()
        if former:
            rows += connection.execute(_VERSIONS[ids is not None, True], parameters).fetchall()
    rows.sort(key=lambda row: (row[ID], row[VERSION]))
    cursor = None
    if len(rows) > sweep.limit:
        del rows[sweep.limit :]
        last = rows[-1]
        cursor = cursor_of("versions", last[ID], LAST if last[WIDTH] is None else last[VERSION])
    return Page(
        tuple(
            Revision(entry=row_entry(row), until=None if row[WIDTH] is None else from_micros(row[WIDTH]))
            for row in rows
        ),
        cursor,
    )


def relations(connection: sqlite3.Connection, sweep: Sweep) -> Page[Relation]:
    parameters = _parameters(sweep)
    place = ["", "", -1] if sweep.cursor is None else place_of(sweep.cursor, "relations")
    parameters["source"], parameters["target"], parameters["type"] = place
    rows, more = _cut(connection.execute(_RELATIONS, parameters).fetchall(), sweep.limit)
    return Page(tuple(map(row_relation, rows)), cursor_of("relations", *rows[-1][:3]) if more else None)


def sessions(connection: sqlite3.Connection, sweep: Sweep, ids: Sequence[str] | None) -> Page[Session]:
    parameters = _parameters(sweep)
    parameters["ids"] = None if ids is None else _listed(ids)
    (parameters["id"],) = [""] if sweep.cursor is None else place_of(sweep.cursor, "sessions")
    rows, more = _cut(connection.execute(_SESSIONS, parameters).fetchall(), sweep.limit)
    return Page(tuple(map(row_session, rows)), cursor_of("sessions", rows[-1][0]) if more else None)


def votes(connection: sqlite3.Connection, sweep: Sweep) -> Page[Vote]:
    parameters = _parameters(sweep)
    (parameters["row"],) = [0] if sweep.cursor is None else place_of(sweep.cursor, "votes")
    rows, more = _cut(connection.execute(_VOTES, parameters).fetchall(), sweep.limit)
    return Page(
        tuple(
            Vote(scope=scope, question=question, agent=agent, choice=choice, cast_at=from_micros(at))
            for _, scope, question, agent, choice, at in rows
        ),
        cursor_of("votes", rows[-1][0]) if more else None,
    )


def _parameters(sweep: Sweep) -> Parameters:
    return scope_parameters(sweep.where) | {"limit": sweep.limit + 1}


def _cut(rows: list[Row], limit: int) -> tuple[list[Row], bool]:
    return rows[:limit], len(rows) > limit


def _listed(ids: Sequence[str] | None) -> str:
    return encode([checked(id_, "ids") for id_ in dict.fromkeys(ids or ())]).decode()
