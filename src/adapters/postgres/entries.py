"""Adding, replacing and removing entries, each with its former revision and event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...ports.changes import Added, AddEntry, Removed, RemoveEntries, Replaced, ReplaceEntry
from ...ports.errors import Conflict, NotFound, Rejected
from ...ports.instants import to_micros
from ...ports.scopes import within
from . import jobs
from .rows import (
    ACTIVE,
    ARCHIVED,
    COLUMNS,
    CONTENT,
    CREATED,
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
    WIDTH,
    Row,
    checked,
    encode,
    entry_row,
    row_entry,
    text_row,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

    from ...ports.records import State
    from .transaction import Transaction

LEXEMES = (
    "setweight(to_tsvector('words', {0}), 'A') || setweight(to_tsvector('words', {1}), 'B') || "
    "setweight(to_tsvector('words', {2}), 'C') || setweight(to_tsvector('words', {3}), 'D')"
)
# Tags as a JSON array: PostgreSQL has no arrays of arrays of different lengths.
NEW_ROWS = (
    "SELECT id, scope, kind, state, version, at, created_at, updated_at, occurred_at, valid_from, valid_until, "  # noqa: S608 - constants of this package
    "expires_at, importance, content_hash, author, title, "
    "CASE tags WHEN '[]' THEN '{{}}' ELSE ARRAY (SELECT json_array_elements_text(tags::json)) END, "
    "provenance, metadata, content, words, "
    f"CASE WHEN state <> 3 THEN {LEXEMES.format('title_words', 'content_words', 'tag_words', 'author_words')} END"
    "{until} FROM unnest($1::text[], $2::text[], $3::smallint[], $4::smallint[], $5::int[], "
    "$6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], "
    "$13::float8[], $14::bytea[], $15::text[], $16::text[], $17::text[], $18::json[], $19::json[], $20::text[], "
    "$21::int[], $22::text[], $23::text[], $24::text[], $25::text[]{untils}) "
    "WITH ORDINALITY AS new (id, scope, kind, state, version, at, created_at, updated_at, occurred_at, valid_from, "
    "valid_until, expires_at, importance, content_hash, author, title, tags, provenance, metadata, content, words, "
    "title_words, content_words, tag_words, author_words{until}, n) ORDER BY n"
)
"""Rows of columns, for `entries`; with `until` and its column's type, for `revisions`."""
INSERT = (
    f"INSERT INTO entries ({COLUMNS}, words, lexemes) {NEW_ROWS.format(until='', untils='')} "
    "ON CONFLICT DO NOTHING RETURNING id"
)
_UPDATE = (
    "UPDATE entries SET id = $1, scope = $2, kind = $3, state = $4, version = $5, at = $6, created_at = $7, "  # noqa: S608 - same
    "updated_at = $8, occurred_at = $9, valid_from = $10, valid_until = $11, expires_at = $12, importance = $13, "
    "content_hash = $14, author = $15, title = $16, tags = $17, provenance = $18, metadata = $19, content = $20, "
    f"words = $21, lexemes = {LEXEMES.format('$22', '$23', '$24', '$25')} WHERE row = $26"
)
BY_ID = f"SELECT {COLUMNS}, row FROM entries WHERE id = $1 FOR UPDATE"  # noqa: S608 - same
_BY_IDS = f"SELECT {COLUMNS}, row FROM entries WHERE id = ANY ($1::text[]) ORDER BY id FOR UPDATE"  # noqa: S608 - same
BY_HASH = (
    f"SELECT {COLUMNS}, row FROM entries WHERE scope = $1 AND content_hash = $2 AND state = 0 FOR UPDATE"  # noqa: S608 - same
)
# The clock may have gone back since the last version: no instant may see two versions of one entry.
_CLIP = "UPDATE revisions SET until = $2 WHERE id = ANY ($1::text[]) AND until > $2"
_KEEP = (
    f"INSERT INTO revisions ({COLUMNS}, words, lexemes, until) "  # noqa: S608 - same
    f"SELECT {COLUMNS}, words, lexemes, $2 FROM entries WHERE row = ANY ($1::bigint[])"
)
_SET_STATE = (
    "UPDATE entries SET state = $2::smallint, version = version + 1, updated_at = $3, "
    "lexemes = CASE WHEN $2::smallint = 3 THEN NULL ELSE lexemes END WHERE row = ANY ($1::bigint[])"
)
_DROP_VECTORS = "DELETE FROM vectors WHERE entry = ANY ($1::bigint[])"
_DROP_RELATIONS = "DELETE FROM relations WHERE source = ANY ($1::bigint[]) OR target = ANY ($1::bigint[])"
_DROP_REVISIONS = "DELETE FROM revisions WHERE id = ANY ($1::text[])"
_DROP_ENTRIES = "DELETE FROM entries WHERE row = ANY ($1::bigint[])"

_ROW = WIDTH


class Addition(NamedTuple):
    change: AddEntry
    row: Row
    text: Row


class Replacement(NamedTuple):
    change: ReplaceEntry
    row: Row
    text: Row


def prepare_add(change: AddEntry) -> Addition:
    """What can be judged without the store: the rows, or `Rejected`."""
    entry = change.entry
    if entry.version != 1:
        raise Rejected(f"version: a new entry starts at 1, not {entry.version}", "version")
    _check_state(entry.state)
    for job in change.jobs:
        jobs.check(job)
    row = entry_row(entry)
    return Addition(change, row, text_row(entry.title, entry.content, entry.tags, entry.author))


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
    row = entry_row(entry)
    return Replacement(change, row, text_row(entry.title, entry.content, entry.tags, entry.author))


def prepare_remove(change: RemoveEntries) -> RemoveEntries:
    for id_ in change.ids:
        checked(id_, "ids")
    return change


async def add(transaction: Transaction, addition: Addition) -> Added:
    [added] = await add_all(transaction, [addition])
    return added


async def add_all(transaction: Transaction, additions: Sequence[Addition]) -> list[Added]:
    return [outcome for outcome, _, _ in await add_each(transaction, additions)]


async def add_each(
    transaction: Transaction, additions: Sequence[Addition], *, first: bool = True
) -> list[tuple[Added, int, int]]:
    """In order, in as few statements as one would take: a round trip costs as much as a handful of rows.

    Each outcome with how many events there were before and after. Unless this is the `first` try, an entry that stands
    under its own id is one that an earlier try has written (the number of its event is not looked up: 0).
    """
    created = await insert(transaction, additions)
    outcomes: list[tuple[Added, int, int]] = []
    work: list[jobs.Following] = []
    for addition in additions:
        row, before = addition.row, transaction.told
        standing = None
        if row[ID] in created:
            created.remove(row[ID])
        else:
            standing = await _standing(transaction, row)
            if standing is not None and standing.id == row[ID] and not first:
                standing = Added(row[ID], standing.version, duplicate=False)
            if standing is None and not await insert(transaction, [addition]):
                raise Conflict(f"entry {row[ID]}: another call wrote the same at the same time")
        if standing is None:
            transaction.event("entry.added", row[SCOPE], row[ID], row[CREATED], 1)
            work += [(job, row[CREATED]) for job in addition.change.jobs]
        outcomes.append((standing or Added(row[ID], 1, duplicate=False), before, transaction.told))
    await jobs.enqueue_all(transaction, work)
    return outcomes


async def insert(transaction: Transaction, additions: Sequence[Addition]) -> set[str]:
    """The ids of those that collided with nothing."""
    return {id_ for (id_,) in await transaction.fetch(INSERT, *addition_columns(additions))}


def addition_columns(additions: Sequence[Addition]) -> list[list[Any]]:
    """The parameters of INSERT."""
    return columns_of([row + text for _, row, text in additions])


def columns_of(rows: Sequence[Row]) -> list[list[Any]]:
    """The parameters of NEW_ROWS."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    columns[TAGS] = [encode(tags).decode() for tags in columns[TAGS]]
    return columns


async def _standing(transaction: Transaction, row: Row) -> Added | None:
    """What a new row collides with; None once that has expired and is out of the way."""
    former = None
    if row[STATE] == ACTIVE:
        former = await transaction.fetchrow(BY_HASH, row[SCOPE], row[HASH])
    if former is not None and not (former[EXPIRES] is not None and former[EXPIRES] <= row[CREATED]):
        return Added(former[ID], former[VERSION], duplicate=True)
    taken = await transaction.fetchrow(BY_ID, row[ID])
    if taken is not None:
        raise Conflict(f"entry {row[ID]}: the id is taken", row_entry(taken))
    if former is not None:
        await _set_state(transaction, [former], ARCHIVED, row[CREATED])
        transaction.event("entry.updated", former[SCOPE], former[ID], row[CREATED], former[VERSION] + 1)
    return None


async def replace(transaction: Transaction, replacement: Replacement) -> Replaced:
    change, row, text = replacement
    former = await transaction.fetchrow(BY_ID, row[ID])
    if former is None or former[STATE] == DELETED:
        raise NotFound(f"entry {row[ID]}: not found")
    if former[VERSION] != change.expected_version:
        raise Conflict(
            f"entry {row[ID]}: version {former[VERSION]} stands, {change.expected_version} was expected",
            row_entry(former),
        )
    if former[SCOPE] != row[SCOPE]:
        raise Rejected(f"scope: entry {row[ID]} stays in {former[SCOPE]!r}", "scope")
    if row[STATE] == ACTIVE and (former[HASH] != row[HASH] or former[STATE] != ACTIVE):
        same = await transaction.fetchrow(BY_HASH, row[SCOPE], row[HASH])
        if same is not None and same[ID] != row[ID]:
            raise Conflict(
                f"entry {same[ID]} of scope {row[SCOPE]!r} has this content already", row_entry(same)
            )
    await _keep(transaction, [former], row[UPDATED])
    await transaction.execute(_UPDATE, *row, *text, former[_ROW])
    if former[TITLE] != row[TITLE] or former[CONTENT] != row[CONTENT]:
        # Of a text that no longer stands; their places in it would be wrong too.
        await transaction.execute(_DROP_VECTORS, [former[_ROW]])
    transaction.event("entry.updated", row[SCOPE], row[ID], row[UPDATED], row[VERSION])
    await jobs.enqueue_all(transaction, [(job, row[UPDATED]) for job in change.jobs])
    return Replaced(row[ID], row[VERSION])


async def remove(transaction: Transaction, change: RemoveEntries) -> Removed:
    at = to_micros(change.at)
    found = {row[ID]: row for row in await transaction.fetch(_BY_IDS, list(dict.fromkeys(change.ids)))}
    formers = [found[id_] for id_ in dict.fromkeys(change.ids) if id_ in found]
    formers = [row for row in formers if within(row[SCOPE], change.ceiling)]
    if not change.purge:
        formers = [row for row in formers if row[STATE] != DELETED]
    if not formers:
        return Removed(())
    rows = [row[_ROW] for row in formers]
    ids = tuple(row[ID] for row in formers)
    await transaction.execute(_DROP_VECTORS, rows)
    if change.purge:
        await transaction.execute(_DROP_RELATIONS, rows)
        await transaction.execute(_DROP_REVISIONS, ids)
        await transaction.execute(_DROP_ENTRIES, rows)
    else:
        await _set_state(transaction, formers, DELETED, at)
    for row in formers:
        if change.purge:
            transaction.event("entry.purged", row[SCOPE], row[ID], at, row[VERSION])
        else:
            transaction.event("entry.removed", row[SCOPE], row[ID], at, row[VERSION] + 1)
    return Removed(ids)


def _check_state(state: State) -> None:
    if STATE_CODES[state] == DELETED:
        raise Rejected("state: 'deleted' comes of removing an entry, not of writing it", "state")


async def _keep(transaction: Transaction, formers: Sequence[Record], until: int) -> None:
    """Make the current versions former ones."""
    turned_back = [row[ID] for row in formers if until < row[UPDATED]]
    if turned_back:
        await transaction.execute(_CLIP, turned_back, until)
    await transaction.execute(_KEEP, [row[_ROW] for row in formers], until)


async def _set_state(transaction: Transaction, formers: Sequence[Record], state: int, at: int) -> None:
    await _keep(transaction, formers, at)
    await transaction.execute(_SET_STATE, [row[_ROW] for row in formers], state, at)
