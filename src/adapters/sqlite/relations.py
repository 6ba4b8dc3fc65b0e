"""Typed edges between entries, and bounded walks over them.

Edges hold row numbers; those of a tombstone stay, unseen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.changes import AddRelation, Linked, RemoveRelation, Unlinked, other_end
from ...ports.errors import NotFound, Rejected
from ...ports.instants import to_micros
from ...ports.queries import Graph, GraphQuery
from ...ports.scopes import GLOBAL, tree_bounds
from .rows import DELETED, TYPE_CODES, checked, encode, mask, row_relation
from .snapshot import snapshot

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from ...ports.records import Relation
    from .filters import Parameters
    from .rows import Row
    from .transaction import Transaction

_DEPTH = 5
_STEPS = 20_000
"""Edges that one search for a path may look at."""

_END = "SELECT row, state, scope FROM entries WHERE id = ?"
_ADD = "INSERT INTO relations (source, target, type, created_at, agent) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_REMOVE = "DELETE FROM relations WHERE source = ? AND target = ? AND ((? >> type) & 1)"
_VISIBLE = (
    "{0}.state <> 3 AND (:root = 'global' OR {0}.scope = :root OR ({0}.scope >= :low AND {0}.scope < :high))"
)
_START = f"SELECT e.row FROM entries e WHERE e.id = :start AND {_VISIBLE.format('e')}"  # noqa: S608 - a constant
_TOUCHING = (
    "SELECT s.id, t.id, r.type, r.created_at, r.agent, r.row, r.source, r.target FROM "  # noqa: S608 - a constant
    "(SELECT row FROM relations WHERE source IN (SELECT value FROM json_each(:rows)) "
    "UNION SELECT row FROM relations WHERE target IN (SELECT value FROM json_each(:rows))) x "
    "CROSS JOIN relations r ON r.row = x.row "
    "CROSS JOIN entries s ON s.row = r.source CROSS JOIN entries t ON t.row = r.target "
    f"WHERE ((:types >> r.type) & 1) AND {_VISIBLE.format('s')} AND {_VISIBLE.format('t')} "
    "ORDER BY {order} LIMIT :limit"
)
_TOUCHING_BY_ROW = _TOUCHING.format(order="r.row")
_TOUCHING_BY_CREATION = _TOUCHING.format(order="r.created_at, r.row")
_ROWS = "SELECT e.row FROM json_each(?) k CROSS JOIN entries e ON e.id = k.value"


def prepare(change: AddRelation) -> AddRelation:
    checked(change.relation.agent, "agent")
    checked(change.relation.source, "source")
    checked(change.relation.target, "target")
    return change


def add(transaction: Transaction, change: AddRelation) -> Linked:
    relation = change.relation
    source, scope = _end(transaction, relation.source)
    target, target_scope = _end(transaction, relation.target)
    at = to_micros(relation.created_at)
    code = TYPE_CODES[relation.type]
    if transaction.execute(_ADD, (source, target, code, at, relation.agent)).rowcount != 1:
        return Linked(created=False)
    told = other_end(relation.target, target_scope)
    transaction.event("relation.added", scope, relation.source, at, payload=told)
    transaction.touch(target_scope)
    return Linked(created=True)


def remove(transaction: Transaction, change: RemoveRelation) -> Unlinked:
    source = transaction.execute(_END, (change.source,)).fetchone()
    target = transaction.execute(_END, (change.target,)).fetchone()
    if source is None or target is None:
        return Unlinked(0)
    types = -1 if change.type is None else mask((TYPE_CODES[change.type],))
    removed = transaction.execute(_REMOVE, (source[0], target[0], types)).rowcount
    if removed:
        told = other_end(change.target, target[2])
        transaction.event("relation.removed", source[2], change.source, to_micros(change.at), payload=told)
        transaction.touch(target[2])
    return Unlinked(removed)


def touching(connection: sqlite3.Connection, ids: Sequence[str], limit: int, ceiling: str) -> list[Relation]:
    with snapshot(connection):
        rows = connection.execute(_ROWS, (encode(list(ids)).decode(),)).fetchall()
        parameters = _ceiling(ceiling) | {"types": -1, "limit": limit, "rows": _list(row[0] for row in rows)}
        found = connection.execute(_TOUCHING_BY_CREATION, parameters).fetchall()
    return [row_relation(row) for row in found]


def walk(connection: sqlite3.Connection, query: GraphQuery) -> Graph:
    met: dict[int, Relation] = {}
    with snapshot(connection):
        for row, _ in _breadth_first(connection, query, query.limit + 1):
            met[row[5]] = row_relation(row)
    relations = tuple(met.values())
    return Graph(relations[: query.limit], truncated=len(relations) > query.limit)


def path(connection: sqlite3.Connection, query: GraphQuery, target: str) -> list[Relation] | None:
    """Bounded by depth and by the edges looked at; `limit` bounds a walk's answer, and a path has at most `depth`."""
    if query.start == target:
        return []
    came: dict[int, tuple[int, Relation]] = {}
    with snapshot(connection):
        for row, from_ in _breadth_first(connection, query, _STEPS):
            to = row[7] if row[6] == from_ else row[6]
            came.setdefault(to, (from_, row_relation(row)))
            if (row[1] if row[6] == from_ else row[0]) == target:
                return _back(came, to, connection.execute(_END, (query.start,)).fetchone()[0])
    return None


def _back(came: dict[int, tuple[int, Relation]], to: int, start: int) -> list[Relation]:
    chain: list[Relation] = []
    while to != start:
        to, relation = came[to]
        chain.append(relation)
    chain.reverse()
    return chain


def _breadth_first(connection: sqlite3.Connection, query: GraphQuery, most: int) -> Iterator[tuple[Row, int]]:
    """Each visible edge once, with the end that it was met from; at most `most`."""
    parameters = _ceiling(query.ceiling)
    parameters["start"] = query.start
    parameters["types"] = mask(TYPE_CODES[type_] for type_ in query.types) if query.types else -1
    start = connection.execute(_START, parameters).fetchone()
    if start is None:
        return
    seen_edges: set[int] = set()
    seen_ends: set[int] = {start[0]}
    frontier: list[int] = [start[0]]
    source: int
    target: int
    for _ in range(query.depth):
        inside = set(frontier)
        parameters["rows"] = _list(frontier)
        parameters["limit"] = most + len(seen_edges)
        frontier = []
        for row in connection.execute(_TOUCHING_BY_ROW, parameters).fetchall():
            number, source, target = row[5:]
            if number in seen_edges:
                continue
            seen_edges.add(number)
            yield row, source if source in inside else target
            if len(seen_edges) == most:
                return
            for end in (source, target):
                if end not in seen_ends:
                    seen_ends.add(end)
                    frontier.append(end)
        if not frontier:
            return


def check(query: GraphQuery) -> None:
    if not 1 <= query.depth <= _DEPTH:
        raise Rejected(f"depth {query.depth}: not allowed (1 to {_DEPTH})", "depth")


def _end(transaction: Transaction, id_: str) -> tuple[int, str]:
    row = transaction.execute(_END, (id_,)).fetchone()
    if row is None or row[1] == DELETED:
        raise NotFound(f"entry {id_}: not found")
    return row[0], row[2]


def _ceiling(ceiling: str) -> Parameters:
    low, high = ("", "") if ceiling == GLOBAL else tree_bounds(ceiling)
    return {"root": ceiling, "low": low, "high": high}


def _list(numbers: Iterable[int]) -> str:
    return encode(list(numbers)).decode()
