"""What an export is made of: one canonical line a record, the same in every format and from every store.

The same content gives the same bytes: records stand in the order of stable keys, an empty field is left out, and
nothing says when or by whom the export was made. The digest is the SHA-256 of these lines.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ...ports.records import Kind, Provenance, RelationType, State

FORMAT = "agent-memory"
FORMAT_VERSION = 1
LINE_BYTES = 1024 * 1024
"""Of one record. The largest that a store takes in (64 KiB of control characters, each written as six) is half that."""
DEPTH = 64

Instant = Annotated[datetime, Meta(tz=True)]
Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Version = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Count = Annotated[int, Meta(ge=0)]


class _Record(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="record",
):
    pass


class EntryRecord(_Record, frozen=True, kw_only=True, tag="entry"):
    """One version of an entry. A former one says `until` when it stood; its entry's current one follows them all."""

    id: str
    scope: str
    kind: Kind
    title: str = ""
    content: str
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    author: str = ""
    importance: Fraction
    occurred_at: Instant | None = None
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    expires_at: Instant | None = None
    created_at: Instant
    updated_at: Instant
    version: Version
    state: State
    provenance: Provenance
    until: Instant | None = None


class RelationRecord(
    _Record, frozen=True, kw_only=True, tag="relation", rename={"source": "from", "target": "to"}
):
    source: str
    target: str
    type: RelationType
    created_at: Instant
    agent: str = ""


class SessionRecord(_Record, frozen=True, kw_only=True, tag="session"):
    id: str
    scope: str
    began_at: Instant
    last_active_at: Instant
    ended_at: Instant | None = None
    purpose: str = ""
    summary: str = ""
    agent: str = ""


class VoteRecord(_Record, frozen=True, kw_only=True, tag="vote"):
    scope: str
    question: str
    agent: str
    choice: str
    cast_at: Instant


class Header(_Record, frozen=True, kw_only=True, omit_defaults=False, tag="export"):
    """`scope`: all that is in it and below it."""

    format: str
    version: int
    scope: str


class Counts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`revisions` are former versions of the `entries`."""

    entries: Count = 0
    revisions: Count = 0
    relations: Count = 0
    sessions: Count = 0
    votes: Count = 0


class End(_Record, frozen=True, kw_only=True, omit_defaults=False, tag="end"):
    counts: Counts
    digest: str


Record = EntryRecord | RelationRecord | SessionRecord | VoteRecord
Section = Literal["entries", "relations", "sessions", "votes"]
SECTIONS: tuple[Section, ...] = ("entries", "relations", "sessions", "votes")

encode = msgspec.json.Encoder().encode
decode_record = msgspec.json.Decoder(Record).decode
decode_line = msgspec.json.Decoder(Record | Header | End).decode


def section_of(record: Record) -> Section:
    match record:
        case EntryRecord():
            return "entries"
        case RelationRecord():
            return "relations"
        case SessionRecord():
            return "sessions"
        case VoteRecord():
            return "votes"


class Tally:
    """Counts and digest of the records that went by."""

    def __init__(self) -> None:
        self._digest = sha256()
        self._counts = dict.fromkeys((*SECTIONS, "revisions"), 0)
        self.records = 0

    def add(self, record: Record, line: bytes) -> None:
        """`line`: the record's own, encoded."""
        self._digest.update(line)
        self._digest.update(b"\n")
        former = isinstance(record, EntryRecord) and record.until is not None
        self._counts["revisions" if former else section_of(record)] += 1
        self.records += 1

    @property
    def counts(self) -> Counts:
        return Counts(**self._counts)

    @property
    def end(self) -> End:
        return End(counts=self.counts, digest=f"sha256:{self._digest.hexdigest()}")
