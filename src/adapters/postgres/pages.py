"""Reading entries by id, by page and by history. Each read is one statement, so it sees one state."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from ...ports.errors import Rejected
from ...ports.instants import from_micros
from ...ports.queries import EntryQuery, Order, Page
from ...ports.records import Entry, Revision
from ...ports.scopes import GLOBAL, within
from .filters import FIELDS, FIRST, LAST, TREE, VERSIONS, filter_parameters
from .rows import AT, COLUMNS, E_COLUMNS, ID, SCOPE, WIDTH, checked, row_entry
from .statement import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

    from .connections import Connection

_MOST = 10_000
"""Rows an answer may hold. A caller who wants more wants pages, or a scan."""

_ONE = f"SELECT {COLUMNS} FROM entries WHERE id = $1 AND state <> 3"  # noqa: S608 - a constant of this package
_MANY = (
    f"SELECT {E_COLUMNS} FROM unnest($1::text[]) WITH ORDINALITY AS k (id, n) JOIN entries e ON e.id = k.id "  # noqa: S608 - same
    "WHERE e.state <> 3 ORDER BY k.n"
)
_HISTORY = (
    f"(SELECT {COLUMNS}, NULL::bigint AS until FROM entries WHERE id = $1) "  # noqa: S608 - same
    f"UNION ALL (SELECT {COLUMNS}, until FROM revisions WHERE id = $1) ORDER BY version DESC LIMIT $2"
)

# Each branch walks one index in the order asked and stops at the limit, however many entries there are.
_BRANCH = (
    "SELECT {columns} FROM {table} e WHERE {place} AND {fields} AND {instant} "
    "AND (e.at, e.id) {after} (:after_at::bigint, :after_id::text) ORDER BY e.at {way}, e.id {way} LIMIT :limit"
)
_BY_SCOPE = "SELECT b.* FROM unnest(:exact::text[]) AS s (scope) CROSS JOIN LATERAL ({branch}) b"
_WAYS: dict[Order, tuple[str, str]] = {"newest": ("<", "DESC"), "oldest": (">", "ASC")}


def _page_statement(order: Order, *, as_of: bool) -> Statement:
    after, way = _WAYS[order]
    branches: list[str] = []
    for table, instant in VERSIONS[as_of]:
        common = {
            "columns": E_COLUMNS, "table": table, "fields": FIELDS, "instant": instant, "after": after, "way": way,
        }  # fmt: skip
        branches.append(_BY_SCOPE.format(branch=_BRANCH.format(place="e.scope = s.scope", **common)))
        branches.append("(" + _BRANCH.format(place=TREE, **common) + ")")
    union = " UNION ALL ".join(branches)
    return Statement(f"SELECT {COLUMNS} FROM ({union}) e ORDER BY at {way}, id {way} LIMIT :limit")  # noqa: S608 - same


_PAGES = {(order, as_of): _page_statement(order, as_of=as_of) for order in _WAYS for as_of in (False, True)}


def check_limit(limit: int) -> None:
    if not 1 <= limit <= _MOST:
        raise Rejected(f"limit {limit}: not allowed (1 to {_MOST})", "limit")


async def get(connection: Connection, ids: Sequence[str], ceiling: str) -> list[Entry]:
    if len(ids) == 1:
        rows = await connection.fetch(_ONE, ids[0])
    else:
        rows = await connection.fetch(_MANY, list(dict.fromkeys(ids)))
    if ceiling != GLOBAL:
        rows = [row for row in rows if within(row[SCOPE], ceiling)]
    return [row_entry(row) for row in rows]


async def history(connection: Connection, entry_id: str, limit: int, ceiling: str) -> list[Revision]:
    rows = await connection.fetch(_HISTORY, entry_id, limit)
    if not rows or not within(rows[0][SCOPE], ceiling):
        return []
    return [
        Revision(entry=row_entry(row), until=None if row[WIDTH] is None else from_micros(row[WIDTH]))
        for row in rows
    ]


async def page(connection: Connection, query: EntryQuery) -> Page[Entry]:
    parameters = filter_parameters(query.filter)
    parameters["limit"] = query.limit + 1
    parameters["after_at"], parameters["after_id"] = _start(query)
    statement = _PAGES[query.order, query.filter.as_of is not None]
    rows = await connection.fetch(statement.sql, *statement.arguments(parameters))
    cursor = None
    if len(rows) > query.limit:
        del rows[query.limit :]
        cursor = _cursor(query.order, rows[-1])
    return Page(tuple(row_entry(row) for row in rows), cursor)


def _cursor(order: Order, row: Record) -> str:
    place = f"{order[0]}{row[AT]}.{row[ID]}"
    return f"{place}.{crc32(place.encode()):08x}"


def _start(query: EntryQuery) -> tuple[int, str]:
    """Where the page begins. The checksum tells a cut or altered cursor from ours; it guards no secret."""
    if query.cursor is None:
        return (LAST, "") if query.order == "newest" else (FIRST, "")
    place, _, mark = checked(query.cursor, "cursor").rpartition(".")
    at, _, id_ = place[1:].partition(".")
    if place[:1] != query.order[0] or mark != f"{crc32(place.encode()):08x}":
        raise Rejected("cursor: not one that a page of this order gave; start again without it", "cursor")
    return int(at), id_
