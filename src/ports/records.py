"""What the memory is made of. Immutable records, shared by every port and adapter.

Instants are aware UTC with microseconds; text is any Unicode without NUL; ids are UUIDv7 in canonical text
form, so that their order is the order of creation.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Kind = Literal["knowledge", "guideline", "tool", "experience", "note"]
State = Literal["active", "superseded", "archived", "deleted"]
RelationType = Literal["relates_to", "supersedes", "contradicts", "depends_on", "derived_from", "part_of"]
KINDS: tuple[Kind, ...] = ("knowledge", "guideline", "tool", "experience", "note")
STATES: tuple[State, ...] = ("active", "superseded", "archived", "deleted")
RELATION_TYPES: tuple[RelationType, ...] = (
    "relates_to", "supersedes", "contradicts", "depends_on", "derived_from", "part_of",
)  # fmt: skip


class Provenance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who brought it in. Set by the server from the connection, never taken from free text."""

    client: str = ""
    agent: str = ""
    tool: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing remembered, at one version.

    `content_hash` is the identity for exact duplicates within a scope: 16 bytes made by the domain.
    `occurred_at`, where known, is when it happened in the world; `at` is what time filters and order use.
    An entry is *live* at an instant when it is inside [valid_from, valid_until) and before expires_at.
    """

    id: str
    scope: str
    content: str
    content_hash: bytes
    created_at: datetime
    updated_at: datetime
    kind: Kind = "note"
    title: str = ""
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    author: str = ""
    importance: float = 0.5
    occurred_at: datetime | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    expires_at: datetime | None = None
    version: int = 1
    state: State = "active"
    provenance: Provenance = Provenance()

    @property
    def at(self) -> datetime:
        return self.occurred_at or self.created_at


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it stood during [entry.updated_at, until). `until` is None for the current one."""

    entry: Entry
    until: datetime | None


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """A typed edge. At most one per (source, target, type)."""

    source: str
    target: str
    type: RelationType
    created_at: datetime
    agent: str = ""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of work on a session scope. At most one is open per scope."""

    id: str
    scope: str
    began_at: datetime
    last_active_at: datetime
    purpose: str = ""
    summary: str = ""
    agent: str = ""
    ended_at: datetime | None = None


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """One agent's choice on a question. A later vote of the same agent replaces its earlier one."""

    scope: str
    question: str
    agent: str
    choice: str
    cast_at: datetime


class Vector(msgspec.Struct, frozen=True, kw_only=True):
    """The embedding of one chunk of an entry: `values` is little-endian float32, unit length.

    `start` and `end` are character offsets into the content.
    """

    values: bytes
    start: int = 0
    end: int = 0


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A committed change, as the outbox keeps it and the bus carries it.

    `seq` grows in commit order within one store (0 until stored). `subject` is what changed (an entry id).
    `origin` names the instance that wrote it.
    """

    kind: str
    scope: str
    subject: str
    at: datetime
    version: int = 0
    origin: str = ""
    seq: int = 0
    payload: bytes = b""


class Gap(msgspec.Struct, frozen=True):
    """Events may have been lost here: drop whatever was derived from events, and read again."""

    reason: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Work to do at least once, not before `run_at`. `attempts` counts the leases so far."""

    id: int
    kind: str
    payload: bytes
    enqueued_at: datetime
    run_at: datetime
    attempts: int = 0
    max_attempts: int = 5
    key: str = ""
    last_error: str = ""


class JobLease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to run a job until `expires_at`. Only the latest token may finish it."""

    job: Job
    owner: str
    token: int
    expires_at: datetime
