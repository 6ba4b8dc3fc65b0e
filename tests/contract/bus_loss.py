"""EventBus, second part: what may have been lost is announced, in its place, to whom it concerns."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.errors import Unavailable
from agent_memory.ports.records import Event, Gap

from .bus_delivery import AMPLE, event, events, take, take_until
from .suite import Suite, level, needs, running, soon, turns, until_done

if TYPE_CHECKING:
    from agent_memory.ports.event_bus import EventBus, Subscription

    from .harness import Harness

SMALL = 8
RECONNECTED = 120.0
"""Seconds within which any back-off has tried again."""


async def overflow(bus: EventBus, witness: Subscription, count: int) -> None:
    """Publish more than a small subscriber holds, and be sure that it has all come."""
    await bus.publish(events(count))
    await take_until(witness, event(count - 1))


def assert_holes_announced(taken: list[Event | Gap]) -> None:
    """Between neighbours there is exactly one gap where numbers are missing, and none where they follow."""
    numbers = [-1, *(each.seq for each in taken if isinstance(each, Event))]
    expected: list[int | None] = []
    for before, after in pairwise(numbers):
        expected += [after] if after == before + 1 else [None, after]
    assert [each.seq if isinstance(each, Event) else None for each in taken] == expected


async def become(subscription: Subscription, *, live: bool) -> None:
    while subscription.live != live:
        await turns(1)


class BusLoss(Suite):
    @pytest.fixture
    def harness(self) -> Harness[EventBus]:
        raise NotImplementedError("override `harness` with one of your adapter")

    async def test_bus_21_overflow_becomes_one_gap(self, harness: Harness[EventBus]) -> None:
        """Where events are missing there is one gap, and nowhere else; the last published arrives."""
        async with (
            harness.open() as bus,
            bus.subscribe(capacity=AMPLE) as witness,
            bus.subscribe(capacity=SMALL) as small,
        ):
            await overflow(bus, witness, 300)
            taken = await take_until(small, event(299))
        assert_holes_announced(taken)
        assert sum(isinstance(each, Gap) for each in taken) == 1

    async def test_bus_22_after_a_gap_events_follow(self, harness: Harness[EventBus]) -> None:
        """All of them, as before: an overflow ends nothing."""
        async with (
            harness.open() as bus,
            bus.subscribe(capacity=AMPLE) as witness,
            bus.subscribe(capacity=SMALL) as small,
        ):
            await overflow(bus, witness, 300)
            await take_until(small, event(299))
            for number in range(300, 320):
                await bus.publish([event(number)])
                assert await take(small, 1) == [event(number)]

    async def test_bus_23_the_gap_stands_where_the_loss_was(self, harness: Harness[EventBus]) -> None:
        """What was read before stays before it; a second overflow is a second gap."""
        async with (
            harness.open() as bus,
            bus.subscribe(capacity=AMPLE) as witness,
            bus.subscribe(capacity=SMALL) as small,
        ):
            await bus.publish(events(3))
            taken = await take(small, 3)
            for start in (3, 303):
                await bus.publish(events(300, start=start))
                await take_until(witness, event(start + 299))
                taken += await take_until(small, event(start + 299))
        assert_holes_announced(taken)
        assert sum(isinstance(each, Gap) for each in taken) == 2

    async def test_bus_24_waiting_events_are_bounded(self, harness: Harness[EventBus]) -> None:
        """However many were published, no more than `capacity` events and one gap wait."""
        async with (
            harness.open() as bus,
            bus.subscribe(capacity=AMPLE) as witness,
            bus.subscribe(capacity=SMALL) as small,
        ):
            await overflow(bus, witness, 3_000)
            taken = await take_until(small, event(2_999))
        assert len(taken) <= SMALL + 1

    async def test_bus_25_capacity_is_what_fits_without_loss(self, harness: Harness[EventBus]) -> None:
        """Exactly that many may wait."""
        async with (
            harness.open() as bus,
            bus.subscribe(capacity=AMPLE) as witness,
            bus.subscribe(capacity=SMALL) as small,
        ):
            await overflow(bus, witness, SMALL)
            assert await take(small, SMALL) == events(SMALL)

    async def test_bus_26_a_slow_subscriber_delays_nobody(self, harness: Harness[EventBus]) -> None:
        """One that never reads: the publisher returns, others get all, without a gap."""
        async with harness.open() as bus, bus.subscribe(capacity=1), bus.subscribe(capacity=AMPLE) as reader:
            await soon(bus.publish(events(1_000)))
            assert await take(reader, 1_000) == events(1_000)

    async def test_bus_27_who_comes_after_a_loss_hears_of_none(self, harness: Harness[EventBus]) -> None:
        """A gap concerns those who were there."""
        async with harness.open() as bus, bus.subscribe(capacity=AMPLE) as witness, bus.subscribe(capacity=1):
            await overflow(bus, witness, 300)
            async with bus.subscribe(capacity=SMALL) as late:
                await bus.publish([event(300)])
                assert await take(late, 1) == [event(300)]

    @level("faulty")
    async def test_bus_28_a_lost_connection_is_a_gap(self, harness: Harness[EventBus]) -> None:
        """Once healed, without anyone's doing, each subscriber is told; later events follow."""
        needs(harness, "sever")
        async with harness.open() as bus, bus.subscribe() as subscription:
            await bus.publish([event(0)])
            assert await take(subscription, 1) == [event(0)]
            await harness.sever()
            await harness.advance(1.0)
            await harness.heal()
            async with running(take(subscription, 1)) as reading:
                (told,) = await until_done(reading, harness, lambda: turns(10), within=RECONNECTED, step=1.0)
            assert isinstance(told, Gap)
            await soon(bus.publish([event(1)]))
            assert (await take_until(subscription, event(1)))[-1] == event(1)

    @level("faulty")
    async def test_bus_29_a_refused_publish_is_told_to_all(self, harness: Harness[EventBus]) -> None:
        """The publisher by `Unavailable`, its own subscribers by a gap."""
        needs(harness, "sever")
        async with harness.open() as bus, bus.subscribe() as subscription:
            await harness.sever()
            with pytest.raises(Unavailable):
                await soon(bus.publish([event(0)]))
            assert isinstance((await take(subscription, 1))[0], Gap)

    @level("faulty")
    async def test_bus_30_an_outage_is_no_life(self, harness: Harness[EventBus]) -> None:
        """Not live while the backend is away, once that is known; the gap waits as soon as it is live again."""
        needs(harness, "sever")
        async with harness.open() as bus, bus.subscribe() as subscription:
            assert subscription.live
            await harness.sever()
            async with running(become(subscription, live=False)) as dying:
                await until_done(dying, harness, lambda: turns(10), within=RECONNECTED, step=1.0)
            while subscription.poll() is not None:
                pass
            await harness.heal()
            async with running(become(subscription, live=True)) as reviving:
                await until_done(reviving, harness, lambda: turns(10), within=RECONNECTED, step=1.0)
            assert isinstance(subscription.poll(), Gap)
            await soon(bus.publish([event(1)]))
            assert (await take_until(subscription, event(1)))[-1] == event(1)

    async def test_bus_34_one_more_than_capacity_is_a_loss(self, harness: Harness[EventBus]) -> None:
        """The bound is the one that was asked for."""
        async with (
            harness.open() as bus,
            bus.subscribe(capacity=AMPLE) as witness,
            bus.subscribe(capacity=SMALL) as small,
        ):
            await overflow(bus, witness, SMALL + 1)
            assert isinstance((await take(small, 1))[0], Gap)

    async def test_bus_35_holds_a_thousand_and_twenty_four(self, harness: Harness[EventBus]) -> None:
        """Where no capacity is named: so many wait without loss, and not one more."""
        async with (
            harness.open() as bus,
            bus.subscribe(capacity=AMPLE) as witness,
            bus.subscribe() as subscription,
        ):
            await overflow(bus, witness, 1024)
            assert await take_until(subscription, event(1023)) == events(1024)
            await overflow(bus, witness, 1025)
            assert isinstance((await take(subscription, 1))[0], Gap)
