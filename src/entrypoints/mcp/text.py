"""Results as short text, for models whose client shows them nothing else.

Remembered content is data: it is always quoted, behind a line that says where it came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ...core.instructions import flags_of
from ...core.redaction.redactor import scrubbed
from ...core.results import source_of
from ...ports.errors import CircuitOpen, Conflict, LockTimeout, PortError, RateLimited
from .quoting import day as _day
from .quoting import flagged
from .quoting import on_one_line as _line
from .quoting import quoted as _quoted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ...core.results import (
        Edge,
        FileLockResult,
        ForgetResult,
        Found,
        GetResult,
        LinkResult,
        LockedFile,
        RecallResult,
        RedactedAt,
        Remembered,
        RememberResult,
        Source,
        Stored,
        UpdateResult,
    )

_PLURALS = {"entry": "entries"}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else _PLURALS.get(noun, noun + 's')}"


def _by(source: Source) -> str:
    # The author is what somebody said, and quoted: it cannot look like the others, which the server knows.
    said = "author " + msgspec.json.encode(_line(source.author)).decode() if source.author else ""
    names = [said, f"agent {source.agent}" if source.agent else "", source.client, source.tool]
    return f", from {', '.join(_line(name) for name in names if name) or 'nobody known'}"


def _tagged(tags: tuple[str, ...]) -> str:
    return f", tags {' '.join(tags)}" if tags else ""


def remembered(result: RememberResult) -> str:
    lines = [_remembered(one) for one in result.results]
    if result.replayed:
        lines.append("(this idempotency key was used before; nothing was written again)")
    return "\n".join(lines)


def left_out(found: tuple[RedactedAt, ...]) -> str:
    if not found:
        return ""
    named = ", ".join(f"{one.kind} ({one.field or 'content'} at {one.offset})" for one in found)
    return f"; not stored, as they look like secrets: {named}"


def _remembered(one: Remembered) -> str:
    line = f"{'already known' if one.duplicate else 'remembered'}: {one.id} (version {one.version})"
    if one.not_kept:
        line += f"; it has another {', '.join(one.not_kept)}: yours was not kept, memory_update changes it"
    if one.similar:
        named = ", ".join(f"{each.id} ({_line(each.title)})" for each in one.similar)
        line += f"; similar: {named}: the same? then forget one, or memory_link them"
    return line + left_out(one.redacted)


def recalled(result: RecallResult) -> str:
    if not result.results:
        return "Nothing found. Try other words, a wider scope (descendants), or fewer filters."
    lines = [_found(position, hit) for position, hit in enumerate(result.results, 1)]
    if result.truncated:
        lines.append("(cut to max_tokens; memory_get shows an entry whole)")
    return "\n".join(lines)


def _found(position: int, hit: Found) -> str:
    return f"[{position}] {shown(hit)}"


def shown(hit: Found) -> str:
    when = _day(hit.created_at)
    if hit.occurred_at is not None and _day(hit.occurred_at) != when:
        when = f"{_day(hit.occurred_at)} (told {when})"
    head = f"{hit.id} {hit.kind} in {hit.scope}, {when}, version {hit.version}"
    title = f": {_line(hit.title)}" if hit.title else ""
    return f"{head}{_by(hit.source)}{_tagged(hit.tags)}{title}\n{flagged(hit.flags)}{_quoted(hit.content)}"


def got(result: GetResult) -> str:
    parts = [_stored(entry) for entry in result.entries]
    if result.missing:
        parts.append("not found: " + ", ".join(result.missing))
    return "\n".join(parts)


def _stored(entry: Stored) -> str:
    head = f"{entry.id} {entry.kind} in {entry.scope}, version {entry.version}, {entry.state}, {_day(entry.updated_at)}"
    title = f": {_line(entry.title)}" if entry.title else ""
    ends = f", expires {entry.expires_at.isoformat()}" if entry.expires_at else ""
    lines = [f"{head}{ends}{_by(entry.source)}{_tagged(entry.tags)}{title}"]
    lines.append(flagged(entry.flags) + _quoted(entry.content))
    if entry.metadata:
        lines.append("metadata " + msgspec.json.encode(entry.metadata).decode())
    for past in entry.history:
        lines += [
            f"version {past.version}, until {past.until.isoformat()}{_by(past.source)}:",
            flagged(past.flags) + _quoted(past.content),
        ]
    if entry.history and entry.history[-1].version > 1:
        lines.append(f"({_count(entry.history[-1].version - 1, 'older version')} not shown)")
    lines += _edges(entry.relations)
    return "\n".join(lines)


def _edges(edges: Iterable[Edge]) -> list[str]:
    return [f"{edge.source} {edge.type} {edge.target}" for edge in edges]


def updated(result: UpdateResult) -> str:
    if not result.changed:
        line = f"unchanged: {result.id} is as asked already (version {result.version})"
    else:
        line = f"updated: {result.id} is now version {result.version}"
    return line + left_out(result.redacted)


def forgotten(result: ForgetResult) -> str:
    verb = "would forget" if result.dry_run else "forgot"
    lines = [
        f"{verb} {_count(result.forgotten, 'entry')}" + (": " + " ".join(result.ids) if result.ids else "")
    ]
    if result.missing:
        lines.append("not found: " + " ".join(result.missing))
    if result.more:
        lines.append("more entries match; call again")
    return "\n".join(lines)


def linked(result: LinkResult) -> str:
    if result.changed is not None:
        return "done" if result.changed else "nothing to change: it is so already"
    if result.found is False:
        return "no path within the depth"
    names = [f"{node.id} {node.kind} in {node.scope}: {_line(node.title)}" for node in result.entries or ()]
    return "\n".join([*_edges(result.relations or ()), *names]) or "no relations"


def file_locked(result: FileLockResult) -> str:
    if result.locks is not None:
        lines = [_locked(file) for file in result.locks]
        if result.truncated:
            lines.append("(more are locked)")
        return "\n".join(lines) or "no file is locked"
    path = _line(result.file_path or "")
    if result.status == "yours" and result.until is not None:
        return f"{path} is yours until {_moment(result.until)}, token {result.token}"
    if result.status == "taken" and result.since is not None and result.until is not None:
        return f"{path} is taken: {_line(result.agent)}, since {_moment(result.since)}, until {_moment(result.until)}"
    return f"{path} is free" + (f"; ended: {_locked(result.ended)}" if result.ended else "")


def _locked(file: LockedFile) -> str:
    return f"{_line(file.file_path)}: {_line(file.agent)}, since {_moment(file.since)}, until {_moment(file.until)}"


def _moment(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


def failure(error: PortError) -> str:
    """One line that says what happened and whether to try again; for a conflict, what stands in the way."""
    text = scrubbed(f"{error.code}: {error}")
    if isinstance(error, Conflict) and error.current is not None:
        current = error.current
        head = f"current: {current.id} in {current.scope}, version {current.version}{_by(source_of(current))}"
        flags = flagged(flags_of(current.title, current.content, current.author))
        return f"{text}\n{head}\n{flags}{_quoted(current.content)}"
    if isinstance(error, CircuitOpen):
        return f"{text} (try again in {error.retry_after:.0f} s)"
    if isinstance(error, RateLimited | LockTimeout | Conflict):
        return text  # which says itself how to go on
    return f"{text} (try again)" if error.retryable else text
