"""The relay: committed events, from the outbox to the bus, in commit order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..ports.event_bus import EventBus
    from ..ports.storage import Storage

_BATCH = 500


async def relay(storage: Storage, bus: EventBus, after: int) -> int:
    """Publish every event with seq > `after`; returns the last seq published.

    Called again with what it returned it goes on where it stopped; after an error, the batch that failed
    is published again: subscribers of a bus drop repeats by seq.
    """
    while True:
        events = await storage.outbox(after, limit=_BATCH)
        if not events:
            return after
        await bus.publish(events)
        after = events[-1].seq
