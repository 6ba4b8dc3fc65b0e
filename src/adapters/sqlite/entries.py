"""Adding, replacing and removing entries, each with its former revision, index rows and event."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...ports.changes import Added, AddEntry, Removed, RemoveEntries, Replaced, ReplaceEntry
from ...ports.errors import Conflict, NotFound, Rejected
from ...ports.instants import to_micros
from ...ports.scopes import within
from . import jobs
from .rows import (
    ACTIVE,
    ARCHIVED,
    AUTHOR,
    COLUMNS,
    CONTENT,
    DELETED,
    EXPIRES,
    HASH,
    ID,
    SCOPE,
    STATE,
    STATE_CODES,
    TAGS,
    TITLE,
    UPDATED,
    VERSION,
    Row,
    checked,
    decode_tags,
    entry_row,
    row_entry,
)

if TYPE_CHECKING:
    from ...ports.records import State
    from .transaction import Transaction

INSERT = (
    "INSERT INTO entries (id, scope, kind, state, version, at, created_at, updated_at, occurred_at, valid_from, "
    "valid_until, expires_at, importance, content_hash, author, title, tags, provenance, metadata, content) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_UPDATE = (
    "UPDATE entries SET id = ?, scope = ?, kind = ?, state = ?, version = ?, at = ?, created_at = ?, updated_at = ?, "
    "occurred_at = ?, valid_from = ?, valid_until = ?, expires_at = ?, importance = ?, content_hash = ?, author = ?, "
    "title = ?, tags = ?, provenance = ?, metadata = ?, content = ? WHERE row = ?"
)
_SET_STATE = "UPDATE entries SET state = ?, version = version + 1, updated_at = ? WHERE row = ?"
BY_ID = f"SELECT {COLUMNS}, row FROM entries WHERE id = ?"  # noqa: S608 - a constant of this package
BY_HASH = f"SELECT {COLUMNS}, row FROM entries WHERE scope = ? AND content_hash = ? AND state = 0"  # noqa: S608 - same
_KEEP = f"INSERT INTO revisions ({COLUMNS}, until) SELECT {COLUMNS}, ? FROM entries WHERE row = ?"  # noqa: S608 - same
KEEP_TEXT = "INSERT INTO revisions_fts (rowid, title, content, tags, author) VALUES (?, ?, ?, ?, ?)"
_CLIP = "UPDATE revisions SET until = ? WHERE id = ? AND until > ?"
_DROP_TEXT = (
    "INSERT INTO entries_fts (entries_fts, rowid, title, content, tags, author) "
    "VALUES ('delete', ?, ?, ?, ?, ?)"
)
_PUT_TEXT = "INSERT INTO entries_fts (rowid, title, content, tags, author) VALUES (?, ?, ?, ?, ?)"
_DROP_TAG = "DELETE FROM entry_tags WHERE tag = ? AND entry = ?"
_PUT_TAG = "INSERT OR IGNORE INTO entry_tags (tag, entry) VALUES (?, ?)"
_DROP_VECTORS = "DELETE FROM vectors WHERE entry = ?"
_DROP_RELATIONS = "DELETE FROM relations WHERE source = :row OR target = :row"
_REVISIONS_TEXT = "SELECT row, title, content, tags, author FROM revisions WHERE id = ?"
_DROP_REVISION_TEXT = (
    "INSERT INTO revisions_fts (revisions_fts, rowid, title, content, tags, author) "
    "VALUES ('delete', ?, ?, ?, ?, ?)"
)
_DROP_REVISIONS = "DELETE FROM revisions WHERE id = ?"
_DROP_ENTRY = "DELETE FROM entries WHERE row = ?"

_ROW = -1


class Addition(NamedTuple):
    change: AddEntry
    row: Row


class Replacement(NamedTuple):
    change: ReplaceEntry
    row: Row


def prepare_add(change: AddEntry) -> Addition:
    """What can be judged without the store: the row, or `Rejected`."""
    entry = change.entry
    if entry.version != 1:
        raise Rejected(f"version: a new entry starts at 1, not {entry.version}", "version")
    _check_state(entry.state)
    for job in change.jobs:
        jobs.check(job)
    return Addition(change, entry_row(entry))


def prepare_replace(change: ReplaceEntry) -> Replacement:
    entry = change.entry
    if entry.version != change.expected_version + 1:
        raise Rejected(
            f"version: the one after {change.expected_version} is {change.expected_version + 1}, not {entry.version}",
            "version",
        )
    _check_state(entry.state)
    for job in change.jobs:
        jobs.check(job)
    return Replacement(change, entry_row(entry))


def prepare_remove(change: RemoveEntries) -> RemoveEntries:
    for id_ in change.ids:
        checked(id_, "ids")
    return change


def add(transaction: Transaction, addition: Addition) -> Added:
    change, row = addition
    cursor = transaction.execute(INSERT, row)
    if cursor.rowcount != 1:
        standing = _standing(transaction, row)
        if standing is not None:
            return standing
        cursor = transaction.execute(INSERT, row)
    number = cursor.lastrowid
    assert number is not None
    created = row[UPDATED - 1]
    transaction.add_text(number, row[TITLE], row[CONTENT], row[TAGS], row[AUTHOR])
    for tag in change.entry.tags:
        transaction.add_tag(tag, number)
    transaction.event("entry.added", row[SCOPE], row[ID], created, 1)
    for job in change.jobs:
        jobs.enqueue(transaction, job, created)
    return Added(row[ID], 1, duplicate=False)


def _standing(transaction: Transaction, row: Row) -> Added | None:
    """What a new row collides with; None once that has expired and is out of the way."""
    former = None
    if row[STATE] == ACTIVE:
        former = transaction.execute(BY_HASH, (row[SCOPE], row[HASH])).fetchone()
    if former is not None and not (former[EXPIRES] is not None and former[EXPIRES] <= row[UPDATED - 1]):
        return Added(former[ID], former[VERSION], duplicate=True)
    taken = transaction.execute(BY_ID, (row[ID],)).fetchone()
    if taken is not None:
        raise Conflict(f"entry {row[ID]}: the id is taken", row_entry(taken))
    assert former is not None
    _set_state(transaction, former, ARCHIVED, row[UPDATED - 1])
    transaction.event("entry.updated", former[SCOPE], former[ID], row[UPDATED - 1], former[VERSION] + 1)
    return None


def replace(transaction: Transaction, replacement: Replacement) -> Replaced:
    change, row = replacement
    transaction.flush_index()
    former = transaction.execute(BY_ID, (row[ID],)).fetchone()
    if former is None or former[STATE] == DELETED:
        raise NotFound(f"entry {row[ID]}: not found")
    if former[VERSION] != change.expected_version:
        raise Conflict(
            f"entry {row[ID]}: version {former[VERSION]} stands, {change.expected_version} was expected",
            row_entry(former),
        )
    if former[SCOPE] != row[SCOPE]:
        raise Rejected(f"scope: entry {row[ID]} stays in {former[SCOPE]!r}", "scope")
    if row[STATE] == ACTIVE:
        same = transaction.execute(BY_HASH, (row[SCOPE], row[HASH])).fetchone()
        if same is not None and same[ID] != row[ID]:
            raise Conflict(
                f"entry {same[ID]} of scope {row[SCOPE]!r} has this content already", row_entry(same)
            )
    number = former[_ROW]
    _keep(transaction, former, row[UPDATED])
    transaction.execute(_UPDATE, (*row, number))
    _replace_index(transaction, number, former, row)
    transaction.event("entry.updated", row[SCOPE], row[ID], row[UPDATED], row[VERSION])
    for job in change.jobs:
        jobs.enqueue(transaction, job, row[UPDATED])
    return Replaced(row[ID], row[VERSION])


def remove(transaction: Transaction, change: RemoveEntries) -> Removed:
    transaction.flush_index()
    at = to_micros(change.at)
    removed: list[str] = []
    for id_ in dict.fromkeys(change.ids):
        former = transaction.execute(BY_ID, (id_,)).fetchone()
        if former is None or not within(former[SCOPE], change.ceiling):
            continue
        if change.purge:
            _purge(transaction, former)
            transaction.purge()
            transaction.event("entry.purged", former[SCOPE], id_, at, former[VERSION])
        elif former[STATE] == DELETED:
            continue
        else:
            _set_state(transaction, former, DELETED, at)
            _drop_index(transaction, former)
            transaction.event("entry.removed", former[SCOPE], id_, at, former[VERSION] + 1)
        removed.append(id_)
    return Removed(tuple(removed))


def _check_state(state: State) -> None:
    if STATE_CODES[state] == DELETED:
        raise Rejected("state: 'deleted' comes of removing an entry, not of writing it", "state")


def _keep(transaction: Transaction, former: Row, until: int) -> None:
    """Make the current version a former one."""
    if until < former[UPDATED]:
        # The clock went back: no instant may see two versions of one entry.
        transaction.execute(_CLIP, (until, former[ID], until))
    kept = transaction.execute(_KEEP, (until, former[_ROW])).lastrowid
    transaction.execute(KEEP_TEXT, (kept, former[TITLE], former[CONTENT], former[TAGS], former[AUTHOR]))


def _set_state(transaction: Transaction, former: Row, state: int, at: int) -> None:
    _keep(transaction, former, at)
    transaction.execute(_SET_STATE, (state, at, former[_ROW]))


def _replace_index(transaction: Transaction, number: int, former: Row, row: Row) -> None:
    if any(former[column] != row[column] for column in (TITLE, CONTENT, TAGS, AUTHOR)):
        transaction.execute(
            _DROP_TEXT, (number, former[TITLE], former[CONTENT], former[TAGS], former[AUTHOR])
        )
        transaction.execute(_PUT_TEXT, (number, row[TITLE], row[CONTENT], row[TAGS], row[AUTHOR]))
    if former[TAGS] != row[TAGS]:
        execute_many = transaction.connection.executemany
        execute_many(_DROP_TAG, [(tag, number) for tag in decode_tags(former[TAGS])])
        execute_many(_PUT_TAG, [(tag, number) for tag in decode_tags(row[TAGS])])
    if former[TITLE] != row[TITLE] or former[CONTENT] != row[CONTENT]:
        # Of a text that no longer stands; their places in it would be wrong too.
        transaction.execute(_DROP_VECTORS, (number,))


def _drop_index(transaction: Transaction, former: Row) -> None:
    number = former[_ROW]
    transaction.execute(_DROP_TEXT, (number, former[TITLE], former[CONTENT], former[TAGS], former[AUTHOR]))
    transaction.connection.executemany(_DROP_TAG, [(tag, number) for tag in decode_tags(former[TAGS])])
    transaction.execute(_DROP_VECTORS, (number,))


def _purge(transaction: Transaction, former: Row) -> None:
    if former[STATE] != DELETED:
        _drop_index(transaction, former)
    transaction.execute(_DROP_RELATIONS, {"row": former[_ROW]})
    texts = transaction.execute(_REVISIONS_TEXT, (former[ID],)).fetchall()
    transaction.connection.executemany(_DROP_REVISION_TEXT, texts)
    transaction.execute(_DROP_REVISIONS, (former[ID],))
    transaction.execute(_DROP_ENTRY, (former[_ROW],))
