"""What the memory answers, by its public names. Fields at their default are left out of the JSON."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..ports.records import Entry, Kind, RelationType, State
from .ids import is_id
from .instructions import Flags, flags_of
from .redaction.redactor import scrubbed

if TYPE_CHECKING:
    from collections.abc import Container, Iterable


class _Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    pass


class Source(_Result, frozen=True, kw_only=True):
    """Where it came from. `author` is what the writer said; the rest is what the server knows."""

    author: str = ""
    client: str = ""
    agent: str = ""
    tool: str = ""


class Alike(_Result, frozen=True, kw_only=True):
    """`title`: else the beginning of the content. `score`: 1 where the words are the same."""

    id: str
    title: str
    score: float


class RedactedAt(_Result, frozen=True, kw_only=True):
    """A secret that was not stored. `offset`: in characters of the text as it was given. `field`: which text, where it
    is not the content.
    """

    kind: str
    offset: int
    field: str = ""


class Remembered(_Result, frozen=True, kw_only=True):
    """`not_kept`: of a duplicate, the given fields that differ from the entry that stands; they were not stored.
    `similar`: other entries that seem to say the same; None where that was not looked into.
    """

    id: str
    version: int
    duplicate: bool
    not_kept: tuple[str, ...] = ()
    similar: tuple[Alike, ...] | None = None
    redacted: tuple[RedactedAt, ...] = ()


class RememberResult(_Result, frozen=True, kw_only=True):
    """`replayed`: an idempotency key answered; nothing was written this time."""

    results: tuple[Remembered, ...]
    replayed: bool = False


class Found(_Result, frozen=True, kw_only=True):
    """`score` is relative to the best of this answer (1). `content_truncated`: the budget cut the content; get
    the entry by id for the whole.
    """

    id: str
    scope: str
    kind: Kind
    content: str
    created_at: datetime
    version: int
    title: str = ""
    tags: tuple[str, ...] = ()
    score: float = 0.0
    match: str = ""
    occurred_at: datetime | None = None
    source: Source = Source()
    content_truncated: bool = False
    flags: Flags = ()
    explain: dict[str, Any] | None = None


class RecallResult(_Result, frozen=True, kw_only=True, omit_defaults=False):
    """`truncated`: the budget left out results or cut one. `degraded`: a part of the search was not available."""

    results: tuple[Found, ...]
    truncated: bool
    degraded: bool = False


class Stored(_Result, frozen=True, kw_only=True):
    """An entry in full."""

    id: str
    scope: str
    kind: Kind
    content: str
    version: int
    state: State
    created_at: datetime
    updated_at: datetime
    title: str = ""
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    importance: float = 0.5
    occurred_at: datetime | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    expires_at: datetime | None = None
    source: Source = Source()
    flags: Flags = ()
    history: tuple[PastVersion, ...] = ()
    relations: tuple[Edge, ...] = ()


class PastVersion(_Result, frozen=True, kw_only=True):
    """A former version, newest first; it was current until `until`."""

    version: int
    content: str
    updated_at: datetime
    until: datetime
    state: State = "active"
    title: str = ""
    tags: tuple[str, ...] = ()
    source: Source = Source()
    flags: Flags = ()


class Edge(msgspec.Struct, frozen=True, kw_only=True, rename={"source": "from", "target": "to"}):
    source: str
    target: str
    type: RelationType


class GetResult(_Result, frozen=True, kw_only=True, omit_defaults=False):
    entries: tuple[Stored, ...]
    missing: tuple[str, ...] = ()


class UpdateResult(_Result, frozen=True, kw_only=True):
    """`changed` is false when the entry was already as asked: then no new version was made."""

    id: str
    version: int
    changed: bool
    redacted: tuple[RedactedAt, ...] = ()


class ForgetResult(_Result, frozen=True, kw_only=True, omit_defaults=False):
    """`more`: the filter matches further entries; call again. On a dry run, `forgotten` is what would be."""

    forgotten: int
    ids: tuple[str, ...]
    missing: tuple[str, ...] = ()
    more: bool = False
    dry_run: bool = False


class Node(_Result, frozen=True, kw_only=True):
    id: str
    scope: str
    kind: Kind
    title: str


class LinkResult(_Result, frozen=True, kw_only=True):
    """`changed` for link and unlink; the rest for neighbors and path (`found` false: no path within the bounds)."""

    changed: bool | None = None
    found: bool | None = None
    relations: tuple[Edge, ...] | None = None
    entries: tuple[Node, ...] | None = None
    truncated: bool | None = None


class LockedFile(_Result, frozen=True, kw_only=True):
    file_path: str
    agent: str
    since: datetime
    until: datetime


class FileLockResult(_Result, frozen=True, kw_only=True):
    """`status` of `file_path`: yours (with the token to renew or check it in), taken, or free. `ended`: what was
    forced. `locks` for list.
    """

    file_path: str | None = None
    status: Literal["yours", "taken", "free"] | None = None
    agent: str = ""
    since: datetime | None = None
    until: datetime | None = None
    token: int | None = None
    ended: LockedFile | None = None
    locks: tuple[LockedFile, ...] | None = None
    truncated: bool | None = None


def source_of(entry: Entry) -> Source:
    made = entry.provenance
    return Source(author=entry.author, client=made.client, agent=made.agent, tool=made.tool)


def label_of(entry: Entry) -> str:
    """The title, else the beginning of the content."""
    if entry.title:
        return entry.title
    line = entry.content.strip().splitlines()[0]
    return line if len(line) <= 80 else line[:79] + "…"


def stored(entry: Entry, history: tuple[PastVersion, ...] = (), relations: tuple[Edge, ...] = ()) -> Stored:
    return Stored(
        id=entry.id, scope=entry.scope, kind=entry.kind, content=entry.content, version=entry.version,
        state=entry.state, created_at=entry.created_at, updated_at=entry.updated_at, title=entry.title,
        tags=entry.tags, metadata=entry.metadata, importance=entry.importance, occurred_at=entry.occurred_at,
        valid_from=entry.valid_from, valid_until=entry.valid_until, expires_at=entry.expires_at,
        source=source_of(entry), flags=flags_of(entry.title, entry.content, entry.author),
        history=history, relations=relations,
    )  # fmt: skip


def missing_of(ids: Iterable[str], known: Container[str]) -> tuple[str, ...]:
    """Each once. What is no id of ours may be anything, a secret too."""
    return tuple(dict.fromkeys(i if is_id(i) else scrubbed(i) for i in ids if i not in known))
