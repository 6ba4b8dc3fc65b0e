"""Reading entries by id, by page and by history."""

from __future__ import annotations

from binascii import crc32
from typing import TYPE_CHECKING

from ...ports.errors import Rejected
from ...ports.instants import from_micros
from ...ports.queries import EntryQuery, Order, Page
from ...ports.records import Entry, Revision
from ...ports.scopes import GLOBAL, visible, within
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
from .rows import AT, COLUMNS, E_COLUMNS, ID, SCOPE, WIDTH, Row, checked, encode, row_entry
from .snapshot import snapshot

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from .filters import Parameters

_MOST = 10_000
"""Rows an answer may hold. A caller who wants more wants pages, or a scan."""

_ONE = f"SELECT {COLUMNS} FROM entries WHERE id = ? AND state <> 3"  # noqa: S608 - a constant of this package
_MANY = (
    f"SELECT {E_COLUMNS} FROM json_each(?) k CROSS JOIN entries e ON e.id = k.value "  # noqa: S608 - same
    "WHERE e.state <> 3"
)
_CURRENT = f"SELECT {COLUMNS} FROM entries WHERE id = ?"  # noqa: S608 - same
_FORMER = f"SELECT {COLUMNS}, until FROM revisions WHERE id = ? ORDER BY version DESC LIMIT ?"  # noqa: S608 - same

# Each walks one index in the order asked, from where the page before ended, and stops at the limit, however many there
# are. The bound of time that lies behind must not look like one to the planner (hence its plus sign): it would begin
# there, and walk all pages before this one. `_start` sees to that bound.
_WALK = (
    "SELECT {columns} FROM {table} e INDEXED BY {table}_{index} WHERE {place} AND {fields} AND {tags} AND {instant} "
    "AND (e.at, e.id) {after} (:after_at, :after_id) ORDER BY e.at {way}, e.id {way} LIMIT :limit"
)
_PLACES = {"by_scope": "e.scope = :scope", "by_time": "(e.scope >= :low AND e.scope < :high)"}
_INSTANTS = {
    "now": ("entries", "1"),
    "current": ("entries", CURRENT_AS_OF),
    "former": ("revisions", FORMER_AS_OF),
}
_WAYS: dict[Order, tuple[str, str]] = {"newest": ("<", "DESC"), "oldest": (">", "ASC")}
_BEHIND: dict[Order, str] = {"newest": "e.at < :until", "oldest": "e.at >= :since"}
_WALKS: dict[tuple[str, str, Order, TagMode], str] = {
    (index, instant, order, tags): _WALK.format(
        columns=E_COLUMNS, table=table, index=index, place=place, tags=tag_sql, instant=instant_sql,
        fields=FIELDS.replace(_BEHIND[order], f"+{_BEHIND[order]}"), after=after, way=way,
    )
    for index, place in _PLACES.items()
    for instant, (table, instant_sql) in _INSTANTS.items()
    for order, (after, way) in _WAYS.items()
    for tags, tag_sql in TAGS.items()
    if tags != "rare"
}  # fmt: skip
_PICK = (
    "SELECT {columns} FROM entries e NOT INDEXED WHERE {tags} AND {fields} AND {scope} "
    "AND (e.at, e.id) {after} (:after_at, :after_id) ORDER BY e.at {way}, e.id {way} LIMIT :limit"
)
_PICKS: dict[Order, str] = {
    order: _PICK.format(
        columns=E_COLUMNS, tags=TAGS["rare"], fields=FIELDS, scope=IN_SCOPE, after=after, way=way
    )
    for order, (after, way) in _WAYS.items()
}


def check_limit(limit: int) -> None:
    if not 1 <= limit <= _MOST:
        raise Rejected(f"limit {limit}: not allowed (1 to {_MOST})", "limit")


def get(connection: sqlite3.Connection, ids: Sequence[str], ceiling: str) -> list[Entry]:
    if len(ids) == 1:
        rows = connection.execute(_ONE, (ids[0],)).fetchall()
    else:
        # SQLite's JSON ends a text at a NUL, and would find the entry that the rest names.
        places = {id_: place for place, id_ in enumerate(dict.fromkeys(ids)) if "\0" not in id_}
        rows = connection.execute(_MANY, (encode(list(places)).decode(),)).fetchall()
        # Not by SQLite, which would copy the rows with all their text to sort them.
        rows.sort(key=lambda row: places[row[ID]])
    if ceiling != GLOBAL:
        rows = [row for row in rows if within(row[SCOPE], ceiling)]
    return [row_entry(row) for row in rows]


def history(connection: sqlite3.Connection, entry_id: str, limit: int, ceiling: str) -> list[Revision]:
    with snapshot(connection):
        current = connection.execute(_CURRENT, (entry_id,)).fetchone()
        if current is None or not within(current[SCOPE], ceiling):
            return []
        former = connection.execute(_FORMER, (entry_id, limit - 1)).fetchall()
    return [
        Revision(entry=row_entry(current), until=None),
        *(Revision(entry=row_entry(row), until=from_micros(row[WIDTH])) for row in former),
    ]


def page(connection: sqlite3.Connection, query: EntryQuery) -> Page[Entry]:
    parameters = filter_parameters(query.filter)
    parameters["limit"] = query.limit + 1
    parameters["after_at"], parameters["after_id"] = _start(query, parameters)
    with snapshot(connection):
        mode = tag_mode(connection, query.filter, parameters)
        if mode == "rare":
            rows = connection.execute(_PICKS[query.order], parameters).fetchall()
        else:
            rows = list(_walked(connection, query, mode, parameters))
    rows.sort(key=_place, reverse=query.order == "newest")
    cursor = None
    if len(rows) > query.limit:
        del rows[query.limit :]
        cursor = _cursor(query.order, rows[-1])
    return Page(tuple(row_entry(row) for row in rows), cursor)


def _walked(
    connection: sqlite3.Connection, query: EntryQuery, mode: TagMode, parameters: Parameters
) -> Iterator[Row]:
    """The first rows of every scope seen by name, and of the tree."""
    seen = visible(query.filter.where)
    trees = [tree for tree in seen.trees if tree != GLOBAL]
    for instant in ("now",) if query.filter.as_of is None else ("current", "former"):
        for scope in (*seen.exact, *trees):
            parameters["scope"] = scope
            yield from connection.execute(_WALKS["by_scope", instant, query.order, mode], parameters)
        if seen.trees:
            yield from connection.execute(_WALKS["by_time", instant, query.order, mode], parameters)


def _place(row: Row) -> tuple[int, str]:
    return row[AT], row[ID]


def _cursor(order: Order, row: Row) -> str:
    place = f"{order[0]}{row[AT]}.{row[ID]}"
    return f"{place}.{crc32(place.encode()):08x}"


def _start(query: EntryQuery, parameters: Parameters) -> tuple[int, str]:
    """Where the page begins: behind the cursor, and within the bounds of time. Ids are longer than "". The checksum
    tells a cut or altered cursor from ours; it guards no secret.
    """
    newest = query.order == "newest"
    bound = (parameters["until"] if newest else parameters["since"], "")
    if query.cursor is None:
        return bound
    place, _, mark = checked(query.cursor, "cursor").rpartition(".")
    at, _, id_ = place[1:].partition(".")
    if place[:1] != query.order[0] or mark != f"{crc32(place.encode()):08x}":
        raise Rejected("cursor: not one that a page of this order gave; start again without it", "cursor")
    after = (int(at), id_)
    return min(after, bound) if newest else max(after, bound)
