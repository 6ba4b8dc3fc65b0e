"""What the database needs from time to time beside what autovacuum does by itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from .entries import LEXEMES
from .rows import text_row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ...ports.storage import Maintenance
    from .transaction import Transaction

    class Run(Protocol):
        async def __call__(self, work: Callable[[Transaction], Awaitable[T]]) -> T: ...


T = TypeVar("T")

_TABLES = ("entries", "revisions", "relations", "vectors", "outbox", "jobs", "generations")
# What GIN has not sorted in yet, and every search reads.
_PENDING = "SELECT gin_clean_pending_list(i) FROM unnest($1::text[]) AS n (name), to_regclass(n.name) AS i"
_GIN = ("entries_by_word", "entries_by_tag", "revisions_by_word")
_KEYS = 500
_DROP_KEYS = (
    "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE keep_until <= now_micros() "
    "ORDER BY keep_until LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING 1"
)

_REBUILT = 500
_TEXTS = (
    "SELECT row, title, content, tags, author FROM {table} WHERE row > $1 AND state <> 3 ORDER BY row LIMIT $2 "
    "FOR UPDATE"
)
_WORDS = (
    "UPDATE {table} t SET words = w.words, "  # noqa: S608 - constants of this package
    f"lexemes = {LEXEMES.format('w.title', 'w.content', 'w.tags', 'w.author')} "
    "FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[]) "
    "AS w (row, words, title, content, tags, author) WHERE t.row = w.row"
)


async def maintain(run: Run, task: Maintenance) -> None:
    match task:
        case "statistics":
            for table in _TABLES:
                await run(_analyze(table))
        case "index":
            await run(_clean)
        case "space":
            # Autovacuum's: free room is used again, and only VACUUM FULL, which locks everyone out, gives it back.
            return
        case "keys":
            while await run(_drop_keys):
                pass
        case "rebuild":
            for table in ("entries", "revisions"):
                last = 0
                while last := await run(partial(_rebuild, table=table, after=last)):
                    pass


def _analyze(table: str) -> Callable[[Transaction], Awaitable[bool]]:
    async def analyze(transaction: Transaction) -> bool:
        await transaction.execute(f"ANALYZE {table}")
        return False

    return analyze


async def _clean(transaction: Transaction) -> bool:
    await transaction.fetch(_PENDING, _GIN)
    return False


async def _drop_keys(transaction: Transaction) -> bool:
    return len(await transaction.fetch(_DROP_KEYS, _KEYS)) == _KEYS


async def _rebuild(transaction: Transaction, table: str, after: int) -> int:
    """Those after a row, as far as a step goes; the last one's number, 0 when there are no more."""
    rows = await transaction.fetch(_TEXTS.format(table=table), after, _REBUILT)
    if not rows:
        return 0
    texts = [
        (row["row"], *text_row(row["title"], row["content"], row["tags"], row["author"])) for row in rows
    ]
    await transaction.execute(_WORDS.format(table=table), *map(list, zip(*texts, strict=True)))
    last: int = rows[-1]["row"]
    return last
