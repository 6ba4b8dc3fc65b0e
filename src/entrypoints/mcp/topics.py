"""Which resources a committed change is a change of, as far as a caller may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from ...core.limits import ID_CHARS
from ...core.scope import scope_under
from ...ports.errors import Rejected
from ...ports.scopes import ScopeFilter, VisibleScopes, sees, visible, within

if TYPE_CHECKING:
    from ..changes import Burst

ENTRY = "memory://entry/"
SCOPE = "memory://scope/"
TAG = "memory://tag/"
STATS = "memory://stats"
RECENT = "memory://recent"
LONGEST_URI = 512


class ScopeTopic(msgspec.Struct, frozen=True):
    """A scope: what it inherits, and what is below it. Of that the subscriber hears by its own URI, unless it asked
    for the whole of what is below (`parts` false).
    """

    uri: str
    scope: str
    seen: VisibleScopes
    parts: bool = True

    def changed(self, burst: Burst) -> tuple[str, ...]:
        if burst.lost:
            return (self.uri,)
        told: dict[str, None] = {}
        for scope in burst.scopes:
            if sees(self.seen, scope):
                below = self.parts and scope != self.scope and within(scope, self.scope)
                told[SCOPE + scope if below else self.uri] = None
        return tuple(told)


class EntryTopic(msgspec.Struct, frozen=True):
    uri: str
    id: str
    ceiling: str

    def changed(self, burst: Burst) -> tuple[str, ...]:
        scope = burst.subjects.get(self.id)
        return (self.uri,) if burst.lost or (scope is not None and within(scope, self.ceiling)) else ()


def topic_of(uri: str, ceiling: str) -> ScopeTopic | EntryTopic | None:
    """None where there is no such resource, or it lies beyond the ceiling. Whether an entry is there is not looked at:
    of one that is not, nothing is ever told.
    """
    if len(uri) > LONGEST_URI:
        return None
    if uri in {STATS, RECENT} or (uri.startswith(TAG) and uri != TAG):
        everything = visible(ScopeFilter(scope=ceiling, inherit=False, descendants=True, ceiling=ceiling))
        return ScopeTopic(uri, ceiling, everything, parts=False)
    if uri.startswith(SCOPE):
        try:
            scope = scope_under(unquote(uri.removeprefix(SCOPE)), ceiling)
        except Rejected:
            return None
        where = ScopeFilter(scope=scope, inherit=True, descendants=True, ceiling=ceiling)
        return ScopeTopic(uri, scope, visible(where))
    if uri.startswith(ENTRY):
        entry_id = unquote(uri.removeprefix(ENTRY))
        return EntryTopic(uri, entry_id, ceiling) if 0 < len(entry_id) <= ID_CHARS else None
    return None
