"""The events of a fleet, with a store on disk, a bus in this process for Redis, and the bus's failures thrown in."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.inprocess.event_bus import EventHub, InProcessEventBus
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.entrypoints.fleet_bus import FleetBus
from agent_memory.entrypoints.logs import Log
from agent_memory.ports.errors import Rejected, Unavailable
from agent_memory.ports.records import Event
from agent_memory_contract.builders import adds, entry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from pathlib import Path

    from agent_memory.ports.event_bus import Subscription

PATIENCE = 10.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Away(InProcessEventBus):
    """A bus that can be away."""

    away = False
    published = 0

    async def publish(self, events: Sequence[Event]) -> None:
        if self.away:
            raise Unavailable("away")
        self.published += len(events)
        await super().publish(events)


class Troubled(SqliteStorage):
    away = False

    async def outbox(self, after: int, *, limit: int = 500) -> list[Event]:
        if self.away:
            raise Unavailable("away")
        return await super().outbox(after, limit=limit)


class Member:
    def __init__(self, store: Troubled, told: Away, bus: FleetBus) -> None:
        self.store = store
        self.told = told
        self.bus = bus

    async def write(self, content: str, *, tell: bool = True) -> str:
        """Without `tell` it is as if the process had died before it could say so."""
        written = entry(content)
        await self.store.apply(*adds(written))
        if tell:
            self.bus.committed()
        return written.id


class Fleet:
    def __init__(self, folder: Path) -> None:
        self.hub = EventHub()
        self.file = folder / "memory.db"

    @asynccontextmanager
    async def member(self, name: str) -> AsyncGenerator[Member]:
        clock = SystemClock()
        async with (
            Troubled(self.file, clock=clock, origin=name) as store,
            Away(hub=self.hub) as told,
            FleetBus(
                store, told, clock=clock, log=Log("error"), instance=name, hears=lambda: not told.away
            ) as bus,
        ):
            yield Member(store, told, bus)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


async def heard(subscription: Subscription, count: int) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            event = await anext(subscription)
            assert isinstance(event, Event)
            found.append(event.subject)
    return found


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        await asyncio.sleep(0.01)


async def test_every_member_hears_all_in_commit_order_each_once(fleet: Fleet) -> None:
    async with (
        fleet.member("a") as a,
        fleet.member("b") as b,
        a.bus.subscribe() as at_a,
        b.bus.subscribe() as at_b,
    ):
        written = [await (a, b)[number % 2].write(f"fact {number}") for number in range(40)]
        assert await heard(at_a, 40) == written
        assert await heard(at_b, 40) == written
        assert at_a.poll() is None
        assert at_b.poll() is None


async def test_each_publishes_what_it_wrote_itself_and_nothing_else(fleet: Fleet) -> None:
    async with fleet.member("a") as a, fleet.member("b") as b, b.bus.subscribe() as at_b:
        await a.write("one")
        await a.write("two")
        await b.write("three")
        await heard(at_b, 3)
        await until(lambda: (a.told.published, b.told.published) == (2, 1))
        await asyncio.sleep(0)
        assert (a.told.published, b.told.published) == (2, 1)


async def test_what_nobody_could_tell_is_found_all_the_same(fleet: Fleet) -> None:
    async with fleet.member("a") as a, fleet.member("b") as b, b.bus.subscribe() as at_b:
        lost = await a.write("its writer dies now", tell=False)
        assert await heard(at_b, 1) == [lost]


async def test_while_the_bus_is_away_events_go_on_and_none_comes_twice_after(fleet: Fleet) -> None:
    async with fleet.member("a") as a, fleet.member("b") as b, b.bus.subscribe() as at_b:
        a.told.away = b.told.away = True
        first = [await a.write(f"away {number}") for number in range(3)]
        assert await heard(at_b, 3) == first
        a.told.away = b.told.away = False
        then = await a.write("back")
        assert await heard(at_b, 1) == [then]
        assert at_b.poll() is None


async def test_a_subscriber_hears_nothing_from_before_it_subscribed(fleet: Fleet) -> None:
    async with fleet.member("a") as a:
        await a.write("before")
        async with fleet.member("b") as b, b.bus.subscribe() as at_b:
            after = await a.write("after")
            assert await heard(at_b, 1) == [after]


async def test_while_the_store_does_not_answer_nothing_is_taken_for_the_present(fleet: Fleet) -> None:
    async with fleet.member("a") as a, fleet.member("b") as b, b.bus.subscribe() as at_b:
        assert at_b.live
        b.store.away = True
        written = await a.write("unseen")
        await until(lambda: not at_b.live)
        b.store.away = False
        assert await heard(at_b, 1) == [written]
        await until(lambda: at_b.live)


async def test_what_was_written_last_is_still_told_on_leaving(fleet: Fleet) -> None:
    async with InProcessEventBus(hub=fleet.hub) as other, other.subscribe() as at_other:
        async with fleet.member("a") as a:
            written = await a.write("and goes")
        event = at_other.poll()
        assert isinstance(event, Event)
        assert event.subject == written


async def test_on_leaving_subscribers_are_ended(fleet: Fleet) -> None:
    async with fleet.member("a") as a:
        subscribing = a.bus.subscribe()
        subscription = await subscribing.__aenter__()
    with pytest.raises(StopAsyncIteration):
        await anext(subscription)
    await subscribing.__aexit__(None, None, None)
    with pytest.raises(Unavailable, match="closed"):
        async with a.bus.subscribe():
            pytest.fail("it is closed")


async def test_a_queue_holds_one_event_at_least(fleet: Fleet) -> None:
    async with fleet.member("a") as a:
        with pytest.raises(Rejected):
            async with a.bus.subscribe(capacity=0):
                pytest.fail("no room")
