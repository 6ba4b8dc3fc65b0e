"""From the store's records to those of an export, and back: what comes back is judged as if it were told anew."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ...ports.errors import Rejected
from ...ports.records import Entry, Relation, Session, Vote
from ...ports.scopes import MAX_SEGMENTS
from .. import limits
from ..drafting import checked_content, checked_metadata
from ..scope import depth, scope_under
from ..tags import normal_tags
from ..text import checked, checked_line, content_hash
from .records import EntryRecord, Record, RelationRecord, SessionRecord, VoteRecord

if TYPE_CHECKING:
    from ...ports.records import Revision

R = TypeVar("R", bound=Record)

Item = Entry | Relation | Session | Vote

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_HAPPENED = ("created_at", "updated_at", "until", "began_at", "last_active_at", "ended_at", "cast_at")
_SKEW = timedelta(minutes=5)
"""The clocks of two machines may differ by that; what is later than now is no time at which something was."""
_INSTANTS = (
    "occurred_at", "valid_from", "valid_until", "expires_at", "created_at", "updated_at", "until", "began_at",
    "last_active_at", "ended_at", "cast_at",
)  # fmt: skip


def entry_record(revision: Revision) -> EntryRecord:
    entry = revision.entry
    return EntryRecord(
        id=entry.id, scope=entry.scope, kind=entry.kind, title=entry.title, content=entry.content, tags=entry.tags,
        metadata=entry.metadata, author=entry.author, importance=entry.importance, occurred_at=entry.occurred_at,
        valid_from=entry.valid_from, valid_until=entry.valid_until, expires_at=entry.expires_at,
        created_at=entry.created_at, updated_at=entry.updated_at, version=entry.version, state=entry.state,
        provenance=entry.provenance, until=revision.until,
    )  # fmt: skip


def relation_record(relation: Relation) -> RelationRecord:
    return RelationRecord(
        source=relation.source, target=relation.target, type=relation.type, created_at=relation.created_at,
        agent=relation.agent,
    )  # fmt: skip


def session_record(session: Session) -> SessionRecord:
    return SessionRecord(
        id=session.id, scope=session.scope, began_at=session.began_at, last_active_at=session.last_active_at,
        ended_at=session.ended_at, purpose=session.purpose, summary=session.summary, agent=session.agent,
    )  # fmt: skip


def vote_record(vote: Vote) -> VoteRecord:
    return VoteRecord(
        scope=vote.scope, question=vote.question, agent=vote.agent, choice=vote.choice, cast_at=vote.cast_at
    )


def in_utc(record: R) -> R:
    """As the store would give it: other zones mean the same instants, and have one canonical text."""
    moved: dict[str, datetime] = {}
    for name in record.__struct_fields__:
        if name in _INSTANTS:
            value = getattr(record, name)
            if value is not None and value.tzinfo is not UTC:
                try:
                    moved[name] = value.astimezone(UTC)
                except OverflowError:
                    raise Rejected(f"{name}: {value.isoformat()} is no instant in UTC", name) from None
    return msgspec.structs.replace(record, **moved) if moved else record


def check_happened(record: Record, now: datetime) -> None:
    """`Rejected` where it tells of a time to come as of one that was."""
    for name in _HAPPENED:
        at: datetime | None = getattr(record, name, None)
        if at is not None and at - now > _SKEW:
            raise Rejected(f"{name}: {at.isoformat()} is in the future", name)


def entry_of(record: EntryRecord, ceiling: str) -> Entry:
    """`Rejected` where no store could have kept it, or its scope is beyond the caller's."""
    if (
        record.valid_from is not None
        and record.valid_until is not None
        and record.valid_until <= record.valid_from
    ):
        raise Rejected("valid_until must be later than valid_from", "valid_until")
    made = record.provenance
    for name in ("client", "agent", "tool"):
        checked(getattr(made, name), f"provenance.{name}", most=limits.AUTHOR_CHARS)
    return Entry(
        id=_id(record.id, "id"),
        scope=_scope(record.scope, ceiling),
        content=checked_content(record.content),
        content_hash=content_hash(record.content, record.valid_from, record.valid_until),
        created_at=record.created_at,
        updated_at=record.updated_at,
        kind=record.kind,
        title=checked_line(record.title, "title", most=limits.TITLE_CHARS),
        tags=normal_tags(record.tags),
        metadata=checked_metadata(record.metadata),
        author=checked_line(record.author, "author", most=limits.AUTHOR_CHARS),
        importance=record.importance,
        occurred_at=record.occurred_at,
        valid_from=record.valid_from,
        valid_until=record.valid_until,
        expires_at=record.expires_at,
        version=record.version,
        state=record.state,
        provenance=made,
    )


def relation_of(record: RelationRecord) -> Relation:
    return Relation(
        source=_id(record.source, "from"), target=_id(record.target, "to"), type=record.type,
        created_at=record.created_at, agent=checked(record.agent, "agent", most=limits.AUTHOR_CHARS),
    )  # fmt: skip


def session_of(record: SessionRecord, ceiling: str) -> Session:
    scope = _scope(record.scope, ceiling)
    if depth(scope) < MAX_SEGMENTS:
        raise Rejected(f"scope {scope!r}: a session has one of its own, org/project/session", "scope")
    return Session(
        id=_id(record.id, "id"), scope=scope, began_at=record.began_at,
        last_active_at=record.last_active_at,
        purpose=checked_line(record.purpose, "purpose", most=limits.PURPOSE_CHARS),
        summary=checked(record.summary, "summary", most=limits.SUMMARY_BYTES, unit="bytes"),
        agent=checked_line(record.agent, "agent", most=limits.AUTHOR_CHARS), ended_at=record.ended_at,
    )  # fmt: skip


def vote_of(record: VoteRecord, ceiling: str) -> Vote:
    return Vote(
        scope=_scope(record.scope, ceiling),
        question=_line(record.question, "question", limits.QUESTION_CHARS),
        agent=checked_line(record.agent, "agent", most=limits.AUTHOR_CHARS),
        choice=_line(record.choice, "choice", limits.CHOICE_CHARS),
        cast_at=record.cast_at,
    )


def _line(text: str, field: str, most: int) -> str:
    """As `memory_vote` keeps it: another form of it nobody would ever ask for."""
    line = " ".join(unicodedata.normalize("NFC", checked_line(text, field, most=most)).split())
    if not line:
        raise Rejected(f"{field} is missing", field)
    if line != text:
        raise Rejected(f"{field} {text[:80]!r}: write it {line[:80]!r}", field)
    return line


def _id(text: str, field: str) -> str:
    if not _ID.fullmatch(text):
        raise Rejected(f"{field} {text[:64]!r}: no UUIDv7 in lower case, as every id here is", field)
    return text


def _scope(text: str, ceiling: str) -> str:
    scope = scope_under(text, ceiling)
    if scope != text:
        raise Rejected(f"scope {text[:80]!r}: write it {scope!r}", "scope")
    return scope
