"""Typed edges between entries, and bounded walks over them.

Edges hold row numbers; those of a tombstone stay, unseen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...ports.changes import AddRelation, Linked, RemoveRelation, Unlinked, other_end
from ...ports.errors import NotFound, Rejected
from ...ports.instants import to_micros
from ...ports.queries import Graph, GraphQuery
from .filters import SCOPE, ceiling_parameters
from .rows import DELETED, TYPE_CODES, checked, row_relation
from .statement import Statement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ...ports.records import Relation
    from .connections import Connection
    from .transaction import Transaction

_DEPTH = 5
_STEPS = 20_000
"""Edges that one search for a path may look at."""

# A share lock: the entry can change meanwhile, but not be purged.
_END = "SELECT row, state, scope FROM entries WHERE id = $1 FOR KEY SHARE"
_ENDS = "SELECT id, row, state, scope FROM entries WHERE id = ANY ($1::text[]) ORDER BY id FOR KEY SHARE"
_ADD = (
    "INSERT INTO relations (source, target, type, created_at, agent) "
    "SELECT source, target, type, created_at, agent "
    "FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::text[]) "
    "WITH ORDINALITY AS new (source, target, type, created_at, agent, n) ORDER BY n "
    "ON CONFLICT DO NOTHING RETURNING source, target, type"
)
_REMOVE = (
    "DELETE FROM relations WHERE source = $1 AND target = $2 AND ($3::smallint IS NULL OR type = $3) "
    "RETURNING row"
)
_VISIBLE = "{0}.state <> 3 AND " + SCOPE.replace("e.", "{0}.")
_START = Statement(f"SELECT e.row FROM entries e WHERE e.id = :start AND {_VISIBLE.format('e')}")  # noqa: S608 - a constant
_TOUCHING = (
    "SELECT s.id, t.id, r.type, r.created_at, r.agent, r.row, r.source, r.target FROM "  # noqa: S608 - a constant
    "(SELECT row FROM relations WHERE source = ANY (:rows::bigint[]) "
    "UNION SELECT row FROM relations WHERE target = ANY (:rows::bigint[])) x "
    "JOIN relations r ON r.row = x.row JOIN entries s ON s.row = r.source JOIN entries t ON t.row = r.target "
    "WHERE (:types::smallint[] IS NULL OR r.type = ANY (:types::smallint[])) "
    f"AND {_VISIBLE.format('s')} AND {_VISIBLE.format('t')} "
)
_TOUCHING_ROWS = Statement(f"{_TOUCHING} ORDER BY r.row LIMIT :limit")
_TOUCHING_IDS = Statement(
    _TOUCHING.replace(":rows::bigint[]", "ARRAY (SELECT row FROM entries WHERE id = ANY (:ids::text[]))")  # noqa: S608 - same
    + "ORDER BY r.created_at, r.row LIMIT :limit"
)


def prepare(change: AddRelation) -> AddRelation:
    checked(change.relation.agent, "agent")
    checked(change.relation.source, "source")
    checked(change.relation.target, "target")
    return change


async def add(transaction: Transaction, change: AddRelation) -> Linked:
    [linked] = await add_all(transaction, [change])
    return linked


async def add_all(transaction: Transaction, changes: Sequence[AddRelation]) -> list[Linked]:
    """In order, in two round trips, however many there are."""
    wanted = {end for change in changes for end in (change.relation.source, change.relation.target)}
    found = {row["id"]: row for row in await transaction.fetch(_ENDS, sorted(wanted))}
    rows: list[tuple[int, int, int, int, str]] = []
    for change in changes:
        relation = change.relation
        for end in (relation.source, relation.target):
            if end not in found or found[end]["state"] == DELETED:
                raise NotFound(f"entry {end}: not found")
        source, target = found[relation.source]["row"], found[relation.target]["row"]
        code, at = TYPE_CODES[relation.type], to_micros(relation.created_at)
        rows.append((source, target, code, at, relation.agent))
    made = await transaction.fetch(_ADD, *(list(column) for column in zip(*rows, strict=True)))
    created = {(source, target, code) for source, target, code in made}
    outcomes: list[Linked] = []
    for change, row in zip(changes, rows, strict=True):
        relation = change.relation
        new = row[:3] in created
        if new:
            created.remove(row[:3])
            target_scope = found[relation.target]["scope"]
            told = other_end(relation.target, target_scope)
            transaction.event(
                "relation.added", found[relation.source]["scope"], relation.source, row[3], payload=told
            )
            transaction.touch(target_scope)
        outcomes.append(Linked(created=new))
    return outcomes


async def remove(transaction: Transaction, change: RemoveRelation) -> Unlinked:
    source = await transaction.fetchrow(_END, change.source)
    target = await transaction.fetchrow(_END, change.target)
    if source is None or target is None:
        return Unlinked(0)
    code = None if change.type is None else TYPE_CODES[change.type]
    removed = len(await transaction.fetch(_REMOVE, source[0], target[0], code))
    if removed:
        told = other_end(change.target, target[2])
        transaction.event("relation.removed", source[2], change.source, to_micros(change.at), payload=told)
        transaction.touch(target[2])
    return Unlinked(removed)


async def touching(connection: Connection, ids: Sequence[str], limit: int, ceiling: str) -> list[Relation]:
    parameters = ceiling_parameters(ceiling) | {"types": None, "limit": limit, "ids": ids}
    rows = await connection.fetch(_TOUCHING_IDS.sql, *_TOUCHING_IDS.arguments(parameters))
    return [row_relation(row) for row in rows]


async def walk(connection: Connection, query: GraphQuery) -> Graph:
    met: dict[int, Relation] = {}
    async for row, _ in _breadth_first(connection, query, query.limit + 1):
        met[row[5]] = row_relation(row)
    relations = tuple(met.values())
    return Graph(relations[: query.limit], truncated=len(relations) > query.limit)


async def path(connection: Connection, query: GraphQuery, target: str) -> list[Relation] | None:
    """Bounded by depth and by the edges looked at; `limit` bounds a walk's answer, and a path has at most `depth`."""
    if query.start == target:
        return []
    came: dict[int, tuple[int, Relation]] = {}
    async for row, from_ in _breadth_first(connection, query, _STEPS):
        to = row[7] if row[6] == from_ else row[6]
        came.setdefault(to, (from_, row_relation(row)))
        if (row[1] if row[6] == from_ else row[0]) == target:
            return _back(came, to, query.start)
    return None


def _back(came: dict[int, tuple[int, Relation]], to: int, start: str) -> list[Relation]:
    chain: list[Relation] = []
    while True:
        to, relation = came[to]
        chain.append(relation)
        if start in {relation.source, relation.target}:
            chain.reverse()
            return chain


async def _breadth_first(
    connection: Connection, query: GraphQuery, most: int
) -> AsyncIterator[tuple[Any, int]]:
    """Each visible edge once, with the end that it was met from; at most `most`."""
    parameters = ceiling_parameters(query.ceiling)
    parameters["start"] = query.start
    parameters["types"] = [TYPE_CODES[type_] for type_ in query.types] or None
    start = await connection.fetchval(_START.sql, *_START.arguments(parameters))
    if start is None:
        return
    seen_edges: set[int] = set()
    seen_ends: set[int] = {start}
    frontier: list[int] = [start]
    for _ in range(query.depth):
        inside = set(frontier)
        parameters["rows"] = frontier
        parameters["limit"] = most + len(seen_edges)
        frontier = []
        for row in await connection.fetch(_TOUCHING_ROWS.sql, *_TOUCHING_ROWS.arguments(parameters)):
            number, source, target = row[5], row[6], row[7]
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
