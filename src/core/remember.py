"""Remember: one or many entries, all or none."""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from ..ports.changes import Added, AddEntry, Once
from ..ports.errors import Conflict, Rejected
from ..ports.records import Entry
from . import limits
from .drafting import draft
from .looking import Looking, alike
from .requests import NewEntry
from .results import RedactedAt, Remembered, RememberResult
from .text import checked
from .times import ZONES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from ..ports.storage import Storage
    from .caller import Caller
    from .finder import Finder
    from .periods.period import Zones
    from .redaction.cleaning import Cleaner
    from .requests import Remember

_BARE = NewEntry(content="")
_OF_EACH = tuple(name for name in NewEntry.__struct_fields__ if name not in {"content", "scope"})
_DETAILS = ("title", "kind", "author", "tags", "metadata", "importance", "occurred_at", "expires_at")
_json = msgspec.json.Encoder(order="deterministic")


async def remember(
    storage: Storage,
    request: Remember,
    caller: Caller,
    *,
    now: datetime,
    new_id: Callable[[], str],
    search: Finder | None = None,
    zones: Zones = ZONES,
    cleaner: Cleaner | None = None,
) -> RememberResult:
    """Similar entries are looked for while the store commits, where `search` is there already."""
    provenance = caller.provenance(request.agent_id)
    changes: list[AddEntry] = []
    redacted: list[tuple[RedactedAt, ...]] = []
    entries = _entries(request)
    if cleaner is not None:
        _check_names(request, cleaner)
    cleaned = await cleaner.entries(entries) if cleaner is not None else [(*one, ()) for one in entries]
    for position, (new, content, said) in enumerate(cleaned):
        redacted.append(said)
        try:
            changes.append(
                draft(
                    new,
                    content,
                    entry_id=new_id(),
                    now=now,
                    ceiling=caller.ceiling,
                    provenance=provenance,
                    default_scope=request.scope,
                    zones=zones,
                )
            )
        except Rejected as error:
            if request.entries is None:
                raise
            raise Rejected(f"entries[{position}].{error}", f"entries[{position}].{error.field}") from None
    once = _once(request, caller, now)
    looking = Looking(search, [change.entry for change in changes], caller, now)
    try:
        with looking:
            applied = await storage.apply(*changes, once=once)
            similar = None if applied.replayed else await looking.found()
    except Conflict as conflict:
        if once is None or conflict.current is not None:
            raise
        raise Rejected(
            f"idempotency_key: {request.idempotency_key!r} was used with another request; take a new key for a new one",
            "idempotency_key",
        ) from conflict
    added = [outcome for outcome in applied.outcomes if isinstance(outcome, Added)]
    repeated = [outcome.id for outcome in added if outcome.duplicate]
    standing = (
        {entry.id: entry for entry in await storage.get(repeated, ceiling=caller.ceiling)} if repeated else {}
    )
    results = tuple(
        Remembered(
            id=outcome.id,
            version=outcome.version,
            duplicate=outcome.duplicate,
            not_kept=_not_kept(change.entry, standing.get(outcome.id)) if outcome.duplicate else (),
            similar=None if similar is None else alike(similar[position], {outcome.id for outcome in added}),
            redacted=redacted[position],
        )
        for position, (change, outcome) in enumerate(zip(changes, added, strict=True))
    )
    return RememberResult(results=results, replayed=applied.replayed)


def _not_kept(given: Entry, standing: Entry | None) -> tuple[str, ...]:
    """What was said of a repeated content, and is not so of the entry that stands. A default says nothing."""
    if standing is None:
        return ()
    bare = Entry(
        id="",
        scope="",
        content="",
        content_hash=b"",
        created_at=given.created_at,
        updated_at=given.updated_at,
    )
    return tuple(
        name
        for name in _DETAILS
        if getattr(given, name) != getattr(bare, name) and getattr(given, name) != getattr(standing, name)
    )


def _entries(request: Remember) -> Sequence[tuple[NewEntry | Remember, str]]:
    if request.entries is None:
        if request.content is None:
            raise Rejected("content is missing; give content, or entries: [{content, ...}, ...]", "content")
        return [(request, request.content)]
    if request.content is not None:
        raise Rejected("give content or entries, not both", "entries")
    for name in _OF_EACH:
        if getattr(request, name) != getattr(_BARE, name):
            raise Rejected(
                f"{name} belongs inside each of entries; beside them only scope is a default", name
            )
    return [(entry, entry.content) for entry in request.entries]


def _check_names(request: Remember, cleaner: Cleaner) -> None:
    cleaner.refuse_secrets(
        ("scope", request.scope), ("agent_id", request.agent_id), ("idempotency_key", request.idempotency_key)
    )
    for position, entry in enumerate(request.entries or ()):
        cleaner.refuse_secrets((f"entries[{position}].scope", entry.scope))


def _once(request: Remember, caller: Caller, now: datetime) -> Once | None:
    if not request.idempotency_key:
        return None
    key = checked(request.idempotency_key, "idempotency_key", most=limits.IDEMPOTENCY_KEY_CHARS)
    # Keys of another ceiling, or of another pinned agent, are others: nobody meets, or blocks, what is not theirs.
    whose = f"{caller.ceiling}\n{caller.agent}\n" if caller.agent else f"{caller.ceiling}\n"
    return Once(
        key=whose + key,
        digest=blake2b(_json.encode(request), digest_size=16).digest(),
        at=now,
        keep_until=now + timedelta(hours=limits.IDEMPOTENCY_HOURS),
    )
