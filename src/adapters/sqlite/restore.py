"""Entries and votes put back as they stood elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...ports.changes import Added, Restored, RestoreEntry, RestoreVote
from ...ports.errors import Conflict
from ...ports.instants import to_micros
from ...ports.restoring import check_history
from . import jobs
from .entries import BY_HASH, BY_ID, INSERT, KEEP_TEXT
from .rows import (
    ACTIVE,
    AUTHOR,
    COLUMNS,
    CONTENT,
    DELETED,
    HASH,
    ID,
    SCOPE,
    STATE,
    TAGS,
    TITLE,
    UPDATED,
    VERSION,
    WIDTH,
    Row,
    entry_row,
    row_entry,
)
from .sessions import CAST, prepare_cast

if TYPE_CHECKING:
    from .transaction import Transaction

_KEEP = f"INSERT INTO revisions ({COLUMNS}, until) VALUES ({', '.join('?' * (WIDTH + 1))})"  # noqa: S608 - constants of this package
_SAME_VOTE = (
    "SELECT 1 FROM votes WHERE scope = ? AND question = ? AND agent = ? AND choice = ? AND cast_at = ?"
)


class Restoration(NamedTuple):
    change: RestoreEntry
    row: Row
    former: list[Row]


def prepare(change: RestoreEntry) -> Restoration:
    check_history(change)
    for job in change.jobs:
        jobs.check(job)
    former = [
        (*entry_row(past.entry), None if past.until is None else to_micros(past.until))
        for past in change.former
    ]
    return Restoration(change, entry_row(change.entry), former)


def restore(transaction: Transaction, restoration: Restoration) -> Added:
    change, row, former = restoration
    cursor = transaction.execute(INSERT, row)
    if cursor.rowcount != 1:
        taken = transaction.execute(BY_ID, (row[ID],)).fetchone()
        if taken is not None:
            raise Conflict(f"entry {row[ID]}: the id is taken", row_entry(taken))
        assert row[STATE] == ACTIVE
        same = transaction.execute(BY_HASH, (row[SCOPE], row[HASH])).fetchone()
        return Added(same[ID], same[VERSION], duplicate=True)
    number = cursor.lastrowid
    assert number is not None
    for past in former:
        kept = transaction.execute(_KEEP, past).lastrowid
        transaction.execute(KEEP_TEXT, (kept, past[TITLE], past[CONTENT], past[TAGS], past[AUTHOR]))
    if row[STATE] == DELETED:
        transaction.event("entry.removed", row[SCOPE], row[ID], row[UPDATED], row[VERSION])
    else:
        transaction.add_text(number, row[TITLE], row[CONTENT], row[TAGS], row[AUTHOR])
        for tag in change.entry.tags:
            transaction.add_tag(tag, number)
        transaction.event("entry.added", row[SCOPE], row[ID], row[UPDATED], row[VERSION])
    for job in change.jobs:
        jobs.enqueue(transaction, job, row[UPDATED])
    return Added(row[ID], row[VERSION], duplicate=False)


def prepare_vote(change: RestoreVote) -> Row:
    return prepare_cast(change.vote)


def restore_vote(transaction: Transaction, vote: Row) -> Restored:
    if transaction.execute(_SAME_VOTE, vote).fetchone() is not None:
        return Restored(created=False)
    transaction.execute(CAST, vote)
    scope, question, _, _, at = vote
    transaction.event("vote.cast", scope, question, at)
    return Restored(created=True)
