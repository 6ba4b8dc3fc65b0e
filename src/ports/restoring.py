"""Which history may be put back: judged before any store is asked, and alike by all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import Rejected

if TYPE_CHECKING:
    from .changes import RestoreEntry


def check_history(change: RestoreEntry) -> None:
    """`Rejected` where the versions do not follow one another."""
    entry = change.entry
    if entry.version != len(change.former) + 1:
        raise Rejected(
            f"former: entry {entry.id} is at version {entry.version}, and {len(change.former)} came before it",
            "former",
        )
    following = entry
    for number in range(len(change.former), 0, -1):
        past = change.former[number - 1]
        if (past.entry.id, past.entry.scope, past.entry.version) != (entry.id, entry.scope, number):
            raise Rejected(f"former: version {number} of entry {entry.id} is missing or of another", "former")
        if past.entry.state == "deleted":
            raise Rejected(
                f"former: entry {entry.id} was deleted at version {number}, and nothing follows that",
                "former",
            )
        if past.until is None or past.until > following.updated_at:
            raise Rejected(f"former: version {number} of entry {entry.id} lasts into the next one", "former")
        following = past.entry
