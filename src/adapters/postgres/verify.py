"""The store, checked against itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .entries import LEXEMES
from .rows import text_row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .connections import Connection

_MOST = 20
"""Lines for one kind of problem; one that is everywhere would fill the answer."""
_BATCH = 500

_CHECKS = {
    "entry {}: versions are missing from its history": (
        "SELECT e.id FROM entries e WHERE e.version - 1 <> (SELECT count(*) FROM revisions r WHERE r.id = e.id) "
        "OR e.version <= (SELECT coalesce(max(version), 0) FROM revisions r WHERE r.id = e.id)"
    ),
    "revision of {}: its entry is gone": (
        "SELECT r.id FROM revisions r WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.id = r.id)"
    ),
    "revision of {}: it overlaps the next version": (
        "SELECT r.id FROM revisions r WHERE r.until > coalesce("
        "(SELECT n.updated_at FROM revisions n WHERE n.id = r.id AND n.version = r.version + 1), "
        "(SELECT e.updated_at FROM entries e WHERE e.id = r.id))"
    ),
    "entry {}: deleted, but still in the lexical index": (
        "SELECT id FROM entries WHERE (state = 3) <> (lexemes IS NULL)"
    ),
    "vector of {}: its entry is deleted": (
        "SELECT e.id FROM vectors v JOIN entries e ON e.row = v.entry WHERE e.state = 3"
    ),
    "outbox: event {} is beyond its head": (
        "SELECT o.seq FROM outbox o CROSS JOIN store s WHERE o.seq > s.outbox_head"
    ),
}
_BATCHES = (
    "SELECT row, id, title, content, tags, author FROM {table} WHERE row > $1 AND lexemes IS NOT NULL "
    "ORDER BY row LIMIT $2"
)
_DIFFERENT = (
    "SELECT t.id FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[]) "  # noqa: S608 - constants of this package
    "AS w (row, words, title, content, tags, author) JOIN {table} t ON t.row = w.row WHERE t.words <> w.words "
    f"OR t.lexemes <> ({LEXEMES.format('w.title', 'w.content', 'w.tags', 'w.author')})"
)


async def verify(connection: Connection) -> list[str]:
    problems: list[str] = []
    for message, statement in _CHECKS.items():
        problems += [message.format(row[0]) for row in (await connection.fetch(statement))[:_MOST]]
    for table in ("entries", "revisions"):
        async for id_ in _unlike_their_text(connection, table):
            problems.append(f"{table} of {id_}: the lexical index differs from the text")
            if len(problems) > _MOST * (len(_CHECKS) + 1):
                return problems
    return problems


async def _unlike_their_text(connection: Connection, table: str) -> AsyncIterator[str]:
    last = 0
    while rows := await connection.fetch(_BATCHES.format(table=table), last, _BATCH):
        last = rows[-1][0]
        texts = [
            (row["row"], *text_row(row["title"], row["content"], row["tags"], row["author"])) for row in rows
        ]
        for (id_,) in await connection.fetch(
            _DIFFERENT.format(table=table), *map(list, zip(*texts, strict=True))
        ):
            yield id_
