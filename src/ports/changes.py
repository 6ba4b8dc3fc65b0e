"""Writes as data. A unit of work is a sequence of these, applied in order, all or none.

Each change to an entry also appends its event to the outbox, keeps the former revision and bumps the
generation of its scope, in the same transaction: that is the store's promise, not the caller's duty.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from .records import Entry, Relation, RelationType, Revision, Session, Vector, Vote


class NewJob(msgspec.Struct, frozen=True, kw_only=True):
    """`key`, unless empty, makes it unique: while a job with that kind and key waits or runs, another is not added.

    `run_at` None means at once.
    """

    kind: str
    payload: bytes = b""
    run_at: datetime | None = None
    max_attempts: int = 5
    key: str = ""


class AddEntry(msgspec.Struct, frozen=True, tag=True, tag_field="change"):
    """Add an entry at version 1, with the jobs that follow from it.

    When an active entry of the same scope and content hash stands, nothing is written and the outcome names
    it (`duplicate`). If that one has expired by the new entry's `created_at`, it is archived and the new one
    is added: a fact told again is never lost to one that recall no longer shows.
    Outcome: `Added`. Event: `entry.added`.
    """

    entry: Entry
    jobs: tuple[NewJob, ...] = ()


class ReplaceEntry(msgspec.Struct, frozen=True, tag=True, tag_field="change"):
    """Make `entry` the current version. Its `version` must be `expected_version + 1`; scope and id stay.

    Raises `NotFound` (no such entry, or deleted), `Conflict` with the current entry (version mismatch, or an
    active entry of the same scope has the new content already). Outcome: `Replaced`. Event: `entry.updated`.
    """

    entry: Entry
    expected_version: int
    jobs: tuple[NewJob, ...] = ()


class RemoveEntries(msgspec.Struct, frozen=True, tag=True, tag_field="change"):
    """Delete by id. Ids that are missing, deleted already or outside `ceiling` are left out of the outcome.

    A tombstone stays (state `deleted`, next version, former revision kept), no longer found by any search.
    With `purge` nothing of the entry stays: row, revisions, tags, index, vectors, relations; an entry that
    was deleted before can still be purged. Outcome: `Removed`. Event: `entry.removed` or `entry.purged`, one an entry.
    """

    ids: tuple[str, ...]
    at: datetime
    purge: bool = False
    ceiling: str = "global"


class RestoreEntry(msgspec.Struct, frozen=True, tag=True, tag_field="change"):
    """Put an entry as it stood elsewhere: at its own version, in its own state (tombstones too), with its own instants.

    `former` are all its versions before, oldest first: 1, 2, ..., each of the same scope, none deleted, its `until` no
    later than the next one's `updated_at` (`Rejected`). Raises `Conflict` with what stands when the id is taken. When
    it is active, and another active entry of the same scope and content hash stands, expired or not, nothing is
    written and the outcome names that one (`duplicate`).
    Outcome: `Added`. Event: `entry.added`, for a tombstone `entry.removed`.
    """

    entry: Entry
    former: tuple[Revision, ...] = ()
    jobs: tuple[NewJob, ...] = ()


class AddRelation(msgspec.Struct, frozen=True, tag=True, tag_field="change"):
    """Both ends must exist and not be deleted (`NotFound` names the missing one). Outcome: `Linked`
    (`created` false when it stood already). Event: `relation.added`, in the scope of the source, with its payload of
    `other_end`.
    """

    relation: Relation


class RemoveRelation(msgspec.Struct, frozen=True, tag=True, tag_field="change"):
    """`type` None removes every relation from source to target. Outcome: `Unlinked`. Event: `relation.removed`, as
    the other one.
    """

    source: str
    target: str
    at: datetime
    type: RelationType | None = None


def other_end(target: str, scope: str) -> bytes:
    """The payload of an event of a relation: its target, and where that lies. Whoever passes it on has to see both."""
    return f"{target} {scope}".encode()


def end_of(payload: bytes) -> tuple[str, str] | None:
    """(target, scope), where the payload has come along."""
    target, space, scope = payload.decode("utf-8", "replace").rpartition(" ")
    return (target, scope) if space else None


class PutSession(msgspec.Struct, frozen=True, tag=True, tag_field="change"):
    """Insert or replace by id. `Conflict` if another session of the scope is open and this one is too.
    Outcome: `Done`. Event: `session.changed`.
    """

    session: Session


class CastVote(msgspec.Struct, frozen=True, tag=True, tag_field="change"):
    """Outcome: `Done`. Event: `vote.cast`, subject: the question."""

    vote: Vote


class RestoreVote(msgspec.Struct, frozen=True, tag=True, tag_field="change"):
    """As `CastVote`, unless the very same vote stands (the instant, too). Outcome: `Restored`."""

    vote: Vote


class PutVectors(msgspec.Struct, frozen=True, tag=True, tag_field="change"):
    """Replace the vectors of one entry for one model. Nothing is written, and `stored` is false, unless the
    entry is still at `version`. All vectors of a model have one dimension (`Rejected`).
    Outcome: `Embedded`. Event: `entry.embedded`.
    """

    entry_id: str
    version: int
    model: str
    at: datetime
    vectors: tuple[Vector, ...]


class Enqueue(msgspec.Struct, frozen=True, tag=True, tag_field="change"):
    """Outcome: `Enqueued`."""

    job: NewJob
    at: datetime


Change = (
    AddEntry | ReplaceEntry | RemoveEntries | RestoreEntry | AddRelation | RemoveRelation | PutSession | CastVote
    | RestoreVote | PutVectors | Enqueue
)  # fmt: skip


class Added(msgspec.Struct, frozen=True, tag=True):
    """`id` and `version` are those of the entry that stands: the new one, or the one it repeats."""

    id: str
    version: int
    duplicate: bool


class Replaced(msgspec.Struct, frozen=True, tag=True):
    id: str
    version: int


class Removed(msgspec.Struct, frozen=True, tag=True):
    ids: tuple[str, ...]


class Linked(msgspec.Struct, frozen=True, tag=True):
    created: bool


class Unlinked(msgspec.Struct, frozen=True, tag=True):
    removed: int


class Restored(msgspec.Struct, frozen=True, tag=True):
    created: bool


class Embedded(msgspec.Struct, frozen=True, tag=True):
    stored: bool


class Enqueued(msgspec.Struct, frozen=True, tag=True):
    """`id` is the job's own, or that of the standing job with the same key (`created` false)."""

    id: int
    created: bool


class Done(msgspec.Struct, frozen=True, tag=True):
    pass


Outcome = Added | Replaced | Removed | Linked | Unlinked | Restored | Embedded | Enqueued | Done


class Once(msgspec.Struct, frozen=True, kw_only=True):
    """An idempotency key. The first unit applied with it stores its outcomes beside it, in the same
    transaction; every later one with the same `digest` does nothing and gets them again, with another
    digest raises `Conflict`. Kept until `keep_until`.
    """

    key: str
    digest: bytes
    at: datetime
    keep_until: datetime


class Applied(msgspec.Struct, frozen=True):
    """`outcomes` answers the changes one by one, in order. `replayed` when an idempotency key did.
    `seq` is the outbox sequence of the last event written (0 for none).
    """

    outcomes: tuple[Outcome, ...]
    replayed: bool = False
    seq: int = 0
