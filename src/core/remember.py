"""Remember: one or many entries, all or none."""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from ..ports.changes import Added, AddEntry, Once
from ..ports.errors import Rejected
from . import limits
from .drafting import draft
from .requests import NewEntry
from .results import Remembered, RememberResult
from .text import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from ..ports.changes import Outcome
    from ..ports.storage import Storage
    from .caller import Caller
    from .requests import Remember

_BARE = NewEntry(content="")
_OF_EACH = tuple(name for name in NewEntry.__struct_fields__ if name not in {"content", "scope"})
_json = msgspec.json.Encoder(order="deterministic")


async def remember(
    storage: Storage, request: Remember, caller: Caller, *, now: datetime, new_id: Callable[[], str]
) -> RememberResult:
    provenance = caller.provenance(request.agent_id)
    changes: list[AddEntry] = []
    for position, (new, content) in enumerate(_entries(request)):
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
                )
            )
        except Rejected as error:
            if request.entries is None:
                raise
            raise Rejected(f"entries[{position}].{error}", f"entries[{position}].{error.field}") from None
    applied = await storage.apply(*changes, once=_once(request, caller, now))
    return RememberResult(results=_results(applied.outcomes), replayed=applied.replayed)


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


def _once(request: Remember, caller: Caller, now: datetime) -> Once | None:
    if not request.idempotency_key:
        return None
    key = checked(request.idempotency_key, "idempotency_key", most=limits.IDEMPOTENCY_KEY_CHARS)
    return Once(
        key=f"{caller.ceiling}\n{key}",
        digest=blake2b(_json.encode(request), digest_size=16).digest(),
        at=now,
        keep_until=now + timedelta(hours=limits.IDEMPOTENCY_HOURS),
    )


def _results(outcomes: tuple[Outcome, ...]) -> tuple[Remembered, ...]:
    return tuple(
        Remembered(id=outcome.id, version=outcome.version, duplicate=outcome.duplicate)
        for outcome in outcomes
        if isinstance(outcome, Added)
    )
