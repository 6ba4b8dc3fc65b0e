"""Freshness: what a kept answer may be trusted by, asked again with every use and, as a rule, without waiting.

Where the store has marks, an equal mark says that nothing changed. Elsewhere events say what did: then an answer may be
as old as an event takes to come, and where events may not be coming nothing is remembered at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..ports.records import Gap
from ..ports.scopes import lineage, visible

if TYPE_CHECKING:
    from datetime import datetime

    from ..ports.clock import Clock
    from ..ports.event_bus import Subscription
    from ..ports.queries import Outlook
    from ..ports.scopes import ScopeFilter, VisibleScopes
    from ..ports.storage import Storage

_FILTERS = 1_000
"""Filters whose outlook is remembered, and scopes whose events are counted: past it all are dropped."""

Moment = tuple[int, ...]


class _Remembered(NamedTuple):
    moment: Moment
    outlook: Outlook
    asked_at: datetime
    until_monotonic: float


class Freshness:
    """`events` are those of every scope, for stores without marks; None where there are none to be had.

    An outlook is remembered for `ttl` seconds at most.
    """

    def __init__(
        self, storage: Storage, clock: Clock, *, events: Subscription | None = None, ttl: float = 600.0
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._events = events
        self._ttl = ttl
        self._outlooks: dict[ScopeFilter, _Remembered] = {}
        self._visible: dict[ScopeFilter, VisibleScopes] = {}
        self._epoch = 0
        self._own: dict[str, int] = {}
        self._trees: dict[str, int] = {}

    def moment(self, where: ScopeFilter) -> Moment | None:
        """At once. Two equal moments of one filter: nothing of what it sees has changed in between, as far as this
        process can know. What was read after a moment may be served as long as it is still that moment. None: this
        cannot be known just now, and only reading helps.
        """
        mark = self._storage.mark()
        if mark is not None:
            return (mark,)
        if self._events is None:
            return None
        self._hear(self._events)
        if not self._events.live:
            return None
        seen = self._seen(where)
        own, trees = self._own, self._trees
        return (self._epoch, *(own.get(s, 0) for s in seen.exact), *(trees.get(t, 0) for t in seen.trees))

    async def outlook(self, where: ScopeFilter, now: datetime) -> Outlook:
        """The store's, without asking it while the moment is that before it was last asked."""
        moment = self.moment(where)
        known = self._outlooks.get(where)
        if (
            known is not None
            and known.moment == moment
            and known.asked_at <= now
            and (known.outlook.until is None or now < known.outlook.until)
            and self._clock.monotonic() < known.until_monotonic
        ):
            return known.outlook
        until = self._clock.monotonic() + self._ttl
        outlook = await self._storage.outlook(where, now=now)
        if moment is not None:
            if len(self._outlooks) >= _FILTERS:
                self._outlooks.clear()
            self._outlooks[where] = _Remembered(moment, outlook, now, until)
        return outlook

    def wrote(self) -> None:
        """This process has written, or may have: to be said before the writer's call returns."""
        self._epoch += 1

    def _hear(self, events: Subscription) -> None:
        """All that has come by now, so that no event waits for a turn of the loop."""
        while (event := events.poll()) is not None:
            if isinstance(event, Gap) or len(self._trees) >= _FILTERS:
                self._epoch += 1
                self._own.clear()
                self._trees.clear()
                continue
            self._own[event.scope] = self._own.get(event.scope, 0) + 1
            for tree in lineage(event.scope):
                self._trees[tree] = self._trees.get(tree, 0) + 1

    def _seen(self, where: ScopeFilter) -> VisibleScopes:
        seen = self._visible.get(where)
        if seen is None:
            if len(self._visible) >= _FILTERS:
                self._visible.clear()
            seen = self._visible[where] = visible(where)
        return seen
