"""Which resources a committed change is a change of, as far as a caller may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote

import msgspec

from ...core.limits import ID_CHARS
from ...core.scope import scope_under
from ...core.tags import normal_tag
from ...ports.errors import Rejected
from ...ports.scopes import ScopeFilter, VisibleScopes, sees, visible, within

if TYPE_CHECKING:
    from ..changes import Burst, Tie

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

    by_tags: ClassVar[bool] = False

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
    """An entry, and the relations at either end of it whose other end is seen too."""

    by_tags: ClassVar[bool] = False

    uri: str
    id: str
    ceiling: str

    def changed(self, burst: Burst) -> tuple[str, ...]:
        scope = burst.subjects.get(self.id)
        told = burst.lost or (scope is not None and within(scope, self.ceiling))
        return (self.uri,) if told or any(map(self._tied, burst.ties)) else ()

    def _tied(self, tie: Tie) -> bool:
        return (
            self.id in {tie.source, tie.target}
            and within(tie.source_scope, self.ceiling)
            and within(tie.target_scope, self.ceiling)
        )


class TagTopic(msgspec.Struct, frozen=True):
    """The entries that carry a tag: told of those that carry it after a change or did before."""

    by_tags: ClassVar[bool] = True

    uri: str
    tag: str
    ceiling: str

    def changed(self, burst: Burst) -> tuple[str, ...]:
        told = (
            burst.lost
            or any(tag == self.tag and within(scope, self.ceiling) for scope, tag in burst.tags)
            or any(within(scope, self.ceiling) for scope in burst.any_tag)
        )
        return (self.uri,) if told else ()


def topic_of(uri: str, ceiling: str) -> ScopeTopic | EntryTopic | TagTopic | None:
    """None where there is no such resource, or it lies beyond the ceiling. Whether an entry is there is not looked at:
    of one that is not, nothing is ever told.
    """
    if len(uri) > LONGEST_URI:
        return None
    if uri.startswith(TAG):
        try:
            return TagTopic(uri, normal_tag(unquote(uri.removeprefix(TAG))), ceiling)
        except Rejected:
            return None
    if uri in {STATS, RECENT}:
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
