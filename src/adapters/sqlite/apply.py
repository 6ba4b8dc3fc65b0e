"""Changes, applied in order within one transaction; and idempotency keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from ...ports.changes import (
    AddEntry,
    AddRelation,
    Applied,
    CastVote,
    Change,
    Enqueue,
    Enqueued,
    Outcome,
    PutSession,
    PutVectors,
    RemoveEntries,
    RemoveRelation,
    ReplaceEntry,
    RestoreEntry,
    RestoreVote,
)
from ...ports.errors import Conflict, Rejected
from ...ports.instants import to_micros
from . import entries, jobs, relations, restore, sessions, vectors
from .rows import checked, encode

if TYPE_CHECKING:
    from ...ports.changes import Once
    from .transaction import Transaction

Prepared = list[tuple[Callable[["Transaction", Any], Outcome], Any]]

_decode_outcomes = msgspec.json.Decoder(tuple[Outcome, ...]).decode

_FIND = "SELECT digest, outcomes FROM idempotency WHERE key = ? AND keep_until > ?"
_KEEP = (
    "INSERT INTO idempotency (key, digest, outcomes, keep_until) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE "
    "SET digest = excluded.digest, outcomes = excluded.outcomes, keep_until = excluded.keep_until"
)
# A few with every key kept: the table stays about as long as the keys that are alive.
_DROP_OLD = (
    "DELETE FROM idempotency WHERE rowid IN "
    "(SELECT rowid FROM idempotency WHERE keep_until <= ? ORDER BY keep_until LIMIT 4)"
)


def prepare(changes: tuple[Change, ...]) -> Prepared:
    """All that can be refused or encoded without the store, off its thread."""
    return [_prepare(change) for change in changes]


def check_once(once: Once) -> None:
    if not once.key:
        raise Rejected("key: must not be empty", "key")
    checked(once.key, "key")


def apply(transaction: Transaction, prepared: Prepared) -> Applied:
    before = transaction.seq
    outcomes = tuple([run(transaction, change) for run, change in prepared])
    return Applied(outcomes, seq=transaction.seq if transaction.seq != before else 0)


def apply_once(transaction: Transaction, prepared: Prepared, once: Once) -> Applied:
    at = transaction.now()
    stored = transaction.execute(_FIND, (once.key, at)).fetchone()
    if stored is not None:
        if stored[0] != once.digest:
            raise Conflict(f"idempotency key {once.key!r} was used with another request")
        return Applied(_decode_outcomes(stored[1]), replayed=True)
    applied = apply(transaction, prepared)
    transaction.execute(_DROP_OLD, (at,))
    transaction.execute(_KEEP, (once.key, once.digest, encode(applied.outcomes), to_micros(once.keep_until)))
    return applied


def _prepare(change: Change) -> tuple[Callable[[Transaction, Any], Outcome], Any]:  # noqa: C901 - one arm a change
    match change:
        case AddEntry():
            return entries.add, entries.prepare_add(change)
        case ReplaceEntry():
            return entries.replace, entries.prepare_replace(change)
        case RemoveEntries():
            return entries.remove, entries.prepare_remove(change)
        case RestoreEntry():
            return restore.restore, restore.prepare(change)
        case AddRelation():
            return relations.add, relations.prepare(change)
        case RemoveRelation():
            return relations.remove, change
        case PutSession():
            return sessions.put, sessions.prepare_session(change)
        case CastVote():
            return sessions.cast, sessions.prepare_vote(change)
        case RestoreVote():
            return restore.restore_vote, restore.prepare_vote(change)
        case PutVectors():
            return vectors.put, vectors.prepare(change)
        case Enqueue():
            jobs.check(change.job)
            return _enqueue, change


def _enqueue(transaction: Transaction, change: Enqueue) -> Enqueued:
    return jobs.enqueue(transaction, change.job, to_micros(change.at))
