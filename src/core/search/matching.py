"""Whether a filter admits an entry, judged by the entry alone: what every answer is checked against at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.scopes import visible, within

if TYPE_CHECKING:
    from datetime import datetime

    from ...ports.queries import EntryFilter
    from ...ports.records import Entry


def matches(entry: Entry, wanted: EntryFilter) -> bool:
    """As `EntryFilter` says, of a current version (`as_of` is not judged here)."""
    if wanted.states:
        if entry.state not in wanted.states:
            return False
    elif entry.state == "deleted":
        return False
    if wanted.kinds and entry.kind not in wanted.kinds:
        return False
    seen = visible(wanted.where)
    if entry.scope not in seen.exact and not any(within(entry.scope, tree) for tree in seen.trees):
        return False
    if wanted.since is not None and entry.at < wanted.since:
        return False
    if wanted.until is not None and entry.at >= wanted.until:
        return False
    if wanted.live_at is not None and not live(entry, wanted.live_at):
        return False
    tags = set(entry.tags)
    return tags.issuperset(wanted.tags) and (not wanted.tags_any or not tags.isdisjoint(wanted.tags_any))


def live(entry: Entry, instant: datetime) -> bool:
    return (
        (entry.valid_from is None or entry.valid_from <= instant)
        and (entry.valid_until is None or entry.valid_until > instant)
        and (entry.expires_at is None or entry.expires_at > instant)
    )
