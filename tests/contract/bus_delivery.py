"""EventBus, first part: what a live subscriber gets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.errors import Rejected, Unavailable
from agent_memory.ports.records import Event, Gap

from .suite import TURNS, Suite, cancelled, level, needs, running, soon, turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.event_bus import EventBus, Subscription

    from .harness import Harness

AT = datetime(2026, 5, 4, 3, 2, 1, 123456, tzinfo=UTC)
AMPLE = 20_000
"""A capacity that no clause fills."""


def event(number: int, *, origin: str = "one", payload: bytes = b"") -> Event:
    return Event(
        kind="entry.created",
        scope="acme/app",
        subject=str(number),
        at=AT,
        origin=origin,
        seq=number,
        payload=payload,
    )


def events(count: int, *, origin: str = "one", start: int = 0) -> list[Event]:
    return [event(number, origin=origin) for number in range(start, start + count)]


async def take(subscription: Subscription, count: int) -> list[Event | Gap]:
    return [await soon(anext(subscription)) for _ in range(count)]


async def take_until(subscription: Subscription, last: Event) -> list[Event | Gap]:
    """Everything up to and with `last`."""
    taken: list[Event | Gap] = []
    while not taken or taken[-1] != last:
        taken += await take(subscription, 1)
    return taken


async def fail_at(bus: EventBus, what: Event) -> None:
    """Subscribe, and break down over the first event."""
    async with bus.subscribe() as subscription:
        await bus.publish([what])
        await take(subscription, 1)
        raise ZeroDivisionError


async def publish_each(bus: EventBus, what: Sequence[Event]) -> None:
    for each in what:
        await bus.publish([each])


class BusDelivery(Suite):
    @pytest.fixture
    def harness(self) -> Harness[EventBus]:
        raise NotImplementedError("override `harness` with one of your adapter")

    async def test_bus_01_keeps_a_publishers_order(self, harness: Harness[EventBus]) -> None:
        """Within one call and from call to call."""
        async with harness.open() as bus, bus.subscribe() as subscription:
            await bus.publish(events(50))
            await publish_each(bus, events(50, start=50))
            assert await take(subscription, 100) == events(100)

    async def test_bus_02_delivers_at_most_once(self, harness: Harness[EventBus]) -> None:
        """Nothing comes twice, also not what is equal in all but its number."""
        async with harness.open() as bus, bus.subscribe() as subscription:
            for start in range(0, 100, 10):
                await bus.publish(events(10, start=start))
            taken = await take_until(subscription, event(99))
            await bus.publish([event(100)])
            assert await take(subscription, 1) == [event(100)]
        assert len(taken) == 100

    async def test_bus_03_every_subscriber_gets_all(self, harness: Harness[EventBus]) -> None:
        """Broadcast: nobody's reading takes from another."""
        async with (
            harness.open() as bus,
            bus.subscribe() as one,
            bus.subscribe() as two,
            bus.subscribe() as three,
        ):
            await bus.publish(events(30))
            for subscription in (one, two, three):
                assert await take(subscription, 30) == events(30)

    async def test_bus_04_delivers_from_entering_on(self, harness: Harness[EventBus]) -> None:
        """Nothing of before; everything once the block is entered, also before the first read."""
        async with harness.open() as bus, bus.subscribe() as early:
            await bus.publish([event(0)])
            await take(early, 1)
            async with bus.subscribe() as late:
                await bus.publish([event(1)])
                assert await take(late, 1) == [event(1)]

    async def test_bus_05_subscribing_counts_from_entering_not_from_the_call(
        self, harness: Harness[EventBus]
    ) -> None:
        """A block prepared but not entered hears nothing."""
        async with harness.open() as bus, bus.subscribe() as witness:
            block = bus.subscribe()
            await bus.publish([event(0)])
            await take(witness, 1)
            async with block as late:
                await bus.publish([event(1)])
                assert await take(late, 1) == [event(1)]

    async def test_bus_06_loses_nothing_to_a_live_reader(self, harness: Harness[EventBus]) -> None:
        """Ten thousand events, never more waiting than the capacity: all arrive, no gap."""
        async with harness.open() as bus, bus.subscribe(capacity=1_000) as subscription:
            for start in range(0, 10_000, 500):
                await bus.publish(events(500, start=start))
                assert await take(subscription, 500) == events(500, start=start)

    @level("concurrent")
    async def test_bus_07_wakes_who_waits(self, harness: Harness[EventBus]) -> None:
        """A reader that came before the event gets it."""
        async with (
            harness.open() as bus,
            bus.subscribe() as subscription,
            running(take(subscription, 1)) as waiting,
        ):
            await turns(10)
            assert not waiting.done()
            await bus.publish([event(1)])
            assert await soon(waiting) == [event(1)]

    async def test_bus_08_carries_every_field(self, harness: Harness[EventBus]) -> None:
        """As it was, to the microsecond and the last octet."""
        sent = Event(
            kind="entry.updated",
            scope="acme/app/s-1",
            subject="Ünï\ncode 🧠 \u2028 'quoted' \"twice\" \\",
            at=AT,
            version=7,
            origin="host:1",
            seq=2**53 + 1,
            payload=bytes(range(256)),
        )
        async with harness.open() as bus, bus.subscribe() as subscription:
            await bus.publish([sent])
            assert await take(subscription, 1) == [sent]

    async def test_bus_09_a_large_payload_is_whole_or_by_reference(self, harness: Harness[EventBus]) -> None:
        """Up to `max_payload` it arrives as sent; above, empty, with all other fields, in its place."""
        async with harness.open() as bus, bus.subscribe() as subscription:
            limit = bus.capabilities.max_payload
            fits = event(1, payload=bytes(1_000_000 if limit is None else limit))
            sent = [fits] if limit is None else [fits, event(2, payload=bytes(limit + 1))]
            await bus.publish([*sent, event(3)])
            expected = [fits] if limit is None else [fits, event(2)]
            assert await take(subscription, len(expected) + 1) == [*expected, event(3)]

    async def test_bus_10_nothing_published_is_nothing_sent(self, harness: Harness[EventBus]) -> None:
        """An empty call is no error and no event."""
        async with harness.open() as bus, bus.subscribe() as subscription:
            await bus.publish([])
            await bus.publish([event(1)])
            assert await take(subscription, 1) == [event(1)]

    @level("concurrent")
    async def test_bus_11_concurrent_publishers_keep_each_its_order(self, harness: Harness[EventBus]) -> None:
        """All arrive, in each one's own order."""
        origins = [f"publisher-{n}" for n in range(8)]
        async with harness.open() as bus, bus.subscribe(capacity=AMPLE) as subscription:
            work = asyncio.gather(*(publish_each(bus, events(100, origin=origin)) for origin in origins))
            taken = await take(subscription, 800)
            await soon(work)
        for origin in origins:
            assert [each for each in taken if isinstance(each, Event) and each.origin == origin] == events(
                100, origin=origin
            )

    @level("faulty")
    async def test_bus_12_a_cancelled_wait_takes_nothing(self, harness: Harness[EventBus]) -> None:
        """At whatever moment of a publish it is cancelled, the event is the reader's, or is the next to be read."""
        async with harness.open() as bus, bus.subscribe() as subscription:
            for number, moment in enumerate(TURNS):
                async with running(take(subscription, 1)) as waiting:
                    await turns(5)
                    async with running(bus.publish([event(number)])) as publishing:
                        await turns(moment)
                        got = await cancelled(waiting)
                        await soon(publishing)
                if got is None:
                    got = await take(subscription, 1)
                assert got == [event(number)]

    async def test_bus_13_leaving_the_block_unsubscribes(self, harness: Harness[EventBus]) -> None:
        """What is published later does not reach it, and others are not disturbed."""
        async with harness.open() as bus, bus.subscribe() as stays:
            async with bus.subscribe() as leaves:
                await bus.publish([event(0)])
                assert await take(leaves, 1) == [event(0)]
            await bus.publish([event(1)])
            assert await take(stays, 2) == [event(0), event(1)]
            with pytest.raises(StopAsyncIteration):
                await soon(anext(leaves))

    async def test_bus_14_a_failing_subscriber_harms_no_other(self, harness: Harness[EventBus]) -> None:
        """Its block ends by an exception; publisher and others go on."""
        async with harness.open() as bus, bus.subscribe() as healthy:
            with pytest.raises(ZeroDivisionError):
                await fail_at(bus, event(0))
            await bus.publish([event(1)])
            assert await take(healthy, 2) == [event(0), event(1)]

    @level("concurrent")
    async def test_bus_15_closing_ends_iterators(self, harness: Harness[EventBus]) -> None:
        """A reader that waits is let go, without an error."""
        entered, heard = asyncio.Event(), asyncio.Event()

        async def read(bus: EventBus) -> str:
            async with bus.subscribe() as subscription:
                entered.set()
                async for _ in subscription:
                    heard.set()
                return "at the end"

        async with harness.open() as bus:
            reader = asyncio.create_task(read(bus))
            await soon(entered.wait())
            await bus.publish([event(1)])
            await soon(heard.wait())
        assert await soon(reader) == "at the end"

    @level("concurrent")
    async def test_bus_16_a_second_client_hears_the_first(self, harness: Harness[EventBus]) -> None:
        """In order, as the publisher's own subscribers do."""
        needs(harness, "second_client")
        async with (
            harness.open() as one,
            harness.second_client() as two,
            one.subscribe() as near,
            two.subscribe() as far,
        ):
            await one.publish(events(20))
            assert await take(far, 20) == events(20)
            assert await take(near, 20) == events(20)

    @level("concurrent")
    async def test_bus_17_a_client_may_come_and_go(self, harness: Harness[EventBus]) -> None:
        """Closing one ends its own iterators only."""
        needs(harness, "second_client")
        async with harness.open() as one, one.subscribe() as subscription:
            async with harness.second_client() as two:
                await two.publish([event(0)])
            await one.publish([event(1)])
            assert await take(subscription, 2) == [event(0), event(1)]

    async def test_bus_18_polling_gives_what_waits(self, harness: Harness[EventBus]) -> None:
        """In order, each once, and nothing where nothing waits."""
        async with harness.open() as bus, bus.subscribe() as witness, bus.subscribe() as subscription:
            assert subscription.poll() is None
            await bus.publish(events(20))
            await take_until(witness, event(19))
            assert [subscription.poll() for _ in range(20)] == events(20)
            assert subscription.poll() is None
            await bus.publish([event(20)])
            assert await take(subscription, 1) == [event(20)]

    async def test_bus_19_a_subscription_lives_as_long_as_its_block(self, harness: Harness[EventBus]) -> None:
        """From entering on; not after leaving, nor after the bus was closed."""
        async with harness.open() as bus:
            async with bus.subscribe() as first:
                assert first.live
            assert not first.live
            async with bus.subscribe() as second:
                await bus.__aexit__(None, None, None)
                assert not second.live

    async def test_bus_20_a_closed_bus_takes_nothing(self, harness: Harness[EventBus]) -> None:
        """Neither events nor subscribers: `Unavailable`."""
        async with harness.open() as bus:
            await bus.publish([event(0)])
        with pytest.raises(Unavailable):
            await soon(bus.publish([event(1)]))
        with pytest.raises(Unavailable):
            async with bus.subscribe():
                pass

    async def test_bus_33_rejects_a_capacity_below_one(self, harness: Harness[EventBus]) -> None:
        """Nothing could ever be read."""
        async with harness.open() as bus:
            for capacity in (0, -1):
                with pytest.raises(Rejected):
                    async with bus.subscribe(capacity=capacity):
                        pass
