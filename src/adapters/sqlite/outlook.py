"""What a kept answer hangs on: the generations of what it saw, and the next instant at which time changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.instants import from_micros
from ...ports.queries import Outlook
from ...ports.scopes import sees, visible
from .rows import encode
from .snapshot import snapshot

if TYPE_CHECKING:
    import sqlite3

    from ...ports.scopes import ScopeFilter, VisibleScopes

_GENERATIONS = "SELECT scope, own, tree FROM generations WHERE scope IN (SELECT value FROM json_each(?))"
_DATABASE = "SELECT database_id FROM store"
_AHEAD = 64
"""Instants looked at, of whatever scope: past them the answer is earlier than it need be, and costs no more."""
NEXT = tuple(
    f"SELECT {instant}, scope FROM entries INDEXED BY entries_by_{instant} "  # noqa: S608 - constants
    f"WHERE state = 0 AND {instant} > ? ORDER BY {instant} LIMIT {_AHEAD}"
    for instant in ("valid_from", "valid_until", "expires_at")
)


def generation(connection: sqlite3.Connection, where: ScopeFilter) -> str:
    """The counters of what is seen, each with its scope: equal only for equal sights of one database."""
    with snapshot(connection):
        return _generation(connection, visible(where))


def outlook(connection: sqlite3.Connection, where: ScopeFilter, now: int) -> Outlook:
    seen = visible(where)
    with snapshot(connection):
        mark = _generation(connection, seen)
        ahead = [connection.execute(statement, (now,)).fetchall() for statement in NEXT]
    nexts = [instant for rows in ahead if (instant := _first_seen(rows, seen)) is not None]
    return Outlook(mark, from_micros(min(nexts)) if nexts else None)


def _generation(connection: sqlite3.Connection, seen: VisibleScopes) -> str:
    database = connection.execute(_DATABASE).fetchone()[0]
    rows = connection.execute(_GENERATIONS, (encode(seen.exact + seen.trees).decode(),)).fetchall()
    counters = {scope: (own, tree) for scope, own, tree in rows}
    parts = [f"{scope}={counters.get(scope, (0, 0))[0]}" for scope in seen.exact]
    parts += [f"{scope}/*={counters.get(scope, (0, 0))[1]}" for scope in seen.trees]
    return " ".join((database, *parts))


def _first_seen(rows: list[tuple[int, str]], seen: VisibleScopes) -> int | None:
    """The last one looked at, where none is seen and there may be more."""
    for instant, scope in rows:
        if sees(seen, scope):
            return instant
    return rows[-1][0] if len(rows) == _AHEAD else None
