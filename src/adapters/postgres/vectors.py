"""Vectors of chunks, and the search over them: by pgvector where the server has it, else one by one here."""

from __future__ import annotations

import heapq
import sys
from array import array
from functools import cache
from operator import mul
from typing import TYPE_CHECKING, Any

from ...ports.changes import Embedded, PutVectors
from ...ports.errors import Rejected
from ...ports.instants import to_micros
from ...ports.queries import Hit, VectorQuery
from ...ports.records import Vector
from .filters import FIELDS, SCOPE, filter_parameters
from .pgvector import MOST_DIMENSIONS, index_statement
from .rows import DELETED, E_COLUMNS, WIDTH, checked, row_entry
from .statement import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asyncpg import Record

    from .connections import Connection
    from .transaction import Transaction

_ENTRY = "SELECT row, version, state, scope FROM entries WHERE id = $1 FOR SHARE"
_NEW_MODEL = "INSERT INTO models (name, dimension) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING model"
_MODEL = "SELECT model, dimension FROM models WHERE name = $1"
_DROP = "DELETE FROM vectors WHERE model = $1 AND entry = $2"
_PUT = (
    "INSERT INTO vectors (entry, model, chunk, start, stop, {column}) SELECT $1, $2, v.chunk, v.start, v.stop, v.value "
    "FROM unnest($3::int[], $4::int[], $5::int[], $6::{type}[]) AS v (chunk, start, stop, value)"
)
_PUT_VALUE = _PUT.format(column="value", type="bytea")
_PUT_EMBEDDING = _PUT.format(column="embedding", type="vector")

_SCAN = Statement(
    "SELECT e.row, e.id, v.start, v.stop, v.value FROM vectors v JOIN entries e ON e.row = v.entry "  # noqa: S608 - constants of this package
    f"WHERE v.model = :model AND {FIELDS} AND {SCOPE} ORDER BY v.entry, v.chunk"
)
_STORED = (
    "SELECT e.id, v.start, v.stop, v.{column} FROM models m JOIN vectors v ON v.model = m.model "
    "JOIN entries e ON e.row = v.entry WHERE m.name = $2 AND e.id = ANY ($1::text[]) ORDER BY v.entry, v.chunk"
)
_STORED_VALUE = _STORED.format(column="value")
_STORED_EMBEDDING = _STORED.format(column="embedding")
_WINNERS = f"SELECT {E_COLUMNS}, e.row FROM entries e WHERE e.row = ANY ($1::bigint[])"  # noqa: S608 - same

# The inner statement is the one that an index can answer, chunk by chunk; `+ 0` keeps it from doing so.
_NEAR = (
    "WITH near AS MATERIALIZED (SELECT v.row, v.entry, v.start, v.stop, "
    "v.embedding::vector({dimension}) <=> :vector::vector({dimension}) AS distance "
    "FROM vectors v JOIN entries e ON e.row = v.entry WHERE v.model = {model} AND {fields} AND {scope} "
    "ORDER BY (v.embedding::vector({dimension}) <=> :vector::vector({dimension})) {exactly} LIMIT :chunks), "
    "best AS (SELECT DISTINCT ON (entry) * FROM near ORDER BY entry, distance, row) "
    "SELECT {columns}, 1 - b.distance AS score, b.start, b.stop, (SELECT count(*) FROM near) AS seen "
    "FROM best b JOIN entries e ON e.row = b.entry ORDER BY b.distance, e.id DESC LIMIT :limit"
)


def prepare(change: PutVectors) -> PutVectors:
    checked(change.entry_id, "entry_id")
    checked(change.model, "model")
    sizes = {len(vector.values) for vector in change.vectors}
    if len(sizes) > 1 or any(size == 0 or size % 4 for size in sizes):
        raise Rejected(f"vectors: of {sorted(sizes)} bytes; all need one whole number of float32", "vectors")
    return change


async def put(transaction: Transaction, change: PutVectors) -> Embedded:
    entry = await transaction.fetchrow(_ENTRY, change.entry_id)
    if entry is None or entry[1] != change.version or entry[2] == DELETED:
        return Embedded(stored=False)
    number, version, _, scope = entry
    model = await _model(transaction, change)
    if model is not None:
        await transaction.execute(_DROP, model, number)
    if change.vectors:
        await transaction.execute(
            _PUT_EMBEDDING if transaction.vectors else _PUT_VALUE,
            number,
            model,
            list(range(len(change.vectors))),
            [vector.start for vector in change.vectors],
            [vector.end for vector in change.vectors],
            [vector.values for vector in change.vectors],
        )
    transaction.event("entry.embedded", scope, change.entry_id, to_micros(change.at), version)
    return Embedded(stored=True)


async def _model(transaction: Transaction, change: PutVectors) -> int | None:
    """Its number; the first vectors of a model make it known, with an index of its own."""
    known = await transaction.fetchrow(_MODEL, change.model)
    if known is None and change.vectors:
        dimension = len(change.vectors[0].values) // 4
        created = await transaction.fetchval(_NEW_MODEL, change.model, dimension)
        if created is not None:
            if transaction.vectors and dimension <= MOST_DIMENSIONS:
                await transaction.execute(index_statement(created, dimension))
            return int(created)
        known = await transaction.fetchrow(_MODEL, change.model)
    if known is None:
        return None
    if change.vectors:
        _check_dimension(known[1], change.vectors[0].values, change.model)
    return int(known[0])


async def stored(
    connection: Connection, ids: list[str], model: str, *, indexed: bool
) -> dict[str, tuple[Vector, ...]]:
    found: dict[str, tuple[Vector, ...]] = {}
    rows = await connection.fetch(_STORED_EMBEDDING if indexed else _STORED_VALUE, ids, model)
    for id_, start, end, values in rows:
        found[id_] = (*found.get(id_, ()), Vector(values=values, start=start, end=end))
    return found


async def nearest(connection: Connection, query: VectorQuery, *, indexed: bool) -> list[Hit]:
    model = await connection.fetchrow(_MODEL, query.model)
    if model is None:
        return []
    number, dimension = model
    _check_dimension(dimension, query.vector, query.model)
    parameters = filter_parameters(query.filter) | {"limit": query.limit}
    if not indexed:
        return await _one_by_one(connection, query, parameters | {"model": number})
    parameters |= {"vector": query.vector, "chunks": query.limit * 2 + 20}
    exactly = dimension > MOST_DIMENSIONS
    while True:
        statement = _near(number, dimension, exactly=exactly)
        rows = await connection.fetch(statement.sql, *statement.arguments(parameters))
        seen = rows[0][WIDTH + 3] if rows else 0
        if len(rows) == query.limit or (exactly and seen < parameters["chunks"]):
            return [Hit(row_entry(row), row[WIDTH], row[WIDTH + 1], row[WIDTH + 2]) for row in rows]
        if seen == parameters["chunks"]:
            # Many chunks of few entries.
            parameters["chunks"] *= 4
        else:
            # An index gives up after so many that the filter refused; there may be more.
            exactly = True


@cache
def _near(model: int, dimension: int, *, exactly: bool) -> Statement:
    return Statement(
        _NEAR.format(
            model=int(model), dimension=int(dimension), exactly="+ 0" if exactly else "", fields=FIELDS, scope=SCOPE,
            columns=E_COLUMNS,
        )
    )  # fmt: skip


async def _one_by_one(connection: Connection, query: VectorQuery, parameters: dict[str, Any]) -> list[Hit]:
    found = await connection.fetch(_SCAN.sql, *_SCAN.arguments(parameters))
    best = heapq.nlargest(query.limit, _by_best_chunk(found, _floats(query.vector)))
    entries = {
        row[WIDTH]: row for row in await connection.fetch(_WINNERS, [number for _, _, number, _, _ in best])
    }
    return [
        Hit(row_entry(entries[number]), score, start, end)
        for score, _, number, start, end in best
        if number in entries
    ]


def _by_best_chunk(
    rows: Iterable[Record], wanted: array[float]
) -> Iterator[tuple[float, str, int, int, int]]:
    """Each entry once: score, id, row, start, end. The rows of one entry follow each other."""
    best: tuple[float, str, int, int, int] | None = None
    for number, id_, start, end, value in rows:
        score = sum(map(mul, wanted, _floats(value)))
        if best is not None and best[2] != number:
            yield best
            best = None
        if best is None or score > best[0]:
            best = (score, id_, number, start, end)
    if best is not None:
        yield best


def _check_dimension(dimension: int, values: bytes, name: str) -> None:
    if len(values) != dimension * 4:
        raise Rejected(
            f"vectors: {len(values) // 4} dimensions, but those of model {name!r} have {dimension}", "vectors"
        )


def _floats(values: bytes) -> array[float]:
    floats = array("f")
    floats.frombytes(values)
    if sys.byteorder == "big":
        floats.byteswap()
    return floats
