"""How long after a change this process hears of it: what a cached answer may be behind, and a watcher waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.records import Gap

if TYPE_CHECKING:
    from ..wiring import App
    from .measures import Measures

_PAUSE = 5.0


async def listen(app: App, measures: Measures) -> None:
    """Until cancelled. The lag is by two clocks where two hosts are: it cannot be better than they agree."""
    while True:
        try:
            async with app.feed.subscribe() as events:
                async for event in events:
                    if isinstance(event, Gap):
                        measures.event_gaps += 1
                    else:
                        origin = "own" if event.origin == app.instance else "other"
                        lag = (app.clock.now() - event.at).total_seconds()
                        measures.event_lag.note((origin,), max(0.0, lag))
        except Exception:
            app.log.warning("events are not heard for their lag, will try again", exc_info=True)
        await app.clock.sleep(_PAUSE)
