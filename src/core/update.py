"""Update: a next version of an entry, unless someone else made one first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

from ..ports.changes import ReplaceEntry
from ..ports.errors import Conflict, NotFound, Rejected
from . import limits
from .drafting import checked_content, checked_metadata, expire_jobs
from .results import RedactedAt, UpdateResult
from .tags import normal_tags
from .text import checked_line, content_hash
from .times import ZONES, TimeReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ..ports.records import Entry
    from ..ports.storage import Storage
    from .caller import Caller
    from .periods.period import Zones
    from .redaction.cleaning import Cleaner
    from .requests import Update

_ATTEMPTS = 8
"""How often an update that named no version is worked out again on a newer one before it gives up."""


async def update(
    storage: Storage,
    request: Update,
    caller: Caller,
    *,
    now: Callable[[], datetime],
    zones: Zones = ZONES,
    cleaner: Cleaner | None = None,
) -> UpdateResult:
    """With `expected_version` a mismatch is a `Conflict` with the current entry; without, whatever is current is
    updated.
    """
    _not_empty(request)
    redacted: tuple[RedactedAt, ...] = ()
    if cleaner is not None:
        cleaner.refuse_secrets(("agent_id", request.agent_id))
        request, redacted = await cleaner.update(request)
    for attempt in range(_ATTEMPTS):
        found = await storage.get([request.id], ceiling=caller.ceiling)
        if not found:
            raise NotFound(f"id: no entry {request.id!r} that this caller may see", "id")
        current = found[0]
        expected = request.expected_version or current.version
        if expected != current.version:
            raise Conflict(
                f"entry {current.id} is at version {current.version}, not {expected}: read it, merge, and "
                f"update with expected_version {current.version}",
                current,
            )
        instant = max(now(), current.updated_at)
        following = revise(current, request, instant, zones)
        if following == current:
            return UpdateResult(id=current.id, version=current.version, changed=False, redacted=redacted)
        following = msgspec.structs.replace(
            following,
            version=expected + 1,
            updated_at=instant,
            provenance=caller.provenance(request.agent_id),
        )
        moved = following.expires_at != current.expires_at
        jobs = expire_jobs(current.id, following.expires_at) if moved else ()
        try:
            await storage.apply(ReplaceEntry(following, expected, jobs))
        except Conflict as conflict:
            raced = conflict.current is not None and conflict.current.id == request.id
            if raced and request.expected_version is None and attempt + 1 < _ATTEMPTS:
                continue
            raise
        return UpdateResult(id=current.id, version=expected + 1, changed=True, redacted=redacted)
    raise AssertionError("the last attempt returns or raises")


def _not_empty(request: Update) -> None:
    named = (request.content, request.title, request.tags, request.metadata, request.importance, request.valid_until,
             request.expires_at, request.state)  # fmt: skip
    if all(value is UNSET for value in named) and not request.add_tags and not request.remove_tags:
        raise Rejected("nothing to update: give content, title, tags, add_tags, remove_tags, metadata, importance, "
                       "valid_until, expires_at or state", "id")  # fmt: skip


def revise(current: Entry, request: Update, now: datetime, zones: Zones = ZONES) -> Entry:
    """`current` with the request's fields; equal to `current` when nothing would change."""
    content = current.content if request.content is UNSET else checked_content(request.content)
    times = TimeReader(now, zones)
    valid_until = _end(request.valid_until, current.valid_until, times, "valid_until")
    if valid_until is not None and current.valid_from is not None and valid_until <= current.valid_from:
        raise Rejected("valid_until must be later than valid_from", "valid_until")
    expires_at = _end(request.expires_at, current.expires_at, times, "expires_at")
    if expires_at != current.expires_at and expires_at is not None and expires_at <= now:
        raise Rejected(
            f"expires_at {expires_at.isoformat()} has passed already; use memory_forget", "expires_at"
        )
    return msgspec.structs.replace(
        current,
        content=content,
        content_hash=content_hash(content, current.valid_from, valid_until),
        title=current.title
        if request.title is UNSET
        else checked_line(request.title, "title", most=limits.TITLE_CHARS),
        tags=_tags(current, request),
        metadata=current.metadata if request.metadata is UNSET else checked_metadata(request.metadata),
        importance=current.importance if request.importance is UNSET else request.importance,
        valid_until=valid_until,
        expires_at=expires_at,
        state=current.state if request.state is UNSET else request.state,
    )


def _tags(current: Entry, request: Update) -> tuple[str, ...]:
    start = current.tags if request.tags is UNSET else normal_tags(request.tags)
    dropped = frozenset(normal_tags(request.remove_tags, "remove_tags"))
    return normal_tags(
        (*(tag for tag in start if tag not in dropped), *normal_tags(request.add_tags, "add_tags"))
    )


def _end(
    given: str | UnsetType | None, current: datetime | None, times: TimeReader, field: str
) -> datetime | None:
    if given is UNSET:
        return current
    return None if given is None else times.end(given, field)
