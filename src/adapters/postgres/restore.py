"""Entries and votes put back as they stood elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...ports.changes import Added, Restored, RestoreEntry, RestoreVote
from ...ports.errors import Conflict
from ...ports.instants import to_micros
from ...ports.restoring import check_history
from . import jobs
from .entries import BY_HASH, BY_ID, INSERT, NEW_ROWS, columns_of
from .rows import (
    ACTIVE,
    COLUMNS,
    DELETED,
    HASH,
    ID,
    SCOPE,
    STATE,
    UPDATED,
    VERSION,
    Row,
    entry_row,
    row_entry,
    text_row,
)
from .sessions import CAST, prepare_cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...ports.records import Entry
    from .transaction import Transaction

_KEEP = (
    f"INSERT INTO revisions ({COLUMNS}, words, lexemes, until) "
    f"{NEW_ROWS.format(until=', until', untils=', $26::bigint[]')}"
)
_SAME_VOTE = (
    "SELECT 1 FROM votes WHERE scope = $1 AND md5(question) = md5($2) AND question = $2 AND agent = $3 "
    "AND choice = $4 AND cast_at = $5"
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
        (*_whole_row(past.entry), None if past.until is None else to_micros(past.until))
        for past in change.former
    ]
    return Restoration(change, _whole_row(change.entry), former)


async def restore(transaction: Transaction, restoration: Restoration) -> Added:
    [restored] = await restore_all(transaction, [restoration])
    return restored


async def restore_all(transaction: Transaction, restorations: Sequence[Restoration]) -> list[Added]:
    """In order, in as few statements as one would take: a round trip costs as much as a handful of rows."""
    rows = columns_of([restoration.row for restoration in restorations])
    created = {id_ for (id_,) in await transaction.fetch(INSERT, *rows)}
    outcomes: list[Added] = []
    former: list[Row] = []
    work: list[jobs.Following] = []
    for restoration in restorations:
        row = restoration.row
        if row[ID] not in created:
            outcomes.append(await _standing(transaction, row))
            continue
        created.remove(row[ID])
        former += restoration.former
        kind = "entry.removed" if row[STATE] == DELETED else "entry.added"
        transaction.event(kind, row[SCOPE], row[ID], row[UPDATED], row[VERSION])
        work += [(job, row[UPDATED]) for job in restoration.change.jobs]
        outcomes.append(Added(row[ID], row[VERSION], duplicate=False))
    if former:
        await transaction.execute(_KEEP, *columns_of(former))
    await jobs.enqueue_all(transaction, work)
    return outcomes


async def _standing(transaction: Transaction, row: Row) -> Added:
    taken = await transaction.fetchrow(BY_ID, row[ID])
    if taken is not None:
        raise Conflict(f"entry {row[ID]}: the id is taken", row_entry(taken))
    same = None
    if row[STATE] == ACTIVE:
        same = await transaction.fetchrow(BY_HASH, row[SCOPE], row[HASH])
    if same is None:
        raise Conflict(f"entry {row[ID]}: another call wrote the same at the same time")
    return Added(same[ID], same[VERSION], duplicate=True)


def prepare_vote(change: RestoreVote) -> Row:
    return prepare_cast(change.vote)


async def restore_vote(transaction: Transaction, vote: Row) -> Restored:
    if await transaction.fetchval(_SAME_VOTE, *vote) is not None:
        return Restored(created=False)
    await transaction.execute(CAST, *vote)
    scope, question, _, _, at = vote
    transaction.event("vote.cast", scope, question, at)
    return Restored(created=True)


def _whole_row(entry: Entry) -> Row:
    return entry_row(entry) + text_row(entry.title, entry.content, entry.tags, entry.author)
