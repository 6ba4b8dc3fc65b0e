"""What the database needs from time to time beside what autovacuum does by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ...ports.storage import Maintenance
    from .transaction import Transaction

    Run = Callable[[Callable[[Transaction], Awaitable[bool]]], Awaitable[bool]]

_TABLES = ("entries", "revisions", "relations", "vectors", "outbox", "jobs", "generations")
# What GIN has not sorted in yet, and every search reads.
_PENDING = "SELECT gin_clean_pending_list(i) FROM unnest($1::text[]) AS n (name), to_regclass(n.name) AS i"
_GIN = ("entries_by_word", "entries_by_tag", "revisions_by_word")
_KEYS = 500
_DROP_KEYS = (
    "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE keep_until <= now_micros() "
    "ORDER BY keep_until LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING 1"
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
