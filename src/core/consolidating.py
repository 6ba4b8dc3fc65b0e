"""Consolidation: facts that were told several times in nearly the same words, made one, and nothing lost.

The rules. Two active entries are one fact when they stand in the same scope, are of the same kind, and `same_fact`
finds no word, number, name, negation, author or time that tells them apart, each word of the one being one of the
other's.
Of those the newest stays as it is, with the tags of all and the highest importance; the others become `superseded`,
tied to it by `supersedes`. They keep their text and history: updating one back to `active` undoes it.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from ..ports.changes import AddRelation, ReplaceEntry
from ..ports.errors import Conflict, NotFound
from ..ports.queries import EntryFilter
from ..ports.records import Relation
from ..ports.scopes import ScopeFilter
from . import limits
from .results import label_of
from .search.similar import LONGEST, same_fact
from .search.wording import wording

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from ..ports.changes import Change
    from ..ports.records import Entry
    from ..ports.storage import Storage
    from .caller import Caller

    Report = Callable[[int, int | None, str], None]

_SHOWN = 50
_TOGETHER = 64
"""Entries of one wording that are compared with each other. More say the same so often that the newest will do."""
_TOLD = 1000
_SCANNED = 100
"""Entries at a time, whose words are told apart on the event loop: a few milliseconds."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    kept: str
    title: str
    superseded: tuple[str, ...]


class Consolidated(msgspec.Struct, frozen=True, kw_only=True):
    """`groups`: the first of them. `changed`: groups that someone else changed meanwhile and were left alone."""

    scope: str
    looked_at: int
    found: int
    superseded: int
    changed: int
    groups: tuple[Group, ...]


async def consolidate(
    storage: Storage,
    scope: str,
    caller: Caller,
    *,
    now: Callable[[], datetime],
    dry_run: bool,
    report: Report | None = None,
) -> Consolidated:
    """In the scope and below. Memory: a few dozen bytes an entry. Each group is one transaction."""
    where = EntryFilter(
        where=ScopeFilter(scope=scope, inherit=False, descendants=True, ceiling=caller.ceiling), live_at=now()
    )
    looked_at, alike = 0, dict[bytes, list[str]]()
    async for entry in storage.scan(where, batch=_SCANNED):
        looked_at += 1
        if (key := _key(entry)) is not None:
            alike.setdefault(key, []).append(entry.id)
        if report is not None and looked_at % _TOLD == 0:
            report(looked_at, None, f"{looked_at} entries looked at")
    groups: list[Group] = []
    found = superseded = changed = 0
    async for kept, others in _groups(storage, [ids for ids in alike.values() if len(ids) > 1], caller):
        found += 1
        if not dry_run and not await _superseded(storage, kept, others, caller, max(now(), kept.updated_at)):
            changed += 1
            continue
        superseded += len(others)
        if len(groups) < _SHOWN:
            ids = tuple(other.id for other in others)
            groups.append(Group(kept=kept.id, title=label_of(kept), superseded=ids))
    return Consolidated(
        scope=scope,
        looked_at=looked_at,
        found=found,
        superseded=superseded,
        changed=changed,
        groups=tuple(groups),
    )


def _key(entry: Entry) -> bytes | None:
    """Equal for all that may be one fact: the place, the kind and the words, whatever their order."""
    if len(entry.content) > LONGEST:
        return None
    words = sorted(word.text for word in wording(entry.content).words)
    if not words:
        return None
    return blake2b("\n".join((entry.scope, entry.kind, *words)).encode("utf-8"), digest_size=16).digest()


async def _groups(
    storage: Storage, candidates: list[list[str]], caller: Caller
) -> AsyncIterator[tuple[Entry, list[Entry]]]:
    """The newest of each group, and the others."""
    for ids in candidates:
        found = await storage.get(ids[-_TOGETHER:], ceiling=caller.ceiling)
        rest = sorted(
            (entry for entry in found if entry.state == "active"), key=lambda entry: (entry.at, entry.id)
        )
        while len(rest) > 1:
            kept = rest.pop()
            others = [entry for entry in rest if same_fact(kept, entry) == 1.0]
            if others:
                yield kept, others
                rest = [entry for entry in rest if entry not in others]


async def _superseded(
    storage: Storage, kept: Entry, others: list[Entry], caller: Caller, at: datetime
) -> bool:
    """False where one of them was changed since it was looked at."""
    provenance = caller.provenance(None)
    changes: list[Change] = []
    for other in others:
        former = msgspec.structs.replace(
            other,
            state="superseded",
            version=other.version + 1,
            updated_at=max(at, other.updated_at),
            provenance=provenance,
        )
        changes.append(ReplaceEntry(former, other.version))
        changes.append(
            AddRelation(
                Relation(
                    source=kept.id, target=other.id, type="supersedes", created_at=at, agent=provenance.agent
                )
            )
        )
    tags = tuple(dict.fromkeys((*kept.tags, *(tag for other in others for tag in other.tags))))[: limits.TAGS]
    importance = max(entry.importance for entry in (kept, *others))
    if tags != kept.tags or importance != kept.importance:
        merged = msgspec.structs.replace(
            kept,
            tags=tags,
            importance=importance,
            version=kept.version + 1,
            updated_at=at,
            provenance=provenance,
        )
        changes.append(ReplaceEntry(merged, kept.version))
    try:
        await storage.apply(*changes)
    except (Conflict, NotFound):
        return False
    return True
