"""Changes, applied in order within one transaction; and idempotency keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec

from ...ports.changes import (
    AddEntry,
    AddRelation,
    Applied,
    CastVote,
    Change,
    Enqueue,
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
from .entries import Addition
from .rows import checked, encode

if TYPE_CHECKING:
    from ...ports.changes import Once
    from .transaction import Transaction

Prepared = list[tuple[Callable[["Transaction", Any], Awaitable[Outcome]], Any]]

_decode_outcomes = msgspec.json.Decoder(tuple[Outcome, ...]).decode

# Taken before it is looked for, so that of two calls with one key the second waits for the first.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 20250101))"
_FIND = "SELECT digest, outcomes FROM idempotency WHERE key = $1 AND keep_until > $2"
_KEEP = (
    "INSERT INTO idempotency (key, digest, outcomes, keep_until) VALUES ($1, $2, $3, $4) ON CONFLICT (key) DO UPDATE "
    "SET digest = excluded.digest, outcomes = excluded.outcomes, keep_until = excluded.keep_until"
)
# A few with every key kept: the table stays about as long as the keys that are alive.
_DROP_OLD = (
    "DELETE FROM idempotency WHERE key IN "
    "(SELECT key FROM idempotency WHERE keep_until <= $1 ORDER BY keep_until LIMIT 4 FOR UPDATE SKIP LOCKED)"
)


def prepare(changes: tuple[Change, ...]) -> Prepared:
    """All that can be refused or encoded without the store."""
    return [_prepare(change) for change in changes]


def additions_only(prepared: Prepared) -> list[Addition] | None:
    """The additions, when there is nothing else: these can be written together with those of other callers."""
    if prepared and all(isinstance(change, Addition) for _, change in prepared):
        return [change for _, change in prepared]
    return None


def check_once(once: Once) -> None:
    if not once.key:
        raise Rejected("key: must not be empty", "key")
    checked(once.key, "key")


async def apply(transaction: Transaction, prepared: Prepared) -> tuple[Outcome, ...]:
    outcomes: list[Outcome] = []
    for run, group in groupby(prepared, key=lambda step: step[0]):
        if run is entries.add:
            outcomes += await entries.add_all(transaction, [change for _, change in group])
        elif run is restore.restore:
            outcomes += await restore.restore_all(transaction, [change for _, change in group])
        elif run is relations.add:
            outcomes += await relations.add_all(transaction, [change for _, change in group])
        else:
            outcomes += [await run(transaction, change) for _, change in group]
    return tuple(outcomes)


async def apply_once(transaction: Transaction, prepared: Prepared, once: Once) -> Applied:
    at = to_micros(once.at)
    await transaction.execute(_LOCK, once.key)
    stored = await transaction.fetchrow(_FIND, once.key, at)
    if stored is not None:
        if stored[0] != once.digest:
            raise Conflict(f"idempotency key {once.key!r} was used with another request")
        return Applied(_decode_outcomes(stored[1]), replayed=True)
    outcomes = await apply(transaction, prepared)
    await transaction.execute(_DROP_OLD, at)
    await transaction.execute(_KEEP, once.key, once.digest, encode(outcomes), to_micros(once.keep_until))
    return Applied(outcomes)


def _prepare(change: Change) -> tuple[Callable[[Transaction, Any], Awaitable[Outcome]], Any]:  # noqa: C901 - one arm a change
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
            return jobs.enqueue, change
