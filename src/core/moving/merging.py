"""What becomes of an entry that an import brings, where one stands under its id already. Pure decisions.

An import never takes away a version: what it changes, it changes by a next version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from ...ports.changes import Change, RemoveEntries, ReplaceEntry, RestoreEntry
from ...ports.scopes import within
from ..drafting import expire_jobs

if TYPE_CHECKING:
    from ...ports.records import Entry
    from ..requests_moving import OnConflict
    from .grouping import Whole

Verdict = Literal["created", "updated", "skipped", "conflict"]


class Decision(msgspec.Struct, frozen=True):
    """`reason`: why it is a conflict, or is left alone though it differs."""

    verdict: Verdict
    changes: tuple[Change, ...] = ()
    reason: str = ""


_SAME = Decision("skipped")
NOT_HAD = "it cannot be taken in under this ceiling"


def restored(whole: Whole) -> RestoreEntry:
    entry = whole.entry
    jobs = expire_jobs(entry.id, entry.expires_at) if entry.state == "active" else ()
    return RestoreEntry(entry, whole.former, jobs)


def decide(
    whole: Whole, standing: Entry | None, past: Entry | None, *, ceiling: str, policy: OnConflict
) -> Decision:
    """`standing`: the current version under the id. `past`: the former one of the imported version's number, if any."""
    new = whole.entry
    if standing is None:
        return Decision("created", (restored(whole),))
    if not within(standing.scope, ceiling):
        return Decision("conflict", reason=NOT_HAD)
    if standing.scope != new.scope:
        return Decision("conflict", reason=f"it stands in scope {standing.scope!r}, and an entry never moves")
    if _alike(new, standing):
        return _SAME
    if past is not None and _alike(new, past):
        return Decision("skipped", reason=f"version {standing.version} stands here, which follows it")
    if policy != "update":
        return Decision("conflict", reason=f"version {standing.version} stands here and differs")
    if standing.state == "deleted":
        return Decision("conflict", reason="it was forgotten here, and stays so")
    if standing.version < new.version and whole.version(standing.version) == standing:
        return Decision("updated", _following(whole, standing.version))
    return Decision("updated", _next(new, standing))


def _alike(one: Entry, other: Entry) -> bool:
    """But for when, and as the how manieth version, that came to be. Two tombstones always are."""
    like = msgspec.structs.replace(
        other, version=one.version, updated_at=one.updated_at, created_at=one.created_at
    )
    return one == like or one.state == other.state == "deleted"


def _following(whole: Whole, standing: int) -> tuple[Change, ...]:
    """The versions after the one that stands, as they came about elsewhere."""
    return tuple(
        _step(whole.version(number), number - 1) for number in range(standing + 1, whole.entry.version + 1)
    )


def _next(new: Entry, standing: Entry) -> tuple[Change, ...]:
    at = max(new.updated_at, standing.updated_at)
    following = msgspec.structs.replace(
        new, version=standing.version + 1, updated_at=at, created_at=standing.created_at
    )
    return (_step(following, standing.version),)


def _step(entry: Entry, expected: int) -> Change:
    if entry.state == "deleted":
        return RemoveEntries((entry.id,), at=entry.updated_at)
    jobs = expire_jobs(entry.id, entry.expires_at) if entry.state == "active" else ()
    return ReplaceEntry(entry, expected, jobs)
