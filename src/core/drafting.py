"""From what a caller wants remembered to an entry that may be stored."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ..ports.changes import AddEntry, NewJob
from ..ports.errors import Rejected
from ..ports.records import Entry
from . import limits
from .scope import scope_under
from .tags import normal_tags
from .text import checked, checked_line, content_hash, utf8
from .times import ZONES, TimeReader

if TYPE_CHECKING:
    from datetime import datetime

    from ..ports.records import Provenance
    from .periods.period import Zones
    from .requests import NewEntry, Remember

EXPIRE_JOB = "entry.expire"

_json = msgspec.json.Encoder()


def checked_content(content: str, field: str = "content") -> str:
    checked(content, field, most=limits.CONTENT_BYTES, unit="bytes")
    if not content or content.isspace():
        raise Rejected(f"{field} is empty; say what to remember", field)
    return content


def checked_metadata(metadata: dict[str, Any], field: str = "metadata") -> dict[str, Any]:
    if not metadata:
        return metadata
    _check_depth(metadata, field)
    try:
        text = _json.encode(metadata).decode()
    except UnicodeEncodeError:
        raise Rejected(f"{field}: lone surrogate; send valid Unicode", field) from None
    if len(text.encode()) > limits.METADATA_BYTES:
        raise Rejected(
            f"{field}: larger than {limits.METADATA_BYTES} bytes as JSON; keep long text in content", field
        )
    if "\\u0000" in text:
        raise Rejected(f"{field}: NUL is not allowed", field)
    return metadata


def only_json(value: object, field: str) -> None:
    """`Rejected` with the place of what JSON cannot hold. For values that did not come as JSON."""
    _check_depth(value, field)
    _only_json(value, field)


def _only_json(value: object, field: str) -> None:
    if isinstance(value, dict):
        for name, child in cast("dict[object, object]", value).items():
            if not isinstance(name, str):
                raise Rejected(f"{field}: names are text, not {type(name).__name__}", field)
            utf8(name, field)
            _only_json(child, f"{field}.{name}")
    elif isinstance(value, list | tuple):
        for n, child in enumerate(cast("list[object]", value)):
            _only_json(child, f"{field}[{n}]")
    else:
        _only_json_leaf(value, field)


def _only_json_leaf(value: object, field: str) -> None:
    if isinstance(value, str):
        utf8(value, field)
    elif isinstance(value, float):
        if not isfinite(value):
            raise Rejected(f"{field}: {value} is no number that JSON has", field)
    elif value is not None and not isinstance(value, int):
        raise Rejected(f"{field}: {type(value).__name__} is nothing that JSON has", field)


def _check_depth(value: object, field: str) -> None:
    if _depth(value) > limits.METADATA_DEPTH:
        raise Rejected(f"{field}: nested deeper than {limits.METADATA_DEPTH} levels", field)


def _depth(value: Any, level: int = 0) -> int:
    if level > limits.METADATA_DEPTH or not isinstance(value, dict | list | tuple):
        return level
    children: list[Any] = list(value.values() if isinstance(value, dict) else value)  # pyright: ignore[reportUnknownArgumentType] (JSON)
    return max((_depth(child, level + 1) for child in children), default=level + 1)


def expire_jobs(entry_id: str, expires_at: datetime | None) -> tuple[NewJob, ...]:
    """The work that ends an entry's life on time."""
    if expires_at is None:
        return ()
    return (
        NewJob(kind=EXPIRE_JOB, payload=entry_id.encode(), run_at=expires_at, key=f"{entry_id}@{expires_at}"),
    )


def draft(
    new: NewEntry | Remember,
    content: str,
    *,
    entry_id: str,
    now: datetime,
    ceiling: str,
    provenance: Provenance,
    default_scope: str | None = None,
    zones: Zones = ZONES,
) -> AddEntry:
    """An entry at version 1 with the jobs that follow from it. `Rejected` names the field at fault."""
    checked_content(content)
    times = TimeReader(now, zones)
    valid_from = None if new.valid_from is None else times.begin(new.valid_from, "valid_from")
    valid_until = None if new.valid_until is None else times.end(new.valid_until, "valid_until")
    expires_at = None if new.expires_at is None else times.end(new.expires_at, "expires_at")
    if valid_from is not None and valid_until is not None and valid_until <= valid_from:
        raise Rejected("valid_until must be later than valid_from", "valid_until")
    if expires_at is not None and expires_at <= now:
        raise Rejected(f"expires_at {expires_at.isoformat()} has passed already; the entry would be gone at once",
                       "expires_at")  # fmt: skip
    entry = Entry(
        id=entry_id,
        scope=scope_under(new.scope if new.scope is not None else default_scope, ceiling),
        content=content,
        content_hash=content_hash(content, valid_from, valid_until),
        created_at=now,
        updated_at=now,
        kind=new.kind,
        title=checked_line(new.title, "title", most=limits.TITLE_CHARS) if new.title else "",
        tags=normal_tags(new.tags) if new.tags else (),
        metadata=checked_metadata(new.metadata),
        author=checked_line(new.author, "author", most=limits.AUTHOR_CHARS) if new.author else "",
        importance=new.importance,
        occurred_at=None if new.occurred_at is None else times.begin(new.occurred_at, "occurred_at"),
        valid_from=valid_from,
        valid_until=valid_until,
        expires_at=expires_at,
        provenance=provenance,
    )
    return AddEntry(entry, expire_jobs(entry_id, expires_at))
