"""What the file needs from time to time. In steps, each a unit of the writer's, so that writes wait for one at most."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ...ports.storage import Maintenance
    from .transaction import Transaction

    Submit = Callable[[Callable[[Transaction], bool]], Awaitable[bool]]

_MERGED_PAGES = 200
"""A step of about 10 ms at 100,000 entries."""
_FREED_PAGES = 500
_KEYS = 500
# Enough for the planner to tell a good index from a bad one, and done in milliseconds at any size.
_ANALYSIS_LIMIT = "PRAGMA analysis_limit=1000"
_ANALYZE = "ANALYZE"
_MERGE = {
    "entries": "INSERT INTO entries_fts (entries_fts, rank) VALUES ('merge', ?)",
    "revisions": "INSERT INTO revisions_fts (revisions_fts, rank) VALUES ('merge', ?)",
}
_REBUILD = {
    "entries": "INSERT INTO entries_fts (entries_fts) VALUES ('rebuild')",
    "revisions": "INSERT INTO revisions_fts (revisions_fts) VALUES ('rebuild')",
}
_FREE = "PRAGMA freelist_count"
_VACUUM = f"PRAGMA incremental_vacuum({_FREED_PAGES})"
_DROP_KEYS = (
    "DELETE FROM idempotency WHERE rowid IN "
    "(SELECT rowid FROM idempotency WHERE keep_until <= ? ORDER BY keep_until LIMIT ?)"
)


async def maintain(submit: Submit, task: Maintenance) -> None:
    match task:
        case "statistics":
            await submit(_analyze)
        case "index":
            for statement in _MERGE.values():
                await _merge(submit, statement)
        case "space":
            while await submit(_shrink):
                pass
            await submit(_checkpoint)
        case "keys":
            while await submit(_drop_keys):
                pass
        case "rebuild":
            for statement in _REBUILD.values():
                await submit(partial(_rebuild, statement=statement))


def _analyze(transaction: Transaction) -> bool:
    transaction.execute(_ANALYSIS_LIMIT)
    transaction.execute(_ANALYZE)
    return False


def _rebuild(transaction: Transaction, statement: str) -> bool:
    """FTS5 knows no half of it: writers wait a second for each 20,000 entries."""
    transaction.flush_index()
    transaction.execute(statement)
    return False


async def _merge(submit: Submit, statement: str) -> None:
    """All segments into one, as 'optimize' does it at once: a negative number begins, positive ones go on
    (https://www.sqlite.org/fts5.html#the_merge_command).
    """
    pages = -_MERGED_PAGES

    def step(transaction: Transaction) -> bool:
        transaction.flush_index()
        before = transaction.connection.total_changes
        transaction.execute(statement, (pages,))
        return transaction.connection.total_changes - before >= 2

    while await submit(step):
        pages = _MERGED_PAGES


def _shrink(transaction: Transaction) -> bool:
    """Nothing where the file was made without room for it (`auto_vacuum`): there free pages are used again, not given
    back.
    """
    before = _free_pages(transaction)
    if before:
        transaction.execute(_VACUUM).fetchall()
    return _free_pages(transaction) < before


def _free_pages(transaction: Transaction) -> int:
    free: int = transaction.execute(_FREE).fetchone()[0]
    return free


def _checkpoint(transaction: Transaction) -> bool:
    transaction.checkpoint()
    return False


def _drop_keys(transaction: Transaction) -> bool:
    return transaction.execute(_DROP_KEYS, (transaction.now(), _KEYS)).rowcount == _KEYS
