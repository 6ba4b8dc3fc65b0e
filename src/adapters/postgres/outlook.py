"""What a kept answer hangs on: the generations of what it saw, and the next instant at which time changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.instants import from_micros
from ...ports.queries import Outlook
from ...ports.scopes import sees, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncpg import Record

    from ...ports.scopes import ScopeFilter, VisibleScopes
    from .connections import Connection

_AHEAD = 64
"""Instants looked at, of whatever scope: past them the answer is earlier than it need be, and costs no more."""
_GENERATIONS = (
    "SELECT s.database_id, g.scope, g.own, g.tree FROM store s "
    "LEFT JOIN generations g ON g.scope = ANY ($1::text[])"
)
_AHEAD_ROWS = (
    "UNION ALL (SELECT NULL, scope, NULL, NULL, {instant}, {kind} FROM entries "
    "WHERE state = 0 AND {instant} > $2 ORDER BY {instant} LIMIT {ahead})"
)
# One row for each generation, and one for each instant ahead with the number of its kind; one statement, one state.
_OUTLOOK = " ".join(
    (
        "SELECT s.database_id, g.scope, g.own, g.tree, NULL::bigint AS instant, 0 AS kind FROM store s",
        "LEFT JOIN generations g ON g.scope = ANY ($1::text[])",
        *(
            _AHEAD_ROWS.format(instant=instant, kind=kind, ahead=_AHEAD)
            for kind, instant in enumerate(("valid_from", "valid_until", "expires_at"), 1)
        ),
    )
)


async def generation(connection: Connection, where: ScopeFilter) -> str:
    """The counters of what is seen, each with its scope: equal only for equal sights of one database."""
    seen = visible(where)
    return _generation(await connection.fetch(_GENERATIONS, seen.exact + seen.trees), seen)


async def outlook(connection: Connection, where: ScopeFilter, now: int) -> Outlook:
    seen = visible(where)
    rows = await connection.fetch(_OUTLOOK, seen.exact + seen.trees, now)
    counted = [row for row in rows if row["kind"] == 0]
    nexts = [
        instant
        for kind in (1, 2, 3)
        if (instant := _first_seen([row for row in rows if row["kind"] == kind], seen)) is not None
    ]
    return Outlook(_generation(counted, seen), from_micros(min(nexts)) if nexts else None)


def _generation(rows: Sequence[Record], seen: VisibleScopes) -> str:
    counters = {row["scope"]: (row["own"], row["tree"]) for row in rows}
    parts = [f"{scope}={counters.get(scope, (0, 0))[0]}" for scope in seen.exact]
    parts += [f"{scope}/*={counters.get(scope, (0, 0))[1]}" for scope in seen.trees]
    return " ".join((rows[0]["database_id"], *parts))


def _first_seen(rows: Iterable[Record], seen: VisibleScopes) -> int | None:
    """The last one looked at, where none is seen and there may be more."""
    count = 0
    instant: int | None = None
    for count, row in enumerate(sorted(rows, key=lambda row: row["instant"]), 1):  # noqa: B007 - how many there were
        instant = row["instant"]
        if sees(seen, row["scope"]):
            return instant
    return instant if count == _AHEAD else None
