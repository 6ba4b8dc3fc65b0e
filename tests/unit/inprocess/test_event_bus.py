from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_memory.adapters.inprocess.event_bus import EventHub, InProcessEventBus
from agent_memory.ports.errors import Rejected, Unavailable
from agent_memory.ports.records import Event, Gap
from agent_memory_contract.manual_clock import settle

if TYPE_CHECKING:
    from agent_memory.ports.event_bus import Subscription

AT = datetime(2025, 1, 1, tzinfo=UTC)
BATCHES = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 12)), max_size=30)


def event(seq: int) -> Event:
    return Event(kind="entry.added", scope="acme", subject=f"id-{seq}", at=AT, seq=seq)


async def take(subscription: Subscription, count: int) -> list[int]:
    """That many items: the seq of an event, 0 for a gap."""
    items = [await anext(subscription) for _ in range(count)]
    return [0 if isinstance(item, Gap) else item.seq for item in items]


@settings(deadline=None)
@given(batches=BATCHES, capacity=st.integers(1, 6))
def test_each_event_arrives_once_and_in_order_or_is_covered_by_a_gap(
    batches: list[tuple[int, int]], capacity: int
) -> None:
    """Publish some, read some, and compare with a model in which 0 is a gap."""

    async def run() -> None:
        waiting: deque[int] = deque()
        last = 0
        async with InProcessEventBus() as bus, bus.subscribe(capacity=capacity) as subscription:
            for published, read in batches:
                fresh = range(last + 1, last + 1 + published)
                last += published
                await bus.publish([event(seq) for seq in fresh])
                for seq in fresh:
                    if len(waiting) - waiting.count(0) == capacity:
                        waiting = deque([0])
                    waiting.append(seq)
                count = min(read, len(waiting))
                assert await take(subscription, count) == [waiting.popleft() for _ in range(count)]

    asyncio.run(run())


async def test_closing_lets_what_waits_be_read_and_then_ends() -> None:
    async with InProcessEventBus() as bus:
        subscribing = bus.subscribe()
        subscription = await subscribing.__aenter__()
        await bus.publish([event(1), event(2)])
    assert [item async for item in subscription] == [event(1), event(2)]
    await subscribing.__aexit__(None, None, None)


async def test_closing_wakes_a_subscriber_that_waits() -> None:
    async with InProcessEventBus() as bus, bus.subscribe() as subscription:
        waiting = asyncio.create_task(take(subscription, 1))
        await settle()
        await bus.__aexit__(None, None, None)
        with pytest.raises(StopAsyncIteration):
            await waiting
        with pytest.raises(StopAsyncIteration):
            await anext(subscription)


async def test_closing_one_client_leaves_the_subscribers_of_another() -> None:
    hub = EventHub()
    async with InProcessEventBus(hub=hub) as mine, mine.subscribe() as subscription:
        async with InProcessEventBus(hub=hub) as theirs:
            await theirs.publish([event(1)])
        await mine.publish([event(2)])
        assert await take(subscription, 2) == [1, 2]


async def test_a_closed_bus_takes_nothing() -> None:
    async with InProcessEventBus() as bus:
        pass
    with pytest.raises(Unavailable):
        await bus.publish([event(1)])
    with pytest.raises(Unavailable):
        async with bus.subscribe():
            pass


async def test_nobody_is_listened_for_after_leaving() -> None:
    hub = EventHub()
    async with InProcessEventBus(hub=hub) as bus:
        async with bus.subscribe(), bus.subscribe():
            assert len(hub.queues) == 2
        assert len(hub.queues) == 0


async def test_a_queue_needs_room_for_one() -> None:
    async with InProcessEventBus() as bus:
        with pytest.raises(Rejected, match="capacity 0"):
            async with bus.subscribe(capacity=0):
                pass
