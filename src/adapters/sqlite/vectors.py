"""Vectors of chunks, and the exact search over them.

Plain Python over the filter's own rows: correct for any filter. A derived index answers where that is too slow.
"""

from __future__ import annotations

import heapq
import sys
from array import array
from operator import mul
from typing import TYPE_CHECKING

from ...ports.changes import Embedded, PutVectors
from ...ports.errors import Rejected
from ...ports.instants import to_micros
from ...ports.queries import Hit, VectorQuery
from ...ports.records import Vector
from .filters import FIELDS, IN_SCOPE, TAGS, TagMode, filter_parameters, tag_mode
from .rows import DELETED, E_COLUMNS, checked, encode, row_entry
from .snapshot import snapshot

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from .rows import Row
    from .transaction import Transaction

_ENTRY = "SELECT row, version, state, scope FROM entries WHERE id = ?"
_NEW_MODEL = "INSERT INTO models (name) VALUES (?) ON CONFLICT DO NOTHING"
_MODEL = "SELECT model FROM models WHERE name = ?"
_SIZE = "SELECT length(value) FROM vectors WHERE model = ? LIMIT 1"
_DROP = "DELETE FROM vectors WHERE model = ? AND entry = ?"
_PUT = "INSERT INTO vectors (entry, model, chunk, start, stop, value) VALUES (?, ?, ?, ?, ?, ?)"
_SCAN = (
    "SELECT e.row, e.id, v.start, v.stop, v.value FROM vectors v INDEXED BY vectors_by_model "
    "CROSS JOIN entries e ON e.row = v.entry WHERE v.model = :model AND {fields} AND {scope} AND {tags} "
    "ORDER BY v.model, v.entry, v.chunk"
)
_SCANS: dict[TagMode, str] = {
    mode: _SCAN.format(fields=FIELDS, scope=IN_SCOPE, tags=sql) for mode, sql in TAGS.items()
}
_STORED = (
    "SELECT e.id, v.start, v.stop, v.value FROM json_each(:ids) k CROSS JOIN entries e ON e.id = k.value "
    "CROSS JOIN vectors v INDEXED BY vectors_by_model ON v.entry = e.row "
    "AND v.model = (SELECT model FROM models WHERE name = :model) ORDER BY k.key, v.chunk"
)
_WINNER = f"SELECT {E_COLUMNS} FROM entries e WHERE e.row = ?"  # noqa: S608 - a constant of this package


def prepare(change: PutVectors) -> PutVectors:
    checked(change.entry_id, "entry_id")
    checked(change.model, "model")
    sizes = {len(vector.values) for vector in change.vectors}
    if len(sizes) > 1 or any(size == 0 or size % 4 for size in sizes):
        raise Rejected(f"vectors: of {sorted(sizes)} bytes; all need one whole number of float32", "vectors")
    return change


def put(transaction: Transaction, change: PutVectors) -> Embedded:
    entry = transaction.execute(_ENTRY, (change.entry_id,)).fetchone()
    if entry is None or entry[1] != change.version or entry[2] == DELETED:
        return Embedded(stored=False)
    number, version, _, scope = entry
    transaction.execute(_NEW_MODEL, (change.model,))
    model = transaction.execute(_MODEL, (change.model,)).fetchone()[0]
    transaction.execute(_DROP, (model, number))
    if change.vectors:
        _check_size(transaction.connection, model, len(change.vectors[0].values), change.model)
    transaction.connection.executemany(
        _PUT,
        [(number, model, chunk, v.start, v.end, v.values) for chunk, v in enumerate(change.vectors)],
    )
    transaction.event("entry.embedded", scope, change.entry_id, to_micros(change.at), version)
    return Embedded(stored=True)


def stored(connection: sqlite3.Connection, ids: Sequence[str], model: str) -> dict[str, tuple[Vector, ...]]:
    found: dict[str, tuple[Vector, ...]] = {}
    asked = {"ids": encode(list(dict.fromkeys(ids))).decode(), "model": checked(model, "model")}
    for id_, start, end, values in connection.execute(_STORED, asked):
        found[id_] = (*found.get(id_, ()), Vector(values=values, start=start, end=end))
    return found


def nearest(connection: sqlite3.Connection, query: VectorQuery) -> list[Hit]:
    parameters = filter_parameters(query.filter)
    with snapshot(connection):
        model = connection.execute(_MODEL, (query.model,)).fetchone()
        if model is None:
            return []
        parameters["model"] = model[0]
        _check_size(connection, model[0], len(query.vector), query.model)
        mode = tag_mode(connection, query.filter, parameters)
        found = connection.execute(_SCANS[mode], parameters)
        best = heapq.nlargest(query.limit, _by_best_chunk(found, _floats(query.vector)))
        return [
            Hit(row_entry(connection.execute(_WINNER, (number,)).fetchone()), score, start, end)
            for score, _, number, start, end in best
        ]


def _by_best_chunk(rows: Iterator[Row], wanted: array[float]) -> Iterator[tuple[float, str, int, int, int]]:
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


def _check_size(connection: sqlite3.Connection, model: int, size: int, name: str) -> None:
    standing = connection.execute(_SIZE, (model,)).fetchone()
    if standing is not None and standing[0] != size:
        raise Rejected(
            f"vectors: {size // 4} dimensions, but those of model {name!r} have {standing[0] // 4}", "vectors"
        )


def _floats(values: bytes) -> array[float]:
    floats = array("f")
    floats.frombytes(values)
    if sys.byteorder == "big":
        floats.byteswap()
    return floats
