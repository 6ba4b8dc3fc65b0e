"""Records for tests: valid, distinct, and the same at every run."""

from __future__ import annotations

import itertools
import math
import struct
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from agent_memory.ports.changes import AddEntry
from agent_memory.ports.records import Entry, Relation, Session, Vector, Vote

if TYPE_CHECKING:
    from agent_memory.ports.changes import NewJob
    from agent_memory.ports.records import RelationType

T0 = datetime(2025, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

_sequence = itertools.count(1)


def after(seconds: float) -> datetime:
    """So many seconds after T0, when everything here happens unless told otherwise."""
    return T0 + timedelta(seconds=seconds)


def new_id() -> str:
    """A UUIDv7 (RFC 9562): later calls give greater ids."""
    number = next(_sequence)
    millis = int(T0.timestamp() * 1000) + number
    text = f"{millis:012x}7{number & 0xFFF:03x}{0x8 << 60 | number:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def digest(content: str) -> bytes:
    return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def entry(content: str | None = None, *, scope: str = "acme", at: datetime = T0, **fields: Any) -> Entry:
    """A new active entry; without `content`, one like no other."""
    identity = new_id()
    text = f"fact {identity}" if content is None else content
    fields.setdefault("content_hash", digest(text))
    fields.setdefault("id", identity)
    return Entry(scope=scope, content=text, created_at=at, updated_at=at, **fields)


def changed(before: Entry, *, at: datetime | None = None, **fields: Any) -> Entry:
    """The next version of an entry, a second later unless told otherwise, its hash that of its content."""
    if "content" in fields:
        fields.setdefault("content_hash", digest(fields["content"]))
    when = at or before.updated_at + timedelta(seconds=1)
    return msgspec.structs.replace(before, version=before.version + 1, updated_at=when, **fields)


def adds(*entries: Entry, jobs: tuple[NewJob, ...] = ()) -> tuple[AddEntry, ...]:
    return tuple(AddEntry(entry, jobs) for entry in entries)


def relation(source: Entry, target: Entry, type: RelationType = "relates_to", seconds: float = 0) -> Relation:  # noqa: A002 (the record's own name for it)
    return Relation(source=source.id, target=target.id, type=type, created_at=after(seconds), agent="ada")


def session(
    scope: str = "acme/web/s1", *, began: float = 0, ended: float | None = None, **fields: Any
) -> Session:
    return Session(
        id=fields.pop("id", None) or new_id(),
        scope=scope,
        began_at=after(began),
        last_active_at=after(began),
        ended_at=None if ended is None else after(ended),
        **fields,
    )


def vote(
    agent: str, choice: str, *, question: str = "tabs?", scope: str = "acme", seconds: float = 0
) -> Vote:
    return Vote(scope=scope, question=question, agent=agent, choice=choice, cast_at=after(seconds))


def unit_vector(*values: float) -> bytes:
    """Little-endian float32 of length one, in the direction given."""
    length = math.sqrt(sum(value * value for value in values))
    return struct.pack(f"<{len(values)}f", *(value / length for value in values))


def vector(*values: float, start: int = 0, end: int = 0) -> Vector:
    return Vector(values=unit_vector(*values), start=start, end=end)
